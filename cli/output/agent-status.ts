/** `berth agent status` for people: a head, a table, or all of one instance. */
import { isoTime } from '../../lib/iso-time';
import type { AgentStatus, LocalInstance, Outlook } from '../../lib/rpc/types';
import { clean } from './clean';
import { describeDuration } from './duration-text';
import { describePause } from './pause-text';
import { alignRows, paint, printRows, printTable } from './table';

/** Characters of a line, where the terminal does not say: a reason is cut there, and whole in the form of one instance. */
const WIDTH = 120;
const MIN_NEXT = 30;

export function printHost(status: AgentStatus): void {
  const { host, agentVersion, upMs, docker, idle, problems, pauses, instances } = status;
  printRows([
    ['host', `${host}, agent ${agentVersion}, up ${describeDuration(upMs)}`],
    ['etcd', etcdLine(status)],
    [
      'docker',
      docker.answers
        ? `answers${docker.version === '' ? '' : `, version ${clean(docker.version)}`}`
        : paint.red('does not answer'),
    ],
    ['assignment', assignmentLine(status)],
    ...(idle === '' ? [] : [['', paint.yellow(`nothing is done now: ${clean(idle)}`)]]),
    ...pauses.map((pause) => ['hands off', paint.yellow(`${pause.kind} ${clean(pause.name)} ${describePause(pause)}`)]),
    ...problems.map(({ message, rule }) => ['problem', paint.red(`${clean(message)} [${rule}]`)]),
  ]);
  if (instances.length === 0) return void process.stdout.write('\nNothing should run here, and nothing does.\n');
  process.stdout.write('\n');
  const head = ['INSTANCE', 'RELEASE', 'PHASE', 'HEALTH', 'RESTARTS'];
  const rows = instances.map((one) => [one.id, release(one), phase(one), health(one), String(one.status.restarts)]);
  const before = Math.max(...alignRows([head, ...rows].map((row) => [...row, '.'])).map((line) => line.length)) - 1;
  const room = Math.max(MIN_NEXT, (process.stdout.columns ?? WIDTH) - before);
  printTable(
    [...head, 'NEXT'],
    rows.map((row, index) => [...row, cut(nextOrLast(instances[index]!), room)]),
  );
}

/** Where all is well, the count of restarts asks for its reason. */
function nextOrLast(one: LocalInstance): string {
  const { step, reason } = one.outlook;
  const { lastRestartReason } = one.status;
  const text = next(whatFailed(one));
  const isWell = step === '' && reason === '';
  return isWell && lastRestartReason !== '' ? `${text}; last restart: ${clean(lastRestartReason)}` : text;
}

/** Of what went wrong, the words of the failure say more than why the step is taken at all. */
function whatFailed({ outlook, status }: LocalInstance): Outlook {
  return status.phase === 'FAILED' ? { ...outlook, reason: status.reason } : outlook;
}

export function printInstance(one: LocalInstance): void {
  const { status, wantedRelease, wantedImage } = one;
  const { containerId, ports, lastExit, lastRestartReason, progress, reason } = status;
  const rows: (readonly [string, string])[] = [
    ['instance', one.id],
    [
      'should run',
      wantedRelease === ''
        ? 'no: it is not assigned to this host'
        : `${wantedRelease}, ${wantedImage || 'of which the image is not known'}`,
    ],
    [
      'runs',
      containerId === ''
        ? `no container (${phase(one)})`
        : `${phase(one)}, release ${status.service}@${status.release}, container ${containerId.slice(0, 12)}`,
    ],
    ['health', health(one)],
    ['ports', ports.map(({ published, target, protocol }) => `${published}→${target}/${protocol}`).join(' ') || '-'],
    ['restarts', String(status.restarts)],
  ];
  if (lastRestartReason !== '') rows.push(['last restart', clean(lastRestartReason)]);
  if (lastExit !== undefined) {
    const { code, signal, oomKilled, atMs } = lastExit;
    const how = `code ${code}${signal === '' ? '' : `, ${signal}`}${oomKilled ? ', out of memory' : ''}`;
    rows.push(
      // Docker does not always say when.
      ['last exit', atMs === 0 ? how : `${how}, ${isoTime(atMs)}`],
      ...lastExit.log.map((line) => ['', `| ${clean(line)}`] as const),
    );
  }
  if (reason !== '') rows.push(['why', clean(reason)]);
  if (progress !== '') rows.push(['progress', clean(progress)]);
  if (status.pausedUntilMs > 0) rows.push(['paused until', isoTime(status.pausedUntilMs)]);
  printRows([...rows, ['next', next(one.outlook)]]);
}

function etcdLine({ etcd: { connected, forMs, ageMs } }: AgentStatus): string {
  if (connected) return `connected for ${describeDuration(forMs)}`;
  if (ageMs < 0) return paint.red(`not reached since the agent started, ${describeDuration(forMs)} ago`);
  return paint.red(`cut off for ${describeDuration(forMs)}; what is known from it is as old`);
}

function assignmentLine({ assignmentRevision, assignmentFrom }: AgentStatus): string {
  if (assignmentFrom === 'nowhere') return 'none';
  return `revision ${assignmentRevision}${assignmentFrom === 'disk' ? ', from the copy on disk' : ''}`;
}

function release({ status, wantedRelease }: LocalInstance): string {
  const runs = `${status.service}@${status.release}`;
  return wantedRelease === '' || wantedRelease === runs ? runs : `${runs} → ${wantedRelease}`;
}

function phase({ status }: LocalInstance): string {
  const text = status.phase === 'PHASE_UNSPECIFIED' ? 'unknown' : status.phase.toLowerCase();
  return status.pausedUntilMs > 0 ? `${text}, paused` : text;
}

function health({ status }: LocalInstance): string {
  return status.health === 'none' ? '-' : status.health;
}

/** "start in 12 s: exited with code 3" */
function next({ step, underWay, inMs, reason }: Outlook): string {
  const why = reason === '' ? '' : `: ${clean(reason)}`;
  if (step === '') return `nothing${why}`;
  if (underWay) return `${step}, under way${why}`;
  return `${step} ${inMs === 0 ? 'at once' : `in ${describeDuration(inMs)}`}${why}`;
}

function cut(text: string, room: number): string {
  return text.length <= room ? text : `${text.slice(0, room - 1)}…`;
}
