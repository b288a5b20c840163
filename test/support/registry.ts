/** A private registry, as Debian's docker-registry makes it: TLS with a certificate of its own authority, and basic auth. */
import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request, type RequestOptions } from 'node:https';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { freePort } from './ports';
import { tarOf } from './tar';
import { until } from './wait';

const run = promisify(execFile);

const MANIFEST_TYPE = 'application/vnd.docker.distribution.manifest.v2+json';
const LIST_TYPE = 'application/vnd.docker.distribution.manifest.list.v2+json';
const CONFIG_TYPE = 'application/vnd.docker.container.image.v1+json';
const LAYER_TYPE = 'application/vnd.docker.image.rootfs.diff.tar.gzip';
/** Of the test itself, which pushes. */
const PUSHER = { user: 'pusher', password: randomBytes(12).toString('hex') };

/** An image that nobody has yet: each layer is of random bytes, and it can `sleep`. */
export interface TestImage {
  readonly repository: string;
  readonly tag?: string;
  readonly layerMegabytes: readonly number[];
}

export class Registry {
  private child: ChildProcess | undefined;
  private readonly users = new Map<string, string>();

  private constructor(
    private readonly folder: string,
    /** host:port; no address of loopback, which Docker would trust without TLS. */
    readonly address: string,
    /** PEM */
    readonly ca: string,
  ) {}

  static async start(): Promise<Registry> {
    const folder = mkdtempSync(join(tmpdir(), 'berth-test-registry-'));
    const host = ownAddress();
    const subject = ['-subj', '/CN=berth-test', '-addext', `subjectAltName=IP:${host}`, '-days', '2'];
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')];
    await run('openssl', ['req', '-x509', ...key, ...subject, ...files]);
    const ca = readFileSync(join(folder, 'cert.pem'), 'utf8');
    const registry = new Registry(folder, `${host}:${await freePort()}`, ca);
    registry.setPassword(PUSHER.user, PUSHER.password);
    await registry.resume();
    return registry;
  }

  /** From now on, without a restart. */
  setPassword(user: string, password: string): void {
    this.users.set(user, `${user}:${bcrypt(password)}`);
    writeFileSync(join(this.folder, 'htpasswd'), `${[...this.users.values()].join('\n')}\n`);
  }

  /** As it was before `kill`. */
  async resume(): Promise<void> {
    const config = join(this.folder, 'config.yml');
    writeFileSync(config, JSON.stringify(this.config()));
    const command = ['docker-registry', 'serve', config];
    this.child = spawn('setpriv', ['--pdeathsig', 'KILL', ...command], { stdio: 'ignore' });
    await until('the registry to answer', async () => (await this.ask('GET', '/v2/')).status === 200);
  }

  /** With SIGKILL. */
  async kill(): Promise<void> {
    if (this.child === undefined) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    this.child = undefined;
    await exited;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** @returns its digest */
  async push({ repository, tag = '1', layerMegabytes }: TestImage): Promise<string> {
    const tars = [
      tarOf({ 'bin/sleep': readFileSync('/bin/busybox') }),
      ...layerMegabytes.map((size, index) => tarOf({ [`layer-${index}`]: randomBytes(size * 1_000_000) })),
    ];
    const config = Buffer.from(JSON.stringify(imageConfig(tars)));
    const layers = tars.map((tar) => gzipSync(tar, { level: 1 }));
    for (const blob of [config, ...layers]) await this.upload(repository, blob);
    const manifest = {
      ...{ schemaVersion: 2, mediaType: MANIFEST_TYPE },
      config: { mediaType: CONFIG_TYPE, size: config.length, digest: digestOf(config) },
      layers: layers.map((layer) => ({ mediaType: LAYER_TYPE, size: layer.length, digest: digestOf(layer) })),
    };
    const body = Buffer.from(JSON.stringify(manifest));
    await this.expect(201, 'PUT', `/v2/${repository}/manifests/${tag}`, body, MANIFEST_TYPE);
    return digestOf(body);
  }

  /** One tag for the images of several platforms. @param digests by architecture @returns its digest */
  async combine(repository: string, tag: string, digests: Readonly<Record<string, string>>): Promise<string> {
    const manifests = [];
    for (const [architecture, digest] of Object.entries(digests)) {
      const { text } = await this.ask('GET', `/v2/${repository}/manifests/${digest}`, undefined, '', MANIFEST_TYPE);
      const platform = { os: 'linux', architecture };
      manifests.push({ mediaType: MANIFEST_TYPE, size: Buffer.byteLength(text), digest, platform });
    }
    const body = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: LIST_TYPE, manifests }));
    await this.expect(201, 'PUT', `/v2/${repository}/manifests/${tag}`, body, LIST_TYPE);
    return digestOf(body);
  }

  private async upload(repository: string, blob: Buffer): Promise<void> {
    const { location } = await this.expect(202, 'POST', `/v2/${repository}/blobs/uploads/`);
    const place = new URL(location);
    place.searchParams.set('digest', digestOf(blob));
    await this.expect(201, 'PUT', `${place.pathname}${place.search}`, blob, 'application/octet-stream');
  }

  private async expect(status: number, method: string, path: string, body?: Buffer, type?: string): Promise<Answer> {
    const answer = await this.ask(method, path, body, type);
    if (answer.status !== status) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    return answer;
  }

  private ask(method: string, path: string, body: Buffer = Buffer.alloc(0), type = '', accept = ''): Promise<Answer> {
    const [host, port] = this.address.split(':');
    const headers = {
      ...{ 'content-length': body.length, ...(type !== '' && { 'content-type': type }) },
      ...(accept !== '' && { accept }),
    };
    const auth = `${PUSHER.user}:${PUSHER.password}`;
    const options: RequestOptions = { host, port, method, path, headers, auth, ca: this.ca, agent: false };
    return new Promise((resolve, reject) => {
      const asking = request(options, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, location: response.headers.location ?? '', text }),
        );
        response.on('error', reject);
      });
      asking.on('error', reject);
      asking.end(body);
    });
  }

  private config(): object {
    return {
      version: 0.1,
      log: { level: 'error' },
      storage: { filesystem: { rootdirectory: join(this.folder, 'storage') } },
      http: {
        addr: this.address,
        secret: randomBytes(8).toString('hex'),
        tls: { certificate: join(this.folder, 'cert.pem'), key: join(this.folder, 'key.pem') },
      },
      auth: { htpasswd: { realm: 'berth-test', path: join(this.folder, 'htpasswd') } },
    };
  }
}

interface Answer {
  readonly status: number;
  readonly location: string;
  readonly text: string;
}

/** Of this machine, other than loopback. */
export function ownAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  const found = addresses.find(({ family, internal }) => family === 'IPv4' && !internal);
  if (found === undefined) throw new Error('this machine has no address but loopback');
  return found.address;
}

function imageConfig(tars: readonly Buffer[]): object {
  const architecture = { x64: 'amd64', arm64: 'arm64' }[process.arch as string] ?? process.arch;
  const config = { Env: ['PATH=/bin'], Cmd: ['sleep', '86400'], StopSignal: 'SIGKILL' };
  return { architecture, os: 'linux', config, rootfs: { type: 'layers', diff_ids: tars.map(digestOf) } };
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** The one kind of password that the registry takes; made by Perl, which Debian always has. */
function bcrypt(password: string): string {
  const salt = randomBytes(11).toString('hex');
  return execFileSync('perl', ['-e', 'print crypt($ARGV[0], $ARGV[1])', password, `$2y$05$${salt}`], {
    encoding: 'utf8',
  });
}
