/** What `berth plan` prints, against a coordinator that says what it is told to. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PlannedInstance, PlannedService, PlanRequest, PlanResponse } from '../lib/rpc/types';
import { berth, FRESH } from '../test/support/fake-coordinator';

let folder: string;
let file: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'berth-test-plan-'));
  file = join(folder, 'shop.yaml');
  writeFileSync(file, 'name: shop\nservices:\n  web:\n    image: web:2\n');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function service(name: string, more: Partial<PlannedService>, action = 'updated', held = ''): PlannedService {
  const plain = {
    release: 2,
    newRelease: true,
    changes: [],
    phases: [],
    before: 1,
    after: 1,
    unplaced: [],
    failure: '',
  };
  return { ...plain, ...more, applied: { name, action, held } };
}

const instance = (
  action: string,
  slot: number,
  host: string,
  more: Partial<PlannedInstance> = {},
): PlannedInstance => ({
  ...{ action, service: 'web', slot, host, from: '', reason: '' },
  ...more,
});

async function planned(answer: Partial<PlanResponse>, ...args: readonly string[]) {
  const asked: PlanRequest[] = [];
  const whole = {
    refused: [],
    services: [],
    instances: [],
    at: '4711-0123456789ab',
    cutShort: '',
    freshness: FRESH,
    ...answer,
  };
  const plan = async (request: PlanRequest): Promise<PlanResponse> => {
    asked.push(request);
    return whole;
  };
  return { ...(await berth({ plan }, 'plan', '-f', file, ...args)), asked };
}

test('services first, then what they wait for, then host by host, and how to apply just this', async () => {
  const changes = ['container.image', 'container.user', 'deploy.replicas', 'config.A', 'config.B'];
  const { stdout, code, asked } = await planned({
    services: [
      service('web', {
        ...{ release: 8, changes, before: 3, after: 4 },
        phases: [
          'resolving: h1 is asked',
          'waiting: waits for db, which is rolling',
          'before: its job is to run',
          'before: it runs',
          'canary',
          'moving',
        ],
      }),
      service('db', { newRelease: false }, 'unchanged'),
      service('new', { before: 0, after: 1 }, 'created'),
    ],
    instances: [
      instance('replace', 1, 'h1', { reason: 'container.image' }),
      instance('move', 2, 'h2', { from: 'h1', reason: 'container.image' }),
      instance('update', 3, 'h2', { reason: 'container.limits' }),
      instance('create', 4, 'h3'),
      instance('remove', 1, 'h3', { service: 'old' }),
    ],
  });
  expect(asked).toEqual([{ project: 'shop', services: [{ name: 'web', document: expect.stringContaining('web:2') }] }]);
  expect(code).toBe(0);
  expect(stdout)
    .toBe(`web   updated     @8 (new)   3 → 4   container.image, container.user, deploy.replicas, config.A and 1 more
db    unchanged   @2         1
new   created     @2 (new)   0 → 1

web: waits for db, which is rolling
web: its job of x-berth.before runs first, and has to exit with 0
web: stops at its canaries until they are well, and for "berth promote web" unless auto_promote is set

h1   ~   web-1   replaced: container.image
     -   web-2   goes to h2: container.image
h2   +   web-2   comes from h1
     =   web-3   changed in place: container.limits
h3   +   web-4
     -   old-1

1 instance created, 1 replaced, 1 moved, 1 changed in place, 1 removed.
Nothing was written. To apply just this: berth apply -f ${file} --at 4711-0123456789ab
`);
});

test('what is held up, has no place, would fail, or is too long to be looked at to its end', async () => {
  const { stdout } = await planned({
    services: [
      service('web', {
        unplaced: [{ host: 'h1', reason: 'memory' }],
        failure: 'web@2 failed: not through within 600 s',
      }),
      service('api', { changes: [] }, 'updated', 'api: frozen by ann@ops; "berth unfreeze api" ends it'),
    ],
    cutShort: 'the rollouts take more than 5000 steps, which are as many as are looked at',
  });
  expect(stdout).toContain(`
web: no place on h1: memory
web: would fail: web@2 failed: not through within 600 s
api: frozen by ann@ops; "berth unfreeze api" ends it

No instance would change.
This is how it begins: the rollouts take more than 5000 steps, which are as many as are looked at.
`);
});

test('nothing to apply', async () => {
  const { stdout } = await planned({ services: [service('web', { newRelease: false }, 'unchanged')] });
  expect(stdout).toBe('web   unchanged   @2   1\n\nNo instance would change.\n');
});

test('what apply refuses is shown in the file, with exit code 2; JSON has all', async () => {
  const problem = { rule: 'bad-value', path: 'image', line: 1, column: 1, message: 'no', key: '' };
  const refused = [{ name: 'web', problems: [problem] }];
  const { code, stderr } = await planned({ refused });
  expect(code).toBe(2);
  expect(stderr).toContain(`${file}:4:12: web image: no [bad-value]\n`);
  expect(JSON.parse((await planned({ refused }, '--json')).stdout)).toMatchObject({ refused });
});
