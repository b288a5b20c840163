/** What the agent tells whoever asks on its own host: proto/berth/v1/agent.proto. From memory alone; Docker is not asked. */
import type { Clock } from '../../lib/clock';
import { RpcError, type AgentCalls, type AgentStatus, type LocalInstance } from '../../lib/rpc/types';
import { VERSION } from '../../lib/version';
import type { Agent } from '../agent';
import type { Explain } from '../dns/explain';
import { instancesOf } from '../plan/plan-host';
import { outlookOf } from '../plan/outlook';
import { buildStatus } from '../status';
import type { LoopSnapshot } from '../loop';

const UNSEEN = 'Docker has not said yet what is there';

export function createAgentApi(agent: Pick<Agent, 'local'>, host: string, clock: Clock, explain: Explain): AgentCalls {
  const startedMs = clock.monotonicMs();
  return {
    getStatus: async () => describe(agent.local, host, clock.wallMs(), clock.monotonicMs() - startedMs),
    explainName: async ({ name, type }) => {
      const explained = await explain(name, type).catch((error: Error) => {
        throw new RpcError('invalid', error.message);
      });
      const endpoints = explained.endpoints.map(({ isStale: stale, isNear: near, leftOut = '', ...rest }) => ({
        ...rest,
        ...{ stale, near, leftOut },
      }));
      return { ...explained, endpoints };
    },
  };
}

function describe(local: Agent['local'], host: string, wallMs: number, upMs: number): AgentStatus {
  const { snapshot, ...rest } = local;
  const { desired, problems } = snapshot;
  return {
    ...{ host, agentVersion: VERSION, upMs: Math.round(upMs), ...rest },
    ...{ problems, pauses: desired.pauses, assignmentRevision: desired.assignmentRevision },
    instances: instances(snapshot, wallMs),
  };
}

function instances(snapshot: LoopSnapshot, wallMs: number): readonly LocalInstance[] {
  const statuses = buildStatus(snapshot).instances;
  return instancesOf(snapshot).map((one): LocalInstance => {
    const { instance: id, wanted } = one;
    const status = statuses[id]!;
    return {
      id,
      status: snapshot.isSeen ? status : { ...status, phase: 'PHASE_UNSPECIFIED', reason: UNSEEN },
      wantedRelease: wanted === undefined ? '' : `${wanted.service}@${wanted.release}`,
      wantedImage: wanted?.spec?.container.image ?? '',
      outlook: snapshot.isSeen
        ? outlookOf(one, { ...snapshot, wallMs })
        : { step: '', underWay: false, inMs: 0, reason: UNSEEN },
    };
  });
}
