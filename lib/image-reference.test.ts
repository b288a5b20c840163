import { formatImageReference, parseImageReference, parseRegistryPlace } from './image-reference';

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;

test.each<[string, string, string, string, string]>([
  ['nginx', 'docker.io', 'library/nginx', 'latest', ''],
  ['nginx:1.27', 'docker.io', 'library/nginx', '1.27', ''],
  ['docker.io/nginx', 'docker.io', 'library/nginx', 'latest', ''],
  ['index.docker.io/nginx', 'docker.io', 'library/nginx', 'latest', ''],
  ['shop/web:1', 'docker.io', 'shop/web', '1', ''],
  ['localhost/web', 'localhost', 'web', 'latest', ''],
  ['local/web', 'docker.io', 'local/web', 'latest', ''],
  ['registry:5000/web', 'registry:5000', 'web', 'latest', ''],
  ['registry.example.com/a/b/c:v_1.2-3', 'registry.example.com', 'a/b/c', 'v_1.2-3', ''],
  ['[fd00::1]:5000/web:1', '[fd00::1]:5000', 'web', '1', ''],
  ['Host/web', 'Host', 'web', 'latest', ''],
  [`nginx@${DIGEST}`, 'docker.io', 'library/nginx', '', DIGEST],
  [`registry:5000/web:1@${DIGEST}`, 'registry:5000', 'web', '1', DIGEST],
])('%s', (text, registry, repository, tag, digest) => {
  const reference = parseImageReference(text)!;
  expect(reference).toEqual({ registry, repository, tag, digest });
  const whole = formatImageReference(reference);
  expect(whole).toBe(`${registry}/${repository}${digest === '' ? `:${tag}` : `@${digest}`}`);
  expect(parseImageReference(whole)).toEqual({ ...reference, tag: digest === '' ? tag : '' });
});

test.each([
  '',
  'https://registry.example.com/web',
  'Web:1',
  'web:',
  'web@sha256:abc',
  'registry:port/web',
  'a//b',
  '/web',
  'web:1:2',
  'web:1 ',
  `web@md5:${'0'.repeat(64)}`,
  'a'.repeat(701),
  `${'a-'.repeat(349)}a/`,
])('%j is no reference', (text) => {
  expect(parseImageReference(text)).toBeUndefined();
});

test.each([
  ['registry.example.com', { registry: 'registry.example.com', path: '' }],
  ['mirror:5000', { registry: 'mirror:5000', path: '' }],
  ['harbor.example.com/proxy/hub', { registry: 'harbor.example.com', path: 'proxy/hub' }],
  ['index.docker.io', { registry: 'docker.io', path: '' }],
  ['mirror', undefined],
  ['mirror/path', undefined],
  ['https://mirror:5000', undefined],
  ['mirror:5000/', undefined],
  ['mirror:5000/Path', undefined],
  ['', undefined],
])('place of a registry: %j', (text, place) => {
  expect(parseRegistryPlace(text)).toEqual(place);
});
