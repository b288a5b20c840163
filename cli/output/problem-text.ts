import type { Problem } from '../../lib/documents/types';
import { clean } from './clean';

/** @returns "line 3:5 deploy.replicas: what is wrong [rule]" */
export function describeProblem({ line, column, path, message, rule, key }: Problem): string {
  // Of another document than the service's own: then the key says which. A few concern the service as a whole.
  const here = line === 0 ? '' : `line ${line}:${column}${path === '' ? '' : ` ${path}`}`;
  const place = [key === '' ? here : clean(key), clean(message)].filter((part) => part !== '').join(': ');
  return `${place} [${rule}]`;
}
