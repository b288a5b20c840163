import * as fc from 'fast-check';
import type { EngineImage } from '../docker/engine';
import type { ImageNote, UsedRelease } from './image-notes';
import { isStillOurs, selectImages, type Selection } from './select-images';

const image = (id: string, changes: Partial<EngineImage> = {}): EngineImage => ({
  ...{ id, references: [`web:${id}`], sizeBytes: 10, isUsed: false },
  ...changes,
});
const note = (id: string, usedMs = Number(id)): ImageNote => ({
  ...{ reference: `web:${id}`, id, names: [`web:${id}`, `web@sha256:${id}`], usedMs },
});
const release = (number: number, of = number): UsedRelease => ({ number, image: `web:${of}` });

/** Releases 1 to 5 of web, each with an image of its own that Berth pulled; 5 is wanted. */
const base: Selection = {
  notes: ['1', '2', '3', '4', '5'].map((id) => note(id)),
  releases: new Map([['web', [5, 4, 3, 2, 1].map((number) => release(number))]]),
  wanted: ['web:5'],
  images: ['1', '2', '3', '4', '5'].map((id) => image(id)),
  ids: new Map(['1', '2', '3', '4', '5'].map((id) => [`web:${id}`, id])),
  keepReleases: 3,
};
const without = (ids: Selection['ids'], reference: string): Selection['ids'] =>
  new Map([...ids].filter(([key]) => key !== reference));
const swap = (id: string, changes: Partial<EngineImage>): readonly EngineImage[] =>
  base.images.map((one) => (one.id === id ? image(id, changes) : one));

test.each<[string, Partial<Selection>, string]>([
  ['the last three releases stay', {}, 'web:1 web:2'],
  ['only what is wanted stays', { keepReleases: 0 }, 'web:1 web:2 web:3 web:4'],
  ['one release is the wanted one', { keepReleases: 1 }, 'web:1 web:2 web:3 web:4'],
  ['more are kept than there were', { keepReleases: 50 }, ''],
  ['nothing that Berth did not pull', { notes: [], keepReleases: 0 }, ''],
  ['an image that a container uses stays', { images: swap('1', { isUsed: true }) }, 'web:2'],
  ['an older release is wanted again', { wanted: ['web:1'] }, 'web:2'],
  ['the wanted image, by another name', { wanted: ['other'], ids: new Map([...base.ids, ['other', '1']]) }, 'web:2'],
  ['the image of a kept release, by another name', keptByAnotherName(), 'web:2'],
  ['releases that share an image count each', sharedImage(), 'web:1 web:2 web:3 web:4'],
  ['a service that is gone for good', { releases: new Map() }, 'web:1 web:2 web:3 web:4'],
  ['each service keeps its own', { releases: new Map([...base.releases, ['job', [release(1, 2)]]]) }, 'web:1'],
  ['an image that is gone', { images: base.images.slice(1) }, 'web:2'],
  ['the longest unused goes first', { notes: [note('1', 9), note('2', 8)] }, 'web:2 web:1'],
  [
    'one whose name was moved to a newer image goes by its id',
    { images: swap('1', { references: [] }), ids: new Map([...base.ids, ['web:1', '9']]) },
    '1 web:2',
  ],
  [
    'so does one that has only its digest left',
    { images: swap('1', { references: ['web@sha256:1'] }), ids: new Map([...base.ids, ['web:1', '9']]) },
    '1 web:2',
  ],
  [
    'one whose name is kept, and was moved to a newer image, goes by its id',
    { images: swap('4', { references: [] }), ids: new Map([...base.ids, ['web:4', '9']]) },
    'web:1 web:2 4',
  ],
  [
    'one that somebody gave another name, and took ours away, is theirs',
    { images: swap('1', { references: ['mine:1'] }), ids: without(base.ids, 'web:1') },
    'web:2',
  ],
])('%s', (_, changes, names) => {
  const selected = selectImages({ ...base, ...changes });
  expect(selected.map(({ name }) => name).join(' ')).toBe(names);
});

