import type { Logging } from '../../lib/documents/types';
import { LOGGING_KEYS } from './container-keys';
import type { Parsed, Reader } from './read';

const DEFAULT_DRIVER = 'json-file';

/** Whether the host has the driver, and what options it knows, shows only there. */
export function readLogging(reader: Reader): Logging | undefined {
  const fields = reader.fields(LOGGING_KEYS);
  if (fields === undefined) return undefined;
  return {
    driver: fields.at('driver').parse(parseDriver) ?? DEFAULT_DRIVER,
    // Docker has placeholders of its own there: tag: "{{.Name}}".
    options: fields.at('options').withBraces('verbatim').textMap({ noValue: 'empty' }),
  };
}

function parseDriver(text: string): Parsed<string> {
  return /^[a-zA-Z0-9][\w./:-]*$/.test(text)
    ? text
    : { problem: `"${text}" is no log driver; write json-file, local, journald, syslog, none, …` };
}
