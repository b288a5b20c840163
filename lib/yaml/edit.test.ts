import * as fc from 'fast-check';
import { putNumber } from './edit';
import { writeYaml } from './text';

const PATH = ['deploy', 'replicas'];

test.each<[string, string, string]>([
  ['a number', 'image: a\ndeploy:\n  replicas: 2\n', 'image: a\ndeploy:\n  replicas: 5\n'],
  [
    'a number between comments, in an order of its own',
    '# web\ndeploy: # how\n  # at night two are enough\n  replicas: 2 # see above\n  mode: replicated\nimage: "a:1"\n',
    '# web\ndeploy: # how\n  # at night two are enough\n  replicas: 5 # see above\n  mode: replicated\nimage: "a:1"\n',
  ],
  ['a number that is text', "deploy: {replicas: '2'}\nimage: a\n", 'deploy: {replicas: 5}\nimage: a\n'],
  ['JSON', '{"image":"a","deploy":{"replicas":2}}', '{"image":"a","deploy":{"replicas":5}}'],
  [
    'JSON without a count',
    '{"image":"a","deploy":{"mode":"replicated"}}',
    '{"image":"a","deploy":{"replicas": 5, "mode":"replicated"}}',
  ],
  ['JSON with an empty deploy', '{"image":"a","deploy":{}}', '{"image":"a","deploy":{"replicas": 5}}'],
  ['JSON without deploy', '{"image":"a"}', '{"deploy": {"replicas": 5}, "image":"a"}'],
  ['JSON with null', '{"image":"a","deploy":null}', '{"image":"a","deploy":{"replicas": 5}}'],
  [
    'JSON on many lines',
    '{\n  "image": "a",\n  "deploy": {\n    "mode": "replicated"\n  }\n}\n',
    '{\n  "image": "a",\n  "deploy": {\n    "replicas": 5,\n    "mode": "replicated"\n  }\n}\n',
  ],
  ['a flow map', 'image: a\ndeploy: { mode: replicated }\n', 'image: a\ndeploy: { replicas: 5, mode: replicated }\n'],
  ['an empty flow map', 'image: a\ndeploy: {}\n', 'image: a\ndeploy: { replicas: 5 }\n'],
  ['no deploy', 'image: a\n', 'image: a\ndeploy:\n  replicas: 5\n'],
  ['no deploy, and no newline at the end', 'image: a', 'image: a\ndeploy:\n  replicas: 5'],
  ['no deploy, after a comment', 'image: a # one\n# two\n', 'image: a # one\ndeploy:\n  replicas: 5\n# two\n'],
  [
    'no deploy, after a block of text',
    'image: a\ncommand: |\n  x\n',
    'image: a\ncommand: |\n  x\ndeploy:\n  replicas: 5\n',
  ],
  ['an empty deploy', 'deploy:\nimage: a\n', 'deploy: { replicas: 5 }\nimage: a\n'],
  ['a deploy that is null', 'deploy: ~\nimage: a\n', 'deploy: { replicas: 5 }\nimage: a\n'],
  [
    'a deploy of other things, nested deeply and indented by four',
    'deploy:\n    # limits\n    resources:\n        limits:\n            cpus: "1" # one\nimage: a\n',
    'deploy:\n    # limits\n    resources:\n        limits:\n            cpus: "1" # one\n    replicas: 5\nimage: a\n',
  ],
  ['a last key without a value', 'image: a\ndeploy:\n  labels:\n', 'image: a\ndeploy:\n  labels:\n  replicas: 5\n'],
  [
    'lines that end as on Windows',
    'image: a\r\ndeploy:\r\n  mode: replicated\r\n',
    'image: a\r\ndeploy:\r\n  mode: replicated\r\n  replicas: 5\r\n',
  ],
  ['a list at the end', 'image: a\nports:\n- 80\n- 81\n', 'image: a\nports:\n- 80\n- 81\ndeploy:\n  replicas: 5\n'],
  [
    'a count that comes by a merge key, which is overruled',
    'x-d: &d { replicas: 2 }\nimage: a\ndeploy:\n  <<: *d\n',
    'x-d: &d { replicas: 2 }\nimage: a\ndeploy:\n  <<: *d\n  replicas: 5\n',
  ],
  ['an anchor elsewhere', 'x: &x 1\ny: *x\ndeploy: { replicas: 1 }\n', 'x: &x 1\ny: *x\ndeploy: { replicas: 5 }\n'],
])('%s', (_, before, after) => {
  expect(putNumber(before, PATH, 5)).toEqual({ ok: true, text: after });
});

test.each<[string, string, string]>([
  ['an alias', 'x-n: &n 2\ndeploy:\n  replicas: *n\n', 'deploy.replicas is an alias (*n)'],
  ['an anchor', 'deploy:\n  replicas: &n 2\nx: *n\n', 'deploy.replicas has an anchor (&n)'],
  ['a deploy that is an alias', 'x-d: &d { replicas: 2 }\ndeploy: *d\n', 'deploy is an alias (*d)'],
  ['a deploy with an anchor', 'deploy: &d { replicas: 2 }\nx: *d\n', 'deploy has an anchor (&d)'],
  [
    'a deploy by a merge key',
    'x-d: &d { deploy: { replicas: 2 } }\n<<: *d\nimage: a\n',
    'deploy comes by a merge key (<<)',
  ],
  ['a list', 'deploy: { replicas: [2] }\n', 'deploy.replicas is no number'],
  ['a deploy that is text', 'deploy: much\n', 'deploy is no map'],
  ['a list as a document', '- image: a\n', 'the document is no map'],
  ['nothing', '', 'the document is no map'],
  ['a key that is there twice', 'image: a\nimage: b\n', 'the key "image" is there twice'],
  [
    'a tag of text',
    'deploy:\n  replicas: !!str 2\n',
    'deploy.replicas can not be changed without changing more than that',
  ],
])('%s is left alone', (_, text, problem) => {
  expect(putNumber(text, PATH, 5)).toEqual({ ok: false, problem });
});

const plainMaps = fc.dictionary(
  fc.stringMatching(/^[a-z]{1,4}$/),
  fc.oneof(
    fc.string(),
    fc.integer(),
    fc.constant(null),
    fc.array(fc.string()),
    fc.dictionary(fc.stringMatching(/^[a-z]{1,3}$/), fc.string()),
  ),
  { minKeys: 1 },
);

test('whatever a document holds, it can be scaled, or is left as it is, and never anything else', () => {
  fc.assert(
    fc.property(
      plainMaps,
      fc.option(plainMaps, { nil: undefined }),
      fc.integer({ min: 0, max: 999 }),
      fc.boolean(),
      (rest, deploy, count, isJson) => {
        const value = { ...rest, ...(deploy && { deploy }) };
        const text = isJson ? JSON.stringify(value, null, count % 3) : writeYaml(value);
        const edited = putNumber(text, PATH, count);
        expect(edited.ok).toBe(true);
        expect(putNumber((edited as { text: string }).text, PATH, count)).toEqual(edited);
      },
    ),
  );
});
