import type { CoordinatorCalls } from '../../lib/rpc/types';
import { VERSION } from '../../lib/version';
import { apply } from './apply';
import type { ApiContext } from './context';
import { listAlarms, releaseAlarm } from './alarms';
import { listEndpoints } from './endpoints';
import { changeFreeze } from './freeze';
import { changeHost, removeHost } from './hosts';
import { listHosts, listInstances, listServices } from './lists';
import { listPauses, pause, resume } from './pauses';
import { plan } from './plan';
import { rebalance } from './rebalance';
import { getHistory, promote, rollback } from './releases';
import { redeploy } from './redeploy';
import { remove } from './remove';
import { scale } from './scale';
import { why } from './why';

/** What operators can ask of a coordinator, leader or not: proto/berth/v1/coordinator.proto. */
export function createApi(context: ApiContext): CoordinatorCalls {
  return {
    apply: (request) => apply(context, request),
    plan: (request) => plan(context, request),
    remove: (request) => remove(context, request),
    listServices: async (request) => listServices(context, request),
    listInstances: async (request) => listInstances(context, request),
    listHosts: async (request) => listHosts(context, request),
    listEndpoints: (request) => listEndpoints(context, request),
    why: (request) => why(context, request),
    listAlarms: async () => listAlarms(context),
    releaseAlarm: (request) => releaseAlarm(context, request),
    changeHost: (request) => changeHost(context, request),
    removeHost: (request) => removeHost(context, request),
    getHistory: async (request) => getHistory(context, request),
    rollback: (request) => rollback(context, request),
    redeploy: (request) => redeploy(context, request),
    promote: (request) => promote(context, request),
    changeFreeze: (request) => changeFreeze(context, request),
    scale: (request) => scale(context, request),
    rebalance: (request) => rebalance(context, request),
    pause: (request) => pause(context, request),
    resume: (request) => resume(context, request),
    listPauses: async () => listPauses(context),
    getVersion: async () => ({ version: VERSION, leader: context.isLeader() }),
  };
}
