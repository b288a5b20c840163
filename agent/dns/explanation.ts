/** Explains by the very steps that answer: agent/dns/responder.ts. */
import { decode, encode, type DecodedPacket, type RecordType } from 'dns-packet';
import { UnknownYet, type KnownEndpoint } from '../discovery/discovery';
import { NEGATIVE_TTL_S, startOfAuthority, type View } from './answers/answers';
import type { Asked } from './answers/names';
import type { Answer, RecordData } from './answers/records';
import type { Explain, ExplainedEndpoint, ExplainedRecord, Explanation } from './explain';
import type { Forwarder } from './forward/forwarder';
import { shownServer } from './forward/resolv-conf';
import { readQuery, TRANSFERS, type Query } from './wire/query';
import { askedTypeOf, type Found, type Zone } from './zone';

const RCODES = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'] as const;
/** In the format: RFC 6895, section 3.1. */
const NO_TYPE = 0;

export interface ExplainTools {
  readonly zone: Zone;
  readonly forwarder: Forwarder;
  readonly ttlSeconds: number;
  readonly view: View;
}

interface Question {
  readonly name: string;
  readonly type: string;
  readonly packet: Buffer;
  readonly query: Query;
}

type Explained = Pick<Explanation, 'source' | 'rcode' | 'why'> &
  Partial<Pick<Explanation, 'records' | 'endpoints' | 'askedServers'>>;

export function explainWith(tools: ExplainTools): Explain {
  return async (givenName, givenType) => {
    const question = readQuestion(givenName, givenType);
    const { name, type } = question;
    const explained = await explain(question, tools);
    return { name, type, records: [], endpoints: [], askedServers: [], ...explained };
  };
}

async function explain(question: Question, tools: ExplainTools): Promise<Explained> {
  const { zone } = tools;
  const { name, type } = question.query;
  const asked = zone.read(name);
  const askedType = askedTypeOf(type);
  if (asked === undefined) {
    const reverse = zone.reverse(name, askedType);
    if (reverse === undefined) return explainForwarded(question, tools);
    const why = 'it is the address of a host of the cluster';
    return { source: 'memory', rcode: 'NOERROR', why, records: recordsOf(reverse, question, tools) };
  }
  if (TRANSFERS.includes(type)) return { source: 'settings', rcode: 'REFUSED', why: 'the zone is not handed out' };
  let source: Explanation['source'] = 'service' in asked || asked.kind === 'host' ? 'memory' : 'settings';
  try {
    const looked = zone.lookUp(asked, askedType);
    if (looked instanceof Promise) source = 'etcd';
    const found = await looked;
    return {
      ...{ source, rcode: found.answer.exists ? 'NOERROR' : 'NXDOMAIN', why: whyOf(asked, found, question.type) },
      ...{ records: recordsOf(found.answer, question, tools), endpoints: endpointsOf(found, tools.view) },
    };
  } catch (error) {
    if (!(error instanceof UnknownYet)) throw error;
    return { source: 'etcd', rcode: 'SERVFAIL', why: error.message };
  }
}

async function explainForwarded(
  { name, packet, query }: Question,
  { forwarder, view }: ExplainTools,
): Promise<Explained> {
  const { answer, asked } = await forwarder.ask(packet, query, 'udp');
  const askedServers = asked.map(shownServer);
  const isBare = !name.includes('.');
  const outside = `it is not of the cluster${isBare ? ` (a service has the name ${name}.service.${view.domain})` : ''}`;
  const source = 'forwarded';
  if (answer === undefined) {
    const none = `${outside}, and there is no name server to ask: see the setting dns-upstreams`;
    const why = asked.length === 0 ? none : `${outside}, and no name server answered`;
    return { source, rcode: 'SERVFAIL', why, askedServers };
  }
  const rcode = RCODES[answer[3]! & 0xf] ?? String(answer[3]! & 0xf);
  const why = `${outside}: ${askedServers.at(-1)} was asked`;
  return { source, rcode, why, askedServers, records: recordsIn(answer) };
}

