/** docs/reference/probes.md: its examples are accepted, its defaults are those of the code, its reasons are said so. */
import { readFileSync } from 'node:fs';
import { describeFailure, type Outcome } from '../agent/probes/outcome';
import { compileService } from '../coordinator/compose/compile';
import type { DeploySpec } from '../lib/documents/types';

const page = readFileSync('docs/reference/probes.md', 'utf8');
const blocks = (language: string): readonly string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map(([, text]) => text!);

function deployOf(document: string): DeploySpec {
  const compiled = compileService('web', document);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  return compiled.deploy;
}

test('the examples are accepted, one of each kind at least', () => {
  const kinds = blocks('yaml').flatMap((example) => Object.keys(deployOf(example).probe!));
  expect(kinds).toEqual(expect.arrayContaining(['http', 'tcp', 'exec', 'grpc']));
});

test('the defaults are those of the code', () => {
  const defaults = new Map([...page.matchAll(/^\| `(\w+)` \| (\S+) \|/gm)].map(([, key, value]) => [key!, value!]));
  expect([...defaults.keys()]).toEqual(['interval', 'timeout', 'start_period', 'failures', 'successes']);
  const written = [...defaults].map(([key, value]) => `${key}: ${value}`).join(', ');
  const probe = (more: string): DeploySpec =>
    deployOf(`image: a:1\nx-berth: { probe: { http: { port: 80 }${more} } }\n`);
  expect(probe('')).toEqual(probe(`, ${written}`));
  const http = 'path: /, status: 200-399, scheme: http, method: GET';
  expect(deployOf(`image: a:1\nx-berth: { probe: { http: { port: 80, ${http} } } }\n`)).toEqual(probe(''));
});

test('the reasons are said so', () => {
  const examples = blocks('yaml').map((example) => deployOf(example).probe!);
  const said = (kind: 'http' | 'tcp' | 'exec' | 'grpc', outcome: Outcome): string => {
    const probe = examples.find((example) => example[kind] !== undefined)!;
    return describeFailure(outcome, probe, { containerId: 'c', address: '172.17.0.3' }, probe.timeoutMs)!;
  };
  const failure = (reason: string): Outcome => ({ result: 'failure', reason });
  expect(blocks('text')[0]!.split('\n')).toEqual(
    expect.arrayContaining([
      said('http', failure('status 503, 200-399 is wanted')),
      said('http', { result: 'timeout', reason: 'no answer' }),
      said('tcp', failure('connection refused')),
      said('exec', { result: 'timeout', reason: 'it did not end' }),
      said('grpc', failure('NOT_SERVING, SERVING is wanted')),
    ]),
  );
});
