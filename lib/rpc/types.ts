/** Requests and answers of the coordinator's and the agent's RPCs, as the code sees them. */
import type { Whole } from '../documents/types';
import type { AgentStatus__Output } from '../../proto/generated/types/berth/v1/AgentStatus';
import type { AppliedService__Output } from '../../proto/generated/types/berth/v1/AppliedService';
import type { ApplyRequest__Output } from '../../proto/generated/types/berth/v1/ApplyRequest';
import type { ApplyResponse__Output } from '../../proto/generated/types/berth/v1/ApplyResponse';
import type { ChangeFreezeRequest__Output } from '../../proto/generated/types/berth/v1/ChangeFreezeRequest';
import type { ChangeFreezeResponse__Output } from '../../proto/generated/types/berth/v1/ChangeFreezeResponse';
import type { ChangeHostRequest__Output } from '../../proto/generated/types/berth/v1/ChangeHostRequest';
import type { ChangeHostResponse__Output } from '../../proto/generated/types/berth/v1/ChangeHostResponse';
import type { ExplainNameRequest__Output } from '../../proto/generated/types/berth/v1/ExplainNameRequest';
import type { Freshness__Output } from '../../proto/generated/types/berth/v1/Freshness';
import type { GetHistoryRequest__Output } from '../../proto/generated/types/berth/v1/GetHistoryRequest';
import type { GetHistoryResponse__Output } from '../../proto/generated/types/berth/v1/GetHistoryResponse';
import type { GetStatusRequest__Output } from '../../proto/generated/types/berth/v1/GetStatusRequest';
import type { GetVersionRequest__Output } from '../../proto/generated/types/berth/v1/GetVersionRequest';
import type { GetVersionResponse__Output } from '../../proto/generated/types/berth/v1/GetVersionResponse';
import type { HostFit__Output } from '../../proto/generated/types/berth/v1/HostFit';
import type { ListAlarmsRequest__Output } from '../../proto/generated/types/berth/v1/ListAlarmsRequest';
import type { ListAlarmsResponse__Output } from '../../proto/generated/types/berth/v1/ListAlarmsResponse';
import type { ListEndpointsRequest__Output } from '../../proto/generated/types/berth/v1/ListEndpointsRequest';
import type { ListEndpointsResponse__Output } from '../../proto/generated/types/berth/v1/ListEndpointsResponse';
import type { ListHostsRequest__Output } from '../../proto/generated/types/berth/v1/ListHostsRequest';
import type { ListHostsResponse__Output } from '../../proto/generated/types/berth/v1/ListHostsResponse';
import type { ListInstancesRequest__Output } from '../../proto/generated/types/berth/v1/ListInstancesRequest';
import type { ListInstancesResponse__Output } from '../../proto/generated/types/berth/v1/ListInstancesResponse';
import type { ListPausesRequest__Output } from '../../proto/generated/types/berth/v1/ListPausesRequest';
import type { ListPausesResponse__Output } from '../../proto/generated/types/berth/v1/ListPausesResponse';
import type { ListServicesRequest__Output } from '../../proto/generated/types/berth/v1/ListServicesRequest';
import type { ListServicesResponse__Output } from '../../proto/generated/types/berth/v1/ListServicesResponse';
import type { ListedAlarm__Output } from '../../proto/generated/types/berth/v1/ListedAlarm';
import type { ListedHost__Output } from '../../proto/generated/types/berth/v1/ListedHost';
import type { ListedInstance__Output } from '../../proto/generated/types/berth/v1/ListedInstance';
import type { ListedRelease__Output } from '../../proto/generated/types/berth/v1/ListedRelease';
import type { ListedService__Output } from '../../proto/generated/types/berth/v1/ListedService';
import type { NameExplanation__Output } from '../../proto/generated/types/berth/v1/NameExplanation';
import type { PauseRequest__Output } from '../../proto/generated/types/berth/v1/PauseRequest';
import type { PauseResponse__Output } from '../../proto/generated/types/berth/v1/PauseResponse';
import type { PlanRequest__Output } from '../../proto/generated/types/berth/v1/PlanRequest';
import type { PlanResponse__Output } from '../../proto/generated/types/berth/v1/PlanResponse';
import type { PlannedInstance__Output } from '../../proto/generated/types/berth/v1/PlannedInstance';
import type { PlannedService__Output } from '../../proto/generated/types/berth/v1/PlannedService';
import type { PromoteRequest__Output } from '../../proto/generated/types/berth/v1/PromoteRequest';
import type { PromoteResponse__Output } from '../../proto/generated/types/berth/v1/PromoteResponse';
import type { RedeployRequest__Output } from '../../proto/generated/types/berth/v1/RedeployRequest';
import type { RedeployResponse__Output } from '../../proto/generated/types/berth/v1/RedeployResponse';
import type { RebalanceRequest__Output } from '../../proto/generated/types/berth/v1/RebalanceRequest';
import type { RebalanceResponse__Output } from '../../proto/generated/types/berth/v1/RebalanceResponse';
import type { RefusedService__Output } from '../../proto/generated/types/berth/v1/RefusedService';
import type { ReleaseAlarmRequest__Output } from '../../proto/generated/types/berth/v1/ReleaseAlarmRequest';
import type { ReleaseAlarmResponse__Output } from '../../proto/generated/types/berth/v1/ReleaseAlarmResponse';
import type { RemoveHostRequest__Output } from '../../proto/generated/types/berth/v1/RemoveHostRequest';
import type { RemoveHostResponse__Output } from '../../proto/generated/types/berth/v1/RemoveHostResponse';
import type { RemoveRequest__Output } from '../../proto/generated/types/berth/v1/RemoveRequest';
import type { RemoveResponse__Output } from '../../proto/generated/types/berth/v1/RemoveResponse';
import type { ResumeRequest__Output } from '../../proto/generated/types/berth/v1/ResumeRequest';
import type { ResumeResponse__Output } from '../../proto/generated/types/berth/v1/ResumeResponse';
import type { RollbackRequest__Output } from '../../proto/generated/types/berth/v1/RollbackRequest';
import type { RollbackResponse__Output } from '../../proto/generated/types/berth/v1/RollbackResponse';
import type { ScaleRequest__Output } from '../../proto/generated/types/berth/v1/ScaleRequest';
import type { ScaleResponse__Output } from '../../proto/generated/types/berth/v1/ScaleResponse';
import type { ScaledService__Output } from '../../proto/generated/types/berth/v1/ScaledService';
import type { WhyRequest__Output } from '../../proto/generated/types/berth/v1/WhyRequest';
import type { WhyResponse__Output } from '../../proto/generated/types/berth/v1/WhyResponse';

