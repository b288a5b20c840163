/** Sees every stop of a container and says which had no reason. G1 and G3: only a document that leaves an instance out, or gives it another container, stops it. */
import { decodeDocument, DocumentError } from '../../lib/documents/codec';
import { specHash } from '../../lib/release/spec-hash';
import { keys, type SimulatedCluster } from './simulated-cluster';
import type { SimulatedHost } from './simulated-host';

export class Witness {
  readonly breaches: string[] = [];

  constructor(private readonly cluster: SimulatedCluster) {
    for (const host of cluster.hosts) this.watchStops(host);
  }

  private watchStops(host: SimulatedHost): void {
    const { docker, name } = host;
    const stop = docker.stop.bind(docker);
    docker.stop = async (container, graceMs) => {
      const { instance, spec } = container.request;
      const why = await this.whyNoReason(host, instance, spec);
      const hasTwin = [...docker.containers.values()].some(
        (other) => other !== container && other.request.instance === instance,
      );
      if (why !== undefined && !hasTwin)
        this.breaches.push(`${this.cluster.clock.monotonicMs().toFixed(0)} ms: ${name} stopped ${instance}: ${why}`);
      return stop(container, graceMs);
    };
  }

  private async whyNoReason(host: SimulatedHost, instance: string, spec: string): Promise<string | undefined> {
    const assignment = host.obeyed?.assignment;
    if (assignment === undefined) return 'there never was an assignment';
    if (assignment.held.includes(instance)) return 'it is held';
    const wanted = assignment.instances[instance];
    if (wanted === undefined) return undefined;
    const key = keys.release(wanted.service, wanted.release);
    const text = (await this.cluster.etcd.range({ key })).kvs[0]?.value;
    const release = text === undefined ? undefined : readable(() => decodeDocument('Release', text));
    return release !== undefined && specHash(release.container) === spec
      ? `its assignment names it, and ${wanted.service}@${wanted.release} is what it runs`
      : undefined;
  }
}

function readable<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof DocumentError) return undefined;
    throw error;
  }
}
