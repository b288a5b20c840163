import type { RpcErrorCode } from '../lib/rpc/types';
import { explainTrouble } from './coordinator-trouble';

const REFUSED = 'No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:1. Resolution note: ';
const AWAY = 'Is one running ("systemctl status berth-coordinator")?';

test.each<[string, RpcErrorCode, string, boolean, string, string]>([
  [
    'nobody listens',
    'unavailable',
    REFUSED,
    false,
    'No coordinator answers at h:1: connect ECONNREFUSED 127.0.0.1:1\n',
    AWAY,
  ],
  [
    'no such name',
    'unavailable',
    'Name resolution failed for target dns:h:1',
    true,
    'No coordinator answers at h:1: Name resolution failed\n',
    AWAY,
  ],
  [
    'no answer in time',
    'deadline',
    'Deadline exceeded after 10.002s,name resolution: 0.008s',
    false,
    'No coordinator answers at h:1: no answer within 10 s\n',
    AWAY,
  ],
  [
    'no answer to a write',
    'deadline',
    'Deadline exceeded',
    true,
    'no answer within 10 s\nThe change may or may not be written; the same command again',
    AWAY,
  ],
  [
    'a write that broke off',
    'unavailable',
    'Connection dropped',
    true,
    'Connection dropped\nThe change may or may not be written',
    AWAY,
  ],
  [
    'another server',
    'unavailable',
    'No connection established. Last error: Protocol error (2026-11-24T22:52:52.401Z). Resolution note: ',
    false,
    'What answers at h:1 is no coordinator: Protocol error\n',
    '7420',
  ],
  [
    'another gRPC server',
    'internal',
    'unknown service berth.v1.Coordinator',
    false,
    'What answers at h:1 is no coordinator: unknown service',
    '7420',
  ],
  [
    'what a coordinator says',
    'unavailable',
    'etcd did not\ntake it\u001b',
    true,
    'The coordinator at h:1 says: etcd did not take it\ufffd',
    '',
  ],
  [
    'a coordinator that does not reach etcd',
    'unavailable',
    'etcd did not take it (14 UNAVAILABLE: No connection established. Last error: Error: connect ECONNREFUSED h:2. Resolution note: ); ask again',
    true,
    'The coordinator at h:1 says: etcd did not take it (connect ECONNREFUSED h:2); ask again',
    '',
  ],
])('%s', (_, code, message, isWrite, beginning, hint) => {
  const text = explainTrouble({ code, message }, 'h:1', isWrite);
  expect(text).toContain(beginning);
  expect(text).toContain(hint);
  expect(text.includes('may or may not')).toBe(beginning.includes('may or may not'));
});
