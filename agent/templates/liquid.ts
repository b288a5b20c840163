/** The door of liquidjs: a text → a template → a text, as the scope has it. */
import type { Template as Parsed } from 'liquidjs';
import { isDnsLabel } from '../../lib/names';

/** Characters of a template. */
export const MAX_TEMPLATE_LENGTH = 1024 * 1024;
/** What one rendering makes, its text included; liquidjs counts characters and parts of lists. */
export const MAX_RENDERED = 32 * 1024 * 1024;
/** A rendering holds up the whole agent. 10,000 endpoints take about a tenth of it. */
export const MAX_RENDER_MS = 1000;
/** Each is followed in etcd. */
export const MAX_SERVICES = 1000;

export interface Scope {
  readonly host: object;
  /** What `services.<name>` is. Called for every mention. */
  readonly service: (name: string) => unknown;
}

export interface Template {
  /** @throws Error that says what is wrong, with its line */
  render(scope: Scope): string;
}

/** @throws Error that says what is wrong, with its line */
export type ParseTemplate = (text: string) => Template;

/** Loads the library: 2 MB that agents without templates do without. */
export async function loadLiquid(): Promise<ParseTemplate> {
  const { Drop, Liquid } = await import('liquidjs');
  class Services extends Drop {
    constructor(private readonly ask: (name: string) => unknown) {
      super();
    }

    override liquidMethodMissing(name: string | number): unknown {
      return this.ask(String(name));
    }

    [Symbol.iterator](): never {
      throw new Error('services is no list: name the ones you want, services.web or services["web"]');
    }
  }
  const liquid = new Liquid({
    // A slip in a name is an error, and no empty text in a proxy's configuration.
    ...{ strictVariables: true, strictFilters: true, lenientIf: true },
    ...{ parseLimit: MAX_TEMPLATE_LENGTH, memoryLimit: MAX_RENDERED, renderLimit: MAX_RENDER_MS },
    // A template is one file, or more would have to be watched.
    templates: {},
  });
  return (text) => {
    if (text.trim() === '') throw new Error('the template is empty');
    const parsed: Parsed[] = liquid.parse(text);
    return {
      render: ({ host, service }) => {
        const asked = new Set<string>();
        const ask = (name: string): unknown => {
          if (!isDnsLabel(name)) throw new Error(`"${name}" is no name of a service`);
          asked.add(name);
          if (asked.size > MAX_SERVICES) throw new Error(`asks for more than ${MAX_SERVICES} services`);
          return service(name);
        };
        return String(liquid.renderSync(parsed, { services: new Services(ask), host }));
      },
    };
  };
}
