/** What this host answers to a question, and why, for people: `berth dns`. */

export interface ExplainedRecord {
  readonly section: 'answer' | 'additional' | 'authority';
  readonly name: string;
  readonly type: string;
  readonly ttlSeconds: number;
  /** As zone files have it: "1 100 31080 web-1-x7k2.web.service.berth". */
  readonly data: string;
}

export interface ExplainedEndpoint {
  readonly instance: string;
  readonly host: string;
  readonly hostName: string;
  readonly ports: Readonly<Record<string, number>>;
  /** Of those that are not tcp. */
  readonly protocols: Readonly<Record<string, string>>;
  readonly weight: number;
  /** Etcd does not vouch for it any more; it accepted a connection just now. */
  readonly isStale: boolean;
  /** In the zone that comes first by `dns-prefer-zone`. */
  readonly isNear: boolean;
  /** Why it is not in the answer; undefined when it is. */
  readonly leftOut: string | undefined;
}

export interface Explanation {
  /** In lower case, without a dot at its end. */
  readonly name: string;
  /** "A", "SRV" …, or "TYPE65". */
  readonly type: string;
  /**
   * memory: something on this host had asked for it before; etcd: it was asked just now; settings: it is so whatever runs;
   * forwarded: a name server outside was asked.
   */
  readonly source: 'memory' | 'etcd' | 'settings' | 'forwarded';
  /** Name of the answer's code: "NOERROR", "NXDOMAIN", "SERVFAIL" … */
  readonly rcode: string;
  /** One sentence. */
  readonly why: string;
  /** Those of an answer come in another order each time. */
  readonly records: readonly ExplainedRecord[];
  /** All healthy instances of the service that the name is of, sorted; empty for other names. */
  readonly endpoints: readonly ExplainedEndpoint[];
  /** Name servers that were tried, the last one answered; empty unless it was forwarded. */
  readonly askedServers: readonly string[];
}

/** @param type "A" and so on, as `dig` takes it, in any case. @throws Error for what is no name, or no type */
export type Explain = (name: string, type: string) => Promise<Explanation>;
