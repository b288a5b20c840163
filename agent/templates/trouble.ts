import type { Problem } from '../../lib/documents/types';
import type { Logger } from '../../lib/log';

export type TroubleRule = 'template' | 'template-check' | 'template-file' | 'template-reload';

/** Of a problem of the host, which stands in etcd. The log has all of it. */
const MAX_MESSAGE = 500;

/** An operating error: told, and tried again. */
export class TemplateError extends Error {
  /** @param sameness of two that have the same, the first is told: output of commands has the time and process ids */
  constructor(
    readonly rule: TroubleRule,
    message: string,
    readonly sameness = message,
  ) {
    super(message);
    this.name = 'TemplateError';
  }
}

export interface TroubleOptions {
  /** In the configuration: "templates[0]". */
  readonly path: string;
  readonly log: Logger;
  readonly onChange: () => void;
  /** Aborted when the agent stops: what its commands say then is no trouble. */
  readonly signal: AbortSignal;
}

/** What is wrong with one thing now, if anything is: logged when it begins and ends, told as a problem of the host meanwhile. */
export class Trouble {
  private told: { readonly rule: TroubleRule; readonly sameness: string; readonly problem: Problem } | undefined;

  constructor(private readonly options: TroubleOptions) {}

  get problem(): Problem | undefined {
    return this.told?.problem;
  }

  begin({ rule, message, sameness }: TemplateError): void {
    if (this.options.signal.aborted) return;
    if (this.told?.rule === rule && this.told.sameness === sameness) return;
    const { path, log, onChange } = this.options;
    const short = message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE)}…` : message;
    this.told = { rule, sameness, problem: { rule, path, line: 0, column: 0, message: short, key: '' } };
    log.error(message, { rule, path });
    onChange();
  }

  end(): void {
    if (this.told === undefined) return;
    const { rule } = this.told;
    this.told = undefined;
    const { path, log, onChange } = this.options;
    log.info('the template is fine again', { rule, path });
    onChange();
  }
}
