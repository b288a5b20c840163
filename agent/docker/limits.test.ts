import { boundMemory } from './limits';

test.each<[string, Parameters<typeof boundMemory>[0], number]>([
  ['of a container that does not run', {}, 0],
  ['of an engine that says nothing', undefined, 0],
  ['without a cache', { usage: 1000, stats: { anon: 900 } as never }, 1000],
  [
    'caches of files can be taken back',
    { usage: 1000, stats: { anon: 300, active_file: 400, inactive_file: 200, slab_reclaimable: 50 } as never },
    350,
  ],
  ['read at different moments', { usage: 100, stats: { inactive_file: 200 } as never }, 0],
])('memory that the kernel can not take back: %s', (_, memory, bytes) => {
  expect(boundMemory(memory)).toBe(bytes);
});
