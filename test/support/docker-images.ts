/** Images for tests, made on the spot: no registry is needed. */
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';

const run = promisify(execFile);

const BUSYBOX = '/bin/busybox';
const TEST_IMAGE = 'berth-test/busybox:1';
/** With a health check of its own, and a stop signal other than SIGTERM. */
const CHECKED_IMAGE = 'berth-test/checked:1';
const APPLETS = [
  'sh',
  'sleep',
  'httpd',
  'nc',
  'cat',
  'echo',
  'test',
  'touch',
  'rm',
  'true',
  'false',
  'id',
  'kill',
  'env',
  'ls',
];

/** Busybox alone, with its usual applets under /bin. @returns its reference */
export async function ensureTestImage(): Promise<string> {
  await ensureImage(TEST_IMAGE, []);
  return TEST_IMAGE;
}

/** Healthy as long as /tmp/ok is not missing: `rm /tmp/ok` makes it unhealthy within a second or two. */
export async function ensureCheckedImage(): Promise<string> {
  await ensureImage(CHECKED_IMAGE, [
    'CMD ["/bin/sh", "-c", "touch /tmp/ok; trap \'exit 7\' USR1; while :; do sleep 0.1; done"]',
    'HEALTHCHECK --interval=500ms --timeout=5s --retries=1 CMD test -f /tmp/ok',
    'STOPSIGNAL SIGUSR1',
  ]);
  return CHECKED_IMAGE;
}

async function ensureImage(reference: string, changes: readonly string[]): Promise<void> {
  const isThere = await run('docker', ['image', 'inspect', reference]).then(
    () => true,
    () => false,
  );
  if (!isThere) await importImage(reference, changes);
}

async function importImage(reference: string, changes: readonly string[]): Promise<void> {
  if (!existsSync(BUSYBOX)) throw new Error(`${BUSYBOX} is missing: install busybox-static`);
  const make = [
    'set -e; root=$(mktemp -d); trap \'rm -rf "$root"\' EXIT',
    'mkdir -p "$root/bin" "$root/tmp" "$root/etc"; chmod 1777 "$root/tmp"',
    `cp ${BUSYBOX} "$root/bin/busybox"`,
    `for applet in ${APPLETS.join(' ')}; do ln -s busybox "$root/bin/$applet"; done`,
    'echo root:x:0:0:root:/:/bin/sh > "$root/etc/passwd"',
    'tar -C "$root" -c .',
  ];
  const flags = ['ENV PATH=/bin', ...changes].flatMap((change) => ['--change', change]);
  const tar = spawn('sh', ['-c', make.join('\n')], { stdio: ['ignore', 'pipe', 'inherit'] });
  const importing = spawn('docker', ['import', ...flags, '-', reference], { stdio: [tar.stdout, 'ignore', 'inherit'] });
  const code = await new Promise((resolve) => importing.on('close', resolve));
  if (code !== 0) throw new Error(`docker import of ${reference} failed with code ${String(code)}`);
}
