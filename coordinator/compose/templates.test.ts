import { compileService } from './compile';

const WEB = `image: a
environment: { URL: "{{.Config.DB}}/{{.Config.NAME}}" }
command: run --id={{.Config.NAME}} '{{"{{"}}'
labels: ["team={{.Config.TEAM}}"]
hostname: "{{.Config.HOST}}"
volumes:
  - "{{.Config.VOLUME}}:/x"
  - { type: bind, source: "{{.Config.DIR}}", target: "{{.Service.Labels.team}}" }
x-berth:
  config: all
  before: { command: ["migrate", "{{.Config.DB}}"] }
`;

test('keys of config are collected, with where they stand; what their values are is judged later', () => {
  const compiled = compileService('web', WEB);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  expect(compiled.uses.map(({ key, path, line, column }) => `${key} ${path} ${line}:${column}`)).toEqual([
    'DB environment.URL 2:21',
    'NAME environment.URL 2:21',
    'NAME command 3:10',
    'TEAM labels[0] 4:10',
    'HOST hostname 5:11',
    'VOLUME volumes[0] 7:5',
    'DIR volumes[1].source 8:27',
    'DB x-berth.before.command[1] 11:34',
  ]);
  expect(compiled.container).toMatchObject({
    configEnvironment: true,
    command: ['run', '--id={{.Config.NAME}}', '{{"{{"}}'],
  });
});
