import { splitListen } from '../listen-address';
import { LOG_LEVELS, type LogLevel } from '../log';
import { DNS_LABEL_RULE, isDnsLabel } from '../names';
import type { Parse } from './settings';

const wrong = (text: string, wanted: string): Error => new Error(`"${text}" is not ${wanted}`);

export const asName: Parse<string> = (text) => {
  if (!isDnsLabel(text)) throw wrong(text, DNS_LABEL_RULE);
  return text;
};

export const asListen: Parse<string> = (text) => {
  splitListen(text);
  return text;
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

export const asLogLevel: Parse<LogLevel> = (text) => {
  if (!(LOG_LEVELS as readonly string[]).includes(text)) throw wrong(text, `one of ${LOG_LEVELS.join(', ')}`);
  return text as LogLevel;
};

/** "5s" or "1500ms" → milliseconds within bounds. */
export function asDurationMs(minMs: number, maxMs: number): Parse<number> {
  return (text) => {
    const match = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text);
    const ms = Number(match?.[1]) * (match?.[2] === 'ms' ? 1 : match?.[2] === 's' ? 1000 : 60_000);
    if (!(ms >= minMs && ms <= maxMs))
      throw wrong(text, `a duration from ${minMs / 1000}s to ${maxMs / 1000}s; write 5s or 1500ms`);
    return ms;
  };
}

/** "20000-32767" → both ends, inclusive. */
export const asPortRange: Parse<readonly [number, number]> = (text) => {
  const match = /^(\d{1,5})-(\d{1,5})$/.exec(text);
  const [low, high] = [Number(match?.[1]), Number(match?.[2])];
  if (!(low >= 1 && low <= high && high <= 65535)) throw wrong(text, 'a range of ports; write 20000-32767');
  return [low, high];
};
