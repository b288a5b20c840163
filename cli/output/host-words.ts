import type { ChangeHostResponse } from '../../lib/rpc/types';

/** @returns "1 instance", "12 instances" */
export function instances(count: number): string {
  return `${count} instance${count === 1 ? '' : 's'}`;
}

export function warnOfLost(host: string, { live }: ChangeHostResponse): void {
  if (!live) process.stderr.write(`Warning: ${host} is lost now; what was asked for counts when it is back.\n`);
}
