import type { Clock } from '../../lib/clock';
import type { LogFields, Logger } from '../../lib/log';

export interface LogLine {
  readonly atMs: number;
  readonly level: string;
  readonly message: string;
  readonly fields: LogFields;
}

/** A logger whose lines a test can read. */
export function recordLog(clock: Clock): { readonly log: Logger; readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const bind = (bound: LogFields): Logger => {
    const at = (level: string) => (message: string, fields?: LogFields) =>
      void lines.push({ atMs: clock.monotonicMs(), level, message, fields: { ...bound, ...fields } });
    return {
      ...{ debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') },
      child: (fields) => bind({ ...bound, ...fields }),
    };
  };
  return { log: bind({}), lines };
}
