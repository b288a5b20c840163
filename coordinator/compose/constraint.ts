/** deploy.placement.constraints and preferences, as Swarm writes them: "node.labels.zone == a". */
interface Comparison {
  readonly op: '==' | '!=';
  readonly value: string;
}
export type Constraint =
  | (Comparison & { readonly field: 'hostname' | 'os' | 'arch' })
  | (Comparison & { readonly field: 'label'; readonly label: string });

const LABEL = '[A-Za-z0-9][A-Za-z0-9._/-]*';
const FORM = new RegExp(
  `^\\s*node\\.(?:(hostname|platform\\.os|platform\\.arch)|labels\\.(${LABEL}))\\s*(==|!=)\\s*(\\S(?:.*\\S)?)\\s*$`,
);
const SPREAD = new RegExp(`^\\s*node\\.labels\\.(${LABEL})\\s*$`);
const FIELDS = { hostname: 'hostname', 'platform.os': 'os', 'platform.arch': 'arch' } as const;
/** By what images call them: what the kernel calls them, and with it Docker of its host. */
const KERNEL_NAMES: Readonly<Record<string, string>> = {
  ...{ amd64: 'x86_64', arm64: 'aarch64', 386: 'i686', arm: 'armv7l' },
};

/** @returns the constraint, or the problem with it, for people */
export function parseConstraint(text: string): Constraint | { readonly problem: string } {
  const [, field, label, op, value] = FORM.exec(text) ?? [];
  if (op === undefined || value === undefined) return { problem: whyNoConstraint(text) };
  const comparison = { op: op as Comparison['op'], value };
  if (label !== undefined) return { ...comparison, field: 'label', label };
  return { ...comparison, field: FIELDS[field as keyof typeof FIELDS] };
}

/** What a host has to say for itself. */
export interface ConstrainedHost {
  readonly name: string;
  readonly record?: { readonly labels: Readonly<Record<string, string>>; readonly os: string; readonly arch: string };
}

export function satisfies(host: ConstrainedHost, constraint: Constraint): boolean {
  return isSaid(host, constraint) === (constraint.op === '==');
}

function isSaid({ name, record }: ConstrainedHost, constraint: Constraint): boolean {
  const { value } = constraint;
  switch (constraint.field) {
    case 'hostname':
      return name === value;
    case 'label':
      return record?.labels[constraint.label] === value;
    case 'os':
      return record?.os.toLowerCase() === value.toLowerCase();
    case 'arch':
      return record !== undefined && archName(record.arch) === archName(value);
  }
}

/** One name for each architecture, whether an image or a kernel named it: arm64 is aarch64. */
export function archName(name: string): string {
  const lower = name.toLowerCase();
  return KERNEL_NAMES[lower] ?? lower;
}

/** "node.labels.zone" → "zone" */
export function parseSpread(text: string): string | { readonly problem: string } {
  const label = SPREAD.exec(text)?.[1];
  if (label !== undefined) return label;
  const hint = /^\s*node\.hostname\s*$/.test(text) ? '; instances are spread over hosts in any case' : '';
  return { problem: `"${text}" can not be spread over${hint}; write node.labels.LABEL` };
}

function whyNoConstraint(text: string): string {
  const field = /^\s*(node\.(?:role|id|ip|platform\.\w+)|engine\.labels\.\S+)/.exec(text)?.[1];
  const forms =
    'write node.hostname, node.labels.LABEL, node.platform.os or node.platform.arch, then == or !=, then a value';
  if (field === 'node.role') return `Berth's hosts have no roles; give hosts a label (--labels) and ${forms}`;
  if (field !== undefined && !/^node\.platform\.(os|arch)$/.test(field))
    return `${field} is not known to Berth; ${forms}`;
  return `"${text}" is no constraint; ${forms}`;
}
