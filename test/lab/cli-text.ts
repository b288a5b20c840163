/** What the lab's command line says to people. */
import type { MachineState } from './cluster-lab';
import type { PartState } from './part';
import type { LabStatus, MachineVerb } from './verbs';

export function usage(): string {
  return `npm run lab -- <verb>: hosts, Docker Engines, agents, coordinators and etcd of their own, on this machine (as root)

  up [hosts]                     make a lab of so many hosts (3) that stays until "down"
      --etcd 1|3|5                 members of etcd (1)
      --coordinators <n>           coordinators (1)
      --lease-ttl <duration>       a host counts as lost after so long without a sign (5s)
      --owner <pid>                it goes when that process ends
  status [--json]                what there is, how it does, where its logs are
  down                           take it away, and what killed labs left

  cut-off <name…>                pull the cable of h1, e1, c1 …
  slow <name…>                   make its link slow, both ways: one or more of
      --delay 100ms --loss 5% --rate 256kbit
  restore <name…>                the link is whole again

  kill host <name…>              cut the power: all of its processes, containers too
  kill engine|agent|etcd|coordinator <name…>      SIGKILL to that process alone
  stop engine|agent|etcd|coordinator <name…>      SIGTERM
  pause, resume engine|agent|etcd|coordinator <name…>    SIGSTOP, SIGCONT
  start host|engine|agent|etcd|coordinator <name…>
      --live-restore               engine, host: containers outlive this engine when it ends
      --no-wait                    do not wait until it is ready

  --lab <number>                 which one, when there are several

Exit codes: 0 done, 1 it could not be done, 64 the command line is wrong. docs/lab.md says more.`;
}

/** Each as text for a terminal, without the last line's end. */
export const PRESENT = {
  made: (status: LabStatus, hasOthers: boolean): string => {
    const which = hasOthers ? ` --lab ${status.number}` : '';
    const last = status.machines.filter(({ kind }) => kind === 'host').at(-1)!;
    return `
Lab ${status.number} runs${status.owner === 'nobody' ? ', until you end it' : ''}: npm run lab -- down${which}

${table(status)}

  export BERTH_COORDINATOR=${status.coordinators[0]}
  bin/berth hosts
  bin/berth apply -f examples/hello/compose.yaml --wait && bin/berth ps
  docker -H unix://${status.folder}/h1/docker.sock ps
  bin/berth agent status --socket ${status.folder}/h1/agent.sock
  ETCDCTL_API=3 etcdctl --endpoints ${status.endpoints.join()} get --prefix /berth --keys-only
  curl http://${last.address}:7423/metrics
  ls ${status.folder}/logs

Images in every engine: berth-hello:1, berth-test/busybox:1. Engines reach no registry.

Try:
  npm run lab -- cut-off ${last.name}${which} && sleep 8 && bin/berth hosts; npm run lab -- restore ${last.name}${which}
  npm run lab -- kill host ${last.name}${which}; npm run lab -- start host ${last.name}${which}
  npm run lab -- kill agent h1${which}; docker -H unix://${status.folder}/h1/docker.sock ps
  npm run lab -- help`;
  },

  status: (status: LabStatus): string => {
    const owner = status.owner === 'nobody' ? 'stays until "down"' : 'goes with the process that has it';
    return `Lab ${status.number}, ${owner}; BERTH_COORDINATOR=${status.coordinators[0]}; logs in ${status.folder}/logs\n\n${table(status)}`;
  },

  done: (verb: MachineVerb): string => {
    const target = 'target' in verb && verb.target !== 'host' ? `${verb.target} of ` : '';
    return `[lab] ${verb.verb} ${target}${verb.name}: done`;
  },
};

function table({ machines }: LabStatus): string {
  const rows = [['NAME', 'ADDRESS', 'POWER', 'NETWORK', 'PARTS'], ...machines.map(row)];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((cells) => cells[column]!.length)));
  return rows
    .map((cells) =>
      cells
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const row = ({ name, address, power, network, parts }: MachineState): readonly string[] => [
  ...[name, address, power, network],
  parts.map(describe).join(', '),
];

function describe({ kind, state, pid, exit }: PartState): string {
  const more = state === 'ended' ? ` (${exit})` : pid === undefined ? '' : ` (${pid})`;
  return `${kind} ${state}${more}`;
}
