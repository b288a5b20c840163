/** Traefik's document as its HTTP provider reads it. Loaded when somebody asks for it. */
import { inSlices } from './kept-page';
import { TraefikDocument, type ServiceProblem, type TraefikView } from './traefik/document';

export interface TraefikPage {
  readonly text: string;
  readonly hasRouters: boolean;
  /** Of labels that are left out. */
  readonly problems: readonly ServiceProblem[];
}

export async function traefikPage(view: TraefikView): Promise<TraefikPage> {
  const document = new TraefikDocument(view);
  await inSlices([...view.releases.keys()].sort(), (service) => document.add(service));
  return document;
}

/** Hosts run what etcd knows nothing of: it was emptied or restored, and what it lacks was not deleted. */
export function isEtcdEmptied({ hosts }: TraefikView): boolean {
  return [...hosts.values()].some(({ status }) => Object.values(status?.instances ?? {}).some(({ held }) => held));
}
