import { compileService } from './compile';

/** "rule path line:column" of the first problem. */
function firstProblem(text: string): string {
  const compiled = compileService('web', `image: a\n${text}`);
  if (compiled.ok) return 'none';
  const { rule, path, line, column } = compiled.problems[0]!;
  return `${rule} ${path} ${line}:${column}`;
}

const listed = (count: number, item: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => item(at)).join('');

test.each<[string, string, string]>([
  ['ports', `ports: [${'80,'.repeat(80_000)}]`, 'duplicate-port ports[1] 2:12'],
  ['ranges', `ports: [${listed(200, (at) => `"10.0.0.${at}:1-256:1-256",`)}]`, 'out-of-range ports 2:8'],
  ['mounts', `volumes: [${'/a,'.repeat(80_000)}]`, 'bad-value volumes[1] 2:14'],
  ['networks', `networks: [${listed(20_000, (at) => `n${at},`)}]`, 'out-of-range networks 2:11'],
  [
    'settings of volumes',
    `volumes: [${listed(8000, (at) => `a${at}:/${at},`)}]\nx-berth: { volumes: {${listed(8000, (at) => `b${at}: {},`)}} }`,
    'bad-value x-berth.volumes.b0 3:22',
  ],
  ['placeholders', `environment: { A: "${'{{'.repeat(100_000)}" }`, 'bad-value environment.A 2:19'],
  ['unclosed placeholders', `environment: { A: "${'{{ a'.repeat(50_000)}" }`, 'bad-value environment.A 2:19'],
  ['unknown keys', listed(20_000, (at) => `k${at}: 1\n`), 'unknown-key k0 2:1'],
  ['keys that are there twice', `x-a: {${'a,'.repeat(130_000)}}`, 'yaml-syntax  2:9'],
  ['aliases of one thing', `x-a: &a X=1\nenvironment: [${'*a,'.repeat(80_000)}]`, 'none'],
  ['aliases of many things', `x-a:\n${listed(12_000, (at) => `- &a${at} x\n- *a${at}\n`)}`, 'none'],
  [
    'aliases in a chain',
    listed(100, (at) => `x-${at}: &a${at} [*a${at - 1}]\n`).replace('*a-1', ''),
    'yaml-syntax  66:12',
  ],
  [
    'merged keys',
    `x-a: &a {${listed(9000, (at) => `k${at}: 1,`)}}\nlabels: { <<: [${'*a,'.repeat(9000)}] }`,
    'yaml-syntax  1:1',
  ],
  ['open lists', `x-a: ${'['.repeat(200_000)}`, 'yaml-syntax  2:'],
])('very many %s take no time', (_, text, problem) => {
  const startedMs = performance.now();
  expect(firstProblem(text)).toContain(problem);
  expect(performance.now() - startedMs).toBeLessThan(15_000);
});
