// What quickstart.sh runs once everything is installed and built.
import { check } from './quickstart/check.mjs';
import { berth, bringUp, thingsToTry } from './quickstart/cluster.mjs';
import { cleanUp, lastWords, say, stage, stopping } from './quickstart/machine.mjs';

async function present(cluster) {
  const { settings, kill, scale, edit, ask, find, inside } = thingsToTry(cluster);
  say(`
It answers:
${cluster.urls.map((url) => `  curl ${url}`).join('\n')}

$ bin/berth ps
${await berth(cluster, 'ps')}

Metrics: ${cluster.metrics[0]} (agent), ${cluster.metrics[1]} (coordinator)

Five things to try, in another terminal, in this folder:

  ${settings.join('\n  ')}
  1. Kill a container, and watch it come back:
     ${kill}
  2. Scale to 4 instances:
     ${scale}
  3. Edit the key itself, as any program can:
     ${edit}
  4. Ask the host itself, which needs neither etcd nor the coordinator:
     ${ask}
  5. Find the service by name, as HAProxy does, and as a container does:
     ${find}
     ${inside}

Ctrl-C stops everything and leaves nothing behind.`);
}

/** Settles with false when all was done, true when a signal came first; throws when anything went wrong. */
async function perform(isCheck) {
  const cluster = await bringUp();
  await present(cluster);
  if (isCheck) return check(cluster);
  await new Promise((_, end) => stopping.signal.addEventListener('abort', () => end(stopping.signal.reason)));
}

async function main() {
  const isCheck = process.argv.includes('--check');
  let signal;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(name, () => stopping.abort(new Error(`interrupted by ${(signal ??= name)}`)));
  let code = 0;
  try {
    await perform(isCheck);
  } catch (error) {
    // What was going on when it was time to go is not the reason.
    const reason = stopping.signal.aborted ? stopping.signal.reason : error;
    if (signal === undefined || isCheck) {
      say(`\nquickstart: ${reason.message}`);
      if (signal === undefined) say(lastWords());
      code = 1;
    }
  }
  say('');
  stage('stopping, and taking everything away');
  const left = await cleanUp();
  if (left.length > 0) {
    say(`quickstart: this is left, and should not be: ${left.join(', ')}`);
    code = 1;
  }
  stage(code === 0 ? 'done: nothing is left' : 'failed');
  return code;
}

process.exit(await main());
