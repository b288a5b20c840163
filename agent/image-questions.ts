/**
 * What a coordinator asks this host's engine: which digest an image's tag means now. Each question is asked once, and its
 * answer told as long as it is asked.
 */
import type { Assignment, ResolvedImage } from '../lib/documents/types';
import type { Logger } from '../lib/log';
import { EngineError, type Engine } from './docker/engine';

/** Asked of registries at once; the others wait. */
const MAX_ASKED = 8;

type Questions = Assignment['resolve'];

export interface ImageQuestionsOptions {
  readonly engine: Engine;
  readonly log: Logger;
  /** `answers` has another one. */
  readonly onAnswer: () => void;
}

export class ImageQuestions {
  private readonly found = new Map<string, ResolvedImage>();
  /** Under way, by service. */
  private readonly asked = new Map<string, { readonly question: number; readonly controller: AbortController }>();
  private questions: Questions = {};

  constructor(private readonly options: ImageQuestionsOptions) {}

  /** By service. */
  get answers(): Readonly<Record<string, ResolvedImage>> {
    return Object.fromEntries([...this.found].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** @param questions all that are asked now */
  follow(questions: Questions): void {
    this.questions = questions;
    const isAsked = (service: string, question: number): boolean => questions[service]?.question === question;
    for (const [service, { question }] of this.found) if (!isAsked(service, question)) this.found.delete(service);
    for (const [service, { question, controller }] of this.asked)
      if (!isAsked(service, question)) {
        this.asked.delete(service);
        controller.abort();
      }
    this.askNext();
  }

  close(): void {
    this.follow({});
  }

  private askNext(): void {
    for (const [service, { image, question }] of Object.entries(this.questions)) {
      if (this.asked.size >= MAX_ASKED) return;
      if (this.found.has(service) || this.asked.has(service)) continue;
      const controller = new AbortController();
      this.asked.set(service, { question, controller });
      void this.ask(service, image, question, controller.signal);
    }
  }

  private async ask(service: string, image: string, question: number, signal: AbortSignal): Promise<void> {
    const { engine, log, onAnswer } = this.options;
    const answer = await engine.resolveDigest(image, signal).then(
      (digest) => ({ question, digest, problem: '' }),
      (error: unknown) => {
        if (!(error instanceof EngineError)) throw error;
        return { question, digest: '', problem: error.message };
      },
    );
    // Nobody wants to know any more.
    if (signal.aborted) return;
    const { digest, problem: reason } = answer;
    log.info(`asked what ${image} means`, { service, image, ...(digest === '' ? { reason } : { digest }) });
    this.asked.delete(service);
    this.found.set(service, answer);
    onAnswer();
    this.askNext();
  }
}
