/**
 * DNS where containers ask for it: on port 53 of the host's address on Docker's default bridge, since Docker gives containers
 * the addresses of resolvers and no port.
 *
 * INVARIANT: no container is given a resolver where nobody answers; one that has it already waits for the agent to be back.
 */
import { backoffMs } from '../../lib/backoff';
import type { Clock } from '../../lib/clock';
import type { ContainerDns } from '../../lib/config/container-dns';
import type { Problem } from '../../lib/documents/types';
import type { Logger } from '../../lib/log';
import { EngineError, type Engine } from '../docker/engine';

const DNS_PORT = 53;
/** The bridge may get another address when Docker is restarted. */
const LOOK_AGAIN_MS = 60_000;
const RETRY = { baseMs: 1000, capMs: 30_000 };

export interface Listening {
  close(): Promise<void>;
}

export interface BridgeListenerOptions {
  readonly setting: ContainerDns;
  readonly engine: Pick<Engine, 'bridgeAddress'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  /** Answers at "host:port" from now on. @throws Error when it can't */
  readonly listen: (address: string) => Promise<Listening>;
  /** The problem is another one. */
  readonly onProblem: () => void;
}

export class BridgeListener {
  problem: Problem | undefined;
  private address: string | undefined;
  private listening: Listening | undefined;
  private failures = 0;
  private isClosed = false;
  private cancel: () => void = () => undefined;

  constructor(private readonly options: BridgeListenerOptions) {}

  /** Addresses for containers whose services name no resolver; none while nobody answers there. */
  get resolvers(): readonly string[] {
    const { setting } = this.options;
    if (typeof setting !== 'string') return setting;
    return this.address === undefined ? [] : [this.address];
  }

  /** Settles when it was tried once; goes on by itself. */
  async start(): Promise<void> {
    if (this.options.setting !== 'auto' || this.isClosed) return;
    const { clock, random } = this.options;
    const trouble = await this.look();
    if (this.isClosed) return this.leave();
    this.failures = trouble === undefined ? 0 : this.failures + 1;
    this.tell(trouble);
    const waitMs = this.failures === 0 ? LOOK_AGAIN_MS : backoffMs(this.failures, RETRY, random);
    this.cancel = clock.after(waitMs, () => void this.start());
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.cancel();
    await this.leave();
  }

  /** @returns why containers are given no resolver, for people */
  private async look(): Promise<string | undefined> {
    try {
      const address = await this.options.engine.bridgeAddress();
      if (address === this.address) return undefined;
      await this.leave();
      if (address === undefined) return undefined;
      const host = address.includes(':') ? `[${address}]` : address;
      this.listening = await this.options.listen(`${host}:${DNS_PORT}`);
      this.address = address;
      return undefined;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      // Where it is, is known as it was.
      if (error instanceof EngineError) return this.address === undefined ? error.message : undefined;
      return error.message;
    }
  }

  private async leave(): Promise<void> {
    const { listening } = this;
    this.address = undefined;
    this.listening = undefined;
    await listening?.close();
  }

  private tell(trouble: string | undefined): void {
    const message =
      trouble === undefined
        ? undefined
        : `containers are not given this host's DNS: ${trouble}. It will be tried again; where containers are to go without, set container-dns to off`;
    if (message === this.problem?.message) return;
    if (message !== undefined) this.options.log.warn(message);
    else this.options.log.info("containers are given this host's DNS", { address: this.address });
    this.problem =
      message === undefined ? undefined : { rule: 'container-dns', path: '', line: 0, column: 0, message, key: '' };
    this.options.onProblem();
  }
}
