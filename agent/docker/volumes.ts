/** The volumes of a Docker Engine that have names, whoever made them. */
import { READ_DEADLINE_MS, type DockerConnection } from './connection';

/** What Docker calls a volume that was given no name. */
const ANONYMOUS = /^[0-9a-f]{64}$/;

/** @returns names, sorted */
export async function volumeNames(connection: DockerConnection): Promise<readonly string[]> {
  const { Volumes: listed } = await connection.call('list volumes', READ_DEADLINE_MS, (docker, abortSignal) =>
    docker.listVolumes({ abortSignal }),
  );
  return namedOnes((listed ?? []).map(({ Name }) => Name));
}

/** Pure. @returns sorted, without those that Docker named itself */
export function namedOnes(names: readonly string[]): readonly string[] {
  return names.filter((name) => !ANONYMOUS.test(name)).sort();
}
