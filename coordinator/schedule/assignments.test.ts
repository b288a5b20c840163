/** What services ask of hosts, beside instances: images ahead of need, and digests. */
import { emptyDocument } from '../../lib/documents/codec';
import { World } from '../../test/support/world';
import { assignmentsInSteps } from './assignments';
import { PlacementIndex } from './placement-index';
import type { ServicePlan } from './plan-service';

const NOTHING: ServicePlan = { placements: [], status: undefined, dropReleases: [] };

/** Of two services that were planned before, `web` and `api`; only those in `plans` are planned now. */
function next(plans: Readonly<Record<string, Partial<ServicePlan>>>) {
  const world = new World().addHost('h1').addHost('h2').put('web', { replicas: 0 }).put('api', { replicas: 0 });
  const asked = { image: 'api:1', question: 4 };
  const before = { ...emptyDocument('Assignment'), revision: 3, prefetch: ['api@2', 'web@8'], resolve: { api: asked } };
  world.set('h1', { assignment: before, assignmentRevision: 9 });
  const all = Object.entries(plans).map(([service, plan]) => [service, { ...NOTHING, ...plan }] as const);
  const index = new PlacementIndex(world.hosts, world.releases);
  const steps = assignmentsInSteps({ view: world.view, index, plans: new Map(all), pauses: [] });
  for (let step = steps.next(); ; step = steps.next()) if (step.done === true) return step.value;
}

test('what is asked again changes nothing, and what other services asked for stays', () => {
  expect(next({ web: { prefetch: new Map([['h1', 8]]) } }).size).toBe(0);
  expect(next({ web: { prefetch: new Map([['h1', 9]]) } }).get('h1')).toMatchObject({
    revision: 4,
    prefetch: ['api@2', 'web@9'],
    resolve: { api: { image: 'api:1', question: 4 } },
  });
});

test('what a service asks no more goes', () => {
  expect(next({ web: {}, api: {} }).get('h1')).toMatchObject({ revision: 4, prefetch: [], resolve: {} });
});

test('a host without an assignment gets one when something is asked of it', () => {
  const asked = next({
    web: { prefetch: new Map([['h2', 9]]), resolve: { host: 'h2', image: 'web:9', question: 1 } },
    api: { prefetch: new Map([['h1', 2]]), resolve: { host: 'h1', image: 'api:1', question: 4 } },
  });
  expect([...asked.keys()]).toEqual(['h1', 'h2']);
  expect(asked.get('h2')).toMatchObject({
    revision: 1,
    prefetch: ['web@9'],
    resolve: { web: { image: 'web:9', question: 1 } },
  });
});
