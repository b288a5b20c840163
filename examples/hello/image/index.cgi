#!/bin/busybox sh
printf 'Content-Type: text/plain\r\n\r\n%s! I am container %s.\n' "$GREETING" "$(/bin/busybox hostname)"
