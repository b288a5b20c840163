/** Pure: whether hostname and mounts are right with the values of config in them; the compiler can't know. */
import type { Mount, Problem } from '../../lib/documents/types';
import type { Config } from '../../lib/release/config';
import { fillContainer } from '../../lib/release/fill-container';
import { configKeysIn } from '../../lib/release/placeholders';
import { cleanPath } from '../compose/absolute-path';
import { parseHostname } from '../compose/hostname';
import { parseHostPath, parseVolumeName } from '../compose/mount-options';
import { parseTarget } from '../compose/mounts';
import type { Parsed } from '../compose/read';
import { SAMPLES } from '../compose/templates';
import type { Taker } from './resolve-config';

export function checkFilled(taker: Taker, config: Config): readonly Problem[] {
  const { container } = taker;
  const texts = [container.hostname, ...Object.values(container.labels), ...container.mounts.flatMap(textsOf)];
  if (texts.every((text) => configKeysIn(text).length === 0)) return [];
  const filled = fillContainer(container, SAMPLES, config);
  if ('problem' in filled) return [problem(taker, '', filled.problem)];
  const found: Problem[] = [];
  const check = (template: string, parsed: Parsed<string>): void => {
    if (typeof parsed !== 'string') found.push(problem(taker, template, parsed.problem));
  };
  check(container.hostname, parseHostname(filled.hostname));
  const targets = new Set<string>();
  for (const [index, mount] of filled.mounts.entries()) {
    const { source, target } = container.mounts[index]!;
    check(target, parseTarget(mount.target));
    check(source, checkSource(mount));
    const clean = cleanPath(mount.target);
    if (targets.has(clean)) check(target, { problem: `a second mount at ${clean}; one of both is enough` });
    targets.add(clean);
  }
  return found;
}

function textsOf({ source, target }: Mount): readonly string[] {
  return [source, target];
}

function checkSource({ type, source }: Mount): Parsed<string> {
  if (type === 'bind') return parseHostPath(source);
  const name = parseVolumeName(source);
  if (typeof name === 'string' || !source.startsWith('/')) return name;
  return { problem: `${name.problem}; to mount a folder of the host, write the long form: type: bind` };
}

/** @param template in which the value stands */
function problem({ uses }: Taker, template: string, message: string): Problem {
  const keys = configKeysIn(template);
  const here = uses?.filter(({ key }) => keys.includes(key)) ?? [];
  const use = here.find(({ path }) => /^(?:volumes|hostname)/.test(path)) ?? here[0];
  const { path, line, column } = use ?? { path: '', line: 0, column: 0 };
  return { rule: 'bad-value', path, line, column, message: `as config has it now, ${message}`, key: '' };
}
