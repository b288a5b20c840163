/** Debian's docker-registry on loopback, where Docker asks for no certificate and no login. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { docker } from './docker';
import { freePort } from './ports';
import { until } from './wait';

export interface PlainRegistry {
  /** What it says itself that the reference means: "sha256:…". */
  digestOf(reference: string): Promise<string>;
  /** Pushes an image under a name of its own. @returns its reference, which is not on this machine's engine */
  offer(image: string, name: string): Promise<string>;
  stop(): Promise<void>;
}

export async function startPlainRegistry(): Promise<PlainRegistry> {
  const folder = mkdtempSync(join(tmpdir(), 'berth-test-registry-'));
  const address = `127.0.0.1:${await freePort()}`;
  const config = { version: '0.1', storage: { filesystem: { rootdirectory: folder } }, http: { addr: address } };
  writeFileSync(join(folder, 'config.yml'), JSON.stringify(config));
  const command = ['docker-registry', 'serve', join(folder, 'config.yml')];
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...command], { stdio: 'ignore' });
  const exited = once(child, 'exit');
  const offered: string[] = [];
  let pushed: Promise<unknown> = Promise.resolve();
  await until('the registry to answer', () =>
    fetch(`http://${address}/v2/`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  return {
    digestOf: async (reference) => {
      const [, name = '', tag = ''] = /^[^/]+\/(.*):([^:]*)$/.exec(reference) ?? [];
      const accept = ['docker.distribution.manifest.v2', 'docker.distribution.manifest.list.v2'];
      const headers = { accept: accept.map((one) => `application/vnd.${one}+json`).join(', ') };
      const answer = await fetch(`http://${address}/v2/${name}/manifests/${tag}`, { method: 'HEAD', headers });
      return answer.headers.get('docker-content-digest') ?? `${answer.status}`;
    },
    offer: async (image, name) => {
      const reference = `${address}/${name}`;
      await docker('tag', image, reference);
      // One after another: of two that bring it the same layer at once, it answers one by 500.
      pushed = pushed.catch(() => undefined).then(() => docker('push', '-q', reference));
      await pushed;
      await docker('rmi', reference);
      offered.push(reference);
      return reference;
    },
    stop: async () => {
      child.kill('SIGKILL');
      await exited;
      for (const reference of offered) await docker('rmi', reference).catch(() => undefined);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
