/**
 * Etcd has not been heard for longer than a host's lease: of what it said last, an endpoint that refuses connections is
 * left out, as long as another one accepts them.
 */
import type { Clock } from '../../lib/clock';
import type { KnownEndpoint } from './discovery';
import { CHECK_AGAIN_MS } from './stale-endpoints';

export interface DoubtTools {
  readonly clock: Clock;
  readonly accepts: (endpoint: KnownEndpoint) => Promise<boolean>;
  readonly endpoints: () => Iterable<KnownEndpoint>;
  /** Somebody has asked lately: otherwise nobody needs to know. */
  readonly isAsked: () => boolean;
  /** `refusing` is another one. */
  readonly onChange: () => void;
}

export class DoubtedEndpoints {
  /** Instances that refuse connections. Empty when all do: then it is more likely this host that is cut off. */
  refusing: ReadonlySet<string> = new Set();
  private isClosed = false;
  private cancel: () => void = () => undefined;

  constructor(private readonly tools: DoubtTools) {
    void this.check();
  }

  close(): void {
    this.isClosed = true;
    this.cancel();
  }

  private async check(): Promise<void> {
    const { accepts, endpoints, isAsked, clock, onChange } = this.tools;
    const all = isAsked() ? [...endpoints()] : [];
    const answers = await Promise.all(all.map(accepts));
    if (this.isClosed) return;
    const refusing = all.filter((_, index) => !answers[index]).map(({ instance }) => instance);
    const before = this.refusing;
    this.refusing = new Set(refusing.length < all.length ? refusing : []);
    if (before.size !== this.refusing.size || refusing.some((one) => !before.has(one))) onChange();
    this.cancel = clock.after(CHECK_AGAIN_MS, () => void this.check());
  }
}