function whyOf(asked: Asked, { answer, service }: Found, type: string): string {
  if (asked.kind === 'nothing') return 'nothing in the cluster has such a name';
  if (asked.kind === 'host') {
    if (!answer.exists) return `the cluster has no host "${asked.host}"`;
    return answer.choices.length > 0 ? 'it is the address of the host' : `the address of the host is none for ${type}`;
  }
  if (service === undefined)
    return answer.choices.length > 0 ? 'it is the domain' : `it has no ${type}, and names below it`;
  const { name, endpoints, exists } = service;
  if (!exists && endpoints.length === 0) return `the cluster has no service "${name}"`;
  if (endpoints.length === 0) return `no instance of ${name} is healthy`;
  const healthy = endpoints.length === 1 ? 'the one healthy instance' : `the ${endpoints.length} healthy instances`;
  if (!answer.exists || answer.choices.length === 0) {
    const noun = asked.kind === 'instance' ? 'name' : 'port';
    if (endpoints.length === 1)
      return `${healthy} of ${name} has no ${answer.exists ? `${type} here` : `such ${noun}`}`;
    return `none of ${healthy} of ${name} has ${answer.exists ? `${type} here` : `this ${noun}`}`;
  }
  const count = endpoints.length - answer.leftOut.size;
  return count === endpoints.length ? `${healthy} of ${name}` : `${count} of ${healthy} of ${name}`;
}

function endpointsOf({ answer, service }: Found, { preferredZone }: View): readonly ExplainedEndpoint[] {
  return (service?.endpoints ?? []).map((endpoint: KnownEndpoint) => {
    const { instance, host, hostName, ports, protocols, weight, isStale, labels } = endpoint;
    const isNear = preferredZone !== undefined && labels['zone'] === preferredZone;
    const leftOut = answer.leftOut.get(instance);
    return { instance, host, hostName, ports, protocols, weight, isStale, isNear, leftOut };
  });
}

function recordsOf({ choices }: Answer, { name }: Question, tools: ExplainTools): readonly ExplainedRecord[] {
  const { ttlSeconds, view } = tools;
  const of = (section: ExplainedRecord['section'], owner: string, record: RecordData, ttl: number) => {
    return { section, name: owner, type: record.type, ttlSeconds: ttl, data: shown(record) };
  };
  if (choices.length === 0) return [of('authority', view.domain, startOfAuthority(view), NEGATIVE_TTL_S)];
  return [
    ...choices.map(({ record }) => of('answer', name, record, ttlSeconds)),
    ...choices.flatMap(({ record, glue }) =>
      glue === undefined || record.type !== 'SRV' ? [] : [of('additional', record.target, glue, ttlSeconds)],
    ),
  ];
}

function shown(record: RecordData): string {
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return record.address;
    case 'NS':
    case 'PTR':
      return record.target;
    case 'SRV':
      return `${record.priority} ${record.weight} ${record.port} ${record.target}`;
    case 'HINFO':
      return '"RFC8482" ""';
    case 'SOA':
      return `${record.host} ${record.mailbox}`;
  }
}

/** Of a packet that came from outside. */
function recordsIn(answer: Buffer): readonly ExplainedRecord[] {
  let packet: DecodedPacket;
  try {
    packet = decode(answer);
  } catch {
    // It is passed on as it is all the same.
    return [];
  }
  const of = (section: ExplainedRecord['section'], records: DecodedPacket['answers'] = []): ExplainedRecord[] =>
    records.flatMap((record) =>
      record.type === 'OPT'
        ? []
        : [
            {
              section,
              name: record.name,
              type: record.type,
              ttlSeconds: record.ttl ?? 0,
              data: shownData(record.data),
            },
          ],
    );
  return [
    ...of('answer', packet.answers),
    ...of('additional', packet.additionals),
    ...of('authority', packet.authorities),
  ];
}

function shownData(data: unknown): string {
  if (typeof data === 'string') return data;
  if (Array.isArray(data)) return data.map((part) => JSON.stringify(String(part))).join(' ');
  if (Buffer.isBuffer(data)) return data.toString('hex');
  return Object.values(data as Record<string, unknown>)
    .map(String)
    .join(' ');
}

/** @throws Error for what is no name, or no type */
function readQuestion(givenName: string, givenType: string): Question {
  const name = givenName.toLowerCase().replace(/\.$/, '');
  const isName = name.length <= 253 && name.split('.').every((label) => /^[!-~]{1,63}$/.test(label));
  if (!isName && name !== '') throw new Error(`"${givenName}" is no name; write web.service.berth`);
  const type = givenType.toUpperCase();
  const known = type.replace(/^TYPE(\d{1,5})$/, 'UNKNOWN_$1') as RecordType;
  const packet = encode({
    type: 'query',
    id: 0,
    flags: 0x100,
    questions: [{ name: name === '' ? '.' : name, type: known }],
  });
  const query = readQuery(packet);
  if (query === undefined || typeof query === 'number' || query.type === NO_TYPE)
    throw new Error(`"${givenType}" is no type; write A, AAAA, SRV, PTR, TXT or TYPE65`);
  return { name, type, packet, query };
}
