// Tries what a quickstart claims, with the very commands that it shows.
import { answeringUrls, berth, REPLICAS, thingsToTry } from './cluster.mjs';
import { ourContainers, run, stage, until } from './machine.mjs';

/** @throws Error when something that was claimed is not so */
export async function check(cluster) {
  const { settings, kill, scale, edit, ask, find, inside } = thingsToTry(cluster);
  const shell = (command) => run('bash', ['-c', [...settings, command].join('\n')]);
  const startOf = (id) => run('docker', ['inspect', '--format', '{{.State.StartedAt}}', id]);

  const containers = await ourContainers();
  const before = await Promise.all(containers.map(startOf));
  await shell(kill);
  await answeringUrls(cluster, REPLICAS);
  const after = await Promise.all(containers.map(startOf));
  if (after.join() === before.join()) throw new Error('no container was killed');
  stage('check: a container was killed, and came back');

  await shell(scale);
  const scaled = await answeringUrls(cluster, 4);
  for (const url of cluster.urls) if (!scaled.includes(url)) throw new Error(`scaling moved ${url}`);
  stage('check: scaled to 4, and the first two stayed where they were');

  await shell(edit);
  await answeringUrls(cluster, 4, 'Greetings from Berth');
  await until('the service to be steady', async () => {
    const { services } = JSON.parse(await berth(cluster, 'services', '--json'));
    const { status } = services.find(({ name }) => name === 'web');
    return status.currentRelease === 3 && status.rollout === 'steady' && status.running === 4;
  });
  stage('check: an edit of the key was rolled out');

  const asked = await shell(ask);
  const running = asked.match(/^web-\d-\w+ .* running /gm) ?? [];
  if (running.length !== 4) throw new Error(`the agent does not tell of 4 running instances:\n${asked}`);
  stage('check: the agent tells of all four by itself');

  const found = await shell(find);
  const answers = found.match(/^ {2}_http\._tcp\.web\.service\.berth +\d+ +SRV /gm) ?? [];
  if (answers.length !== 4) throw new Error(`DNS does not find 4 instances:\n${found}`);
  const heard = await shell(inside);
  if (!/^Name:\s+web\.service\.berth\s+Address(?: \d+)?:\s+\d/m.test(heard))
    throw new Error(`a container does not find it:\n${heard}`);
  stage('check: the service is found by name, in a container too');

  const wanted = ['berth_agent_instances_running 4', 'berth_agent_etcd_connected 1', 'berth_coordinator_leader 1'];
  await until(`the metrics to say ${wanted.join(', ')}`, async () => {
    const texts = await Promise.all(cluster.metrics.map(async (url) => (await fetch(url)).text()));
    const lines = texts.join('\n').split('\n');
    return wanted.every((line) => lines.includes(line));
  });
  stage('check: the metrics say so');
}
