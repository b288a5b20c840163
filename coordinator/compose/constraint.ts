/** deploy.placement.constraints, as Swarm writes them: "node.labels.zone == a". */
export type Constraint =
  | { readonly field: 'hostname'; readonly op: '==' | '!='; readonly value: string }
  | { readonly field: 'label'; readonly label: string; readonly op: '==' | '!='; readonly value: string };

const FORM = /^\s*(node\.hostname|node\.labels\.([A-Za-z0-9][A-Za-z0-9._/-]*))\s*(==|!=)\s*(\S(?:.*\S)?)\s*$/;

/** @returns the constraint, or the problem with it, for people */
export function parseConstraint(text: string): Constraint | { readonly problem: string } {
  const match = FORM.exec(text);
  if (!match) return { problem: whyNoConstraint(text) };
  const op = match[3] as '==' | '!=';
  const value = match[4]!;
  return match[2] === undefined ? { field: 'hostname', op, value } : { field: 'label', label: match[2], op, value };
}

function whyNoConstraint(text: string): string {
  const field = /^\s*(node\.(?:role|id|ip|platform\.\w+)|engine\.labels\.\S+)/.exec(text)?.[1];
  const forms = 'write node.hostname == NAME or node.labels.LABEL == VALUE, with == or !=';
  if (field === 'node.role') return `Berth's hosts have no roles; give hosts a label (--labels) and ${forms}`;
  if (field !== undefined) return `${field} is not known to Berth; ${forms}`;
  return `"${text}" is no constraint; ${forms}`;
}
