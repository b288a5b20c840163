/** Calls to one Docker Engine: which version of its API to speak, how long to wait, what a failure means. */
import { Agent } from 'node:http';
import { inspect } from 'node:util';
import Docker, { type DockerOptions } from 'dockerode';
import type { Clock } from '../../lib/clock';
import { isOlder } from './api-version';
import { withDeadline } from './deadline';
import { EngineError } from './engine';
import { asEngineError } from './errors';

/** Docker 20.10, the oldest that is tested. */
const MIN_API_VERSION = '1.41';
/** The oldest that has all that settings need, and that Docker 29 still speaks: as near as can be to what is tested. */
const MAX_API_VERSION = '1.45';

/** Enough for an engine under full load; a list of 100 containers takes 10 ms. */
export const READ_DEADLINE_MS = 10_000;

interface Spoken {
  /** For calls that answer and are done. */
  readonly calls: Docker;
  /** For streams, which must not share the fate of calls. */
  readonly streams: Docker;
  readonly apiVersion: string;
}

export class DockerConnection {
  private spoken: Promise<Spoken> | undefined;

  constructor(
    /** unix:///path or tcp://host:port */
    readonly address: string,
    readonly clock: Clock,
  ) {
    dockerOptions(address);
  }

  /** @throws EngineError; 'timeout' after `deadlineMs` */
  async call<T>(
    what: string,
    deadlineMs: number,
    ask: (docker: Docker, abortSignal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { calls } = await this.speak();
    return this.ask(what, deadlineMs, (abortSignal) => ask(calls, abortSignal));
  }

  /** As `call`, for an answer that is a stream: the deadline is that of its first byte, and `signal` ends it. */
  async openStream(
    what: string,
    deadlineMs: number,
    signal: AbortSignal,
    ask: (docker: Docker, abortSignal: AbortSignal) => Promise<NodeJS.ReadableStream>,
  ): Promise<NodeJS.ReadableStream> {
    const { streams } = await this.speak();
    return this.ask(what, deadlineMs, (atDeadline) => ask(streams, AbortSignal.any([atDeadline, signal])));
  }

  /** @returns the version that calls are made in, "1.41". @throws EngineError */
  async apiVersion(): Promise<string> {
    return (await this.speak()).apiVersion;
  }

  /** The engine may be another one than before: its version is asked for again. */
  forgetVersion(): void {
    this.spoken = undefined;
  }

  private speak(): Promise<Spoken> {
    if (this.spoken !== undefined) return this.spoken;
    const negotiating = this.negotiate();
    this.spoken = negotiating;
    negotiating.catch(() => {
      if (this.spoken === negotiating) this.spoken = undefined;
    });
    return negotiating;
  }

  private async negotiate(): Promise<Spoken> {
    const options = dockerOptions(this.address);
    const unversioned = new Docker(options);
    const answer = await this.ask('version', READ_DEADLINE_MS, (abortSignal) =>
      (unversioned.version as (options: object) => ReturnType<Docker['version']>)({ abortSignal }),
    );
    const apiVersion = pickApiVersion(answer);
    const version = `v${apiVersion}`;
    return { calls: new Docker({ ...options, version }), streams: new Docker({ ...options, version }), apiVersion };
  }

  private async ask<T>(what: string, deadlineMs: number, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
    try {
      return await withDeadline(this.clock, what, deadlineMs, ask);
    } catch (thrown) {
      const error = asEngineError(thrown, this.address);
      if (error.code === 'unavailable' || error.code === 'unsupported') this.forgetVersion();
      throw error;
    }
  }
}

/** @throws EngineError 'unsupported' */
export function pickApiVersion(server: { readonly ApiVersion: string; readonly MinAPIVersion?: string }): string {
  const { ApiVersion: newest, MinAPIVersion: oldest } = server;
  if (typeof newest !== 'string')
    throw new EngineError('unsupported', 'what answers is no Docker Engine: it has no API version');
  if (isOlder(newest, MIN_API_VERSION))
    throw new EngineError(
      'unsupported',
      `this Docker Engine speaks API ${newest}; Berth needs ${MIN_API_VERSION} (Docker 20.10) or newer`,
    );
  if (oldest !== undefined && isOlder(MAX_API_VERSION, oldest))
    throw new EngineError(
      'unsupported',
      `this Docker Engine speaks API ${oldest} and newer; this Berth speaks ${MAX_API_VERSION} at most: upgrade Berth`,
    );
  return isOlder(newest, MAX_API_VERSION) ? newest : MAX_API_VERSION;
}

/**
 * A connection for each call. An engine that is told to end closes its door first and stops its containers then: over a
 * connection that was kept, the agent would start them again under its hands.
 */
class EachAnew extends Agent {
  constructor() {
    super({ keepAlive: false });
  }

  /** docker-modem formats all options of each call, hidden ones too, for a debug line that nobody sees: it took 6 ms. */
  [inspect.custom](): string {
    return 'EachAnew';
  }
}
const EACH_ANEW = new EachAnew();

/** All options are given: docker-modem would fill those that are not from DOCKER_HOST and its kin, and prefer them. */
function dockerOptions(address: string): DockerOptions {
  const none = {
    agent: EACH_ANEW,
    ca: undefined,
    cert: undefined,
    key: undefined,
    timeout: undefined,
    pathPrefix: '/',
  };
  if (address.startsWith('unix:///'))
    return {
      ...none,
      protocol: 'http',
      host: undefined,
      port: undefined,
      socketPath: address.slice('unix://'.length),
    };
  const { protocol, hostname, port } = new URL(address);
  if (protocol !== 'tcp:') throw new Error(`"${address}" is neither unix:///path nor tcp://host:port`);
  return { ...none, protocol: 'http', host: hostname, port, socketPath: undefined };
}
