import { describeProblem } from './problem-text';

const PROBLEM = { rule: 'yaml-syntax', path: '', line: 0, column: 0, key: '', message: '' };

test.each([
  ['of the document', { path: 'image', line: 3, column: 5, message: 'bad' }, 'line 3:5 image: bad [yaml-syntax]'],
  [
    'of a layer, whose key names it already',
    { key: '/berth/config/cluster', message: 'config/cluster, line 2:1: not YAML' },
    '/berth/config/cluster: line 2:1: not YAML [yaml-syntax]',
  ],
  [
    'of another key',
    { key: '/berth/pauses/host/h1', message: 'config/cluster, line 2:1: not YAML' },
    '/berth/pauses/host/h1: config/cluster, line 2:1: not YAML [yaml-syntax]',
  ],
])('a problem %s', (_, problem, text) => {
  expect(describeProblem({ ...PROBLEM, ...problem })).toBe(text);
});
