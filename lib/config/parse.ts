import { isIP } from 'node:net';
import { splitListen } from '../listen-address';
import { parseRegistryPlace, type RegistryPlace } from '../image-reference';
import { LOG_LEVELS, type LogLevel } from '../log';
import { DNS_LABEL_RULE, isDnsLabel } from '../names';
import type { Parse } from './settings';

const wrong = (text: string, wanted: string): Error => new Error(`"${text}" is not ${wanted}`);

export const asName: Parse<string> = (text) => {
  if (!isDnsLabel(text)) throw wrong(text, DNS_LABEL_RULE);
  return text;
};

/** An IP address or a name, without a port; empty: none is given. */
export const asAddress: Parse<string> = (text) => {
  if (!/^[\w.-]*$|^[0-9a-fA-F:.]+$/.test(text))
    throw wrong(text, 'an address; write 10.0.0.5, fd00::5 or a name, without a port');
  return text;
};

export const asListen: Parse<string> = (text) => {
  splitListen(text);
  return text;
};

const entriesOf = (text: string): readonly string[] =>
  text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');

/** Where DNS is answered: "127.0.0.1:53,[::1]:53"; empty for nowhere. No names: a resolver does not look itself up. */
export const asDnsListenList: Parse<readonly string[]> = (text) =>
  Object.freeze(
    entriesOf(text).map((entry) => {
      if (isIP(splitListen(entry).host) === 0)
        throw wrong(entry, 'an IP address and a port; write 127.0.0.1:53 or [::1]:53');
      return entry;
    }),
  );

/** Name servers by their addresses, with or without a port: "10.0.0.53,[2001:db8::53]:5353" → "host:port" each; empty for none. */
export const asDnsServers: Parse<readonly string[]> = (text) =>
  Object.freeze(
    entriesOf(text).map((entry) => {
      const bare = entry.replace(/^\[(.*)\]$/, '$1');
      const full = isIP(bare) === 0 ? entry : isIP(bare) === 6 ? `[${bare}]:53` : `${bare}:53`;
      const [, v6, v4, port] = /^(?:\[(.*)\]|([^:]*)):(\d{1,5})$/.exec(full) ?? [];
      if (isIP(v6 ?? v4 ?? '') === 0 || !(Number(port) >= 1 && Number(port) <= 65535))
        throw wrong(entry, 'a name server; write its IP address, with or without a port: 10.0.0.53 or 10.0.0.53:5353');
      return full;
    }),
  );

/** One or more DNS labels: "berth" or "berth.example.com". */
export const asDomain: Parse<string> = (text) => {
  if (text.length > MAX_DOMAIN_LENGTH || !text.split('.').every(isDnsLabel))
    throw wrong(text, `a domain of at most ${MAX_DOMAIN_LENGTH} characters; write berth or berth.example.com`);
  return text;
};
/** The same; empty for none. */
export const asDomainOrNone: Parse<string> = (text) => (text === '' ? '' : asDomain(text));
/** A name has 253 (RFC 1035), and two labels of 63 and "service" before the domain. */
const MAX_DOMAIN_LENGTH = 100;

export const asYesOrNo: Parse<boolean> = (text) => {
  if (text !== 'true' && text !== 'false') throw wrong(text, 'true or false');
  return text === 'true';
};

/** "a=b,c=d"; empty for none. */
export const asLabels: Parse<Readonly<Record<string, string>>> = (text) => {
  if (text.trim() === '') return Object.freeze({});
  const pairs = text.split(',').map((pair) => {
    const match = /^([A-Za-z0-9][A-Za-z0-9._/-]{0,127})=([^=]{0,255})$/.exec(pair.trim());
    if (!match) throw wrong(text, 'a list of labels; write name=value,name=value');
    return [match[1]!, match[2]!] as const;
  });
  return Object.freeze(Object.fromEntries(pairs));
};

/** "gpu=2,licence=1"; empty for none. How many of each the host has. */
export const asResources: Parse<Readonly<Record<string, number>>> = (text) => {
  const resources: Record<string, number> = {};
  for (const pair of text.split(',').filter((part) => part.trim() !== '')) {
    const [, name, count] = /^([A-Za-z0-9][A-Za-z0-9._-]{0,127})=(\d{1,9})$/.exec(pair.trim()) ?? [];
    if (name === undefined) throw wrong(pair.trim(), 'a named resource; write gpu=2,licence=1');
    if (Object.hasOwn(resources, name)) throw wrong(text, `a list of resources: it has "${name}" twice`);
    resources[name] = Number(count);
  }
  return Object.freeze(resources);
};

/** Comma-separated http:// or https:// URLs of etcd. */
export const asEndpoints: Parse<readonly string[]> = (text) => {
  const endpoints = text.split(',').map((endpoint) => endpoint.trim());
  for (const endpoint of endpoints)
    if (!/^https?:\/\/[^/\s]+$/.test(endpoint)) throw wrong(endpoint, 'an etcd endpoint; write http://host:2379');
  return Object.freeze(endpoints);
};

export const asPrefix: Parse<string> = (text) => {
  if (!/^(\/[A-Za-z0-9._-]+)+$/.test(text)) throw wrong(text, 'a key prefix; write /berth, with no slash at the end');
  return text;
};

