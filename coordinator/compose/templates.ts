/** Texts of a service with {{ }} in them, and the keys of config that they take. */

import type { Path } from './places';
import { formatPath, type Problems } from './problems';
import { UNKNOWN, type Reader, type Templates } from './read';
import { refuseLabel } from './mount-options';

/** Where a key of config is taken. */
export interface ConfigUse {
  readonly key: string;
  /** "environment.URL" */
  readonly path: string;
  readonly line: number;
  readonly column: number;
}

/** Problems of keys that are missing name one place each, and a document has room for thousands. */
const MAX_USES = 1000;
/** What placeholders are filled in with, to see whether the whole is right. */
export const SAMPLES = {
  ...{ 'Service.Name': 'web', 'Service.ID': 'web', 'Task.ID': 'web-1-x7k2', 'Task.Name': 'berth-web-1-x7k2' },
  ...{ 'Task.Slot': '1', 'Node.Hostname': 'host', 'Node.ID': 'a1b2c3' },
};
const SAMPLE_CONFIG = { config: () => UNKNOWN };

export class ConfigUses {
  private readonly found: ConfigUse[] = [];

  constructor(private readonly problems: Problems) {}

  add(key: string, path: Path): void {
    if (this.found.length < MAX_USES) this.found.push({ key, path: formatPath(path), ...this.problems.placeOf(path) });
  }

  /** In the order in which they stand in the document. */
  get sorted(): readonly ConfigUse[] {
    return [...this.found].sort((a, b) => a.line - b.line || a.column - b.column);
  }
}

/** @returns the labels of the service, which other texts may name, and what {{ }} are in those */
export function readLabels(
  service: Reader,
  uses: ConfigUses,
): { readonly labels: Readonly<Record<string, string>>; readonly templates: Templates } {
  const onConfig = (key: string, path: Path): void => uses.add(key, path);
  const reader = service.at('labels').withBraces({ ...SAMPLES, ...SAMPLE_CONFIG, onConfig, labels: undefined });
  const labels = reader.textMap({ noValue: 'empty', refuse: refuseLabel });
  const filled = Object.entries(labels).map(([name, text]) => [name, reader.filled(text)] as const);
  return { labels, templates: { ...SAMPLES, ...SAMPLE_CONFIG, onConfig, labels: Object.fromEntries(filled) } };
}
