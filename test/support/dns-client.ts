import { decode, encode, type DecodedPacket, type RecordType } from 'dns-packet';

const RCODES = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'];

export interface QueryOptions {
  readonly id?: number;
  /** Bytes of the largest answer over UDP; no EDNS without. */
  readonly payloadBytes?: number;
}

/** A query as resolvers send it. */
export function dnsQuery(name: string, type: string, { id = 7, payloadBytes }: QueryOptions = {}): Buffer {
  const options = { flags: 0, flag_do: false, options: [] };
  return encode({
    ...{ type: 'query', id, flags: 0x100, questions: [{ name, type: type as RecordType }] },
    ...(payloadBytes !== undefined && {
      additionals: [
        { ...options, type: 'OPT', name: '.', udpPayloadSize: payloadBytes, extendedRcode: 0, ednsVersion: 0 },
      ],
    }),
  });
}

export interface ReadAnswer {
  readonly rcode: string;
  /** "SRV 1 100 31002 web-2-x7k2.web.service.berth" and so on, in the order of the packet. */
  readonly answers: readonly string[];
  readonly additionals: readonly string[];
  readonly authorities: readonly string[];
  readonly isTruncated: boolean;
  readonly packet: DecodedPacket;
}

/** Reads an answer with the library, which knows nothing of how we write. @throws Error when it can't */
export function readDnsAnswer(bytes: Buffer): ReadAnswer {
  const packet = decode(bytes);
  const shown = (records: DecodedPacket['answers'] = []): readonly string[] =>
    records.filter(({ type }) => type !== 'OPT').map((record) => `${record.type} ${dataOf(record)}`);
  return {
    rcode: RCODES[bytes[3]! & 15] ?? String(bytes[3]! & 15),
    answers: shown(packet.answers),
    additionals: shown(packet.additionals),
    authorities: shown(packet.authorities),
    isTruncated: packet.flag_tc,
    packet,
  };
}

function dataOf(record: NonNullable<DecodedPacket['answers']>[number]): string {
  if (record.type === 'SRV') {
    const { priority, weight, port, target } = record.data;
    return `${priority} ${weight} ${port} ${target}`;
  }
  if (record.type === 'SOA') return `${record.data.mname} ${record.data.minimum}`;
  if (record.type === 'HINFO') return record.data.cpu;
  return 'data' in record && typeof record.data === 'string' ? record.data : JSON.stringify(record);
}