export const asDocker: Parse<string> = (text) => {
  if (!/^(unix:\/\/\/.+|tcp:\/\/[^/\s]+:\d+)$/.test(text))
    throw wrong(text, 'the address of a Docker Engine; write unix:///var/run/docker.sock or tcp://host:port');
  return text;
};

export const asFolder: Parse<string> = (text) => {
  if (!text.startsWith('/')) throw wrong(text, 'an absolute path');
  return text;
};

/** Empty: none. */
export const asFile: Parse<string> = (text) => {
  if (text !== '' && !/^\/.*[^/]$/.test(text)) throw wrong(text, 'the absolute path of a file');
  return text;
};

/** sun_path of unix(7) has 108 bytes with its end, and the socket is made under a name that is 4 longer. */
const MAX_SOCKET_BYTES = 103;

export const asSocket: Parse<string> = (text) => {
  if (!text.startsWith('/') || Buffer.byteLength(text) > MAX_SOCKET_BYTES)
    throw wrong(text, `the path of a socket: absolute, of at most ${MAX_SOCKET_BYTES} bytes`);
  return text;
};

const BYTES_OF = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 } as const;

/** "1G" → bytes; powers of 1024, as Docker counts. */
export const asBytes: Parse<number> = (text) => {
  const match = /^(\d+(?:\.\d+)?)([kmgt]?)b?$/i.exec(text);
  const bytes = Math.round(Number(match?.[1]) * BYTES_OF[(match?.[2] ?? '').toLowerCase() as keyof typeof BYTES_OF]);
  if (!Number.isSafeInteger(bytes)) throw wrong(text, 'a size; write 500M or 1G, or 0');
  return bytes;
};

/**
 * "docker.io=mirror:5000,other.example.com/path,registry.example.com=…" → by registry, its mirrors in order. What has no
 * name before it belongs to the registry before, so that the file can have a list: { docker.io: [a, b] }.
 */
export const asRegistryMirrors: Parse<ReadonlyMap<string, readonly RegistryPlace[]>> = (text) => {
  const mirrors = new Map<string, RegistryPlace[]>();
  let places: RegistryPlace[] | undefined;
  for (const entry of text.split(',').filter((part) => part.trim() !== '')) {
    const [, name, mirror = ''] = /^(?:([^=]*)=)?(?:https:\/\/)?(.*?)\/?$/.exec(entry.trim())!;
    if (name !== undefined) {
      const registry = parseRegistryPlace(name);
      places = registry?.path === '' ? (mirrors.get(registry.registry) ?? []) : undefined;
      if (registry !== undefined && places !== undefined) mirrors.set(registry.registry, places);
    }
    const place = parseRegistryPlace(mirror);
    if (places === undefined || place === undefined)
      throw wrong(entry, 'a mirror of a registry; write docker.io=mirror.example.com:5000 or docker.io=host/path');
    places.push(place);
  }
  return mirrors;
};

export const asLogLevel: Parse<LogLevel> = (text) => {
  if (!(LOG_LEVELS as readonly string[]).includes(text)) throw wrong(text, `one of ${LOG_LEVELS.join(', ')}`);
  return text as LogLevel;
};

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const;
const MS_OF: Readonly<Record<string, number>> = Object.fromEntries(UNITS);

/** "1500ms", "5s", "1h30m" or "2d" → milliseconds within bounds. */
export function asDurationMs(minMs: number, maxMs: number): Parse<number> {
  return (text) => {
    const isDuration = /^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text);
    const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
    const ms = parts.reduce((sum, [, count, unit]) => sum + Number(count) * MS_OF[unit!]!, 0);
    if (!isDuration || ms < minMs || ms > maxMs)
      throw wrong(text, `a duration from ${shown(minMs)} to ${shown(maxMs)}; write 1500ms, 5s, 1h30m or 2d`);
    return Math.round(ms);
  };
}

/** "1s" → 1; no parts of seconds. */
export function asWholeSeconds(min: number, max: number): Parse<number> {
  const asMs = asDurationMs(min * 1000, max * 1000);
  return (text) => {
    const seconds = asMs(text) / 1000;
    if (!Number.isInteger(seconds)) throw wrong(text, 'a duration of whole seconds; write 1s, 30s or 5m');
    return seconds;
  };
}

function shown(ms: number): string {
  const [unit, unitMs] = UNITS.find(([, each]) => ms % each === 0) ?? UNITS[4];
  return `${ms / unitMs}${unit}`;
}

/** "20000-32767" → both ends, inclusive. */
export const asPortRange: Parse<readonly [number, number]> = (text) => {
  const match = /^(\d{1,5})-(\d{1,5})$/.exec(text);
  const [low, high] = [Number(match?.[1]), Number(match?.[2])];
  if (!(low >= 1 && low <= high && high <= 65535)) throw wrong(text, 'a range of ports; write 20000-32767');
  return [low, high];
};

export function asWholeNumber(low: number, high: number): Parse<number> {
  return (text) => {
    const number = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
    if (!(number >= low && number <= high)) throw wrong(text, `a whole number from ${low} to ${high}`);
    return number;
  };
}

/** "85%" or "85" → 0.85 */
export function asPercent(low: number, high: number): Parse<number> {
  return (text) => {
    const percent = Number(/^(\d{1,3}(?:\.\d+)?) ?%?$/.exec(text)?.[1] ?? NaN);
    if (!(percent >= low && percent <= high)) throw wrong(text, `a percentage from ${low} to ${high}; write 85%`);
    return percent / 100;
  };
}
