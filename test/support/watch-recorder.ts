import type { KeyRange, Store, StoreError, WatchEvent, Write } from '../../lib/etcd/store';

/** What a watch heard, in words that two stores can be compared by. */
export class Recorder {
  readonly created: number[] = [];
  readonly batches: { revision: number; events: string[] }[] = [];
  readonly ends: StoreError[] = [];
  readonly watch;

  constructor(store: Store, range: KeyRange, startRevision: number) {
    this.watch = store.watch(range, startRevision, {
      onCreated: (revision) => this.created.push(revision),
      onEvents: (events, revision) => this.batches.push({ revision, events: events.map(textOf) }),
      onEnd: (reason) => this.ends.push(reason),
    });
  }
}

export function textOf(event: WatchEvent): string {
  return event.type === 'put' ? `${event.kv.key}=${event.kv.value}` : `-${event.key}`;
}

/** Waits for a condition, and fails when it takes longer. */
export async function until(condition: () => boolean, timeoutMs = 5000): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${timeoutMs} ms: ${condition.toString()}`);
    await pause(10);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export const put = (key: string, value: string, lease?: string): Write => ({
  op: 'put',
  key,
  value,
  ...(lease === undefined ? {} : { lease }),
});
export const del = (key: string): Write => ({ op: 'delete', key });
