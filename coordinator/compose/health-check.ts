import type { HealthCheck } from '../../lib/documents/types';
import { parseDurationMs } from './duration';
import { HEALTHCHECK_KEYS } from './container-keys';
import type { Reader } from './read';

const MAX_RETRIES = 1000;

export function readHealthCheck(reader: Reader): HealthCheck | undefined {
  const fields = reader.fields(HEALTHCHECK_KEYS);
  if (fields === undefined) return undefined;
  const startIntervalMs = fields.at('start_interval').parse(parseDurationMs);
  const read = {
    test: readTest(fields.at('test')),
    intervalMs: fields.at('interval').parse(parseDurationMs) ?? 0,
    timeoutMs: fields.at('timeout').parse(parseDurationMs) ?? 0,
    startPeriodMs: fields.at('start_period').parse(parseDurationMs) ?? 0,
    retries: fields.at('retries').integer(1, MAX_RETRIES) ?? 0,
    ...(startIntervalMs !== undefined && { startIntervalMs }),
  };
  if (fields.at('disable').bool() !== true) return read;
  if (read.test.length > 0 && read.test[0] !== 'NONE')
    fields.at('disable').bad('disable and test exclude each other; leave one out');
  return { test: ['NONE'], intervalMs: 0, timeoutMs: 0, startPeriodMs: 0, retries: 0 };
}

function readTest(reader: Reader): readonly string[] {
  if (!Array.isArray(reader.value)) {
    const text = reader.text();
    if (text === '') return reader.bad('the test is empty; write what to run, or disable: true') ?? [];
    return text === undefined ? [] : ['CMD-SHELL', text];
  }
  const words = reader.texts();
  const [kind] = words;
  if (kind === undefined || words.length < reader.value.length) return words;
  if (kind === 'CMD' && words.length < 2) reader.bad('what to run is missing after CMD');
  // Docker would drop what follows.
  else if (kind === 'CMD-SHELL' && words.length !== 2)
    reader.bad('one text follows CMD-SHELL; use CMD for a list of arguments');
  else if (kind === 'NONE' && words.length !== 1) reader.bad('nothing follows NONE');
  else if (!['CMD', 'CMD-SHELL', 'NONE'].includes(kind))
    reader.at(0).bad(`a list begins with CMD, CMD-SHELL or NONE, not with "${kind}"`);
  return words;
}
