/**
 * Swarm's placeholders, as text stands in a release: {{.Task.Slot}}. The compiler checks them, the agent fills them in
 * when it makes a container. https://docs.docker.com/reference/cli/docker/service/create/#create-services-using-templates
 */
export const PLACEHOLDERS = [
  ...(['Service.Name', 'Service.ID', 'Task.ID', 'Task.Name', 'Task.Slot', 'Node.Hostname', 'Node.ID'] as const),
];
export type PlaceholderName = (typeof PLACEHOLDERS)[number];

export type PlaceholderValues = Readonly<Record<PlaceholderName, string>> & {
  /** Of the service. */
  readonly labels: Readonly<Record<string, string>>;
};

const BRACES = /\{\{(?:\s*("\{\{")\s*|([^{}]*))\}\}/g;
const LABEL = /^\.Service\.Labels\.(\w+)$|^index \.Service\.Labels "([^"]+)"$/;
const THERE_IS = `there are ${PLACEHOLDERS.map((name) => `{{.${name}}}`).join(', ')} and {{.Service.Labels.NAME}}`;

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

function valueOf(inner: string, { labels, ...values }: PlaceholderValues): string | { readonly problem: string } {
  const name = PLACEHOLDERS.find((one) => inner === `.${one}`);
  if (name !== undefined) return values[name];
  const [, plain, quoted] = LABEL.exec(inner) ?? [];
  const label = plain ?? quoted;
  if (label === undefined) return { problem: `no such placeholder; ${THERE_IS}` };
  return Object.hasOwn(labels, label) ? labels[label]! : { problem: `the service has no label "${label}"` };
}
