/**
 * Gets images onto the host: from the mirrors of their registry and from the registry itself, in order, each with its
 * own credentials; and says which are there. Which name an image has on the host is decided here alone: an image with a
 * digest may have that of a mirror (registry-mirrors.ts).
 */
import { parseImageReference } from '../../../lib/image-reference';
import { READ_DEADLINE_MS, type DockerConnection } from '../connection';
import { EngineError, type PullOptions } from '../engine';
import { resolveDigest } from './image-digest';
import { imageIds, removeImage } from './images';
import { allFailed, cancelled, pullError, silent, withLogin, type SourceFailure } from './pull-errors';
import { requireSpace, withSpace } from './pull-space';
import { followPull, type LastHeard } from './pull-stream';
import { readLogin } from './registry-login';
import { imageSources, namesOnHost, type ImageSource, type RegistryMirrors } from './registry-mirrors';

/** A registry that sends nothing for so long is given up. */
const PULL_SILENCE_MS = 60_000;

export interface RegistrySettings {
  /** Folder of the config.json with the credentials. */
  readonly dockerConfig: string;
  readonly mirrors: RegistryMirrors;
  /** Bytes to be free where Docker keeps images, before a pull; 0 for no check. */
  readonly minFreeSpace: number;
}

export class ImagePuller {
  private readonly heard: LastHeard = { atMs: -Infinity };

  constructor(
    private readonly connection: DockerConnection,
    private readonly settings: RegistrySettings,
    /** Where the engine keeps images; a path of its machine. */
    private readonly dataRoot: () => Promise<string>,
  ) {}

  /** As Engine.imageIds. */
  async imageIds(references: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const names = new Map(references.map((reference) => [reference, namesOnHost(reference, this.settings.mirrors)]));
    const found = await imageIds(this.connection, [...new Set([...names.values()].flat())]);
    const ids = new Map<string, string>();
    for (const [reference, [...candidates]] of names) {
      const name = candidates.find((candidate) => found.has(candidate));
      if (name !== undefined) ids.set(reference, found.get(name)!);
    }
    return ids;
  }

  /** The name by which Docker knows the image; the reference itself when it is not on the host. */
  async nameOnHost(reference: string): Promise<string> {
    const names = namesOnHost(reference, this.settings.mirrors);
    if (names.length === 1) return reference;
    const found = await imageIds(this.connection, names);
    return names.find((name) => found.has(name)) ?? reference;
  }

  /** As Engine.pull. */
  async pull(reference: string, options: PullOptions): Promise<void> {
    if (options.signal.aborted) throw cancelled();
    const sources = imageSources(reference, this.settings.mirrors);
    if (sources.length === 0) throw new EngineError('pull-failed', `"${reference}" is no image reference`);
    await this.requireSpace();
    const failures: SourceFailure[] = [];
    for (const source of sources) {
      const failure = await this.pullFrom(source, reference, options);
      if (failure === undefined) return;
      if (options.signal.aborted) throw cancelled();
      if (failure.code === 'no-space') throw await withSpace(failure, await this.localDataRoot());
      if (failure.code === 'unavailable') throw failure;
      failures.push({ source, error: failure });
    }
    throw allFailed(failures);
  }

  /** @returns what went wrong; undefined when the image is there under its own name, or is named by its digest */
  private async pullFrom(
    source: ImageSource,
    reference: string,
    options: PullOptions,
  ): Promise<EngineError | undefined> {
    try {
      const isRenamed = !source.isOrigin && !reference.includes('@');
      const wasThere = isRenamed && (await imageIds(this.connection, [source.reference])).size > 0;
      await this.download(source, options);
      if (isRenamed) await this.rename(source.reference, reference, wasThere);
      return undefined;
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      return error;
    }
  }

  private async download(source: ImageSource, { platform, signal, onProgress }: PullOptions): Promise<void> {
    const { clock } = this.connection;
    const { registry, reference: fromImage } = source;
    const login = await readLogin({ folder: this.settings.dockerConfig, registry, clock, signal });
    const request = {
      ...{ fromImage, ...(platform !== '' && { platform }) },
      ...(login.auth !== undefined && { authconfig: login.auth }),
    };
    try {
      const stream = await this.connection
        .openStream('pull', PULL_SILENCE_MS, signal, (docker, abortSignal) =>
          docker.createImage({ ...request, abortSignal }),
        )
        .catch((error: EngineError) => {
          // Docker answers with the first word that it has from the registry: a failure or a silence is the registry's.
          if (error.code === 'unavailable') throw error;
          throw error.code === 'timeout' ? silent(PULL_SILENCE_MS) : pullError(error.message);
        });
      await followPull({ stream, clock, silenceMs: PULL_SILENCE_MS, heard: this.heard, signal, onProgress });
    } catch (error) {
      throw error instanceof EngineError ? withLogin(error, source, login) : error;
    }
  }

  /** As Engine.resolveDigest. */
  resolveDigest(reference: string, signal: AbortSignal): Promise<string> {
    return resolveDigest(this.connection, this.settings, reference, signal);
  }

  /** From the name that a mirror gave it to its own. @param keepOther somebody else had given it that name before */
  private async rename(name: string, reference: string, keepOther: boolean): Promise<void> {
    const { registry, repository, tag } = parseImageReference(reference)!;
    await this.connection.call('tag', READ_DEADLINE_MS, (docker, abortSignal) =>
      docker.getImage(encodeURI(name)).tag({ repo: `${registry}/${repository}`, tag, abortSignal }),
    );
    // Should this fail, it has a name too many, which harms nobody.
    if (!keepOther) await removeImage(this.connection, name).catch(() => undefined);
  }

  private async requireSpace(): Promise<void> {
    const { minFreeSpace } = this.settings;
    const dataRoot = minFreeSpace > 0 ? await this.localDataRoot() : undefined;
    if (dataRoot !== undefined) await requireSpace(dataRoot, minFreeSpace);
  }

  /** Where Docker keeps images, when that is on this machine. */
  private async localDataRoot(): Promise<string | undefined> {
    if (!this.connection.address.startsWith('unix://')) return undefined;
    return this.dataRoot();
  }
}
