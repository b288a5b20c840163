/** `berth alarms` for people: each is a few lines, since its message is one. */
import { isoTime } from '../../lib/iso-time';
import type { ListedAlarm } from '../../lib/rpc/types';
import { clean } from './clean';
import { paint, printRows } from './table';

const MAX_NAMES = 20;

export function printAlarms(alarms: readonly ListedAlarm[]): void {
  const rows = alarms.flatMap(({ alarm: { kind, id, message, names }, released }) => {
    const more = names.length - MAX_NAMES;
    return [
      [paint.red(kind), clean(message)],
      [
        '',
        `since ${isoTime(id)}: ${names.slice(0, MAX_NAMES).map(clean).join(', ')}${more > 0 ? ` and ${more} more` : ''}`,
      ],
      ['', released ? 'released, and about to end' : `"berth alarms release ${kind}" lets Berth go on`],
    ];
  });
  printRows(rows);
}
