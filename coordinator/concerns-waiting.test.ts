/** Whom another service's progress concerns: those that wait for it. */
import { emptyDocument, encodeDocument } from '../lib/documents/codec';
import { keys, Model } from '../test/support/documents-model';

const HOSTS = ['h1', 'h2'];
const SERVICES = ['web', 'api'];
// With digests, so that no host is asked for them.
const [A1, A2] = [1, 2].map((tag) => `a:${tag}@sha256:${'0'.repeat(64)}`);

/** Not watched, so that it is whole as soon as it runs. */
function unwatched(image: string, more = ''): string {
  return `image: ${image}\ndeploy: { update_config: { monitor: 0s } }${more}`;
}

function waiterFor(other: string): string {
  return unwatched(A2!, `\ndepends_on: { ${other}: { condition: service_healthy } }`);
}

function steady(): Model {
  const model = new Model();
  const capacity = { nanoCpus: 4e9, memoryBytes: 1e9, resources: {} };
  for (const name of HOSTS) {
    model.put(keys.hostRecord(name), encodeDocument('HostRecord', { ...emptyDocument('HostRecord'), capacity }));
    model.put(keys.hostAlive(name), '{}');
    model.report(name, 0, {});
  }
  for (const name of SERVICES) model.put(keys.service(name), unwatched(A1!));
  model.settle();
  for (const name of HOSTS) model.act(name, '');
  model.settle();
  expect(SERVICES.map((name) => statusOf(model, name).rollout)).toEqual(SERVICES.map(() => 'steady'));
  return model;
}

const statusOf = (model: Model, name: string) => model.reader.view.serviceStatuses.get(name)!.document!;

test('who was refused for a ring is planned again when another one breaks it', () => {
  const model = steady();
  model.put(keys.service('web'), waiterFor('api'));
  model.settle();
  model.put(keys.service('api'), waiterFor('web'));
  model.settle();
  for (const name of HOSTS) model.act(name, '');
  model.settle();
  expect(['web', 'api'].map((name) => statusOf(model, name).accepted)).toEqual([true, false]);
  model.put(keys.service('web'), unwatched(A2!));
  model.settle();
  expect(statusOf(model, 'api').accepted).toBe(true);
  expect(model.forgotten()).toEqual([]);
});

test('who waits for a service is planned again when that one answers its document', () => {
  const model = steady();
  // As when each is planned alone.
  const planAlone = (name: string): void => {
    model.concerns.take();
    for (const write of model.writes([name]).map((one) => one.write()))
      model.put(write.key, write.op === 'put' ? write.value : undefined);
  };
  model.put(keys.service('api'), `${unwatched(A1!)} # written again`);
  model.put(keys.service('web'), waiterFor('api'));
  planAlone('web');
  expect(statusOf(model, 'web').move!.reason).toBe('waits for api, which is not planned yet');
  planAlone('api');
  model.settle();
  expect(statusOf(model, 'web').move!.phase).not.toBe('waiting');
});
