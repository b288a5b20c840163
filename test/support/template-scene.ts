import type { ParseTemplate } from '../../agent/templates/liquid';
import type { Look } from '../../agent/templates/dest';
import { TemplateGroup } from '../../agent/templates/group';
import { Stamps } from '../../agent/templates/stamps';
import { TemplateFile } from '../../agent/templates/template-file';
import { Trouble } from '../../agent/templates/trouble';
import { ServiceViews } from '../../agent/templates/view';
import { createFakeClock } from './fake-clock';
import { createFakeDiscovery, fakeEndpoint } from './fake-discovery';
import { recordLog } from './recorded-log';

/** Every template that was not edited. */
export const LIST = '{% for e in services.web %}{{ e.instance }} {% endfor %}';
export const INTERVAL_MS = 1000;
const RELOAD = 'reload';

/** Templates that share a reload, on a disk in memory. */
export class TemplateScene {
  readonly clock = createFakeClock();
  readonly log = recordLog(this.clock);
  readonly discovery = createFakeDiscovery();
  readonly sources = new Map<string, string | Error>();
  readonly looks = new Map<string, Look>();
  /** Commands that were run, with what the file said. */
  readonly ran: string[] = [];
  /** Why a command fails, by its name; those that are not there succeed. */
  readonly failures = new Map<string, string>();
  private readonly known = new Set<string>();
  diskTrouble: Error | undefined;
  stampsTrouble: Error | undefined;
  isSettling = false;
  changes = 0;
  private readonly stopping = new AbortController();
  private group!: TemplateGroup;
  private readonly changed = new Set<string>();

  constructor(
    private readonly parse: ParseTemplate,
    /** What is on disk of them. */
    public stamps: string | Error = new Error('ENOENT'),
  ) {}

  /** Nothing is known of services that were not set before. */
  async start(dests: readonly string[] = ['/a'], reload = RELOAD): Promise<void> {
    const load = (): Promise<string> =>
      this.stamps instanceof Error ? Promise.reject(this.stamps) : Promise.resolve(this.stamps);
    const save = (text: string): Promise<void> =>
      this.stampsTrouble === undefined
        ? Promise.resolve(void (this.stamps = text))
        : Promise.reject(this.stampsTrouble);
    const stamps = new Stamps({ load, save }, dests);
    await stamps.load();
    const trouble = (path: string): Trouble =>
      new Trouble({ path, log: this.log.log, onChange: () => this.changes++, signal: this.stopping.signal });
    const files = dests.map((dest) => this.file(dest, stamps, trouble(dest)));
    this.group = new TemplateGroup({
      ...{
        files,
        reload: reload === '' ? undefined : reload,
        discovery: this.discovery,
        host: {},
        views: new ServiceViews(),
        stamps,
      },
      run: (command) => this.run(command, ''),
      ...{ trouble: trouble('reload'), waiting: trouble('waiting'), clock: this.clock, random: () => 0.5 },
    });
    for (const name of ['web', 'api']) if (!this.known.has(name)) this.discovery.unknown.add(name);
    this.group.start();
    await this.advance(0);
  }

  private file(dest: string, stamps: Stamps, trouble: Trouble): TemplateFile {
    const wanted = (text: string): Look => ({ text, mode: 0o644, uid: 0, gid: 0 });
    return new TemplateFile({
      setting: { src: `${dest}.liquid`, dest, check: 'check', interval: INTERVAL_MS },
      ...{ parse: this.parse, trouble, run: (command) => this.run(command, dest) },
      beforeReplace: async () => void (await stamps.remove(dest)),
      source: {
        load: () => {
          const text = this.sources.get(dest) ?? LIST;
          return text instanceof Error ? Promise.reject(text) : Promise.resolve({ text, isSettling: this.isSettling });
        },
        hasChanged: () => Promise.resolve(this.changed.delete(dest)),
      },
      dest: {
        look: () => Promise.resolve(this.looks.get(dest)),
        wanted: (text) => Promise.resolve(wanted(text)),
        hasChanged: () => Promise.resolve(false),
        replace: async (look, inspect) => {
          if (this.diskTrouble !== undefined) throw this.diskTrouble;
          this.beside = look.text;
          await inspect(dest);
          this.looks.set(dest, look);
        },
      },
    });
  }

  private beside = '';

  private run(command: string, file: string): Promise<string | undefined> {
    this.ran.push(file === '' ? command : `${command} ${file}: ${this.beside}`);
    return Promise.resolve(this.failures.get(command));
  }

  web(...instances: readonly string[]): void {
    this.service('web', ...instances);
  }

  /** From now on it is known. */
  service(name: string, ...instances: readonly string[]): void {
    this.known.add(name);
    this.discovery.unknown.delete(name);
    this.discovery.set(
      name,
      instances.map((instance) => fakeEndpoint(instance)),
    );
  }

  edit(dest: string, text: string | Error): void {
    this.sources.set(dest, text);
    this.changed.add(dest);
  }

  text(dest = '/a'): string | undefined {
    return this.looks.get(dest)?.text;
  }

  get rules(): readonly string[] {
    return this.group.problems.map(({ rule }) => rule);
  }

  get messages(): readonly string[] {
    return this.group.problems.map(({ message }) => message);
  }

  reloads(): number {
    return this.ran.filter((command) => command === RELOAD).length;
  }

  advance(ms: number): Promise<void> {
    return this.clock.advance(ms);
  }

  close(): Promise<void> {
    return this.group.close();
  }

  stop(): Promise<void> {
    this.stopping.abort();
    return this.close();
  }
}
