import { EngineError, type EngineErrorCode } from '../engine';
import { allFailed, pullError, withLogin } from './pull-errors';
import type { ImageSource } from './registry-mirrors';

const SECRET = 'hunter2';
const source: ImageSource = {
  registry: 'registry.example.com',
  reference: 'registry.example.com/web:1',
  isOrigin: true,
};
const login = {
  auth: { username: 'alice', password: SECRET, serveraddress: 'registry.example.com' },
  described: 'the credentials of "alice" in /root/.docker/config.json',
  remedy: 'docker --config /root/.docker login registry.example.com',
};

test.each<[EngineErrorCode, string]>([
  ['unauthorized', 'Head "https://r/v2/web/manifests/1": no basic auth credentials'],
  ['unauthorized', 'Head "https://r/v2/web/manifests/1": unauthorized: authentication required'],
  ['unauthorized', 'Get "https://r/v2/web/manifests/1": unauthorized: incorrect username or password'],
  ['unauthorized', 'error parsing HTTP 403 response body: denied: permission_denied'],
  ['unauthorized', 'unexpected status from HEAD request to https://r/v2/web/manifests/1: 401 Unauthorized'],
  [
    'unauthorized',
    `pull access denied for shop/web, repository does not exist or may require 'docker login': denied: requested access to the resource is denied`,
  ],
  ['no-such-image', 'manifest for r/web:9 not found: manifest unknown: manifest unknown'],
  ['no-such-image', 'repository r/web not found: name unknown: repository name not known to registry'],
  ['no-space', 'failed to register layer: Error processing tar file(exit status 1): write /x: no space left on device'],
  ['no-space', 'write /var/lib/docker/tmp/GetImageBlob123: no space left on device'],
  ['pull-failed', 'Get "https://r/v2/": dial tcp 10.0.0.1:443: connect: connection refused'],
  ['pull-failed', 'Get "https://r/v2/": x509: certificate signed by unknown authority'],
  ['pull-failed', 'toomanyrequests: You have reached your pull rate limit.'],
])('%s: %s', (code, message) => {
  expect(pullError(message)).toMatchObject({ code, message });
});

test('what Docker says is cut', () => {
  expect(pullError('x'.repeat(100_000)).message.length).toBeLessThan(600);
});

test('a refusal says by whom, of what, and what to do; and no secret', () => {
  const told = withLogin(pullError('no basic auth credentials'), source, login);
  expect(told).toMatchObject({
    code: 'unauthorized',
    message:
      'registry.example.com refused the pull (or it has no such image); it was sent the credentials of "alice" in /root/.docker/config.json. On this host: docker --config /root/.docker login registry.example.com. Docker says: no basic auth credentials',
  });
  expect(JSON.stringify(told) + told.message).not.toContain(SECRET);
});

test('any failure says that credentials could not be read, and only then speaks of them', () => {
  const failure = new EngineError('pull-failed', 'connection refused');
  const problem = '/root/.docker/config.json is no JSON';
  expect(withLogin(failure, source, login)).toBe(failure);
  expect(
    withLogin(failure, source, { ...login, described: `no credentials, since ${problem}`, problem }),
  ).toMatchObject({ code: 'pull-failed', message: `connection refused; it was sent no credentials, since ${problem}` });
});

test('of several sources each is told; the registry itself says what it is', () => {
  const mirror: ImageSource = { ...source, registry: 'mirror:5000', isOrigin: false };
  const [down, refused] = [new EngineError('pull-failed', 'connection refused'), pullError('unauthorized')];
  const failures = [
    { source, error: refused },
    { source: mirror, error: down },
  ];
  expect(allFailed(failures)).toMatchObject({
    code: 'unauthorized',
    message: 'from registry.example.com: unauthorized; from mirror:5000: connection refused',
  });
  expect(allFailed(failures.slice(0, 1))).toBe(refused);
});