function keptByAnotherName(): Partial<Selection> {
  const releases = new Map([['web', [release(5), { number: 4, image: 'other' }]]]);
  return { releases, ids: new Map([...base.ids, ['other', '1']]), notes: [note('1'), note('2')] };
}

function sharedImage(): Partial<Selection> {
  return { releases: new Map([['web', [release(7, 5), release(6, 5), release(5), release(4)]]]) };
}

test('what stays by another name frees nothing', () => {
  const images = swap('1', { references: ['web:1', 'mine:1', 'web@sha256:1'] });
  expect(selectImages({ ...base, images }).map(({ freedBytes }) => freedBytes)).toEqual([0, 10]);
});

test.each<[string, Partial<EngineImage> | undefined, string | undefined, boolean]>([
  ['as it was pulled', {}, '1', true],
  ['its name was moved to a newer one', { references: [] }, '9', true],
  ['its name was taken away', { references: [] }, undefined, true],
  ['its name was taken away, and its digest stayed', { references: ['web@sha256:1'] }, undefined, true],
  ['its name was taken away, and it was pulled from elsewhere', { references: ['x@sha256:1'] }, undefined, false],
  ['its name was taken away, and another given', { references: ['mine:1'] }, undefined, false],
  ['it is gone', undefined, undefined, false],
  ['it is gone, and its name is another image', undefined, '9', false],
])('still ours or not: %s', (_, changes, id, isOurs) => {
  const images = changes === undefined ? [] : [image('1', changes)];
  expect(isStillOurs(note('1'), { images, ids: new Map(id === undefined ? [] : [['web:1', id]]) })).toBe(isOurs);
});

/** A few names and ids, so that they meet often. */
const REFERENCES = ['a:1', 'a:2', 'b:1', 'b@sha256:2', 'c:1'];
const reference = fc.constantFrom(...REFERENCES);
const id = fc.constantFrom('i1', 'i2', 'i3', 'i4');
const selection: fc.Arbitrary<Selection> = fc.record({
  notes: fc.array(fc.record({ reference, id, names: fc.array(reference), usedMs: fc.nat(9) })),
  releases: fc
    .array(fc.tuple(fc.constantFrom('s', 't'), fc.array(fc.record({ number: fc.nat(9), image: reference }))))
    .map((entries) => new Map(entries)),
  wanted: fc.array(reference),
  images: fc.uniqueArray(
    fc.record({ id, references: fc.array(reference), sizeBytes: fc.nat(9), isUsed: fc.boolean() }),
    { selector: (one) => one.id },
  ),
  ids: fc.array(fc.tuple(reference, id)).map((entries) => new Map(entries)),
  keepReleases: fc.nat(4),
});

test('whatever is so: only what Berth pulled, nothing in use, wanted or kept, and the oldest first', () => {
  fc.assert(
    fc.property(selection, (input) => {
      const selected = selectImages(input);
      const kept = [...input.releases.values()].flatMap((used) => used.slice(0, input.keepReleases));
      const keptNames = [...input.wanted, ...kept.map((one) => one.image)];
      for (const { note: one, name } of selected) {
        const found = input.images.find((other) => other.id === one.id);
        expect(input.notes).toContain(one);
        expect(found).toMatchObject({ isUsed: false });
        expect(keptNames.map((kept) => input.ids.get(kept))).not.toContain(one.id);
        expect(keptNames.filter((kept) => kept === name && input.ids.has(kept))).toEqual([]);
        // By a name that means this image, or by its id when nobody else gave it a name.
        if (name === one.id) expect(one.names).toEqual(expect.arrayContaining([...found!.references]));
        else expect(input.ids.get(name)).toBe(one.id);
      }
      const times = selected.map(({ note: one }) => one.usedMs);
      expect(times).toEqual([...times].sort((a, b) => a - b));
    }),
    { numRuns: 2000 },
  );
});

test('whatever is so: the less is kept, the more goes', () => {
  fc.assert(
    fc.property(selection, (input) => {
      const few = selectImages({ ...input, keepReleases: input.keepReleases + 1 });
      const many = selectImages(input);
      expect(many).toEqual(expect.arrayContaining([...few]));
    }),
  );
});
