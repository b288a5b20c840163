/**
 * What is kept up with every change, against what is found out from the whole: the index of placements, and whom a change
 * concerns. A coordinator that forgets somebody leaves something to do, which a plan of everything finds.
 */
import * as fc from 'fast-check';
import { emptyDocument, encodeDocument } from '../lib/documents/codec';
import { keys, Model, REPORT } from '../test/support/documents-model';
import { Concerns } from './concerns';
import { PlacementIndex } from './schedule/placement-index';

const HOSTS = ['h1', 'h2', 'h3', 'h4'];
const SERVICES = ['web', 'api', 'log', 'db'];
// With digests, so that no host is asked for them.
const [A1, A2] = [1, 2].map((tag) => `a:${tag}@sha256:${'0'.repeat(64)}`);
const DOCUMENTS = [
  `image: ${A1}\ndeploy: { replicas: 2 }`,
  `image: ${A2}\ndeploy: { replicas: 3 }`,
  `image: ${A1}\nports: ["80:80"]\ndeploy: { replicas: 2 }`,
  `image: ${A1}\ndeploy: { mode: global }`,
  `image: ${A1}\ndeploy: { replicas: 3, placement: { constraints: ["node.labels.zone == a"] } }`,
  `image: ${A1}\ndeploy: { replicas: 2, resources: { reservations: { memory: 600M } } }`,
  'image: [',
];

type Event = (model: Model) => void;

function hostRecord(zone: string, memoryMib: number): string {
  const record = emptyDocument('HostRecord');
  const capacity = { nanoCpus: 4e9, memoryBytes: memoryMib * 1024 * 1024, resources: {} };
  return encodeDocument('HostRecord', { ...record, labels: { zone }, capacity });
}

const host = fc.constantFrom(...HOSTS);
const service = fc.constantFrom(...SERVICES);
const kind = fc.constantFrom('host', 'service', 'instance');

const EVENTS = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(service, fc.constantFrom(...DOCUMENTS, undefined)).map(
      ([name, text]): Event =>
        (model) =>
          model.put(keys.service(name), text),
    ),
  },
  {
    weight: 6,
    arbitrary: fc.tuple(host, fc.constantFrom('', ...SERVICES)).map(
      ([name, broken]): Event =>
        (model) =>
          model.act(name, broken),
    ),
  },
  fc.tuple(host, fc.boolean()).map(
    ([name, isLive]): Event =>
      (model) =>
        model.put(keys.hostAlive(name), isLive ? '{}' : undefined),
  ),
  fc.tuple(host, fc.constantFrom(hostRecord('a', 1000), hostRecord('b', 2000), undefined)).map(
    ([name, text]): Event =>
      (model) =>
        model.put(keys.hostRecord(name), text),
  ),
  fc.tuple(host, fc.constantFrom('{"schedulable":false}', '{"drain":true}', undefined)).map(
    ([name, text]): Event =>
      (model) =>
        model.put(keys.hostIntent(name), text),
  ),
  fc.tuple(host, fc.constantFrom('garbage', undefined, '{"revision":1}', '{"revision":99}')).map(
    ([name, text]): Event =>
      (model) =>
        model.put(keys.assignment(name), text),
  ),
  fc.tuple(host, service, fc.integer({ min: 1, max: 3 })).map(([name, of, release]): Event => (model) => {
    const { assignmentRevision = 0, instances = {} } = model.reader.view.hosts.get(name)?.status ?? {};
    model.report(name, assignmentRevision, {
      ...instances,
      [`${of}-9-aaaa`]: { ...REPORT, service: of, slot: 9, release },
    });
  }),
  {
    weight: 4,
    arbitrary: fc.tuple(service, fc.constantFrom(1, 1, 2, 3), fc.constantFrom('garbage', undefined)).map(
      ([name, number, text]): Event =>
        (model) =>
          model.put(keys.release(name, number), text),
    ),
  },
  fc.tuple(service, fc.constantFrom('garbage', undefined)).map(
    ([name, text]): Event =>
      (model) =>
        model.put(keys.serviceStatus(name), text),
  ),
  fc.tuple(kind, host, service, fc.boolean()).map(([of, onHost, name, isOn]): Event => (model) => {
    const [id = 'none'] = Object.keys(model.reader.view.hosts.get(onHost)?.assignment?.instances ?? {});
    const names: Readonly<Record<string, string>> = { host: onHost, service: name, instance: id };
    model.put(keys.pause(of, names[of]!), isOn ? '{"untilMs":2000000000000}' : undefined);
  }),
  // So many that the brakes hold.
  fc.boolean().map((isLive): Event => (model) => {
    for (const name of HOSTS.slice(1)) model.put(keys.hostAlive(name), isLive ? '{}' : undefined);
  }),
  fc.constant<Event>((model) => {
    for (const name of SERVICES.slice(1)) model.put(keys.service(name), undefined);
  }),
  fc.constant<Event>((model) => {
    for (const key of [...model.texts.keys()])
      if (!key.startsWith(keys.hosts) && !key.startsWith(keys.statuses)) model.put(key, undefined);
  }),
);

