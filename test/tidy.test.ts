/** The style of the project, as a test: sizes, direction of imports, one door per library, purity, names. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';
import * as ts from 'typescript';

const MAX_FILE_LINES = 300;
const MAX_FUNCTION_LINES = 70;

/** Which top folders a top folder may import, itself aside. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  proto: [],
  lib: ['proto'],
  agent: ['lib', 'proto'],
  coordinator: ['lib', 'proto'],
  cli: ['lib', 'proto'],
};
/** The two subcommands that run the daemons. */
const CROSSINGS = ['cli/agent.ts → agent/main', 'cli/coordinator.ts → coordinator/main'];

/** Each outside library, and who may import it. */
const DOORS: Readonly<Record<string, readonly string[]>> = {
  etcd3: ['lib/etcd/'],
  '@grpc/grpc-js': ['lib/rpc/', 'lib/etcd/'],
  protobufjs: ['lib/documents/', 'lib/rpc/'],
  dockerode: ['agent/docker/'],
  winston: ['lib/log.ts'],
  'prom-client': ['lib/metrics.ts'],
  yaml: ['lib/yaml/'],
  commander: ['cli/'],
  'dns-packet': ['agent/dns/'],
  liquidjs: ['agent/templates/'],
  picocolors: ['cli/output/'],
};

const PURE = [
  'agent/plan/',
  'agent/status.ts',
  'agent/endpoints/foreign/registrator.ts',
  'agent/endpoints/skydns.ts',
  'agent/endpoints/wanted-endpoints.ts',
  'agent/tidy/select-images.ts',
  'agent/dns/answers/',
  'agent/probes/probe-state.ts',
  'coordinator/rollouts/',
  'coordinator/schedule/',
  'coordinator/compose/',
  'coordinator/releases/',
  'coordinator/rehearsal/',
  'coordinator/discovery/targets.ts',
  'coordinator/discovery/traefik/',
  'lib/image-reference.ts',
  'lib/release/',
  'lib/yaml/',
];
const IMPURE: readonly (readonly [RegExp, string])[] = [
  [/\basync\b|\bawait\b|\bPromise\b/, 'async'],
  [/\bDate\b/, 'Date'],
  [/\bMath\.random\b/, 'Math.random'],
  [/\bset(Timeout|Interval|Immediate)\b/, 'timers'],
  [/\bprocess\./, 'process'],
  [/from 'node:(?!crypto')/, 'node:*'],
  [/from '[^']*\/(log|metrics|clock)'/, 'logger, metrics or clock'],
];
const BANNED_NAMES = /(^|-)(managers?|helpers?|utils?|common|misc|data|info)(-|\.|$)/;
// Spelled so that this file does not name them.
const MARKS = new RegExp(
  ['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', '@ts-' + 'ignore', '\\.(only|skip)' + '\\('].join('|'),
);

interface SourceFile {
  readonly path: string;
  readonly text: string;
}

function breaches({ path, text }: SourceFile): readonly string[] {
  const isTest = path.endsWith('.test.ts') || /^(test|bench)\//.test(path);
  const rules = [marks, longFile, bannedName, longFunctions, ...(isTest ? [] : [direction, doors, purity])];
  return rules.flatMap((rule) => rule({ path, text }).map((what) => `${path}: ${what}`));
}

function marks({ text }: SourceFile): readonly string[] {
  const found = MARKS.exec(text);
  return found === null ? [] : [`has ${found[0]}`];
}

function longFile({ text }: SourceFile): readonly string[] {
  const lines = text.split('\n').length - 1;
  return lines > MAX_FILE_LINES ? [`${lines} lines`] : [];
}

function bannedName({ path }: SourceFile): readonly string[] {
  return BANNED_NAMES.test(basename(path)) ? ['says nothing by its name'] : [];
}

