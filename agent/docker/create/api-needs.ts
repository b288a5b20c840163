/** Which settings need a newer Docker Engine than the oldest that Berth takes: it would ignore them without a word. */
import type { ContainerSpec } from '../../../lib/documents/types';
import { isOlder } from '../api-version';
import { EngineError } from '../engine';

interface Need {
  readonly what: string;
  readonly apiVersion: string;
  readonly docker: string;
  readonly isUsed: (container: ContainerSpec) => boolean;
}

const NEEDS: readonly Need[] = [
  {
    ...{ what: 'annotations', apiVersion: '1.43', docker: '24' },
    isUsed: ({ annotations }) => Object.keys(annotations).length > 0,
  },
  {
    ...{ what: 'healthcheck.start_interval', apiVersion: '1.44', docker: '25' },
    isUsed: ({ healthCheck }) => (healthCheck?.startIntervalMs ?? 0) > 0,
  },
  {
    ...{ what: 'mac_address of another network than the first', apiVersion: '1.44', docker: '25' },
    isUsed: ({ networks }) => networks.slice(1).some(({ macAddress }) => macAddress !== ''),
  },
  {
    ...{ what: 'volume.subpath', apiVersion: '1.45', docker: '26' },
    isUsed: ({ mounts }) => mounts.some(({ volumeSubpath }) => volumeSubpath !== ''),
  },
];

/** @throws EngineError 'bad-request' for the first setting that this engine is too old for */
export function requireApi(container: ContainerSpec, apiVersion: string): void {
  const need = NEEDS.find((one) => isOlder(apiVersion, one.apiVersion) && one.isUsed(container));
  if (need !== undefined)
    throw new EngineError(
      'bad-request',
      `${need.what} needs Docker ${need.docker} (API ${need.apiVersion}); the Docker Engine of this host speaks API ${apiVersion}`,
    );
}
