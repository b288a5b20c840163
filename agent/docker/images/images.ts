/** The images of a Docker Engine, whoever brought them there. */
import type { ContainerInfo, ImageInfo } from 'dockerode';
import { eachBounded } from '../bounded';
import { READ_DEADLINE_MS, type DockerConnection } from '../connection';
import { INSPECT_DEADLINE_MS, INSPECTIONS_AT_ONCE } from '../list/container-list';
import { EngineError, type EngineImage } from '../engine';
import { statusOf } from '../errors';

/** Docker deletes the layers before it answers: those of a large image, on a slow disk, take their time. */
const REMOVE_IMAGE_DEADLINE_MS = 5 * 60_000;

/** @returns id by reference; those that are not on the host are left out */
export async function imageIds(
  connection: DockerConnection,
  references: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const ids = new Map<string, string>();
  await eachBounded(references, INSPECTIONS_AT_ONCE, async (reference) => {
    try {
      const { Id } = await connection.call('inspect image', INSPECT_DEADLINE_MS, (docker, abortSignal) =>
        docker.getImage(encodeURI(reference)).inspect({ abortSignal } as object),
      );
      ids.set(reference, Id);
    } catch (error) {
      // What is no reference, or an image that Docker can't read or hangs on, is no image either: the pull will say why.
      if (!(error instanceof EngineError) || error.code === 'unavailable') throw error;
    }
  });
  return ids;
}

/** Every image of the engine, with all containers of the engine in view. */
export async function listImages(connection: DockerConnection): Promise<readonly EngineImage[]> {
  // Containers last: an image that is listed counts as used by those that were made meanwhile.
  const images = await connection.call('list images', READ_DEADLINE_MS, (docker, abortSignal) =>
    docker.listImages({ abortSignal } as object),
  );
  const containers = await connection.call('list', READ_DEADLINE_MS, (docker, abortSignal) =>
    docker.listContainers({ all: true, abortSignal }),
  );
  if (!Array.isArray(images) || !Array.isArray(containers))
    throw new EngineError('other', 'Docker answered the list of images with no list');
  const used = new Set(containers.map(({ ImageID }: ContainerInfo) => ImageID));
  return images.map(({ Id, RepoTags, RepoDigests, Size }: ImageInfo) => ({
    id: Id,
    references: [...(RepoTags ?? []), ...(RepoDigests ?? [])].filter((reference) => !reference.includes('<none>')),
    sizeBytes: Size,
    isUsed: used.has(Id),
  }));
}

/** As Engine.removeImage. */
export async function removeImage(connection: DockerConnection, name: string): Promise<void> {
  // Never by force, so that Docker itself refuses what is in use; and untagged images that it was built on stay.
  await connection.call('remove image', REMOVE_IMAGE_DEADLINE_MS, (docker, abortSignal) =>
    docker
      .getImage(encodeURI(name))
      .remove({ force: false, noprune: true, abortSignal })
      .catch((thrown: unknown) => {
        if (statusOf(thrown) !== 404) throw thrown;
      }),
  );
}
