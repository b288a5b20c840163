/** `berth hosts` for people: a table, and under it why a host is not as the others are. */
import { isLoopback } from '../../lib/listen-address';
import type { ListedHost } from '../../lib/rpc/types';
import { clean } from './clean';
import { describeDuration } from './duration-text';
import { describePause } from './pause-text';
import { paint, printTable } from './table';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

export function printHosts(hosts: readonly ListedHost[], wallMs: number): void {
  printTable(
    ['HOST', 'STATE', 'ADDRESS', 'INSTANCES', 'CPU RESERVED', 'MEMORY RESERVED', 'LABELS', 'AGENT', 'DOCKER'],
    hosts.map((host) => [
      host.name,
      state(host, wallMs),
      host.record.address || '-',
      String(host.instances),
      `${host.reserved.nanoCpus / 1e9}/${host.record.capacity.nanoCpus / 1e9}`,
      `${size(host.reserved.memoryBytes)}/${size(host.record.capacity.memoryBytes)}`,
      Object.entries(host.record.labels)
        .map(([name, value]) => clean(`${name}=${value}`))
        .join(',') || '-',
      clean(host.record.agentVersion) || '-',
      clean(host.record.dockerVersion) || '-',
    ]),
  );
  const notes = [...addressNotes(hosts), ...hosts.flatMap(notesOn)];
  if (notes.length > 0) process.stdout.write(`\n${notes.join('\n')}\n`);
}

/** Discovery answers with the addresses of hosts. One host may be alone on its machine. */
function addressNotes(hosts: readonly ListedHost[]): readonly string[] {
  if (hosts.length < 2) return [];
  return hosts
    .filter(({ record }) => isLoopback(record.address))
    .map(({ name, record: { address } }) => {
      const what = `its address is ${address}, where every host finds itself`;
      return `${paint.yellow(name)}: ${what}; set "address" in its /etc/berth/agent.yaml`;
    });
}

function state(host: ListedHost, wallMs: number): string {
  const { live, pause, lostSinceMs } = host;
  const wish = wishOf(host);
  if (live) return pause ? paint.yellow('paused') : wish === '' ? paint.green('live') : paint.yellow(wish);
  const since = lostSinceMs === 0 ? '' : ` ${describeDuration(Math.max(0, wallMs - lostSinceMs))}`;
  return paint.red(`lost${since}${wish === '' ? '' : `, ${wish}`}`);
}

function wishOf({ intent }: ListedHost): string {
  return intent.drain ? 'draining' : intent.schedulable === false ? 'cordoned' : '';
}

function notesOn(host: ListedHost): readonly string[] {
  const { name, intent, pause, problems } = host;
  const by = intent.by === '' ? '' : ` by ${clean(intent.by)}`;
  const reason = intent.reason === '' ? '' : `: ${clean(intent.reason)}`;
  return [
    ...(wishOf(host) === '' || by + reason === '' ? [] : [`${paint.yellow(name)}: ${wishOf(host)}${by}${reason}`]),
    ...(pause === undefined ? [] : [`${paint.yellow(name)}: ${describePause(pause)}`]),
    ...problems.map(({ message, rule }) => `${paint.red(name)}: ${clean(message)} [${rule}]`),
  ];
}

function size(bytes: number): string {
  if (bytes === 0) return '0';
  return bytes < GIB ? `${Math.ceil(bytes / MIB)} MiB` : `${(bytes / GIB).toFixed(1)} GiB`;
}