function longFunctions({ path, text }: SourceFile): readonly string[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const walk = (node: ts.Node): void => {
    // A suite of tests is a list, not a function.
    const isSuite =
      ts.isCallExpression(node.parent ?? node) &&
      /\bdescribe\b/.test((node.parent as ts.CallExpression).expression.getText());
    if (ts.isFunctionLike(node) && 'body' in node && node.body !== undefined && !isSuite) {
      const lines =
        source.getLineAndCharacterOfPosition(node.end).line -
        source.getLineAndCharacterOfPosition(node.getStart()).line +
        1;
      if (lines > MAX_FUNCTION_LINES)
        found.push(`a function of ${lines} lines: ${node.getText().slice(0, 50).split('\n')[0]}`);
    }
    ts.forEachChild(node, walk);
  };
  walk(source);
  return found;
}

function importsOf({ text }: SourceFile): readonly string[] {
  return ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);
}

function direction(file: SourceFile): readonly string[] {
  const top = file.path.split('/')[0]!;
  return importsOf(file)
    .filter((name) => name.startsWith('.'))
    .map((name) => normalize(join(dirname(file.path), name)).replace(/\.js$/, ''))
    .filter((target) => {
      const other = target.split('/')[0]!;
      return (
        other !== top && !(MAY_IMPORT[top] ?? []).includes(other) && !CROSSINGS.includes(`${file.path} → ${target}`)
      );
    })
    .map((target) => `imports ${target}`);
}

function doors(file: SourceFile): readonly string[] {
  return importsOf(file)
    .filter((name) => !name.startsWith('.') && !name.startsWith('node:'))
    .filter((name) => !(DOORS[name] ?? []).some((door) => file.path.startsWith(door)))
    .map((name) => `imports ${name}, whose door is ${DOORS[name]?.join(', ') ?? 'nowhere'}`);
}

function purity({ path, text }: SourceFile): readonly string[] {
  if (!PURE.some((folder) => path.startsWith(folder))) return [];
  const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
  return IMPURE.filter(([pattern]) => pattern.test(code)).map(([, what]) => `is pure and has ${what}`);
}

function sources(): readonly SourceFile[] {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.ts'], {
    encoding: 'utf8',
  });
  return listed
    .split('\n')
    .filter((path) => path !== '')
    .map((path) => ({ path, text: readFileSync(path, 'utf8') }));
}

test('the whole source is tidy', () => {
  const files = sources();
  expect(files.length).toBeGreaterThan(50);
  expect(files.flatMap(breaches)).toEqual([]);
});

test.each<[string, string, string, RegExp]>([
  ['a mark of unfinished work', 'lib/a.ts', '// TO' + 'DO later', /has TO/],
  ['a long file', 'lib/a.ts', '\n'.repeat(301), /301 lines/],
  ['a name that says nothing', 'lib/log-utils.ts', '', /says nothing/],
  ['a long function', 'lib/a.ts', `function f() {${'\n'.repeat(70)}}`, /a function of 71 lines/],
  ['an import upwards', 'lib/a.ts', `import { x } from '../agent/loop';`, /imports agent\/loop/],
  [
    'agent and coordinator together',
    'agent/a.ts',
    `import { x } from '../coordinator/view';`,
    /imports coordinator\/view/,
  ],
  ['a lazy import across', 'cli/ps.ts', `await import('../agent/main.js')`, /imports agent\/main/],
  ['a library past its door', 'coordinator/a.ts', `import { Etcd3 } from 'etcd3';`, /whose door is lib\/etcd/],
  ['a library without a door', 'lib/a.ts', `import _ from 'lodash';`, /whose door is nowhere/],
  ['a promise in a pure file', 'agent/plan/a.ts', 'async function f() {}', /is pure and has async/],
  ['a clock in a pure file', 'coordinator/schedule/a.ts', 'Date.now()', /is pure and has Date/],
  ['a file system in a pure file', 'coordinator/compose/a.ts', `import fs from 'node:fs';`, /is pure and has node/],
])('%s is noticed', (_, path, text, breach) => {
  expect(breaches({ path, text })).toEqual([expect.stringMatching(breach)]);
});
