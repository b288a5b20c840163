import { compileService, type Compiled } from './compile';

/** Documents that are remembered; over the services of any cluster, and a bound on what removed ones leave behind. */
const MAX_KNOWN = 20_000;

/** Compiles each document once: plans ask for the same ones again and again. */
export function createCompiler(): (service: string, text: string) => Compiled {
  const known = new Map<string, { readonly text: string; readonly compiled: Compiled }>();
  return (service, text) => {
    const before = known.get(service);
    if (before?.text === text) return before.compiled;
    const compiled = compileService(service, text);
    known.set(service, { text, compiled });
    if (known.size > MAX_KNOWN) known.delete(known.keys().next().value!);
    return compiled;
  };
}
