/**
 * The documents of proto/berth/v1 as the code sees them, derived from the generated types: nested
 * messages are always there (a decoder fills in defaults), fields marked `optional` in the proto may be
 * undefined, and nothing may be changed in place.
 */
import type { Assignment__Output } from '../../proto/generated/types/berth/v1/Assignment';
import type { Candidate__Output } from '../../proto/generated/types/berth/v1/Candidate';
import type { ClusterIntent__Output } from '../../proto/generated/types/berth/v1/ClusterIntent';
import type { ClusterStatus__Output } from '../../proto/generated/types/berth/v1/ClusterStatus';
import type { Endpoint__Output } from '../../proto/generated/types/berth/v1/Endpoint';
import type { HostAlive__Output } from '../../proto/generated/types/berth/v1/HostAlive';
import type { HostIntent__Output } from '../../proto/generated/types/berth/v1/HostIntent';
import type { HostLoss__Output } from '../../proto/generated/types/berth/v1/HostLoss';
import type { HostRecord__Output } from '../../proto/generated/types/berth/v1/HostRecord';
import type { HostStatus__Output } from '../../proto/generated/types/berth/v1/HostStatus';
import type { Pause__Output } from '../../proto/generated/types/berth/v1/Pause';
import type { Release__Output } from '../../proto/generated/types/berth/v1/Release';
import type { ServiceIntent__Output } from '../../proto/generated/types/berth/v1/ServiceIntent';
import type { ServiceStatus__Output } from '../../proto/generated/types/berth/v1/ServiceStatus';

/** A generated `__Output` type without its nulls and without protobuf's synthetic `_field` oneofs. */
export type Whole<T> = T extends readonly (infer Item)[]
  ? readonly Whole<Item>[]
  : T extends object
    ? { readonly [K in keyof T as K extends `_${string}` ? never : K]: Whole<Exclude<T[K], null>> }
    : T;

export type Release = Whole<Release__Output>;
export type Assignment = Whole<Assignment__Output>;
export type HostRecord = Whole<HostRecord__Output>;
export type HostAlive = Whole<HostAlive__Output>;
export type HostIntent = Whole<HostIntent__Output>;
export type HostStatus = Whole<HostStatus__Output>;
export type ServiceStatus = Whole<ServiceStatus__Output>;
export type HostLoss = Whole<HostLoss__Output>;
export type ServiceIntent = Whole<ServiceIntent__Output>;
export type ClusterIntent = Whole<ClusterIntent__Output>;
export type ClusterStatus = Whole<ClusterStatus__Output>;
export type Endpoint = Whole<Endpoint__Output>;
export type Candidate = Whole<Candidate__Output>;
export type Pause = Whole<Pause__Output>;

export type ContainerSpec = Release['container'];
export type DeploySpec = Release['deploy'];
export type Port = ContainerSpec['ports'][number];
export type Mount = ContainerSpec['mounts'][number];
export type HealthCheck = NonNullable<ContainerSpec['healthCheck']>;
export type Ulimit = ContainerSpec['ulimits'][number];
export type Limits = ContainerSpec['limits'];
export type Hook = ContainerSpec['preStop'][number];
export type NetworkAttachment = ContainerSpec['networks'][number];
export type Logging = NonNullable<ContainerSpec['logging']>;
export type UpdateConfig = DeploySpec['updateConfig'];
export type Rollout = NonNullable<ServiceStatus['move']>;
export type Author = NonNullable<ServiceIntent['author']>;
export type Freeze = NonNullable<ServiceIntent['freeze']>;
export type RollbackWish = NonNullable<ServiceIntent['rollback']>;
export type Alarm = ClusterStatus['alarms'][number];
export type Probe = NonNullable<DeploySpec['probe']>;
export type ScrapedPort = NonNullable<DeploySpec['metrics']>;
export type RestartPolicy = DeploySpec['restartPolicy'];
export type AssignedInstance = Assignment['instances'][string];
export type InstanceStatus = HostStatus['instances'][string];
export type PrefetchStatus = HostStatus['prefetch'][string];
export type ResolvedImage = HostStatus['resolved'][string];
export type Phase = InstanceStatus['phase'];
export type PublishedPort = InstanceStatus['ports'][number];
export type LastExit = NonNullable<InstanceStatus['lastExit']>;
export type Problem = HostStatus['problems'][number];

/** Name of each document type in the proto package, for the codec. */
export interface DocumentTypes {
  Release: Release;
  Assignment: Assignment;
  HostRecord: HostRecord;
  HostAlive: HostAlive;
  HostIntent: HostIntent;
  HostStatus: HostStatus;
  Endpoint: Endpoint;
  ServiceStatus: ServiceStatus;
  Pause: Pause;
  Candidate: Candidate;
  HostLoss: HostLoss;
  ServiceIntent: ServiceIntent;
  ClusterIntent: ClusterIntent;
  ClusterStatus: ClusterStatus;
}
export type DocumentName = keyof DocumentTypes;
