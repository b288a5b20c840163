import type { DeploySpec } from '../../lib/documents/types';
import { DNS_LABEL_RULE, isDnsLabel } from '../../lib/names';
import { isMap } from '../../lib/yaml/fields';
import { DEPENDENCY_KEYS } from './container-keys';
import type { Parsed, Reader } from './read';

const CONDITIONS = ['service_started', 'service_healthy'] as const;
type Condition = (typeof CONDITIONS)[number];

/** @returns names of services, each once. @param own name of the service itself */
export function readDependsOn(reader: Reader, own: string): Pick<DeploySpec, 'dependsOn' | 'waitsFor'> {
  const parse = (text: string): Parsed<string> => parseService(text, own);
  if (!isMap(reader.value)) return { dependsOn: [...new Set(reader.parsedTexts(parse))], waitsFor: [] };
  const waitsFor: string[] = [];
  const dependsOn = Object.keys(reader.value).flatMap((name) => {
    const at = reader.at(name);
    const service = parse(name);
    if (typeof service !== 'string') at.problems.addKey('bad-value', at.path, service.problem);
    const fields = at.fields(DEPENDENCY_KEYS);
    if (fields?.at('condition').isSet === false)
      fields.missing('condition', `condition is missing; write ${CONDITIONS.join(' or ')}`);
    const condition = fields?.at('condition').parse(parseCondition);
    const isRequired = fields?.at('required').bool() ?? true;
    if (typeof service !== 'string') return [];
    if (condition === 'service_healthy' && isRequired) waitsFor.push(service);
    return [service];
  });
  return { dependsOn, waitsFor };
}

function parseService(text: string, own: string): Parsed<string> {
  if (!isDnsLabel(text)) return { problem: `"${text}" can not be the name of a service; a name is ${DNS_LABEL_RULE}` };
  return text === own ? { problem: `${own} can not depend on itself` } : text;
}

function parseCondition(text: string): Parsed<Condition> {
  const condition = CONDITIONS.find((one) => one === text);
  if (condition !== undefined) return condition;
  if (text === 'service_completed_successfully')
    return {
      problem:
        'instances of a service run until they are not wanted, so that none is ever through; a job that has to succeed before a rollout is x-berth.before of this service',
    };
  return { problem: `"${text}" is no condition; write ${CONDITIONS.join(' or ')}` };
}
