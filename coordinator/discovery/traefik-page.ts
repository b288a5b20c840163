/** Traefik's document as its HTTP provider reads it. Loaded when somebody asks for it. */
import type { Clock } from '../../lib/clock';
import { inSlices } from './kept-page';
import { TraefikDocument, type ServiceProblem } from './traefik/document';
import { HELD_TOLD_MS, HeldServices, type WholeView } from './traefik/held-services';

export interface TraefikPage {
  readonly text: string;
  /** Of labels that are left out. */
  readonly problems: readonly ServiceProblem[];
}

export class TraefikPages {
  private readonly held = new HeldServices();
  private cancel = (): void => undefined;

  /** @param onAgain called when the next one may be another, though nothing has changed */
  constructor(
    private readonly clock: Clock,
    private readonly onAgain: () => void,
  ) {}

  async make(view: WholeView): Promise<TraefikPage> {
    const whole = this.held.complete(view, this.clock.monotonicMs());
    this.cancel();
    if (this.held.isWaiting) this.cancel = this.clock.after(HELD_TOLD_MS, this.onAgain);
    const document = new TraefikDocument(whole, this.held.lastReports);
    await inSlices([...whole.releases.keys()].sort(), (service) => document.add(service));
    this.held.note(document.reports);
    return document;
  }
}
