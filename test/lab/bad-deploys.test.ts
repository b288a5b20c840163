/**
 * What operators do by mistake, on real hosts: each time the command and `berth why` say what is wrong and where, nothing
 * that ran is touched, and everything else goes on.
 */
import type { CommandResult } from '../support/cluster';
import { until } from '../support/wait';
import { Lab } from './lab';

const TEST_MS = 120_000;

let lab: Lab;
/** Containers of what has nothing to do with any of it, as "h1 <id> <start>". */
let bystanders: readonly string[];
beforeAll(async () => {
  lab = await Lab.up({ hosts: 2 });
  expect(await apply(file({ bystander: 'replicas: 2' }, 'others'), 'others')).toMatchObject({ code: 0 });
  expect(await apply(file({ web: GOOD }))).toMatchObject({ code: 0 });
  bystanders = await containers('bystander');
  expect(bystanders).toHaveLength(2);
}, TEST_MS);
afterEach(async () => {
  expect(await containers('bystander')).toEqual(bystanders);
});
afterAll(() => lab?.down(), TEST_MS);

const GOOD = 'replicas: 2';
const HUGE = 'resources: { reservations: { memory: 9000G } }';
const NOWHERE = 'placement: { constraints: ["node.labels.zone == moon"] }';
const UNHEALTHY = 'probe: { tcp: { port: 9999 }, interval: 200ms, failures: 2 }';

/** @param deploys by service, what stands under `deploy`; or lines of the service, each after a "\n" */
function file(deploys: Readonly<Record<string, string>>, more = ''): string {
  const services = Object.entries(deploys).map(([name, text]) => {
    const [deploy = '', ...lines] = text.split('\n');
    const own = lines.map((line) => `    ${line}\n`).join('');
    return `  ${name}:
    image: berth-hello:1
    stop_signal: SIGKILL
    environment: { OF: "${more}" }
    deploy: { update_config: { monitor: 500ms }${deploy === '' ? '' : `, ${deploy}`} }
${own}`;
  });
  return `services:\n${services.join('')}`;
}

const apply = (text: string, project = 'lab', seconds = 60): Promise<CommandResult> =>
  lab.berth(['apply', '-f', '-', '-p', project, '--wait', '--timeout', String(seconds)], { input: text });

