/** Why an instance stays on its host whatever becomes of it, and what can be done about that. */
import type { Release } from '../../lib/documents/types';
import { ownVolumes } from '../schedule/own-volumes';
import type { HostView } from '../view';

/**
 * @param release that the instance runs, or is to run; undefined when it can't be read
 * @returns for people; empty when it is not bound to the host
 */
export function whyBound({ name, isLive }: HostView, release: Release | undefined): string {
  if (release === undefined) return '';
  const [volume, ...more] = ownVolumes(release);
  if (volume === undefined) return isLive || release.deploy.mode !== 'global' ? '' : ofGlobal(name);
  const several = more.length === 0 ? `volume ${volume}` : `volumes ${[volume, ...more].join(', ')}`;
  const data = `its data is in the ${several} of ${name}`;
  if (!isLive)
    return `${data}, which is lost: nothing replaces it elsewhere, and it goes on when ${name} is back. When that will never be, "berth hosts rm ${name}" frees its place, and it begins anew elsewhere, with nothing in its ${noun(more)}`;
  return `${data}: it stays there, also when ${name} is drained or lost. To move it, scale it away ("berth scale"), copy the ${noun(more)} to another host, cordon ${name}, and scale up again`;
}

function noun(more: readonly string[]): string {
  return more.length === 0 ? 'volume' : 'volumes';
}

function ofGlobal(host: string): string {
  return `its service is global, one for each host: it goes on when ${host} is back. When that will never be, "berth hosts rm ${host}" forgets it`;
}
