/** Why services can't be applied as they are. */
import type { Problem } from '../../lib/documents/types';
import type { ApplyRequest, RefusedService } from '../../lib/rpc/types';
import { ringThrough } from '../releases/cycles';
import { resolveConfig } from '../releases/resolve-config';
import { textOfCircle } from '../rollouts/waits-for';
import type { CompiledService } from '../schedule/types';
import type { ApiContext } from './context';

const NOWHERE = { path: '', line: 0, column: 0, key: '' };

/** @returns those that can't be, each with everything that is wrong with it */
export function refusals(
  context: ApiContext,
  { services, project }: Pick<ApplyRequest, 'services' | 'project'>,
): readonly RefusedService[] {
  const given = new Map(services.map(({ name, document }) => [name, context.compile(name, document)]));
  const waitsFor = (service: string): readonly string[] => {
    const text = context.cluster.view.services.get(service)?.text;
    const compiled = given.get(service) ?? (text === undefined ? undefined : context.compile(service, text));
    return compiled?.ok === true ? compiled.deploy.waitsFor : [];
  };
  return [...given].flatMap(([name, compiled]) => {
    const problems = problemsOf(context, name, compiled, project, waitsFor);
    return problems.length === 0 ? [] : [{ name, problems }];
  });
}

function problemsOf(
  context: ApiContext,
  name: string,
  compiled: CompiledService,
  project: string,
  waitsFor: (service: string) => readonly string[],
): readonly Problem[] {
  if (!compiled.ok) return compiled.problems;
  return [
    ...conflict(context, name, project),
    ...cycle(name, waitsFor),
    ...resolveConfig(compiled, context.cluster.view.config, name).problems,
  ];
}

function conflict(context: ApiContext, name: string, project: string): readonly Problem[] {
  const present = context.cluster.view.services.get(name);
  const owner = present && context.compile(name, present.text);
  const ownerProject = owner?.ok === true ? owner.container.project : '';
  if (ownerProject === '' || project === '' || ownerProject === project) return [];
  const message = `service "${name}" belongs to the project "${ownerProject}", and this file is the project "${project}". Service names are unique in a cluster: rename it, set "name: ${ownerProject}" in the file, or remove the other one first (berth rm ${name})`;
  return [{ ...NOWHERE, rule: 'conflict', message, key: context.keys.service(name) }];
}

function cycle(name: string, waitsFor: (service: string) => readonly string[]): readonly Problem[] {
  const ring = ringThrough(name, waitsFor);
  if (ring === undefined) return [];
  return [{ ...NOWHERE, rule: 'cycle', path: `depends_on.${ring[1] ?? name}`, message: textOfCircle(ring) }];
}
