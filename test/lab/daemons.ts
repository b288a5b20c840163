/** The command lines of a lab's daemons, and how each tells that it is ready. */
import { get } from 'node:http';
import { join } from 'node:path';
import { BERTH } from '../support/daemon';
import type { LabFolder } from './folder';
import type { Layout, MachineLayout, PartKind } from './layout';
import type { PartSettings } from './part';

export const ETCD_PORT = 2379;
export const GRPC_PORT = 7420;
export const AGENT_DNS_PORT = 7453;
const PEER_PORT = 2380;
const COORDINATOR_HTTP_PORT = 7422;

const PROBE_TIMEOUT_MS = 1000;

export interface DaemonOptions {
  /** For hosts and coordinators, e.g. `5s`. */
  readonly leaseTtl: string;
}

export const endpointsOf = ({ machines }: Layout): readonly string[] =>
  machines.filter(({ kind }) => kind === 'etcd').map(({ address }) => `http://${address}:${ETCD_PORT}`);

export function partSettings(
  kind: PartKind,
  machine: MachineLayout,
  lab: { layout: Layout; folder: LabFolder; options: DaemonOptions },
): PartSettings {
  const log = lab.folder.log(`${machine.name}-${kind}`);
  switch (kind) {
    case 'engine': {
      const socket = lab.folder.engineSocket(machine.name);
      return { kind, log, command: engineCommand(machine, lab.folder), isReady: () => answers(socket, '/_ping') };
    }
    case 'etcd':
      return {
        kind,
        log,
        command: etcdCommand(machine, lab),
        isReady: (said) => said.includes('serving client traffic'),
      };
    case 'agent':
      return { kind, log, command: agentCommand(machine, lab), isReady: (said) => said.includes(' ready: ') };
    case 'coordinator':
      return { kind, log, command: coordinatorCommand(lab), isReady: (said) => said.includes(' ready: ') };
  }
}

function engineCommand({ name }: MachineLayout, folder: LabFolder): readonly string[] {
  return [
    ...['dockerd', '--data-root', join(folder.disk(name), 'docker'), '--exec-root', '/run/docker'],
    // The settings of this machine's own engine are not for the lab's.
    ...['--pidfile', '/run/docker.pid', '--config-file', join(folder.disk(name), 'daemon.json')],
    ...['--host', 'unix:///run/docker.sock', '--host', `unix://${folder.engineSocket(name)}`],
    ...['--exec-opt', 'native.cgroupdriver=cgroupfs', '--cgroup-parent', `/${folder.cgroup}/${name}`],
  ];
}

function etcdCommand({ name, address }: MachineLayout, { layout, folder }: { layout: Layout; folder: LabFolder }) {
  const client = `http://${address}:${ETCD_PORT}`;
  const peerOf = (at: string): string => `http://${at}:${PEER_PORT}`;
  const members = layout.machines.filter(({ kind }) => kind === 'etcd');
  return [
    ...['etcd', '--name', name, '--data-dir', join(folder.disk(name), 'data')],
    ...['--listen-client-urls', client, '--advertise-client-urls', client],
    ...['--listen-peer-urls', peerOf(address), '--initial-advertise-peer-urls', peerOf(address)],
    ...['--initial-cluster', members.map((member) => `${member.name}=${peerOf(member.address)}`).join(',')],
    ...['--logger=zap', '--log-outputs=stderr'],
    '--unsafe-no-fsync', // what is written survives a killed machine of the lab all the same
  ];
}

function agentCommand(
  { name, address }: MachineLayout,
  { layout, folder, options }: { layout: Layout; folder: LabFolder; options: DaemonOptions },
): readonly string[] {
  return [
    ...[process.execPath, BERTH, 'agent', '--name', name, '--address', address, '--etcd', endpointsOf(layout).join()],
    ...['--docker', 'unix:///run/docker.sock', '--state-dir', join(folder.disk(name), 'agent')],
    ...['--socket', folder.agentSocket(name)],
    ...['--dns', `127.0.0.1:${AGENT_DNS_PORT},${address}:${AGENT_DNS_PORT}`],
    ...['--lease-ttl', options.leaseTtl],
  ];
}

function coordinatorCommand({ layout, options }: { layout: Layout; options: DaemonOptions }): readonly string[] {
  return [
    ...[process.execPath, BERTH, 'coordinator', '--etcd', endpointsOf(layout).join()],
    ...['--grpc', `0.0.0.0:${GRPC_PORT}`, '--http', `0.0.0.0:${COORDINATOR_HTTP_PORT}`],
    ...['--lease-ttl', options.leaseTtl],
  ];
}

function answers(socketPath: string, path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get({ socketPath, path, timeout: PROBE_TIMEOUT_MS }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.on('error', () => resolve(false));
  });
}