async function said(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await lab.berth(args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

async function containers(service: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const host of lab.hosts) {
    const ids = await lab.docker(host, 'ps', '--quiet', '--no-trunc', '--filter', `label=berth.service=${service}`);
    for (const id of ids.split('\n').filter((line) => line !== ''))
      found.push(`${host} ${await lab.docker(host, 'inspect', '--format', '{{.Id}} {{.State.StartedAt}}', id)}`);
  }
  return found.sort();
}

test.each<[string, string, RegExp]>([
  ['constraints that nothing satisfies', NOWHERE, /h1, h2: does not satisfy node\.labels\.zone == moon/],
  ['reservations larger than any host', HUGE, /\d+ MiB of memory are wanted and \d+ MiB are not reserved yet/],
])(
  '%s: a new service waits, and the other of its file runs',
  async (_, deploy, reason) => {
    const { code, stdout, stderr } = await apply(file({ stray: deploy, other: '' }), 'new', 8);
    expect(code).toBe(4);
    expect(stdout).toMatch(/ s: other @1 1\/1\n/);
    expect(stderr).toMatch(reason);
    expect(stderr).toMatch(/\n"berth why stray" tells more\.\n$/);
    const why = await said('why', 'stray');
    expect(why).toMatch(/\nNo place for 1 of 1\. To one more, hosts say:\n/);
    expect(why).toMatch(reason);
    expect(await containers('stray')).toEqual([]);
    await said('rm', 'stray', 'other');
    await until('it to be gone', async () => !/^(stray|other) /m.test(await said('services')));
  },
  TEST_MS,
);

test.each<[string, string, RegExp, RegExp?]>([
  ['constraints that nothing satisfies', NOWHERE, /h1, h2: does not satisfy node\.labels\.zone == moon/],
  ['reservations larger than any host', HUGE, /MiB of memory are wanted/],
  ['a probe that never passes', `\nx-berth: { ${UNHEALTHY} }`, /unhealthy: .*:9999: connection refused/],
  ['a start that takes for ever', `\nx-berth: { ${UNHEALTHY.replace('failures', 'start_period: 1h, failures')} }`, /./],
  [
    'an exit',
    '\ncommand: ["/bin/busybox", "sh", "-c", "echo no way; exit 3"]',
    /exited with code 3\n.*\| no way/s,
    // Once the instance is on its way out, the reason alone tells what it said.
    /exited with code 3(\n.*\| |, after it said: )no way/s,
  ],
])(
  '%s: an edit goes back by itself, and what ran runs on',
  async (what, change, reason, reasonLater = reason) => {
    const before = await settled();
    const deadline = change.includes('x-berth')
      ? change.replace('x-berth: {', 'x-berth: { rollout_deadline: 8s,')
      : `${change}\nx-berth: { rollout_deadline: 8s }`;
    const [deploy = '', ...lines] = deadline.split('\n');
    const wanted = [`replicas: 2${deploy === '' ? '' : `, ${deploy}`}`, ...lines].join('\n');
    const { code, stderr } = await apply(file({ web: wanted }, what));
    expect(code).toBe(3);
    expect(stderr).toMatch(/^web@\d+ failed and was rolled back to @\d+: /);
    expect(stderr).toMatch(reason);
    expect(stderr).toMatch(/\n"berth why web" tells more\.\n$/);
    const why = await said('why', 'web');
    expect(why).toMatch(/^web +@\d+, rolled-back, 2 of 2 run: web@\d+ failed: /);
    expect(why).toMatch(reasonLater);
    // Another count of its document would roll that out again.
    const scaled = await lab.berth(['scale', 'web=3']);
    expect(scaled).toMatchObject({ code: 2, stderr: expect.stringMatching(/^web: it runs @\d+, and its document is/) });
    expect(await settled()).toEqual(before);
  },
  TEST_MS,
);

test(
  'a ring of depends_on is refused whole, spelled out; one that is written by hand, too',
  async () => {
    const after = (name: string): string => `\ndepends_on: { ${name}: { condition: service_healthy } }`;
    const ring = file({ a: after('b'), b: after('c'), c: after('a') });
    const { code, stdout, stderr } = await apply(ring, 'ring');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('a waits for b, b waits for c, c waits for a: none of them could ever begin.');
    expect(stderr).toMatch(/\n {2}\d+ \| .*\n.*\^\n/);
    expect(await lab.etcdctl('get', '--prefix', '/berth/services/', '--keys-only')).not.toMatch(/\/[abc]$/m);
    for (const [name, other] of ['pq', 'qp'])
      await lab.etcdctl(
        'put',
        `/berth/services/${name}`,
        `{"image":"berth-hello:1","depends_on":{"${other}":{"condition":"service_healthy"}}}`,
      );
    let seen = '';
    await until('the refusal of the second', async () => / refused /.test((seen = await said('services')))).catch(
      (error: unknown) => {
        throw new Error(`${String(error)}\n${seen}`);
      },
    );
    // Which of them is read when both are there depends on the moment: that one is refused, and the other waits for it.
    const [p, q] = [await said('why', 'p'), await said('why', 'q')];
    const spelledOut =
      / refused\n.*(q waits for p, p waits for q|p waits for q, q waits for p): none of them could ever/;
    expect([p, q].filter((why) => spelledOut.test(why)).length).toBeGreaterThan(0);
    expect(p).toMatch(/^p .*waits for q/s);
    expect(q).toMatch(/^q .*waits for p/s);
    await said('rm', 'p', 'q');
  },
  TEST_MS,
);

test(
  'a rollback to a release that is gone names those that are there, and changes nothing',
  async () => {
    expect(await apply(file({ web: GOOD }))).toMatchObject({ code: 0 });
    const before = await settled();
    for (let round = 0; round < 6; round++)
      for (const count of [3, 2]) await said('scale', `web=${count}`, '--wait', '--timeout', '30');
    const { code, stdout, stderr } = await lab.berth(['rollback', 'web', '--to', '1']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^web@1 is gone\. There are (@\d+, ){9}@\d+; "berth history web" says what is in them\.\n$/);
    expect(await said('why', 'web')).toMatch(/^web +@\d+, steady, 2 of 2 run\n/);
    expect(await settled()).toEqual(before);
  },
  TEST_MS,
);

test(
  'a drain of the last host moves nothing, stops nothing, and says why',
  async () => {
    const before = await settled();
    await said('cordon', 'h1');
    const { code, stdout, stderr } = await lab.berth(['drain', 'h2', '--wait', '--timeout', '3']);
    expect(code).toBe(4);
    expect(stderr).toMatch(/^Warning: no host is left that takes instances: nothing can move/);
    expect(stdout).toMatch(/ can not move: no host takes another one: /);
    expect(stdout).toMatch(/h1: cordoned/);
    expect(await said('why', 'web')).toMatch(/\nTo move, and can not:\n {2}web-\d-\w+: no host takes another one/);
    // h2 first: what may move again would.
    for (const host of ['h2', 'h1']) await said('uncordon', host);
    expect(await settled()).toEqual(before);
  },
  TEST_MS,
);

test(
  'two edits at once: one of them is what runs, whole, and nobody is told that he won who lost',
  async () => {
    const texts = ['left', 'right'].map((what) => file({ web: GOOD }, what));
    const answers = await Promise.all(
      texts.map((text) => lab.berth(['apply', '-f', '-', '-p', 'lab'], { input: text })),
    );
    for (const { code, stderr } of answers) if (code !== 0) expect(stderr).toMatch(/again/);
    expect(answers.some(({ code }) => code === 0)).toBe(true);
    const scaled = await Promise.all([4, 3].map((count) => lab.berth(['scale', `web=${count}`])));
    for (const { code, stderr } of scaled) if (code !== 0) expect(stderr).toMatch(/again/);
    const document = await lab.etcdctl('get', '--print-value-only', '/berth/services/web');
    const count = Number(/replicas: (\d)/.exec(document)![1]);
    expect(scaled.map(({ code }, index) => (code === 0 ? [4, 3][index] : 0))).toContain(count);
    const winner = /OF: "?(\w+)/.exec(document)![1];
    expect(['left', 'right']).toContain(winner);
    await until(
      'it to be whole',
      async () => new RegExp(`^web +@\\d+, steady, ${count} of ${count} run\\n`).test(await said('why', 'web')),
      60_000,
    );
    for (const one of await containers('web')) {
      const [host = '', id = ''] = one.split(' ');
      expect(await lab.docker(host, 'inspect', '--format', '{{.Config.Env}}', id)).toContain(`OF=${winner}`);
    }
  },
  TEST_MS,
);

interface Written {
  readonly revision: number;
  readonly instances: Readonly<Record<string, { readonly service: string }>>;
}

const ASSIGNMENT = '/berth/assignments/h1';
const read = async (): Promise<Written> =>
  JSON.parse(await lab.etcdctl('get', '--print-value-only', ASSIGNMENT)) as Written;

test.each<[string, (was: Written) => string, boolean]>([
  ['garbage', () => '{ "revision', true],
  ['deleted instances', (was) => JSON.stringify({ ...was, revision: was.revision + 1, instances: {} }), false],
  [
    'an instance of nobody',
    (was) => {
      const instances = { ...was.instances, 'ghost-1-aaaa': { service: 'ghost', slot: 1, release: 9 } };
      return JSON.stringify({ ...was, revision: was.revision + 1, instances });
    },
    true,
  ],
])(
  'a hand-edited assignment (%s) is written anew, and all of it runs',
  async (_, edit, isKept) => {
    expect(await apply(file({ web: GOOD }))).toMatchObject({ code: 0 });
    const before = await settled();
    const was = await read();
    // What is left out by hand is left out, and made again: the bystander is not to be among it.
    const text = isKept ? edit(was) : edit(was).replace('"instances":{}', `"instances":${JSON.stringify(others(was))}`);
    await lab.etcdctl('put', ASSIGNMENT, text);
    await until('the assignment to be written anew', async () => {
      const now = await read().catch(() => undefined);
      return now !== undefined && now.revision > was.revision && Object.values(now.instances).some(isOfWeb);
    });
    await until('all of web to run', async () => /^web +@\d+, steady, 2 of 2 run\n/.test(await said('why', 'web')));
    const after = await settled();
    if (isKept) expect(after).toEqual(before);
    // No complaint about what is mended stays.
    await until('the host to be content', async () => !/\nh1: /.test(await said('hosts')));
  },
  TEST_MS,
);

/** A rollout has landed before the last of the old ones, or of those that failed, is gone. @returns the containers of web when there are two */
function settled(): Promise<readonly string[]> {
  return until('two containers of web', async () => {
    const found = await containers('web');
    return found.length === 2 && found;
  });
}

const isOfWeb = ({ service }: { readonly service: string }): boolean => service === 'web';
const others = ({ instances }: Written): object =>
  Object.fromEntries(Object.entries(instances).filter(([, one]) => !isOfWeb(one)));
