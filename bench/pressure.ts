/** Both cores busy, and a new leader of etcd in the middle: no host that lives may be taken for lost. */
import { spawn } from 'node:child_process';
import { cpus } from 'node:os';
import { systemClock } from '../lib/clock';
import { keysUnder } from '../lib/documents/keys';
import { connectEtcd } from '../lib/etcd/etcd3-store';
import { startMirror } from '../lib/etcd/mirror';
import { sleep } from '../test/support/wait';
import type { Benchmark } from './benchmark';
import type { LabHost } from './lab-host';

const keys = keysUnder('/berth');

export const pressure: Benchmark<LabHost> = {
  name: 'pressure',
  async run(host, { pressureSeconds }, say) {
    const store = connectEtcd({ endpoints: host.lab.made.endpoints });
    let losses = 0;
    const mirror = startMirror({
      store,
      clock: systemClock,
      range: { prefix: keys.hosts },
      onChange: (changed) => {
        for (const key of changed)
          if (key.endsWith('/lost') && mirror.entries().has(key)) {
            losses++;
            say(`pressure: ${key}`);
          }
      },
    });
    const burners = cpus().map(() => spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }));
    try {
      say(`pressure: ${burners.length} cores busy for ${pressureSeconds} s`);
      await sleep((pressureSeconds * 1000) / 2);
      say(`pressure: another leader of etcd: ${await moveLeader(host)}`);
      await sleep((pressureSeconds * 1000) / 2);
    } finally {
      for (const burner of burners) burner.kill('SIGKILL');
      mirror.close();
      store.close();
    }
    return [
      {
        what: `taken for lost in ${pressureSeconds} s with every core busy and a new leader of etcd`,
        unit: 'hosts',
        measured: { value: losses },
        against: { value: host.lab.hosts.length, what: 'that lived' },
        budget: { of: 'value', max: 0 },
      },
    ];
  },
};

interface EndpointStatus {
  readonly Status: { readonly header: { readonly member_id: string }; readonly leader: string };
}

/** @returns what etcdctl says of it */
async function moveLeader({ lab }: LabHost): Promise<string> {
  // Ids are larger than what JSON's numbers hold exactly: as text.
  const text = await lab.etcdctl('endpoint', 'status', '-w', 'json');
  const exact = text.replace(/"(member_id|leader)":(\d+)/g, '"$1":"$2"');
  const members = JSON.parse(exact) as readonly (EndpointStatus & { Endpoint: string })[];
  const leader = members.find(({ Status }) => Status.header.member_id === Status.leader)!;
  const other = members.find((member) => member !== leader)!;
  const id = BigInt(other.Status.header.member_id).toString(16);
  return lab.etcdctl('move-leader', id);
}
