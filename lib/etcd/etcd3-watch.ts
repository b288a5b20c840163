import type { ClientDuplexStream } from '@grpc/grpc-js';
import type { IWatchRequest, IWatchResponse } from 'etcd3';
import { rangeBytes, keyValueOf } from './etcd3-wire';
import { storeErrorOf } from './etcd3-errors';
import type { Link, LinkSlot } from './etcd3-link';
import { StoreError } from './store';
import type { KeyRange, Watch, WatchEvent, WatchHandlers } from './store';

/** A member that has not accepted a watch by then is taken for dead: it may accept connections and never answer. */
const CREATED_TIMEOUT_MS = 5000;

/** etcd3 declares less than the stream that it hands out. */
type WatchStream = ClientDuplexStream<IWatchRequest, IWatchResponse>;

/**
 * One watch on one raw stream.
 *
 * INVARIANTS
 * - Events are handed on in whole revisions, each revision once and in rising order.
 * - `onEnd` is called at most once, and after it or `close()` nothing is called.
 */
export class Etcd3Watch implements Watch {
  private isOver = false;
  private stream: WatchStream | undefined;
  private readonly link: Link;
  private readonly release: () => void;
  private readonly createdTimer: NodeJS.Timeout;
  /** Events of a revision whose rest is still to come. */
  private partial: WatchEvent[] = [];
  private lastRevision: number;

  /** @throws StoreError `unavailable` when the slot is closed */
  constructor(
    private readonly slot: LinkSlot,
    private readonly range: KeyRange,
    private readonly startRevision: number,
    private readonly handlers: WatchHandlers,
    private readonly onOver: (watch: Etcd3Watch) => void,
  ) {
    this.lastRevision = startRevision - 1;
    this.link = slot.current();
    const { client, release } = this.link.open();
    this.release = release;
    this.createdTimer = setTimeout(
      () => this.end(new StoreError('unavailable', `the watch was not accepted within ${CREATED_TIMEOUT_MS} ms`)),
      CREATED_TIMEOUT_MS,
    );
    client
      .then((opened) => opened.watchClient.watch())
      .then((stream) => this.start(stream as unknown as WatchStream))
      .catch((error: unknown) => this.end(storeErrorOf(error)));
  }

  close(): void {
    if (this.isOver) return;
    this.isOver = true;
    clearTimeout(this.createdTimer);
    // Listeners stay: a cancelled stream emits one more error, and an error without a listener ends the process.
    this.stream?.cancel();
    this.release();
    this.onOver(this);
  }

  private start(stream: WatchStream): void {
    // etcd3's own listener resets the channels under every other watch.
    stream.removeAllListeners('error');
    stream.on('error', (error: Error) => this.end(storeErrorOf(error)));
    stream.on('end', () => this.end(new StoreError('unavailable', 'the watch stream ended')));
    this.stream = stream;
    if (this.isOver) return stream.cancel();
    stream.on('data', (response: IWatchResponse) => this.receive(response));
    const { key, rangeEnd } = rangeBytes(this.range);
    stream.write({
      create_request: {
        key,
        ...(rangeEnd === undefined ? {} : { range_end: rangeEnd }),
        start_revision: String(this.startRevision),
        fragment: true,
      },
    });
  }

  private receive(response: IWatchResponse): void {
    if (this.isOver) return;
    if (response.canceled) return this.end(cancelError(response));
    if (response.created) {
      clearTimeout(this.createdTimer);
      this.handlers.onCreated(Number(response.header.revision));
    }
    for (const event of response.events) {
      const modRevision = Number(event.kv.mod_revision);
      if (modRevision <= this.lastRevision) continue; // etcd before 3.4.24 sends some twice
      const head = this.partial[0];
      if (head !== undefined && modRevisionOf(head) < modRevision) this.deliver();
      if (event.type === 'Delete')
        this.partial.push({ type: 'delete', key: event.kv.key.toString('utf8'), modRevision });
      else this.partial.push({ type: 'put', kv: keyValueOf(event.kv) });
    }
    if (!response.fragment) this.deliver();
  }

  private deliver(): void {
    const events = this.partial;
    const head = events[0];
    if (head === undefined || this.isOver) return;
    this.partial = [];
    this.lastRevision = modRevisionOf(head);
    this.handlers.onEvents(events, this.lastRevision);
  }

  private end(reason: StoreError): void {
    if (this.isOver) return;
    // The next watch goes to another member; those that still live on this link stay.
    if (reason.code === 'unavailable') this.slot.replace(this.link);
    this.close();
    this.handlers.onEnd(reason);
  }
}

function modRevisionOf(event: WatchEvent): number {
  return event.type === 'put' ? event.kv.modRevision : event.modRevision;
}

function cancelError(response: IWatchResponse): StoreError {
  // etcd gives no reason beside the revision.
  if (Number(response.compact_revision) > 0)
    return new StoreError('compacted', `compacted up to revision ${response.compact_revision}`);
  const known = storeErrorOf(new Error(response.cancel_reason));
  if (known.code !== 'other') return known;
  return new StoreError(
    'unavailable',
    response.cancel_reason === '' ? 'etcd cancelled the watch' : response.cancel_reason,
  );
}
