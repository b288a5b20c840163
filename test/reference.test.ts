/** The reference pages name what the code has, and nothing else. */
import { readFileSync } from 'node:fs';
import { createAgentMetrics } from '../agent/metrics';
import { createProgram } from '../cli/program';
import { createCoordinatorMetrics } from '../coordinator/metrics';
import { agentSettings, coordinatorSettings } from '../lib/config/daemons';
import { kebab } from '../lib/config/settings';

/** Names in the first column of the tables of a page, from a heading on to the next. */
function namesUnder(page: string, heading: string): readonly string[] {
  const text = readFileSync(`docs/reference/${page}`, 'utf8');
  const section = text.slice(text.indexOf(heading)).split('\n## ')[0]!;
  return [...section.matchAll(/^\| `([^` ]+)/gm)].map(([, name]) => name!).sort();
}

test.each([
  ['agent', agentSettings],
  ['coordinator', coordinatorSettings],
])('settings of the %s: the page, the flags and the code agree', (daemon, settings) => {
  const names = Object.keys(settings).map(kebab).sort();
  expect(namesUnder('settings.md', `## \`berth ${daemon}\``)).toEqual(names);
  const command = createProgram().commands.find((one) => one.name() === daemon)!;
  const flags = command.options.map(({ long }) => long!.slice(2)).filter((name) => name !== 'config');
  // What is made of lists and maps stands in the file alone.
  const asFlags = Object.entries(settings).filter(([, setting]) => 'parse' in setting);
  expect(flags.sort()).toEqual(asFlags.map(([name]) => kebab(name)).sort());
});

test.each([
  ['agent', createAgentMetrics().metrics],
  ['coordinator', createCoordinatorMetrics().metrics],
])('metrics of the %s: the page and the code agree', async (daemon, metrics) => {
  const names = [...(await metrics.render()).matchAll(/^# TYPE (berth_\w+) /gm)].map(([, name]) => name!);
  expect(namesUnder('metrics.md', `## The ${daemon}`)).toEqual(names.sort());
});

test('every command is on the page of commands, and has examples', () => {
  const page = readFileSync('docs/reference/cli.md', 'utf8');
  for (const command of createProgram().commands) {
    expect(page).toContain(`\`berth ${command.name()}`);
    let help = '';
    command.configureOutput({ writeOut: (text) => (help += text) });
    command.outputHelp();
    expect(help).toContain('Examples:');
  }
});

/** Words that follow the program's name in code: `berth apply -f …`, and lines of examples. */
function commandsIn(page: string): readonly string[] {
  const code = [...page.matchAll(/```[\s\S]*?```|`[^`\n]+`/g)].map(([text]) => text).join('\n');
  return [...new Set([...code.matchAll(/(?:^|[`\s])berth ([a-z]+)/g)].map(([, name]) => name!))];
}

test.each(['README.md', 'docs/operations.md', 'docs/rollouts.md', 'docs/reference/cli.md', 'docs/reference/probes.md'])(
  'every command that %s names is there',
  (file) => {
    const named = commandsIn(readFileSync(file, 'utf8'));
    const known = createProgram().commands.flatMap((command) => [command.name(), ...command.aliases()]);
    expect(named.filter((name) => !known.includes(name))).toEqual([]);
  },
);
