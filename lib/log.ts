import { createLogger as createWinston, format, transports } from 'winston';

/** What a line may carry besides its message; `instance`, `release` and `reason` are the usual ones. */
export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds these fields to each of its lines. */
  child(fields: LogFields): Logger;
}

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A longer text in a line is cut: one bad document must not fill the journal. */
export const MAX_FIELD_CHARACTERS = 4096;

/** JSON lines on standard error; standard output is for the one ready line and for answers. */
export function createLogger(options: { component: string; level?: LogLevel }): Logger {
  const winston = createWinston({
    level: options.level ?? 'info',
    defaultMeta: { component: options.component },
    format: format.combine(format.timestamp(), format.json({ replacer: cutLongText })),
    transports: [new transports.Stream({ stream: process.stderr })],
  });
  return wrap((level, message, fields) => void winston.log(level, message, fields), {});
}

function cutLongText(_name: string, value: unknown): unknown {
  return typeof value === 'string' && value.length > MAX_FIELD_CHARACTERS
    ? `${value.slice(0, MAX_FIELD_CHARACTERS)}… (${value.length} characters)`
    : value;
}

function wrap(write: (level: LogLevel, message: string, fields: LogFields) => void, bound: LogFields): Logger {
  const at = (level: LogLevel) => (message: string, fields?: LogFields) =>
    write(level, message, { ...bound, ...fields });
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => wrap(write, { ...bound, ...fields }),
  };
}

/** Says nothing: for tests and the simulator. */
export const silentLogger: Logger = wrap(() => undefined, {});
