import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import type { Clock } from '../../../lib/clock';
import { splitListen } from '../../../lib/listen-address';
import { isOneOf, parseResolvConf, shownServer, type NameServer } from './resolv-conf';

/** The file is read again at most so often, when somebody asks. */
const READ_AGAIN_MS = 1000;

export interface NameServersOptions {
  /** "host:port" each; none: those of the file. */
  readonly fixed: readonly string[];
  /** /etc/resolv.conf */
  readonly file: string;
  /** "host:port" of what we listen on ourselves at the moment. */
  readonly ours: () => readonly string[];
  readonly clock: Clock;
}

/** Whom to ask for names that are not ours: never ourselves. */
export class NameServers {
  private servers: readonly NameServer[] = [];
  private readAtMs = -Infinity;
  private reading: Promise<void> | undefined;
  private good = '';

  constructor(private readonly options: NameServersOptions) {}

  /** @returns those to ask, the one that answered last first; none when the file can't be read and never could */
  async current(): Promise<readonly NameServer[]> {
    const { clock, ours } = this.options;
    if (clock.monotonicMs() - this.readAtMs >= READ_AGAIN_MS)
      await (this.reading ??= this.read().finally(() => (this.reading = undefined)));
    const listeners = ours();
    const others = this.servers.filter((server) => !isOneOf(server, listeners, localAddresses(listeners)));
    const first = others.findIndex((server) => shownServer(server) === this.good);
    return first > 0 ? [...others.slice(first), ...others.slice(0, first)] : others;
  }

  /** This one has just answered. */
  remember(server: NameServer): void {
    this.good = shownServer(server);
  }

  private async read(): Promise<void> {
    const { fixed, file, clock } = this.options;
    // A file that is being replaced, or can't be read, does not take the last known ones away.
    if (fixed.length > 0) this.servers = fixed.map(splitListen);
    else this.servers = await readFile(file, 'utf8').then(parseResolvConf, () => this.servers);
    this.readAtMs = clock.monotonicMs();
  }
}

/** Of this machine; they matter only where we listen on all of them. */
function localAddresses(listeners: readonly string[]): readonly string[] {
  if (!listeners.some((listener) => /^(0\.0\.0\.0|\[::\]):/.test(listener))) return [];
  return Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address));
}
