import type { Clock } from '../lib/clock';

export interface ConnectionState {
  readonly connected: boolean;
  /** Milliseconds since it became so, or since the beginning. */
  readonly forMs: number;
  /** Milliseconds since the other side was last heard: 0 while connected, -1 when never. */
  readonly ageMs: number;
}

/** Since when a connection is there, or gone. */
export class ConnectionTime {
  private connected = false;
  private wasConnected = false;
  private sinceMs: number;

  constructor(private readonly clock: Clock) {
    this.sinceMs = clock.monotonicMs();
  }

  note(connected: boolean): void {
    if (connected === this.connected) return;
    this.connected = connected;
    this.wasConnected = true;
    this.sinceMs = this.clock.monotonicMs();
  }

  get state(): ConnectionState {
    const { connected } = this;
    const forMs = Math.round(this.clock.monotonicMs() - this.sinceMs);
    return { connected, forMs, ageMs: connected ? 0 : this.wasConnected ? forMs : -1 };
  }
}
