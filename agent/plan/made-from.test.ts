import { jobReleaseOf, releaseOf } from '../../test/support/desired';
import { isMadeFrom, specHash } from '../../lib/release/spec-hash';
import type { Release } from '../../lib/documents/types';
import { madeFrom } from './made-from';

const ASSIGNED = { service: 'web', slot: 1, release: 1, hash: '', config: {}, before: false };
const JOB = { ...ASSIGNED, slot: 0, before: true };
const WEB = releaseOf('web');
const taking = (environment: Record<string, string>, config: Release['config'] = {}): Release => ({
  ...releaseOf('web', { container: { environment } }),
  config,
});

describe('an instance', () => {
  test('without config is made from its release, and has the hash that it had before there was config', () => {
    expect(madeFrom(ASSIGNED, WEB)).toEqual({ spec: WEB, specHash: specHash(WEB.container) });
  });

  const LEVEL = { LEVEL: '{{.Config.LEVEL}}' };
  const hashOf = (release: Release, config = {}): string => madeFrom({ ...ASSIGNED, config }, release).specHash;

  test.each<[string, string, string, boolean]>([
    [
      'another value of the release',
      hashOf(taking(LEVEL, { LEVEL: 'info' })),
      hashOf(taking(LEVEL, { LEVEL: 'debug' })),
      false,
    ],
    [
      'its host’s own value',
      hashOf(taking(LEVEL, { LEVEL: 'info' })),
      hashOf(taking(LEVEL, { LEVEL: 'info' }), { LEVEL: 'debug' }),
      false,
    ],
    [
      'its host’s own value, which is the same',
      hashOf(taking(LEVEL, { LEVEL: 'info' })),
      hashOf(taking(LEVEL, { LEVEL: 'info' }), { LEVEL: 'info' }),
      true,
    ],
    [
      'a value that it does not take',
      hashOf(taking(LEVEL, { LEVEL: 'info' })),
      hashOf(taking(LEVEL, { LEVEL: 'info' }), { OTHER: 'x' }),
      true,
    ],
  ])('has, with %s, the same hash or not', (_, before, after, isSame) => {
    expect(before === after).toBe(isSame);
  });
});

describe('a job', () => {
  const release = jobReleaseOf('web', {
    hostPorts: [8080],
    hasCheck: true,
    container: { entrypoint: ['/init'], command: ['serve'], drainMs: 500, environment: { A: '{{.Config.A}}' } },
  });
  const { spec, specHash: hash } = madeFrom(JOB, { ...release, config: { A: '1' } });

  test('is the release’s container with its command, and nothing that others reach it by or ask it', () => {
    expect(spec.container).toMatchObject({
      ...{ entrypoint: ['/init'], command: ['migrate'], environment: { A: '{{.Config.A}}' }, image: 'web:1' },
      ...{ ports: [], drainMs: 0, postStart: [], preStop: [], healthCheck: { test: ['NONE'] } },
    });
    expect(spec.deploy.restartPolicy.condition).toBe('none');
    expect(spec.deploy.probe).toBeUndefined();
  });

  test('passes for no instance, even where the release has the same command', () => {
    const same = jobReleaseOf('web', { container: { command: ['migrate'], healthCheck: spec.container.healthCheck! } });
    expect(madeFrom(ASSIGNED, same).specHash).not.toBe(madeFrom(JOB, same).specHash);
    expect(isMadeFrom(madeFrom(JOB, same).specHash, same.container)).toBe(false);
    expect(hash).toMatch(/^job-2:[0-9a-f]{16}$/);
  });

  test('hashes with its command and its config', () => {
    const other = jobReleaseOf('web', {}, ['migrate', 'more']);
    const hashes = [
      madeFrom(JOB, jobReleaseOf('web')).specHash,
      madeFrom(JOB, other).specHash,
      hash,
      madeFrom({ ...JOB, config: { A: '2' } }, { ...release, config: { A: '1' } }).specHash,
    ];
    expect(new Set(hashes).size).toBe(4);
  });
});
