import { PullProgress, type ProgressLine } from './pull-progress';

const line = (status: string, id: string, current?: number, total?: number): ProgressLine => ({
  status,
  id,
  progressDetail: { ...(current !== undefined && { current }), ...(total !== undefined && { total }) },
});

test('a pull, as Docker tells it', () => {
  const progress = new PullProgress();
  const steps: readonly (readonly [ProgressLine, string])[] = [
    [{ status: 'Pulling from shop/web', id: '1.4' }, ''],
    [line('Already exists', 'base'), '1 of 1 layers'],
    [line('Pulling fs layer', 'a'), '1 of 2 layers'],
    [line('Pulling fs layer', 'b'), '1 of 3 layers'],
    [line('Waiting', 'b'), '1 of 3 layers'],
    [line('Downloading', 'a', 500_000, 4_000_000), '0.5 of 4.0 MB, 1 of 3 layers'],
    [line('Downloading', 'b', 6_000_000, 36_000_000), '7 of 40 MB, 1 of 3 layers'],
    [line('Download complete', 'a'), '10 of 40 MB, 1 of 3 layers'],
    [line('Extracting', 'a', 1, 4_000_000), '10 of 40 MB, 1 of 3 layers'],
    [line('Pull complete', 'a'), '10 of 40 MB, 2 of 3 layers'],
    [line('Retrying in 5 seconds', 'b'), '4 of 40 MB, 2 of 3 layers, broken off, Docker tries again'],
    [line('Downloading', 'b', 30_000_000, 36_000_000), '34 of 40 MB, 2 of 3 layers'],
    [line('Verifying Checksum', 'b'), '40 of 40 MB, 2 of 3 layers, extracting'],
    [line('Extracting', 'b', 100, 36_000_000), '40 of 40 MB, 2 of 3 layers, extracting'],
    [line('Pull complete', 'b'), '40 of 40 MB, 3 of 3 layers'],
    [{ status: 'Digest: sha256:abc' }, '40 of 40 MB, 3 of 3 layers'],
  ];
  for (const [told, text] of steps) {
    progress.take(told);
    expect(progress.toString()).toBe(text);
  }
});

test('what waits for other downloads is told from what may hang', () => {
  const progress = new PullProgress();
  const steps: readonly (readonly [ProgressLine, boolean])[] = [
    [line('Already exists', 'base'), false],
    [line('Pulling fs layer', 'a'), false],
    [line('Waiting', 'a'), true],
    [line('Pulling fs layer', 'b'), false],
    [line('Downloading', 'b', 1, 2), false],
    [line('Retrying in 5 seconds', 'b'), false],
    [line('Download complete', 'b'), true],
    [line('Downloading', 'a', 1, 2), false],
    [line('Pull complete', 'a'), false],
  ];
  for (const [told, isQueued] of steps) {
    progress.take(told);
    expect(progress.isQueued).toBe(isQueued);
  }
});

test.each<[string, ProgressLine]>([
  ['no status', { id: 'a' }],
  ['a status of another kind', { status: 1, id: 'a' }],
  ['a status that is not known', { status: 'constructor', id: 'a' }],
  ['no id', { status: 'Downloading', progressDetail: { current: 1, total: 2 } }],
])('%s says nothing', (_, told) => {
  const progress = new PullProgress();
  progress.take(told);
  expect(progress.toString()).toBe('');
});

test('a size that is not told is as large as what has come', () => {
  const progress = new PullProgress();
  progress.take({ status: 'Downloading', id: 'a', progressDetail: { current: 20_000_000, total: -1 } });
  expect(progress.toString()).toBe('20 of 20 MB, 0 of 1 layers');
});

test('layers are bounded', () => {
  const progress = new PullProgress();
  for (let at = 0; at < 2000; at++) progress.take(line('Pulling fs layer', `layer-${at}`));
  expect(progress.toString()).toBe('0 of 1000 layers');
});
