/** `berth why INSTANCE` for people: one page. */
import { isoTime } from '../../lib/iso-time';
import type { ListedInstance, WhyResponse } from '../../lib/rpc/types';
import { logLines } from '../follow';
import { clean } from './clean';
import { describeDuration } from './duration-text';
import { describePause } from './pause-text';
import { paint, printRows } from './table';
import { headline } from './why';
import { describeExit, describeRelease, describeUnpinned, section } from './why-words';

export function printInstance({ service, instances, releases, host, bound }: WhyResponse): void {
  const [one] = instances as [ListedInstance];
  const { status } = one;
  const { ports, lastExit, lastRestartReason, reason, progress, containerId } = status;
  const [release] = releases;
  printRows([
    [
      'instance',
      `${one.id}, ${status.slot === 0 ? 'the job' : `slot ${status.slot}`} of ${status.service}@${status.release}`,
    ],
    ['service', service === undefined ? '-' : headline(service)],
    ...(release === undefined ? [] : [['release', describeRelease(release, service.status)]]),
    ...describeUnpinned(releases.slice(0, 1)).map((line) => ['', line]),
    ['host', describeHost(host)],
    [
      'phase',
      `${one.hostLive ? '' : 'unknown; last said: '}${status.phase.toLowerCase()}${containerId === '' ? ', no container' : `, container ${containerId.slice(0, 12)}`}`,
    ],
    ['health', status.health === 'none' ? 'no probe and no health check' : status.health || '-'],
    [
      'ports',
      ports.map(({ published, target, protocol }) => `${one.address}:${published}→${target}/${protocol}`).join(' ') ||
        '-',
    ],
    ['restarts', `${status.restarts}${lastRestartReason === '' ? '' : `, the last since ${clean(lastRestartReason)}`}`],
    ...(reason === '' ? [] : [['why', clean(reason)]]),
    ...(progress === '' ? [] : [['progress', clean(progress)]]),
    ...(bound === '' ? [] : [['bound', clean(bound)]]),
    ...(one.stuck === '' || one.stuck === bound ? [] : [['can not move', clean(one.stuck)]]),
    ...(status.held
      ? [['held', 'etcd knows nothing of its service, or of what is assigned to its host: it runs on']]
      : []),
    ...(status.pausedUntilMs > 0 && !reason.startsWith('paused until')
      ? [['paused until', isoTime(status.pausedUntilMs)]]
      : []),
    ...(lastExit === undefined ? [] : [['last exit', describeExit(lastExit)]]),
  ]);
  section('It said last:', logLines(lastExit?.log ?? []));
}

function describeHost(host: WhyResponse['host']): string {
  if (host === undefined) return '-';
  const { name, live, lostSinceMs, intent, pause, problems } = host;
  const since = lostSinceMs === 0 ? '' : ` for ${describeDuration(Math.max(0, Date.now() - lostSinceMs))}`;
  const states = [
    live ? '' : paint.red(`lost${since}`),
    intent.drain ? paint.yellow('draining') : intent.schedulable === false ? paint.yellow('cordoned') : '',
    pause === undefined ? '' : paint.yellow(describePause(pause)),
    ...problems.map(({ message, rule }) => paint.red(`${clean(message)} [${rule}]`)),
  ].filter((text) => text !== '');
  return `${name}, ${states.join('; ') || 'live'}`;
}
