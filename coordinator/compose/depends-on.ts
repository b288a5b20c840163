import { DNS_LABEL_RULE, isDnsLabel } from '../../lib/names';
import { isMap } from '../../lib/yaml/fields';
import { DEPENDENCY_KEYS } from './container-keys';
import type { Parsed, Reader } from './read';

const STARTED = 'service_started';

/** @returns names of services, each once. @param own name of the service itself */
export function readDependsOn(reader: Reader, own: string): readonly string[] {
  const parse = (text: string): Parsed<string> => parseService(text, own);
  if (!isMap(reader.value)) return [...new Set(reader.parsedTexts(parse))];
  return Object.keys(reader.value).flatMap((name) => {
    const at = reader.at(name);
    const service = parse(name);
    if (typeof service !== 'string') at.problems.addKey('bad-value', at.path, service.problem);
    const fields = at.fields(DEPENDENCY_KEYS);
    if (fields !== undefined) {
      if (!fields.at('condition').isSet) fields.missing('condition', `condition is missing; write ${STARTED}`);
      fields.at('condition').parse(parseCondition);
      fields.at('required').bool();
    }
    return typeof service === 'string' ? [service] : [];
  });
}

function parseService(text: string, own: string): Parsed<string> {
  if (!isDnsLabel(text)) return { problem: `"${text}" can not be the name of a service; a name is ${DNS_LABEL_RULE}` };
  return text === own ? { problem: `${own} can not depend on itself` } : text;
}

function parseCondition(text: string): Parsed<string> {
  if (text === STARTED) return text;
  if (text === 'service_healthy' || text === 'service_completed_successfully')
    return {
      problem: `"${text}" is not supported yet, it comes with ordered rollouts; write ${STARTED}, and let the service wait for what it needs`,
    };
  return { problem: `"${text}" is no condition; write ${STARTED}` };
}
