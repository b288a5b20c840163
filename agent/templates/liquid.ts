/**
 * The door of liquidjs: a text → a template → a text, as the scope has it. The library takes 4 MB, so that what imports this
 * file is loaded only where there are templates; import() of the library itself would take 20 MB.
 */
import { Drop, Liquid, type Template as Parsed } from 'liquidjs';
import { joinAddress } from '../../lib/listen-address';
import { isDnsLabel } from '../../lib/names';

/** Characters of a template. */
export const MAX_TEMPLATE_LENGTH = 1024 * 1024;
/** What one rendering makes, its text included; liquidjs counts characters and parts of lists. */
export const MAX_RENDERED = 32 * 1024 * 1024;
/** A rendering holds up the whole agent. One of 10,000 endpoints took 0.3 s on a machine with far more to do than cores. */
export const MAX_RENDER_MS = 2000;
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

/** It has no property of its own that could be the name of a service. */
class Services extends Drop {
  readonly #ask: (name: string) => unknown;

  constructor(ask: (name: string) => unknown) {
    super();
    this.#ask = ask;
  }

  override liquidMethodMissing(name: string | number): unknown {
    return this.#ask(String(name));
  }

  [Symbol.iterator](): never {
    throw new Error('services is no list: name the ones you want, services.web or services["web"]');
  }
}

export function createParser(): ParseTemplate {
  const liquid = new Liquid({
    // A slip in a name is an error, and no empty text in a proxy's configuration.
    ...{ strictVariables: true, strictFilters: true, lenientIf: true },
    ...{ parseLimit: MAX_TEMPLATE_LENGTH, memoryLimit: MAX_RENDERED, renderLimit: MAX_RENDER_MS },
    // A template is one file, or more would have to be watched.
    templates: {},
  });
  liquid.registerFilter('with_port', withPort);
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
        return rendered(() => liquid.renderSync(parsed, { services: new Services(ask), host }));
      },
    };
  };
}

/** @throws Error that says what else to write, where a name is not there */
function rendered(render: () => unknown): string {
  try {
    return String(render());
  } catch (error) {
    const { message } = error as Error;
    if (!message.startsWith('undefined variable: ')) throw error;
    throw new Error(`${message}; what may be missing is written with | default: "none"`, { cause: error });
  }
}

/** @throws Error when one of the two is not there */
function withPort(host: unknown, port: unknown): string {
  if (typeof host !== 'string' || host === '')
    throw new Error('with_port is for an address: endpoint.host | with_port: …');
  if (!/^\d{1,5}$/.test(String(port)))
    throw new Error(`with_port wants the number of a port, as in with_port: endpoint.port`);
  return joinAddress(host, Number(port));
}
