import { dirname } from 'node:path';
import { codeOf } from '../../lib/system-error';

/** What went wrong with a template's own file, for people. */
export function sourceFault(error: Error): string {
  switch (codeOf(error)) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EACCES':
      return 'the agent may not read it (EACCES)';
    case 'EISDIR':
      return 'it is a folder; one file is wanted';
    default:
      return error.message;
  }
}

/** What went wrong where a rendered file is to be, and what to do. The path in the system's words is that of a hidden file. */
export function destFault(error: Error, dest: string): string {
  const folder = dirname(dest);
  switch (codeOf(error)) {
    case 'ENOENT':
      return `its folder is not there; make it: mkdir -p ${folder}`;
    case 'ENOTDIR':
      return `${folder} is no folder`;
    case 'EISDIR':
      return 'it is a folder; name the file in it';
    case 'EROFS':
      return (
        `${folder} is read-only for the agent (EROFS). Under systemd let it write there: "systemctl edit berth-agent", ` +
        `[Service], ReadWritePaths=-${folder}, then "systemctl restart berth-agent"`
      );
    case 'EACCES':
    case 'EPERM':
      return `the agent may not write in ${folder}: ${error.message}`;
    case 'ENOSPC':
    case 'EDQUOT':
      return `no space is left in ${folder} (${codeOf(error)})`;
    default:
      return error.message;
  }
}
