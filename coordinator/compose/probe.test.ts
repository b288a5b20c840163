import type { DeploySpec } from '../../lib/documents/types';
import { compileService } from './compile';

const PORTS = 'ports: [{ name: http, target: 8080 }, { name: rpc, target: 9000, published: 90 }]';

function deploy(lines: string): DeploySpec {
  const compiled = compileService('web', `image: a\n${PORTS}\n${lines}`);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  return compiled.deploy;
}

const HTTP = { port: 8080, path: '/', statusMin: 200, statusMax: 399, headers: {}, scheme: 'http', method: 'GET' };
const TIMES = { intervalMs: 5000, timeoutMs: 2000, startPeriodMs: 0, failures: 3, successes: 1 };

test.each<[string, DeploySpec['probe']]>([
  ['{ http: { port: http } }', { http: HTTP, ...TIMES }],
  ['{ http: { port: 81 } }', { http: { ...HTTP, port: 81 }, ...TIMES }],
  ['{ http: { port: "81", status: 204 } }', { http: { ...HTTP, port: 81, statusMin: 204, statusMax: 204 }, ...TIMES }],
  [
    '{ http: { port: rpc, path: "/x?y=1", status: "200-299", scheme: https, method: HEAD, host: a.example, headers: { X-A: b } } }',
    {
      http: {
        ...{ port: 9000, path: '/x?y=1', statusMin: 200, statusMax: 299, scheme: 'https', method: 'HEAD' },
        headers: { 'x-a': 'b', host: 'a.example' },
      },
      ...TIMES,
    },
  ],
  ['{ tcp: { port: rpc } }', { tcp: { port: 9000 }, ...TIMES }],
  ['{ exec: [/bin/check, -q] }', { exec: { command: ['/bin/check', '-q'] }, ...TIMES }],
  [`{ exec: sh -c 'exit 0' }`, { exec: { command: ['sh', '-c', 'exit 0'] }, ...TIMES }],
  ['{ grpc: { port: rpc, service: a.b } }', { grpc: { port: 9000, service: 'a.b' }, ...TIMES }],
  [
    '{ tcp: { port: 1 }, interval: 100ms, timeout: 10ms, start_period: 1m, failures: 5, successes: 2 }',
    { tcp: { port: 1 }, intervalMs: 100, timeoutMs: 10, startPeriodMs: 60_000, failures: 5, successes: 2 },
  ],
])('probe %s', (probe, wanted) => {
  expect(deploy(`x-berth: { probe: ${probe} }`).probe).toEqual(wanted);
});

test.each<[string, string]>([
  ['{}', 'missing-key x-berth.probe.http 3:19'],
  ['{ tcp: { port: 1 }, exec: a }', 'bad-value x-berth.probe.exec 3:45'],
  ['{ http: {} }', 'missing-key x-berth.probe.http.port 3:27'],
  ['{ http: { port: htp } }', 'bad-value x-berth.probe.http.port 3:35'],
  ['{ http: { port: 0 } }', 'out-of-range x-berth.probe.http.port 3:35'],
  ['{ http: { port: 70000 } }', 'out-of-range x-berth.probe.http.port 3:35'],
  ['{ http: { port: 80, path: x } }', 'bad-value x-berth.probe.http.path 3:45'],
  ['{ http: { port: 80, status: 99 } }', 'bad-value x-berth.probe.http.status 3:47'],
  ['{ http: { port: 80, status: "300-200" } }', 'bad-value x-berth.probe.http.status 3:47'],
  ['{ http: { port: 80, scheme: ftp } }', 'bad-value x-berth.probe.http.scheme 3:47'],
  ['{ http: { port: 80, method: POST } }', 'bad-value x-berth.probe.http.method 3:47'],
  ['{ http: { port: 80, headers: { "a b": c } } }', 'bad-value x-berth.probe.http.headers.a b 3:50'],
  ['{ http: { port: 80, headers: { a: "b\\r\\nc" } } }', 'bad-value x-berth.probe.http.headers 3:48'],
  ['{ http: { port: 80, headers: { a: b, A: c } } }', 'bad-value x-berth.probe.http.headers.A 3:56'],
  ['{ http: { port: 80, host: a, headers: { Host: b } } }', 'bad-value x-berth.probe.http.host 3:45'],
  ['{ http: { port: 80, pth: /x } }', 'unknown-key x-berth.probe.http.pth 3:39'],
  ['{ exec: [] }', 'bad-value x-berth.probe.exec 3:27'],
  ['{ exec: { command: a } }', 'wrong-type x-berth.probe.exec 3:27'],
  ['{ tcp: 80 }', 'wrong-type x-berth.probe.tcp 3:26'],
  ['{ tcp: { port: 80 }, interval: 50ms }', 'out-of-range x-berth.probe.interval 3:50'],
  ['{ tcp: { port: 80 }, interval: 5 }', 'bad-value x-berth.probe.interval 3:50'],
  ['{ tcp: { port: 80 }, timeout: 1h }', 'out-of-range x-berth.probe.timeout 3:49'],
  ['{ tcp: { port: 80 }, failures: 0 }', 'out-of-range x-berth.probe.failures 3:50'],
  ['{ tcp: { port: 80 }, sucesses: 1 }', 'unknown-key x-berth.probe.sucesses 3:40'],
])('refuses the probe %s', (probe, problem) => {
  const compiled = compileService('web', `image: a\n${PORTS}\nx-berth: { probe: ${probe} }`);
  const problems = compiled.ok ? [] : compiled.problems;
  expect(problems.map(({ rule, path, line, column }) => `${rule} ${path} ${line}:${column}`)).toContain(problem);
});

test('without a network only a command can be asked', () => {
  const text = 'image: a\nnetwork_mode: none\nx-berth: { probe: { tcp: { port: 80 } } }';
  expect(compileService('web', text)).toMatchObject({ ok: false, problems: [{ path: 'x-berth.probe.tcp', line: 3 }] });
});

test('on_unhealthy, drain and depends_on', () => {
  expect(deploy('x-berth: { on_unhealthy: withdraw }').onUnhealthy).toBe('withdraw');
  expect(deploy('x-berth: { on_unhealthy: restart }').onUnhealthy).toBe('');
  expect(deploy('depends_on: [db, cache, db]').dependsOn).toEqual(['db', 'cache']);
  const condition = '{ condition: service_started, required: false }';
  expect(deploy(`depends_on: { db: ${condition} }`).dependsOn).toEqual(['db']);
  for (const bad of ['drain: 25h', 'drain: 5', 'on_unhealthy: stop'])
    expect(compileService('web', `image: a\nx-berth: { ${bad} }`)).toMatchObject({
      ok: false,
      problems: [{ line: 2, path: `x-berth.${bad.split(':')[0]}` }],
    });
});
