import type { Problem } from '../../lib/documents/types';
import { clean } from './clean';

/** @returns "line 3:5 deploy.replicas: what is wrong [rule]" */
export function describeProblem({ line, column, path, message, rule, key }: Problem): string {
  // Of another document than the service's own: then the key says which. A few concern the service as a whole.
  const here = line === 0 ? '' : `line ${line}:${column}${path === '' ? '' : ` ${path}`}`;
  // Where the key is not told, the message names its layer of config itself.
  const layer = /^(config\/\S+), /.exec(message)?.[1];
  const what = layer !== undefined && key.endsWith(`/${layer}`) ? message.slice(layer.length + 2) : message;
  const place = [key === '' ? here : clean(key), clean(what)].filter((part) => part !== '').join(': ');
  return `${place} [${rule}]`;
}
