/** A call that failed, in words that say what to do. */
import type { RpcError } from '../lib/rpc/types';
import { clean } from './output/clean';

/** What a coordinator says of the request itself: its words need no word on who says them. */
const OF_THE_REQUEST = ['invalid', 'not-found', 'refused'];

type Trouble = Pick<RpcError, 'code' | 'message'>;

// grpc-js words for a connection that could not be made or broke. At the beginning: a coordinator that answers may
// quote the same words of its own connection to etcd.
const UNREACHABLE =
  /^(?:no connection established|name resolution|connection dropped|(?:\w+ )?(?:ECONN|EHOSTUNREACH))/i;
const BROKEN_OFF = /connection dropped|ECONNRESET/i;
const NO_COORDINATOR = /protocol error|unknown service|unimplemented|parse error|received http2 header/i;

/** @param isWrite whether the call may have changed something when it broke off */
export function explainTrouble(trouble: Trouble, address: string, isWrite: boolean): string {
  const why = shortReason(trouble);
  if (NO_COORDINATOR.test(trouble.message))
    return (
      `What answers at ${address} is no coordinator: ${why}\n` +
      `Its gRPC address is wanted, 7420 unless its settings say otherwise. Set --coordinator or BERTH_COORDINATOR.`
    );
  if (OF_THE_REQUEST.includes(trouble.code)) return sentence(why);
  if (!isUnreachable(trouble)) return `The coordinator at ${address} says: ${why}`;
  // One that was there and went away, or is slow, may have done it.
  const isDoubtful = isWrite && (trouble.code === 'deadline' || BROKEN_OFF.test(trouble.message));
  return (
    `No coordinator answers at ${address}: ${why}\n` +
    (isDoubtful ? 'The change may or may not be written; the same command again makes sure.\n' : '') +
    'Is one running ("systemctl status berth-coordinator")? Is it another address? Set --coordinator or BERTH_COORDINATOR.\n' +
    'Containers go on running without it.'
  );
}

/** Without what grpc-js adds for those who debug grpc-js. */
export function shortReason({ code, message }: Trouble): string {
  if (code === 'deadline')
    return `no answer within ${/after ([\d.]+)s/.exec(message)?.[1]?.replace(/\.\d+$/, '') ?? '10'} s`;
  return clean(message)
    .replace(/(?:\d+ UNAVAILABLE: )?No connection established\. Last error: (?:Error: )?/, '')
    .replace(/ ?\(\d{4}-\d\d-\d\dT[^)]*\)/, '')
    .replace(/\.? Resolution note: ?(?=$|\))/, '')
    .replace(/ for target dns:\S+$/, '');
}

/** Names of hosts and services are small, at the beginning of a sentence too. */
function sentence(text: string): string {
  return `${text.replace(/^(?=there |no )./, (letter) => letter.toUpperCase())}${/[.!?]$/.test(text) ? '' : '.'}`;
}

function isUnreachable({ code, message }: Trouble): boolean {
  return code === 'deadline' || (code === 'unavailable' && UNREACHABLE.test(message));
}