export type ApplyRequest = Whole<ApplyRequest__Output>;
export type ApplyResponse = Whole<ApplyResponse__Output>;
export type AppliedService = Whole<AppliedService__Output>;
export type RefusedService = Whole<RefusedService__Output>;
export type RemoveRequest = Whole<RemoveRequest__Output>;
export type RemoveResponse = Whole<RemoveResponse__Output>;
export type ListServicesRequest = Whole<ListServicesRequest__Output>;
export type ListServicesResponse = Whole<ListServicesResponse__Output>;
export type ListedService = Whole<ListedService__Output>;
export type ListInstancesRequest = Whole<ListInstancesRequest__Output>;
export type ListInstancesResponse = Whole<ListInstancesResponse__Output>;
export type ListedInstance = Whole<ListedInstance__Output>;
export type ListHostsRequest = Whole<ListHostsRequest__Output>;
export type ListHostsResponse = Whole<ListHostsResponse__Output>;
export type ListEndpointsRequest = Whole<ListEndpointsRequest__Output>;
export type ListEndpointsResponse = Whole<ListEndpointsResponse__Output>;
export type ListedEndpoint = ListEndpointsResponse['endpoints'][number];
export type UnpublishedInstance = ListEndpointsResponse['unpublished'][number];
export type ListedHost = Whole<ListedHost__Output>;
export type ChangeHostRequest = Whole<ChangeHostRequest__Output>;
export type ChangeHostResponse = Whole<ChangeHostResponse__Output>;
export type RemoveHostRequest = Whole<RemoveHostRequest__Output>;
export type RemoveHostResponse = Whole<RemoveHostResponse__Output>;
export type GetHistoryRequest = Whole<GetHistoryRequest__Output>;
export type GetHistoryResponse = Whole<GetHistoryResponse__Output>;
export type ListedRelease = Whole<ListedRelease__Output>;
export type RollbackRequest = Whole<RollbackRequest__Output>;
export type RollbackResponse = Whole<RollbackResponse__Output>;
export type PromoteRequest = Whole<PromoteRequest__Output>;
export type PromoteResponse = Whole<PromoteResponse__Output>;
export type RedeployRequest = Whole<RedeployRequest__Output>;
export type RedeployResponse = Whole<RedeployResponse__Output>;
export type ChangeFreezeRequest = Whole<ChangeFreezeRequest__Output>;
export type ChangeFreezeResponse = Whole<ChangeFreezeResponse__Output>;
export type ScaleRequest = Whole<ScaleRequest__Output>;
export type ScaleResponse = Whole<ScaleResponse__Output>;
export type ScaledService = Whole<ScaledService__Output>;
export type PlanRequest = Whole<PlanRequest__Output>;
export type PlanResponse = Whole<PlanResponse__Output>;
export type PlannedService = Whole<PlannedService__Output>;
export type PlannedInstance = Whole<PlannedInstance__Output>;
export type WhyRequest = Whole<WhyRequest__Output>;
export type WhyResponse = Whole<WhyResponse__Output>;
export type HostFit = Whole<HostFit__Output>;
export type ListAlarmsResponse = Whole<ListAlarmsResponse__Output>;
export type ListAlarmsRequest = Whole<ListAlarmsRequest__Output>;
export type ListedAlarm = Whole<ListedAlarm__Output>;
export type ReleaseAlarmRequest = Whole<ReleaseAlarmRequest__Output>;
export type ReleaseAlarmResponse = Whole<ReleaseAlarmResponse__Output>;
export type RebalanceRequest = Whole<RebalanceRequest__Output>;
export type RebalanceResponse = Whole<RebalanceResponse__Output>;
export type PauseRequest = Whole<PauseRequest__Output>;
export type PauseResponse = Whole<PauseResponse__Output>;
export type ResumeRequest = Whole<ResumeRequest__Output>;
export type ResumeResponse = Whole<ResumeResponse__Output>;
export type ListPausesRequest = Whole<ListPausesRequest__Output>;
export type ListPausesResponse = Whole<ListPausesResponse__Output>;
export type Freshness = Whole<Freshness__Output>;
export type GetStatusRequest = Whole<GetStatusRequest__Output>;
export type AgentStatus = Whole<AgentStatus__Output>;
export type ExplainNameRequest = Whole<ExplainNameRequest__Output>;
export type NameExplanation = Whole<NameExplanation__Output>;
export type ExplainedEndpoint = NameExplanation['endpoints'][number];
export type LocalInstance = AgentStatus['instances'][number];
export type Outlook = LocalInstance['outlook'];
export type GetVersionRequest = Whole<GetVersionRequest__Output>;
export type GetVersionResponse = Whole<GetVersionResponse__Output>;