/** What there is before anything happens: a document for each service, and a host that takes nothing new. */
const START = fc.record({
  documents: fc.tuple(...SERVICES.map(() => fc.constantFrom(...DOCUMENTS))),
  cordoned: fc.constantFrom(...HOSTS, undefined),
});
const PLAIN = { documents: SERVICES.map(() => DOCUMENTS[0]!), cordoned: undefined };

function start({ documents, cordoned }: { documents: readonly string[]; cordoned: string | undefined } = PLAIN): Model {
  const model = new Model();
  for (const name of HOSTS) {
    model.put(keys.hostRecord(name), hostRecord('a', 1000));
    model.put(keys.hostAlive(name), '{}');
    model.report(name, 0, {});
  }
  if (cordoned !== undefined) model.put(keys.hostIntent(cordoned), '{"schedulable":false}');
  SERVICES.forEach((name, at) => model.put(keys.service(name), documents[at]));
  model.settle();
  for (const name of HOSTS) model.act(name, '');
  model.settle();
  return model;
}

function wholeIndex({ reader: { view } }: Model, index: PlacementIndex): unknown {
  const services = [...SERVICES, 'none'];
  return {
    services: services.map((name) => [
      index.ofService(name),
      index.reportsOf(name),
      sorted(index.hostsOf(name)),
      sorted(index.askedBy(name)),
    ]),
    hosts: HOSTS.map((name) => [index.onHost(name), index.usageOf(name)]),
    sets: [sorted(index.oddHosts), sorted(index.pausingHosts)],
    troubled: index.troubledHosts,
    instances: [...view.hosts.values()]
      .flatMap(({ status }) => Object.keys(status?.instances ?? {}))
      .map((id) => sorted(index.hostsOfInstance(id))),
  };
}

function expectWhole(model: Model): void {
  const { services, hosts, releases, keyless, index } = model.reader.view;
  expect(sorted(keyless!)).toEqual(sorted([...releases.keys()].filter((name) => !services.has(name))));
  expect(wholeIndex(model, index!)).toEqual(wholeIndex(model, new PlacementIndex(hosts, releases)));
}

const sorted = (names: Iterable<string>): readonly string[] => [...names].sort();

test('the index says after any changes what one says that is built from scratch', () => {
  fc.assert(
    fc.property(START, fc.array(fc.tuple(EVENTS, fc.boolean()), { maxLength: 20 }), (from, events) => {
      const model = start(from);
      for (const [event, isAsked] of events) {
        event(model);
        if (!isAsked) continue;
        expectWhole(model);
        model.settle();
        expectWhole(model);
      }
    }),
    { numRuns: 200 },
  );
});

test('whoever a change concerns is planned: a plan of everything then finds nothing to do', () => {
  fc.assert(
    fc.property(START, fc.array(EVENTS, { maxLength: 20 }), (from, events) => {
      const model = start(from);
      for (const event of events) {
        event(model);
        model.settle();
        expect(model.forgotten()).toEqual([]);
      }
    }),
    { numRuns: 150 },
  );
});

test('a leader that comes anew finds everything concerned', () => {
  const model = start();
  model.concerns = new Concerns(keys, () => model.reader.view);
  expect(sorted(model.concerns.take())).toEqual(['', 'api', 'db', 'log', 'web']);
});

test('what a host reports of one service concerns no other', () => {
  const model = start();
  for (const name of HOSTS) model.act(name, '');
  model.settle();
  const { instances, assignmentRevision } = model.reader.view.hosts.get('h1')!.status!;
  const [id, other] = Object.keys(instances).sort() as [string, string];
  const changed = { ...instances, [id]: { ...instances[id]!, phase: 'BACKOFF' as const } };
  model.report('h1', assignmentRevision, changed);
  expect([...model.concerns.take()]).toEqual([instances[id]!.service]);
  model.report('h1', assignmentRevision, { ...changed, [other]: { ...instances[other]!, progress: '1 of 2 MB' } });
  expect([...model.concerns.take()]).toEqual([]);
});
