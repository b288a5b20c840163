import type { Command } from 'commander';
import type { ExplainedEndpoint, NameExplanation } from '../lib/rpc/types';
import { DEFAULT_SOCKET, withAgent } from './agent-session';
import { CommandError, EXIT } from './exit-codes';
import { clean } from './output/clean';
import { portsOf } from './output/ports';

const EXAMPLES = `
From the agent of this host, by the very steps by which it answers. The type is A unless given; SRV for
names that begin with "_", and for an address the name that it has.

Examples:
  berth dns web.service.berth                where web answers
  berth dns web-2.web.service.berth          one instance of it
  berth dns _http._tcp.web.service.berth     with ports and weights
  berth dns h1.host.berth AAAA               a host
  berth dns example.com                      whom this host asks for all other names, and what they say
  berth dns web.service.berth --json | jq -r '.records[].data'`;

interface Options {
  readonly socket?: string;
  readonly json?: boolean;
}

export function registerDns(program: Command): void {
  program
    .command('dns')
    .description('what DNS of this host answers to a name, and why')
    .argument('<name>', 'a name, or an address')
    .argument('[type]', 'of the records: A, AAAA, SRV, PTR, …')
    .option('--socket <path>', `socket of the agent (BERTH_SOCKET, else ${DEFAULT_SOCKET})`)
    .option('--json', 'print JSON')
    .configureHelp({ showGlobalOptions: false })
    .addHelpText('after', EXAMPLES)
    .action(async (name: string, type: string | undefined, { socket, json }: Options) => {
      const question = questionOf(name, type);
      const answer = await withAgent(socket, (client) => client.explainName(question));
      if (json === true) (await import('./output/table.js')).printJson(answer);
      else await print(answer);
      if (answer.rcode !== 'NOERROR') throw new CommandError(`${clean(answer.name)}: ${clean(answer.why)}.`);
    });
}

/** @throws CommandError for what can't be a name */
export function questionOf(name: string, type: string | undefined): { readonly name: string; readonly type: string } {
  const reverse = reverseName(name);
  if (reverse !== undefined) return { name: reverse, type: type ?? 'PTR' };
  if (/^\w+:\/\/|:\d+$/.test(name))
    throw new CommandError(
      `"${clean(name)}" is no name, but more; write the name alone: web.service.berth`,
      EXIT.usage,
    );
  return { name, type: type ?? (name.startsWith('_') ? 'SRV' : 'A') };
}

/** RFC 1035, section 3.5, and RFC 3596, section 2.5. @returns undefined for what is no address */
function reverseName(text: string): string | undefined {
  if (/^\d+(\.\d+){3}$/.test(text)) return `${text.split('.').reverse().join('.')}.in-addr.arpa`;
  if (!/^[0-9a-f:]*:[0-9a-f:]*$/i.test(text)) return undefined;
  const [head = '', tail] = text.toLowerCase().split('::');
  const groups = (part: string): readonly string[] => (part === '' ? [] : part.split(':'));
  const [before, after] = [groups(head), groups(tail ?? '')];
  const zeros = Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0');
  const all = [...before, ...(tail === undefined ? [] : zeros), ...after].map((group) => group.padStart(4, '0'));
  return `${all.join('').split('').reverse().join('.')}.ip6.arpa`;
}

const SOURCES: Readonly<Record<string, string>> = {
  memory: 'from memory: something on this host had asked for it before',
  etcd: 'from etcd, which was asked just now',
  settings: "by this host's settings, whatever runs",
  forwarded: 'from a name server outside',
};

function sourceOf({ source, rcode }: NameExplanation): string {
  if (source === 'etcd' && rcode === 'SERVFAIL') return 'etcd was asked just now, and has not answered';
  return SOURCES[source] ?? clean(source);
}

/** "10.0.0.53:53 twice, 10.0.0.54:53": in the order in which each was asked first */
export function triesOf(servers: readonly string[]): string {
  return [...new Set(servers)]
    .map((server) => {
      const times = servers.filter((one) => one === server).length;
      return times === 1 ? server : `${server} ${times === 2 ? 'twice' : `${times} times`}`;
    })
    .join(', ');
}

type Asked = Pick<NameExplanation, 'name' | 'source' | 'rcode'> & {
  readonly records: readonly { readonly section: string }[];
  readonly endpoints: readonly unknown[];
};

/** @returns the service that is there, when the answer has none of its instances */
export function missingOf({ name, source, records, endpoints, rcode }: Asked): string | undefined {
  if (source === 'forwarded' || records.some(({ section }) => section === 'answer')) return undefined;
  const isThere = rcode === 'NOERROR' ? endpoints.length === 0 : endpoints.length > 0;
  return isThere ? /(?:^|\.)([^.]+)\.service\./.exec(name)?.[1] : undefined;
}

async function print(answer: NameExplanation): Promise<void> {
  const { alignRows, paint, printRows, printTable } = await import('./output/table.js');
  const { rcode, type, records, endpoints, askedServers } = answer;
  const missing = missingOf(answer);
  printRows([
    ['question', `${clean(answer.name)} ${clean(type)}`],
    ['answer', `${rcode === 'NOERROR' ? rcode : paint.red(clean(rcode))}: ${clean(answer.why)}`],
    ['source', sourceOf(answer)],
    ...(askedServers.length === 0 ? [] : [['asked', clean(triesOf(askedServers))]]),
    ...(missing === undefined
      ? []
      : [['look', `"berth endpoints ${clean(missing)}" has those that are not healthy, and why`]]),
  ]);
  for (const section of ['answer', 'additional', 'authority']) {
    const rows = records
      .filter((one) => one.section === section)
      .map(({ name, ttlSeconds, type: of, data }) => [name, String(ttlSeconds), of, data].map(clean));
    if (rows.length === 0) continue;
    process.stdout.write(
      `\n${section === 'answer' && rows.length > 1 ? 'Answer, in another order each time' : `${section[0]!.toUpperCase()}${section.slice(1)}`}:\n`,
    );
    for (const row of alignRows(rows)) process.stdout.write(`  ${row}\n`);
  }
  if (endpoints.length === 0) return;
  process.stdout.write('\nHealthy instances:\n');
  printTable(['INSTANCE', 'HOST', 'ADDRESS', 'PORTS', 'WEIGHT', 'NOTE'], endpoints.map(rowOf));
}

function rowOf(endpoint: ExplainedEndpoint): readonly string[] {
  const { instance, hostName, host, weight, leftOut, stale, near } = endpoint;
  const notes = [
    ...(leftOut === '' ? [] : [`left out: ${leftOut}`]),
    ...(stale ? ['etcd does not vouch for it; it accepts connections'] : []),
    ...(near ? ['in the zone of this host'] : []),
  ];
  return [instance, hostName || '-', host, portsOf(endpoint), String(weight || 100), notes.join('; ')].map(clean);
}
