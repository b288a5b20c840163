/** What tests want of services: less text than a document, and nothing that the compiler has tests of its own for. */
import type { CompiledService } from '../../coordinator/schedule/types';
import { emptyDocument } from '../../lib/documents/codec';
import type { ContainerSpec, DeploySpec, Release } from '../../lib/documents/types';

export interface Wanted {
  readonly image?: string;
  readonly replicas?: number;
  readonly mode?: string;
  readonly memoryBytes?: number;
  readonly port?: number;
  readonly constraints?: readonly string[];
  /** All of config. */
  readonly config?: boolean;
  /** Over what follows from the others. */
  readonly deploy?: Partial<DeploySpec>;
  readonly container?: Partial<ContainerSpec>;
}

const DIGEST = '@sha256:0';

/** Name of a release's image, as tests write it. */
export const nameOf = (release: Release | undefined): string => (release?.container.image ?? '').replace(DIGEST, '');

/** Services are written as JSON of it. */
export function compile(_: string, text: string): CompiledService {
  if (text === 'bad')
    return { ok: false, problems: [{ rule: 'unknown-key', path: 'x', line: 1, column: 1, message: 'no', key: '' }] };
  const wanted = JSON.parse(text) as Wanted;
  const empty = emptyDocument('Release');
  const port = { name: '', target: 80, published: wanted.port ?? 0, protocol: 'tcp', hostIp: '' };
  return {
    ok: true,
    container: {
      // With a digest, so that no host is asked for one; tests of that say which host answers what.
      ...{ ...empty.container, image: `${wanted.image ?? 'a:1'}${DIGEST}`, configEnvironment: wanted.config ?? false },
      ports: wanted.port === undefined ? [] : [port],
      ...wanted.container,
    },
    deploy: {
      ...empty.deploy,
      mode: wanted.mode ?? 'replicated',
      replicas: wanted.mode === 'global' ? 0 : (wanted.replicas ?? 1),
      constraints: wanted.constraints ?? [],
      reservations: { nanoCpus: 0, memoryBytes: wanted.memoryBytes ?? 0, resources: {} },
      ...wanted.deploy,
    },
  };
}
