import type { TemplateSetting } from '../../lib/config/templates';
import type { DestFile, Look } from './dest';
import { destFault, sourceFault } from './file-fault';
import type { ParseTemplate, Scope, Template } from './liquid';
import type { SourceFile } from './source';
import { TemplateError, type Trouble } from './trouble';

/** Runs a command of the operator's with $FILE. @returns why it failed; undefined when it exited with 0 */
export type RunForFile = (command: string, file: string) => Promise<string | undefined>;

export interface TemplateFileOptions {
  readonly setting: TemplateSetting;
  readonly source: Pick<SourceFile, 'load' | 'hasChanged'>;
  readonly dest: Pick<DestFile, 'look' | 'wanted' | 'replace' | 'hasChanged'>;
  readonly parse: ParseTemplate;
  readonly run: RunForFile;
  readonly trouble: Trouble;
  /** Called when a new file is good, before it is there. Never throws. */
  readonly beforeReplace: () => Promise<void>;
}

export interface World {
  readonly scope: Scope;
  /** Services of this scope of which nothing is known yet. */
  readonly unknown: ReadonlySet<string>;
}

export type Refreshed =
  /** Nothing was done: not all that it asked for is known yet. */
  | { readonly result: 'unknown'; readonly unknown: ReadonlySet<string> }
  /** The file is as the newest template makes it. */
  | { readonly result: 'written' | 'unchanged' }
  /** It is as it was, or as the last template makes it that could be used. */
  | { readonly result: 'failed' };

/**
 * One template, and the file that is made of it.
 *
 * INVARIANTS
 * - The file is replaced only by a text that was made of a known world, and that passed the check.
 * - A template that can't be used is told, and the last one that could goes on: a slip in an edit does not freeze the file.
 */
export class TemplateFile {
  private newest: { readonly text: string; readonly template: Template } | undefined;
  private lastGood: Template | undefined;
  private now: Look | undefined;
  /** There is a newer source, which may not be whole yet. */
  isSettling = false;
  /** A command was run, or the file was replaced, since this was last set to false. */
  hasActed = false;

  constructor(private readonly options: TemplateFileOptions) {}

  get setting(): TemplateSetting {
    return this.options.setting;
  }

  get problem(): Trouble['problem'] {
    return this.options.trouble.problem;
  }

  /** What is in the file; undefined when there is none, or it can't be read. */
  get text(): string | undefined {
    return this.now?.text;
  }

  /** Somebody changed the template or the file. Never throws. */
  async hasChanged(): Promise<boolean> {
    const { source, dest } = this.options;
    return (await source.hasChanged()) || (await dest.hasChanged());
  }

  /** Makes the file what it is to be. Never throws. @param world a new one for each rendering */
  async refresh(world: () => World, nowMs: number): Promise<Refreshed> {
    const { trouble } = this.options;
    let first: TemplateError | undefined;
    for (const template of await this.candidates(nowMs, (error) => (first = error))) {
      try {
        const refreshed = await this.make(template, world());
        if (refreshed.result === 'unknown') return refreshed;
        this.lastGood = template;
        if (first !== undefined) break;
        trouble.end();
        return refreshed;
      } catch (error) {
        if (!(error instanceof TemplateError)) throw error;
        first ??= error;
      }
    }
    if (first !== undefined) trouble.begin(first);
    return { result: 'failed' };
  }

  /** The newest template, then the last good one. */
  private async candidates(nowMs: number, onError: (error: TemplateError) => void): Promise<readonly Template[]> {
    const { source, parse, setting } = this.options;
    try {
      const { text, isSettling } = await source.load(nowMs);
      this.isSettling = isSettling;
      if (this.newest?.text !== text) this.newest = { text, template: parse(text) };
    } catch (error) {
      this.isSettling = false;
      onError(new TemplateError('template', `${setting.src}: ${sourceFault(error as Error)}`));
      return this.lastGood === undefined ? [] : [this.lastGood];
    }
    const { template } = this.newest;
    return this.lastGood === undefined || this.lastGood === template ? [template] : [template, this.lastGood];
  }

  /** @throws TemplateError */
  private async make(template: Template, world: World): Promise<Refreshed> {
    const { dest, setting } = this.options;
    const inFile = <T>(work: () => Promise<T>): Promise<T> =>
      work().catch((error: unknown) => {
        throw error instanceof TemplateError
          ? error
          : new TemplateError('template-file', `${setting.dest}: ${destFault(error as Error, setting.dest)}`);
      });
    this.now = await inFile(() => dest.look());
    const text = this.render(template, world);
    // What was made of a world that is not known is nothing, its errors included.
    if (world.unknown.size > 0) return { result: 'unknown', unknown: world.unknown };
    if (text instanceof TemplateError) throw text;
    const wanted = await inFile(() => dest.wanted(text, this.now));
    if (isSame(wanted, this.now)) return { result: 'unchanged' };
    this.hasActed = true;
    await inFile(() => this.replace(wanted));
    return { result: 'written' };
  }

  private render(template: Template, { scope }: World): string | TemplateError {
    try {
      return template.render(scope);
    } catch (error) {
      return new TemplateError('template', `${this.setting.src}: ${(error as Error).message}`);
    }
  }

  /** @throws Error, TemplateError */
  private async replace(wanted: Look): Promise<void> {
    const { dest, run, setting, beforeReplace } = this.options;
    await dest.replace(wanted, async (file) => {
      const why = setting.check === undefined ? undefined : await run(setting.check, file);
      if (why !== undefined)
        throw new TemplateError('template-check', `${setting.dest} stays as it is: its check ${why}`, wanted.text);
      await beforeReplace();
    });
    this.now = wanted;
  }
}

function isSame(one: Look, other: Look | undefined): boolean {
  return (
    other !== undefined &&
    one.text === other.text &&
    one.mode === other.mode &&
    one.uid === other.uid &&
    one.gid === other.gid
  );
}
