import type { Release } from '../../lib/documents/types';

const NONE: readonly string[] = [];

/** Volumes with a name that Berth makes: what is in them is on the host where they are. Those of others are wherever they are. */
export function ownVolumes({ container: { mounts } }: Release): readonly string[] {
  if (mounts.length === 0) return NONE;
  return mounts
    .filter(({ type, source, volumeExternal }) => type === 'volume' && source !== '' && !volumeExternal)
    .map(({ source }) => source);
}
