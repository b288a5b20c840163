/** `berth plan` for people: what would become of each service, then host by host. */
import type { PlannedInstance, PlannedService, PlanResponse } from '../../lib/rpc/types';
import { clean } from './clean';
import { describeRefusals, instances as counted } from './host-words';
import { withoutHosts } from './service-words';
import { alignRows, paint, printRows } from './table';

const MAX_CHANGES = 4;
export function printPlan({ services, instances, at, cutShort }: PlanResponse, file: string | undefined): void {
  printRows(
    services.map((service) => [
      service.applied.name,
      paintAction(service.applied.action),
      release(service),
      count(service),
      changes(service),
    ]),
  );
  const notes = services.flatMap(notesOn);
  if (notes.length > 0) process.stdout.write(`\n${notes.join('\n')}\n`);
  if (instances.length > 0) process.stdout.write(`\n${perHost(instances).join('\n')}\n\n${summary(instances)}\n`);
  else process.stdout.write('\nNo instance would change.\n');
  if (cutShort !== '') process.stdout.write(`${paint.yellow('This is how it begins')}: ${clean(cutShort)}.\n`);
  if (services.every(({ applied }) => applied.action === 'unchanged')) return;
  process.stdout.write(
    `Nothing was written. To apply just this: berth apply${file === undefined ? '' : ` -f ${file}`} --at ${at}\n`,
  );
}

function paintAction(action: string): string {
  return action === 'unchanged' ? action : action === 'created' ? paint.green(action) : paint.yellow(action);
}

function release({ release, newRelease }: PlannedService): string {
  return release === 0 ? '-' : `@${release}${newRelease ? ' (new)' : ''}`;
}

function count({ before, after }: PlannedService): string {
  return before === after ? String(after) : `${before} → ${after}`;
}

function changes({ changes }: PlannedService): string {
  const more = changes.length - MAX_CHANGES;
  return `${changes.slice(0, MAX_CHANGES).map(clean).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function notesOn({ applied: { name, held }, phases, unplaced, failure }: PlannedService): readonly string[] {
  const waits = [...new Set(phases.map((phase) => stopAt(phase, name)))].filter((stop) => stop !== '');
  return [
    ...(held === '' ? [] : [`${paint.yellow(name)}: ${clean(held).replace(`${name}: `, '')}`]),
    ...waits.map((stop) => `${paint.yellow(name)}: ${clean(stop)}`),
    ...describeRefusals(unplaced).map((line) => `${paint.red(name)}: no place on ${line}`),
    ...(failure === ''
      ? []
      : [`${paint.red(name)}: would fail: ${clean(unplaced.length === 0 ? failure : withoutHosts(failure))}`]),
  ];
}

/** What its rollout waits for on its way; empty for what it does by itself. */
function stopAt(phase: string, service: string): string {
  const [, word = '', reason = ''] = /^([a-z-]+)(?:: (.*))?$/.exec(phase) ?? [];
  if (word === 'waiting') return reason;
  if (word === 'before') return 'its job of x-berth.before runs first, and has to exit with 0';
  return word === 'canary'
    ? `stops at its canaries until they are well, and for "berth promote ${service}" unless auto_promote is set`
    : '';
}

/** A move is told on both of its hosts. */
function perHost(instances: readonly PlannedInstance[]): readonly string[] {
  const lines = new Map<string, string[][]>();
  const add = (host: string, sign: string, { service, slot }: PlannedInstance, what: string): void => {
    const known = lines.get(host) ?? [];
    lines.set(host, [...known, [sign, `${service}-${slot}`, clean(what)]]);
  };
  for (const one of instances) {
    const because = one.reason === '' ? '' : `: ${one.reason}`;
    if (one.action === 'create') add(one.host, paint.green('+'), one, '');
    if (one.action === 'remove') add(one.host, paint.red('-'), one, '');
    if (one.action === 'replace') add(one.host, paint.yellow('~'), one, `replaced${because}`);
    if (one.action === 'update') add(one.host, paint.yellow('='), one, `changed in place${because}`);
    if (one.action !== 'move') continue;
    add(one.from, paint.red('-'), one, `goes to ${one.host}${because}`);
    add(one.host, paint.green('+'), one, `comes from ${one.from}`);
  }
  const hosts = [...lines].sort(([a], [b]) => (a < b ? -1 : 1));
  return alignRows(hosts.flatMap(([host, rows]) => rows.map((row, index) => [index === 0 ? host : '', ...row])));
}

function summary(instances: readonly PlannedInstance[]): string {
  const of = (action: string): number => instances.filter((one) => one.action === action).length;
  const parts = [
    ['created', of('create')],
    ['replaced', of('replace')],
    ['moved', of('move')],
    ['changed in place', of('update')],
    ['removed', of('remove')],
  ] as const;
  const told = parts
    .filter(([, count]) => count > 0)
    .map(([what, count], index) => `${index === 0 ? counted(count) : count} ${what}`);
  return `${told.join(', ')}.`;
}
