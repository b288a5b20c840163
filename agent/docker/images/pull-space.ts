import { statfs } from 'node:fs/promises';
import { EngineError } from '../engine';

const BYTES_OF_GB = 1_000_000_000;

/** @returns undefined when the path is not of this machine */
async function freeBytes(path: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}

/** @throws EngineError 'no-space' when less is free at the path than has to be */
export async function requireSpace(path: string, minBytes: number): Promise<void> {
  const free = await freeBytes(path);
  if (free === undefined || free >= minBytes) return;
  const message = `${gigabytes(free)} free at ${path}, less than ${gigabytes(minBytes)} (min-free-space); ${REMEDY}`;
  throw new EngineError('no-space', message);
}

/** Of a pull that filled the disk. @param path undefined when it is of another machine */
export async function withSpace(error: EngineError, path: string | undefined): Promise<EngineError> {
  const free = path === undefined ? undefined : await freeBytes(path);
  const left = free === undefined ? '' : ` (${gigabytes(free)} free at ${path} now)`;
  return new EngineError('no-space', `the disk of Docker is full${left}; ${REMEDY}. Docker says: ${error.message}`);
}

const REMEDY = 'on this host: docker system df shows what takes it, docker image prune -a removes unused images';

function gigabytes(bytes: number): string {
  return `${(bytes / BYTES_OF_GB).toFixed(1)} GB`;
}
