import type { Clock } from '../../lib/clock';
import type { TemplateSetting } from '../../lib/config/templates';
import type { Problem } from '../../lib/documents/types';
import type { Logger } from '../../lib/log';
import type { Discovery } from '../discovery/discovery';
import { runCommand } from './command';
import { DestFile } from './dest';
import { TemplateGroup, type GroupMetrics } from './group';
import { createParser } from './liquid';
import { SourceFile } from './source';
import { Stamps, stampsInFolder } from './stamps';
import { TemplateFile } from './template-file';
import { Trouble } from './trouble';
import { hostView, ServiceViews, type HostFacts } from './view';

export interface TemplatesOptions {
  /** At least one. */
  readonly templates: readonly TemplateSetting[];
  /** Folder for what a restart must not forget. */
  readonly stateDir: string;
  readonly discovery: Pick<Discovery, 'service' | 'subscribe'>;
  readonly host: HostFacts;
  readonly clock: Clock;
  /** Numbers in [0, 1), for jitter. */
  readonly random: () => number;
  readonly log: Logger;
  readonly metrics?: GroupMetrics;
  /** The problems are other ones. */
  readonly onProblems: () => void;
}

export interface Templates {
  readonly problems: readonly Problem[];
  /** Ends commands that run, too: what they did is not counted on, and they are run again at the next start. */
  close(): Promise<void>;
}

/** Keeps the files of templates as discovery would have them, until it is closed. */
export async function startTemplates(options: TemplatesOptions): Promise<Templates> {
  const { templates, stateDir, discovery, host, clock, random, log, metrics, onProblems } = options;
  const stamps = new Stamps(
    stampsInFolder(stateDir),
    templates.map(({ dest }) => dest),
  );
  await stamps.load();
  const parse = createParser();
  const stopping = new AbortController();
  const { signal } = stopping;
  const run = (command: string, file: Readonly<Record<string, string>> = {}): Promise<string | undefined> =>
    runCommand({ command, env: file, signal });
  const views = new ServiceViews();
  const groups = groupsOf(templates).map((members) => {
    const path = members.map(({ index }) => `templates[${index}]`).join(', ');
    const trouble = (): Trouble => new Trouble({ path, log, onChange: onProblems, signal });
    const files = members.map(({ setting, index }) => {
      const { src, dest } = setting;
      return new TemplateFile({
        ...{ setting, parse, source: new SourceFile(src), dest: new DestFile({ ...setting, path: dest }) },
        run: (command, file) => run(command, { FILE: file }),
        trouble: new Trouble({ path: `templates[${index}]`, log, onChange: onProblems, signal }),
        // What could not be written is told after the reload.
        beforeReplace: async () => void (await stamps.remove(dest)),
      });
    });
    return new TemplateGroup({
      ...{ files, discovery, host: hostView(host), views, stamps, run, clock, random },
      ...{ reload: members[0]!.setting.reload, trouble: trouble(), waiting: trouble() },
      ...(metrics && { metrics }),
    });
  });
  for (const group of groups) group.start();
  return {
    get problems() {
      return groups.flatMap((group) => group.problems);
    },
    close: async () => {
      stopping.abort();
      await Promise.all(groups.map((group) => group.close()));
    },
  };
}

interface Member {
  readonly setting: TemplateSetting;
  readonly index: number;
}

/** Those of one reload together; one without stands alone, so that it waits for no other's commands. */
function groupsOf(templates: readonly TemplateSetting[]): readonly (readonly Member[])[] {
  const groups = new Map<string, Member[]>();
  for (const [index, setting] of templates.entries()) {
    const key = setting.reload ?? `\0${index}`;
    groups.set(key, [...(groups.get(key) ?? []), { setting, index }]);
  }
  return [...groups.values()];
}
