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

/** What `docker import` makes an image of: busybox, and what a script adds. */
export interface ImageSource {
  readonly reference: string;
  /** Lines of a shell script; "$root" is the image's root, with /bin/busybox, /tmp and /etc. */
  readonly fill: readonly string[];
  /** Instructions of a Dockerfile. */
  readonly changes: readonly string[];
}

const TEST_SOURCE: ImageSource = {
  reference: TEST_IMAGE,
  fill: [
    `for applet in ${APPLETS.join(' ')}; do ln -s busybox "$root/bin/$applet"; done`,
    'echo root:x:0:0:root:/:/bin/sh > "$root/etc/passwd"',
  ],
  changes: ['ENV PATH=/bin'],
};

/**
 * Busybox alone, with its usual applets under /bin.
 * @param engine address of a Docker Engine other than the usual one
 * @returns its reference
 */
export async function ensureTestImage(engine?: string): Promise<string> {
  if (!(await isThere(TEST_IMAGE, engine))) await importImage(TEST_SOURCE, engine);
  return TEST_IMAGE;
}

/** Healthy as long as /tmp/ok is not missing: `rm /tmp/ok` makes it unhealthy within a second or two. */
export async function ensureCheckedImage(): Promise<string> {
  if (await isThere(CHECKED_IMAGE)) return CHECKED_IMAGE;
  const health = ['--health-cmd', 'test -f /tmp/ok', '--health-interval', '500ms', '--health-retries', '1'];
  const script = "touch /tmp/ok; trap 'exit 7' USR1; while :; do sleep 0.1; done";
  const settings = [...health, '--health-timeout', '5s', '--stop-signal', 'SIGUSR1'];
  // An import takes no stop signal; a commit takes over the container's settings.
  const created = await run('docker', ['create', ...settings, await ensureTestImage(), '/bin/sh', '-c', script]);
  const id = created.stdout.trim();
  await run('docker', ['commit', id, CHECKED_IMAGE]).finally(() => run('docker', ['rm', id]));
  return CHECKED_IMAGE;
}

const at = (engine: string | undefined): readonly string[] => (engine === undefined ? [] : ['--host', engine]);

function isThere(reference: string, engine?: string): Promise<boolean> {
  return run('docker', [...at(engine), 'image', 'inspect', reference]).then(
    () => true,
    () => false,
  );
}

/** Makes it anew, whether it is there or not. */
export async function importImage({ reference, fill, changes }: ImageSource, engine?: string): Promise<void> {
  if (!existsSync(BUSYBOX)) throw new Error(`${BUSYBOX} is missing: install busybox-static`);
  const make = [
    'set -e; root=$(mktemp -d); trap \'rm -rf "$root"\' EXIT',
    'mkdir -p "$root/bin" "$root/tmp" "$root/etc"; chmod 1777 "$root/tmp"',
    `cp ${BUSYBOX} "$root/bin/busybox"`,
    ...fill,
    'tar -C "$root" -c .',
  ];
  const tar = spawn('sh', ['-c', make.join('\n')], { stdio: ['ignore', 'pipe', 'inherit'] });
  const settings = changes.flatMap((change) => ['--change', change]);
  const importing = spawn('docker', [...at(engine), 'import', ...settings, '-', reference], {
    stdio: [tar.stdout, 'ignore', 'inherit'],
  });
  const code = await new Promise((resolve) => importing.on('close', resolve));
  if (code !== 0) throw new Error(`docker import of ${reference} failed with code ${String(code)}`);
}
