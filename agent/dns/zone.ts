import type { Discovery, KnownService } from '../discovery/discovery';
import { canonicalAddress } from './addresses';
import { fixedAnswer, hostAnswer, hostName, serviceAnswer, startOfAuthority, type View } from './answers/answers';
import { addressOfReverse, readName, type Asked, type AskedOfService } from './answers/names';
import { single, type Answer, type AskedType } from './answers/records';
import { prepare, type Prepared } from './wire/prepared';
import { labelsOf, TYPE, type Query } from './wire/query';
import { recordBody } from './wire/record-bytes';
import type { Negative } from './wire/reply';

/** Names whose meaning is kept; all are forgotten when there are more. */
const MAX_KEPT_NAMES = 4096;

const ASKED_TYPES: ReadonlyMap<number, AskedType> = new Map([
  [TYPE.A, 'A'],
  [TYPE.NS, 'NS'],
  [TYPE.SOA, 'SOA'],
  [TYPE.PTR, 'PTR'],
  [TYPE.AAAA, 'AAAA'],
  [TYPE.SRV, 'SRV'],
  [TYPE.HINFO, 'HINFO'],
  [TYPE.ANY, 'ANY'],
]);

export interface ZoneOptions extends View {
  readonly discovery: Discovery;
  /** Of answers. */
  readonly ttlSeconds: number;
}

export interface Found {
  readonly answer: Answer;
  /** The one that the name is of, or is below of. */
  readonly service?: KnownService;
}

/** The names that are answered here, and never forwarded: the cluster's domain, and the addresses of its hosts. */
export class Zone {
  readonly negative: Negative;
  private readonly domain: readonly string[];
  private readonly names = new Map<string, Asked | undefined>();
  /** Encoded answers of a service as it is now, by name and type. As many as it has names: answers of no record are not kept. */
  private readonly kept = new WeakMap<KnownService, Map<string, Prepared>>();

  constructor(private readonly options: ZoneOptions) {
    this.domain = options.domain.split('.');
    this.negative = {
      soa: recordBody(startOfAuthority(options), 1),
      domainBytes: options.domain.length + 2,
    };
  }

  /**
   * @param mayWait false: etcd is not asked
   * @returns undefined for a name that is not ours; a promise when etcd is asked
   * @throws UnknownYet, also as a rejection
   */
  find({ name, type: number }: Pick<Query, 'name' | 'type'>, mayWait = true): Prepared | Promise<Prepared> | undefined {
    const type = askedTypeOf(number);
    const asked = this.read(name);
    if (asked === undefined) {
      const reverse = this.reverse(name, type);
      return reverse === undefined ? undefined : this.prepare(reverse);
    }
    if (!('service' in asked)) {
      const found = this.lookUp(asked, type, mayWait);
      return found instanceof Promise ? found.then(({ answer }) => this.prepare(answer)) : this.prepare(found.answer);
    }
    const service = this.options.discovery.service(asked.service, mayWait);
    return service instanceof Promise
      ? service.then((known) => this.ofService(known, asked, name, type))
      : this.ofService(service, asked, name, type);
  }

  /** @param name of a Query. @returns undefined for one outside of the domain */
  read(name: string): Asked | undefined {
    const kept = this.names.get(name);
    if (kept !== undefined || this.names.has(name)) return kept;
    const asked = readName(labelsOf(name), this.domain);
    if (this.names.size >= MAX_KEPT_NAMES) this.names.clear();
    this.names.set(name, asked);
    return asked;
  }

  /** @returns a promise when etcd is asked. @throws UnknownYet, also as a rejection */
  lookUp(asked: Asked, type: AskedType, mayWait = true): Found | Promise<Found> {
    const { discovery } = this.options;
    if ('service' in asked) {
      const found = (service: KnownService): Found => {
        return { answer: serviceAnswer(asked, type, service, this.options), service };
      };
      const service = discovery.service(asked.service, mayWait);
      return service instanceof Promise ? service.then(found) : found(service);
    }
    if (asked.kind !== 'host') return { answer: fixedAnswer(asked.kind, type, this.options) };
    const found = (address: string | undefined): Found => ({ answer: hostAnswer(address, type) });
    const address = discovery.hostAddress(asked.host, mayWait);
    return address instanceof Promise ? address.then(found) : found(address);
  }

  /** @returns the name of the host whose address this is the reverse of; undefined for another name */
  reverse(name: string, type: AskedType): Answer | undefined {
    if (type !== 'PTR') return undefined;
    const address = addressOfReverse(labelsOf(name));
    const host = address === undefined ? undefined : this.options.discovery.hostAt(canonicalAddress(address));
    return host === undefined ? undefined : single({ type: 'PTR', target: hostName(host, this.options.domain) });
  }

  private ofService(service: KnownService, asked: AskedOfService, name: string, type: AskedType): Prepared {
    const key = type + name;
    const kept = this.kept.get(service);
    const found = kept?.get(key);
    if (found !== undefined) return found;
    const prepared = this.prepare(serviceAnswer(asked, type, service, this.options));
    if (prepared.ends.length > 0)
      if (kept === undefined) this.kept.set(service, new Map([[key, prepared]]));
      else kept.set(key, prepared);
    return prepared;
  }

  private prepare(answer: Answer): Prepared {
    return prepare(answer, this.options.ttlSeconds);
  }
}

/** @param number of the format */
export const askedTypeOf = (number: number): AskedType => ASKED_TYPES.get(number) ?? 'other';
