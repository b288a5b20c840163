/** A page that is made again only when somebody asks for it and something has changed since. */
export class KeptPage {
  private version = 0;
  private made: { readonly version: number; readonly body: string } | undefined;
  private making: Promise<string> | undefined;

  /** @param make never called twice at once */
  constructor(private readonly make: () => Promise<string>) {}

  changed(): void {
    this.version++;
  }

  /** Who asks while the page is made gets that one: it lacks what changed since it was begun. */
  read(): Promise<string> {
    if (this.made?.version === this.version) return Promise.resolve(this.made.body);
    this.making ??= this.makeAnew().finally(() => (this.making = undefined));
    return this.making;
  }

  private async makeAnew(): Promise<string> {
    const { version } = this;
    const body = await this.make();
    this.made = { version, body };
    return body;
  }
}

/** The event loop is nobody's own: this coordinator may lead. */
const SLICE_MS = 5;

/** Does something with each item, and lets everybody else have a turn now and then. */
export async function inSlices<T>(items: Iterable<T>, act: (item: T) => void): Promise<void> {
  let sliceMs = performance.now();
  for (const item of items) {
    act(item);
    if (performance.now() - sliceMs < SLICE_MS) continue;
    await new Promise((wake) => setImmediate(wake));
    sliceMs = performance.now();
  }
}
