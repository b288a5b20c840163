/** An agent that pulls an image and is killed before its note of it comes to disk. Arguments: engine, login folder, image. */
import { createDockerEngine } from '../../agent/docker/dockerode-engine';
import { imagesInFolder } from '../../agent/tidy/image-notes';
import { Tidy } from '../../agent/tidy/tidy';
import { systemClock } from '../../lib/clock';
import { silentLogger } from '../../lib/log';
import { Pauses } from '../../lib/pauses';
import { desiredOf } from './desired';
import { tidyingInMemory } from './tidying';

async function main([docker, folder, image]: readonly string[]): Promise<void> {
  const common = { clock: systemClock, log: silentLogger };
  const registries = { dockerConfig: folder!, mirrors: new Map(), minFreeSpace: 0 };
  const tidy = new Tidy({
    ...tidyingInMemory({
      copy: { ...imagesInFolder(folder!), save: () => Promise.resolve(void process.kill(process.pid, 'SIGKILL')) },
    }),
    ...{ pauses: new Pauses(common.clock, common.log), onBoundary: () => undefined },
    ...{ ...common, random: () => 0.5, desired: () => desiredOf({}), mayAct: () => true, onChange: () => undefined },
    engine: createDockerEngine({ docker: docker!, host: 'h1', prefix: '/test', ...common, registries }),
  });
  await tidy.load();
  const signal = new AbortController().signal;
  await tidy.engine.pull(image!, { platform: '', signal, onProgress: () => undefined });
}

void main(process.argv.slice(2));
