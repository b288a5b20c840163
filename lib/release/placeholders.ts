/**
 * Swarm's placeholders, as text stands in a release: {{.Task.Slot}}, and Berth's own for config: {{.Config.KEY}}. The
 * compiler checks them, the agent fills them in when it makes a container.
 * https://docs.docker.com/reference/cli/docker/service/create/#create-services-using-templates
 */
export const PLACEHOLDERS = [
  ...(['Service.Name', 'Service.ID', 'Task.ID', 'Task.Name', 'Task.Slot', 'Node.Hostname', 'Node.ID'] as const),
];
export type PlaceholderName = (typeof PLACEHOLDERS)[number];

export type PlaceholderValues = Readonly<Record<PlaceholderName, string>> & {
  /** Of the service; undefined where they can't be named, which is in labels themselves. */
  readonly labels: Readonly<Record<string, string>> | undefined;
  /** @returns what the config layers say of a key; undefined when none has it */
  readonly config: (key: string) => string | undefined;
};

/** A key of config. Also a name of an environment variable, since a service may take all of them as such. */
export const CONFIG_KEY = /^[A-Za-z_]\w*$/;
export const MAX_CONFIG_KEY_CHARACTERS = 128;
export const CONFIG_KEY_RULE = `1 to ${MAX_CONFIG_KEY_CHARACTERS} of A-Z, a-z, 0-9 and "_", not beginning with a digit`;

export function isConfigKey(key: string): boolean {
  return key.length <= MAX_CONFIG_KEY_CHARACTERS && CONFIG_KEY.test(key);
}

const BRACES = /\{\{(?:\s*("\{\{")\s*|([^{}]*))\}\}/g;
const LABEL = /^\.Service\.Labels\.(\w+)$|^index \.Service\.Labels "([^"]+)"$/;
const CONFIG = '.Config.';
const THERE_IS = `there are ${PLACEHOLDERS.map((name) => `{{.${name}}}`).join(', ')}, {{.Service.Labels.NAME}} and {{.Config.KEY}}`;

/** @returns the text with every placeholder filled in, or what is wrong with the first that can't be, for people */
export function fillPlaceholders(text: string, values: PlaceholderValues): string | { readonly problem: string } {
  if (!text.includes('{{')) return text;
  let problem: string | undefined;
  const filled = text.replace(BRACES, (all, literal: string | undefined, inner: string | undefined) => {
    if (literal !== undefined) return LITERAL;
    const value = valueOf((inner ?? '').trim(), values);
    if (typeof value === 'string') return value;
    problem ??= `${all}: ${value.problem}`;
    return '';
  });
  if (problem === undefined && text.replace(BRACES, ' ').includes('{{'))
    problem = `a {{ is not closed; write {{"{{"}} for the braces themselves`;
  return problem === undefined ? filled : { problem };
}

const LITERAL = '{{';

/** @returns keys of config that the text takes; of what can't be filled in, none */
export function configKeysIn(text: string): readonly string[] {
  if (!text.includes(CONFIG)) return [];
  return [...text.matchAll(BRACES)].flatMap(([, , inner]) => configKey((inner ?? '').trim()) ?? []);
}

function configKey(inner: string): string | undefined {
  const key = inner.startsWith(CONFIG) ? inner.slice(CONFIG.length) : '';
  return isConfigKey(key) ? key : undefined;
}

function valueOf(
  inner: string,
  { labels, config, ...values }: PlaceholderValues,
): string | { readonly problem: string } {
  const name = PLACEHOLDERS.find((one) => inner === `.${one}`);
  if (name !== undefined) return values[name];
  if (inner.startsWith(CONFIG)) return configValue(inner.slice(CONFIG.length), config);
  const [, plain, quoted] = LABEL.exec(inner) ?? [];
  const label = plain ?? quoted;
  if (label === undefined) return { problem: `no such placeholder; ${THERE_IS}` };
  if (labels === undefined) return { problem: 'a label can not hold another one; write the value out' };
  return Object.hasOwn(labels, label) ? labels[label]! : { problem: `the service has no label "${label}"` };
}

function configValue(key: string, config: PlaceholderValues['config']): string | { readonly problem: string } {
  if (!isConfigKey(key)) return { problem: `"${key}" can not be a key of config; a key is ${CONFIG_KEY_RULE}` };
  return config(key) ?? { problem: `no config layer has ${key}` };
}
