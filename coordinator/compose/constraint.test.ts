import { parseConstraint, satisfies, type ConstrainedHost } from './constraint';

const host: ConstrainedHost = { name: 'h1', record: { labels: { zone: 'a' }, os: 'linux', arch: 'x86_64' } };
const arm: ConstrainedHost = { name: 'h2', record: { labels: {}, os: 'linux', arch: 'aarch64' } };
const unknown: ConstrainedHost = { name: 'h3' };

// Which of h1, h2 and h3, which has said nothing yet, satisfy it.
test.each([
  ['node.hostname == h1', 'h1'],
  ['node.hostname != h1', 'h2 h3'],
  ['node.labels.zone == a', 'h1'],
  ['node.labels.zone!=a', 'h2 h3'],
  ['node.platform.os == linux', 'h1 h2'],
  ['node.platform.os == Linux', 'h1 h2'],
  ['node.platform.os != windows', 'h1 h2 h3'],
  ['node.platform.arch == amd64', 'h1'],
  ['node.platform.arch == x86_64', 'h1'],
  ['node.platform.arch == arm64', 'h2'],
  ['node.platform.arch == aarch64', 'h2'],
  ['node.platform.arch != amd64', 'h2 h3'],
])('%s: %s', (text, names) => {
  const constraint = parseConstraint(text);
  if ('problem' in constraint) throw new Error(constraint.problem);
  const those = [host, arm, unknown].filter((one) => satisfies(one, constraint));
  expect(those.map(({ name }) => name).join(' ')).toBe(names);
});
