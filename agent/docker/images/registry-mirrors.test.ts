import { imageSources, namesOnHost, type RegistryMirrors } from './registry-mirrors';

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;
const mirrors: RegistryMirrors = new Map([
  [
    'docker.io',
    [
      { registry: 'm1:5000', path: '' },
      { registry: 'harbor.example.com', path: 'hub' },
    ],
  ],
  [
    'registry.example.com',
    [
      { registry: 'registry.example.com', path: '' },
      { registry: 'standby.example.com', path: '' },
    ],
  ],
]);

test.each<[string, readonly string[]]>([
  ['nginx:1', ['m1:5000/library/nginx:1', 'harbor.example.com/hub/library/nginx:1', 'docker.io/library/nginx:1']],
  ['registry.example.com/web', ['registry.example.com/web:latest', 'standby.example.com/web:latest']],
  ['other.example.com/web:1', ['other.example.com/web:1']],
  [
    `shop/web:1@${DIGEST}`,
    [`m1:5000/shop/web@${DIGEST}`, `harbor.example.com/hub/shop/web@${DIGEST}`, `docker.io/shop/web@${DIGEST}`],
  ],
  ['https://no', []],
])('%s is looked for in order', (text, references) => {
  const sources = imageSources(text, mirrors);
  expect(sources.map(({ reference }) => reference)).toEqual(references);
  expect(sources.filter(({ isOrigin }) => isOrigin)).toHaveLength(references.length === 0 ? 0 : 1);
});

test('an image counts as there under the name of a mirror when a digest says that it is the same', () => {
  expect(namesOnHost(`nginx@${DIGEST}`, mirrors)).toEqual([
    `nginx@${DIGEST}`,
    `m1:5000/library/nginx@${DIGEST}`,
    `harbor.example.com/hub/library/nginx@${DIGEST}`,
  ]);
  expect(namesOnHost('nginx:1', mirrors)).toEqual(['nginx:1']);
  expect(namesOnHost(`registry.example.com/web@${DIGEST}`, mirrors)).toEqual([
    `registry.example.com/web@${DIGEST}`,
    `standby.example.com/web@${DIGEST}`,
  ]);
});
