/** What `berth endpoints` prints and asks for. */
import type { ListEndpointsRequest, ListEndpointsResponse } from '../lib/rpc/types';
import { berth, FRESH } from '../test/support/fake-coordinator';

const NONE: ListEndpointsResponse = { endpoints: [], unpublished: [], problems: [], unknown: [], freshness: FRESH };
const ENDPOINT = {
  ...{ host: '10.0.0.1', port: 20_001, ports: { http: 20_001, dns: 20_002 }, protocols: { dns: 'udp' }, labels: {} },
  ...{ release: 7, hostName: 'h1', slot: 1, weight: 100 },
};

async function run(answer: Partial<ListEndpointsResponse>, ...args: readonly string[]) {
  const asked: ListEndpointsRequest[] = [];
  const listEndpoints = async (request: ListEndpointsRequest): Promise<ListEndpointsResponse> => {
    asked.push(request);
    return { ...NONE, ...answer };
  };
  return { ...(await berth({ listEndpoints }, 'endpoints', ...args)), asked };
}

test('where instances answer, what is doubted, and what is not published', async () => {
  const bare = { ...ENDPOINT, host: 'fd00::2', port: 0, ports: {}, protocols: {}, release: 0, hostName: '', weight: 0 };
  const said = await run(
    {
      endpoints: [
        { service: 'web', instance: 'web-1-a', endpoint: ENDPOINT, doubt: '' },
        { service: 'web', instance: 'web-2-b', endpoint: { ...bare, port: 80 }, doubt: 'its host is lost' },
        { service: 'x', instance: 'x-1-a', endpoint: bare, doubt: '' },
      ],
      unpublished: [
        {
          service: 'web',
          instance: 'web-3-c',
          host: 'h2',
          slot: 3,
          release: 7,
          reason: 'unhealthy: GET / → 500\u001b[2J',
        },
      ],
    },
    'web',
    'x',
  );
  expect(said).toEqual({
    ...{ asked: [{ services: ['web', 'x'] }], code: 0, stderr: '' },
    stdout: `SERVICE   INSTANCE   HOST   ADDRESS          PORTS                      RELEASE   WEIGHT
web       web-1-a    h1     10.0.0.1:20001   http=20001 dns=20002/udp   @7        100
web       web-2-b    -      [fd00::2]:80     -                          -         -
x         x-1-a      -      fd00::2          -                          -         -

web-2-b: its host is lost

Not published:
SERVICE   INSTANCE   HOST   RELEASE   WHY
web       web-3-c    h2     @7        unhealthy: GET / → 500\ufffd[2J
`,
  });
});

test('nothing at all, nothing published, and a name that is not there', async () => {
  expect(await run({})).toMatchObject({ code: 0, stdout: 'No endpoints, and no instances that could have one.\n' });
  const unpublished = [{ service: 'web', instance: 'web-1-a', host: 'h1', slot: 1, release: 1, reason: 'starting' }];
  expect((await run({ unpublished })).stdout).toMatch(/^No endpoints\.\n\nNot published:\n/);
  expect(await run({ unknown: ['wob'] }, 'wob')).toMatchObject({
    ...{ code: 1, stdout: '', stderr: 'There is no service "wob".\n' },
  });
});

test('garbage is warned of; JSON has all of it', async () => {
  const problem = {
    rule: 'json-syntax',
    path: '',
    line: 0,
    column: 0,
    message: 'not JSON',
    key: '/berth/endpoints/web/a',
  };
  const { code, stdout, stderr } = await run({ problems: [problem] }, '--json');
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: 'Warning: /berth/endpoints/web/a is no endpoint, and nobody answers with it: not JSON [json-syntax]\n',
  });
  expect(JSON.parse(stdout)).toEqual({ ...NONE, problems: [problem] });
});
