/** `berth why` for people: one page about a service. */
import { isoTime } from '../../lib/iso-time';
import type { HostFit, ListedInstance, ListedService, WhyResponse } from '../../lib/rpc/types';
import { logLines } from '../follow';
import { clean } from './clean';
import { describePause } from './pause-text';
import { describeProblem } from './problem-text';
import { isTroubled, untold } from './rollout-text';
import { phaseWord, reasonWord, releaseWord } from './service-words';
import { paint, printRows, printTable } from './table';
import { describeExit, describeRelease, describeUnpinned, section } from './why-words';

type Row = readonly [string, string];

/** Of more, those that run as wanted are counted. */
const MAX_INSTANCES = 20;

export function printService(answer: WhyResponse): void {
  const service = answer.service;
  printRows([
    [service.name, headline(service)],
    ...next(service),
    ...document(answer),
    ...wishes(answer),
    ...releases(answer),
  ]);
  printInstances(answer.instances);
  const { lastExits = {}, failures = {} } = service.status.move ?? {};
  const gone = Object.keys(failures).filter((id) => answer.instances.every((one) => one.id !== id));
  const failed = gone.flatMap((id) => {
    const log = lastExits[id]?.log ?? [];
    return [`${id} ${untold(clean(failures[id]!), log)}`, ...logLines(log)];
  });
  section('Failed, and gone:', failed);
  section(missing(service, answer.fits), answer.fits.map(describeFit));
  section(
    'To move, and can not:',
    answer.instances.filter(({ stuck }) => stuck !== '').map(({ id, stuck }) => `  ${id}: ${clean(stuck)}`),
  );
}

export function headline({ status }: ListedService): string {
  const { rollout, accepted, running, wanted, move, pause, frozen } = status;
  const counts = running > wanted ? `${running} run, ${wanted} wanted` : `${running} of ${wanted} run`;
  if (rollout === 'pending') return 'is written, and no leading coordinator has taken it up yet';
  if (rollout === 'stopping') return 'is removed: its instances are being stopped';
  if (rollout === 'held' && frozen !== '') return paint.red(`its key is gone, and it runs on: ${clean(frozen)}`);
  if (rollout === 'held') return paint.red('its key is gone with many others: it runs on; see "berth alarms"');
  const state = rollout === 'rolling' && move !== undefined ? phaseWord(status, move) : rollout;
  const reason = reasonWord(status);
  const line = `${releaseWord(status)}, ${state}, ${counts}${reason === '' ? '' : `: ${reason}`}`;
  if (pause !== undefined) return paint.yellow(`${releaseWord(status)}, ${counts}, ${describePause(pause)}`);
  if (!accepted) return paint.red('refused') + (status.targetRelease === 0 ? '' : `; what was there goes on: ${line}`);
  if (rollout === 'failed' || rollout === 'rolled-back') return paint.red(line);
  return rollout === 'steady' && status.frozen === '' && running >= wanted ? paint.green(line) : paint.yellow(line);
}

/** What an operator can do, where it is not said already. */
function next({ name, status: { rollout, accepted } }: ListedService): readonly Row[] {
  if (rollout === 'pending')
    return [['', 'does a coordinator lead? "berth version --remote" says whether the one that is asked does']];
  if (!accepted) return [['', 'mend the document and apply it']];
  if (rollout !== 'failed' && rollout !== 'rolled-back') return [];
  return [
    [
      '',
      `mend it and apply it; the same file again is another try; "berth history ${name}" has what there is to go back to`,
    ],
  ];
}

function document({ service, author }: WhyResponse): readonly Row[] {
  const { status } = service;
  const by = author === undefined ? '' : `, written by ${clean(author.by)} at ${isoTime(author.atMs)}`;
  if (status.rollout === 'stopping' || status.rollout === 'held') return [];
  if (status.accepted && status.problems.length === 0) return [['document', `accepted${by}`]];
  return [
    ['document', `${status.accepted ? 'accepted' : paint.red('refused')}${by}`],
    ...status.problems.map((problem): Row => ['', describeProblem(problem)]),
  ];
}

function wishes({ rollback }: WhyResponse): readonly Row[] {
  if (rollback === undefined) return [];
  const by = rollback.by === '' ? '' : `, asked for by ${clean(rollback.by)}`;
  return [['rollback', `to @${rollback.release} instead of @${rollback.insteadOf}${by}, until another release is cut`]];
}

function releases({ releases, service }: WhyResponse): readonly Row[] {
  return [
    ...releases.map((release): Row => [`@${release.number}`, describeRelease(release, service.status)]),
    ...describeUnpinned(releases).map((line): Row => ['', line]),
  ];
}

function printInstances(instances: readonly ListedInstance[]): void {
  if (instances.length === 0) return void process.stdout.write('\nNo instances.\n');
  const isPlain = (one: ListedInstance): boolean =>
    one.hostLive && one.status.phase === 'RUNNING' && words(one) === '-';
  const shown =
    instances.length <= MAX_INSTANCES ? instances : instances.filter((one) => !isPlain(one)).slice(0, MAX_INSTANCES);
  process.stdout.write('\n');
  if (shown.length > 0)
    printTable(
      ['INSTANCE', 'RELEASE', 'HOST', 'PHASE', 'HEALTH', 'RESTARTS', 'WHY'],
      shown.map((one) => [
        one.id,
        `@${one.status.release}`,
        one.host,
        one.hostLive ? one.status.phase.toLowerCase() : paint.red('unknown'),
        one.status.health === 'none' ? '-' : one.status.health || '-',
        String(one.status.restarts),
        words(one),
      ]),
    );
  const rest = instances.length - shown.length;
  if (rest > 0)
    process.stdout.write(
      `${shown.length > 0 ? '… and ' : ''}${rest} more, nearly all of which run as wanted; "berth ps" has them\n`,
    );
  for (const one of shown.filter(isTroubled)) section(`${one.id} said last:`, logLines(one.status.lastExit?.log ?? []));
}

function words({ hostLive, status }: ListedInstance): string {
  const { reason, progress, lastRestartReason, lastExit, pausedUntilMs, held, slot } = status;
  const found = [
    hostLive ? '' : 'its host is lost; this is what it last said',
    slot === 0 ? 'the job of x-berth.before' : '',
    held ? 'held' : '',
    pausedUntilMs > 0 && !reason.startsWith('paused until') ? `paused until ${isoTime(pausedUntilMs)}` : '',
    hostLive || reason !== 'its host is lost' ? clean(reason) : '',
    clean(progress),
    reason === '' && lastRestartReason !== '' ? `last restart: ${clean(lastRestartReason)}` : '',
    lastExit !== undefined && reason === '' && lastRestartReason === '' ? describeExit(lastExit) : '',
  ].filter((text) => text !== '');
  return found.join('; ') || '-';
}

function missing({ status: { wanted, placed } }: ListedService, fits: readonly HostFit[]): string {
  if (placed >= wanted) return 'To one more of them, hosts say:';
  // It has a place, and waits for something else.
  const what = fits.every(({ reasons }) => reasons.length === 0) ? 'Not placed yet:' : 'No place for';
  return `${what} ${wanted - placed} of ${wanted}. To one more, hosts say:`;
}

function describeFit({ hosts, count, reasons }: HostFit): string {
  const more = count > hosts.length ? ` and ${count - hosts.length} more` : '';
  return `  ${hosts.join(', ')}${more}: ${reasons.length === 0 ? paint.green('fits') : reasons.map(clean).join('; ')}`;
}
