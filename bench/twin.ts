/** The very same container that Berth made, made by Docker's API alone. */
import assert from 'node:assert/strict';
import { dockerCall } from './docker-api';

interface Inspected {
  readonly Id: string;
  readonly Config: Record<string, unknown> & { readonly Labels: Record<string, string>; readonly Hostname: string };
  readonly HostConfig: Record<string, unknown> & {
    readonly PortBindings: Record<string, readonly { HostIp: string; HostPort: string }[]>;
  };
}

/** Marks containers that no agent owns. */
export const TWIN_HOST = 'bench-raw';

export class TwinMaker {
  private constructor(private readonly original: Inspected) {}

  /** @param name of a container of Berth's that runs */
  static async of(name: string): Promise<TwinMaker> {
    return new TwinMaker((await dockerCall('GET', `/containers/${name}/json`)) as Inspected);
  }

  /** Creates and starts one. @param firstPort its host ports are counted up from this one */
  async run(name: string, firstPort: number): Promise<void> {
    const created = (await dockerCall('POST', `/containers/create?name=${name}`, this.body(firstPort))) as {
      Id: string;
    };
    await dockerCall('POST', `/containers/${created.Id}/start`);
  }

  /** @throws AssertionError when a twin differs from the original in more than its name, its host and its port */
  async verify(name: string): Promise<void> {
    const twin = (await dockerCall('GET', `/containers/${name}/json`)) as Inspected;
    assert.deepEqual(comparable(twin), comparable(this.original), 'the twin is not the same container');
  }

  private body(firstPort: number): unknown {
    const { Config, HostConfig } = this.original;
    let port = firstPort;
    const bindings = Object.entries(HostConfig.PortBindings).map(([target, hosts]) => [
      target,
      hosts.map(({ HostIp }) => ({ HostIp, HostPort: String(port++) })),
    ]);
    return {
      ...Config,
      Hostname: '', // Docker's own, from the id
      Labels: { ...Config.Labels, 'berth.host': TWIN_HOST },
      HostConfig: { ...HostConfig, PortBindings: Object.fromEntries(bindings) as unknown },
    };
  }
}

function comparable({ Config, HostConfig }: Inspected): unknown {
  const ports = Object.entries(HostConfig.PortBindings).map(([target, hosts]) => `${target} ${hosts.length}`);
  const labels = { ...Config.Labels, 'berth.host': '' };
  return { ...Config, Hostname: '', Labels: labels, HostConfig: { ...HostConfig, PortBindings: ports } };
}