/** The coordinator's service: what a server implements and a client calls. */
export interface CoordinatorCalls {
  apply(request: ApplyRequest): Promise<ApplyResponse>;
  plan(request: PlanRequest): Promise<PlanResponse>;
  remove(request: RemoveRequest): Promise<RemoveResponse>;
  listServices(request: ListServicesRequest): Promise<ListServicesResponse>;
  listInstances(request: ListInstancesRequest): Promise<ListInstancesResponse>;
  listHosts(request: ListHostsRequest): Promise<ListHostsResponse>;
  listEndpoints(request: ListEndpointsRequest): Promise<ListEndpointsResponse>;
  why(request: WhyRequest): Promise<WhyResponse>;
  listAlarms(request: ListAlarmsRequest): Promise<ListAlarmsResponse>;
  releaseAlarm(request: ReleaseAlarmRequest): Promise<ReleaseAlarmResponse>;
  changeHost(request: ChangeHostRequest): Promise<ChangeHostResponse>;
  removeHost(request: RemoveHostRequest): Promise<RemoveHostResponse>;
  getHistory(request: GetHistoryRequest): Promise<GetHistoryResponse>;
  rollback(request: RollbackRequest): Promise<RollbackResponse>;
  redeploy(request: RedeployRequest): Promise<RedeployResponse>;
  promote(request: PromoteRequest): Promise<PromoteResponse>;
  changeFreeze(request: ChangeFreezeRequest): Promise<ChangeFreezeResponse>;
  scale(request: ScaleRequest): Promise<ScaleResponse>;
  rebalance(request: RebalanceRequest): Promise<RebalanceResponse>;
  pause(request: PauseRequest): Promise<PauseResponse>;
  resume(request: ResumeRequest): Promise<ResumeResponse>;
  listPauses(request: ListPausesRequest): Promise<ListPausesResponse>;
  getVersion(request: GetVersionRequest): Promise<GetVersionResponse>;
}

export interface CoordinatorClient extends CoordinatorCalls {
  close(): void;
}

/** The agent's service. */
export interface AgentCalls {
  getStatus(request: GetStatusRequest): Promise<AgentStatus>;
  explainName(request: ExplainNameRequest): Promise<NameExplanation>;
}

export interface AgentClient extends AgentCalls {
  close(): void;
}

export type RpcErrorCode = 'unavailable' | 'invalid' | 'not-found' | 'refused' | 'deadline' | 'internal';

/** A call that failed: thrown by handlers to answer with its code, and by clients. */
export class RpcError extends Error {
  constructor(
    readonly code: RpcErrorCode,
    message: string,
  ) {
    super(message);
    this.name = 'RpcError';
  }

  get temporary(): boolean {
    return this.code === 'unavailable' || this.code === 'deadline';
  }
}
