import { encodeDocument } from '../lib/documents/codec';
import type { HostStatus } from '../lib/documents/types';
import { Pauses } from '../lib/pauses';
import type { AgentOptions } from './agent-options';
import { DesiredState } from './desired/desired-state';
import { EngineError } from './docker/engine';
import { CutOff } from './cut-off';
import { ConnectionTime } from './connection-time';
import { EndpointPublisher } from './endpoints/endpoint-publisher';
import { HostPorts } from './host-ports';
import { hostRecordOf } from './host-record';
import { HostVolumes } from './host-volumes';
import { ImageQuestions } from './image-questions';
import { KeptDocument } from './kept-document';
import { Loop } from './loop';
import type { PassReport } from './loop-options';
import { NameClaim } from './name-claim';
import { Tidy } from './tidy/tidy';

/**
 * An agent that has a copy on disk waits so long for etcd to say that the name is another's by now: an old machine that
 * is switched on again must not run what runs elsewhere. As long as a call to etcd takes at most.
 */
const NAME_ANSWER_MS = 3000;
/** The loop passes at least this often, or it hangs. */
const LOOP_ALIVE_MS = 120_000;
/** Docker's version and the host's capacity are asked for again so often. */
const FACTS_AGAIN_MS = 10 * 60_000;
const FACTS_RETRY_MS = 2000;

/**
 * One host's agent: its desired state, its loop, its documents in etcd.
 *
 * INVARIANTS
 * - No container is touched before the host's name is known to be ours: etcd said so, or it did before (the copy on disk)
 *   and does not answer now.
 * - No document of the host is written unless the lease, and with it the name, is ours: it could be another agent's.
 * - Nothing more is begun once another agent is known to have the name.
 */
export class Agent {
  private readonly desired: DesiredState;
  private readonly loop: Loop;
  private readonly cutOff: CutOff;
  private readonly tidy: Tidy;
  private readonly volumes: HostVolumes;
  private readonly questions: ImageQuestions;
  /** Answers that were told last. */
  private told: HostStatus['resolved'] = {};
  private readonly status: KeptDocument;
  private readonly record: KeptDocument;
  private readonly etcd: ConnectionTime;
  private readonly claim: NameClaim;
  private readonly endpoints: EndpointPublisher;
  private cancelFacts: () => void = () => undefined;
  private cancelWait: () => void = () => undefined;
  private cancelAnswer: () => void = () => undefined;
  private isStarted = false;
  /** The name was asked for, and etcd has answered or has had its time. */
  private isNameAnswered = false;
  private isStopped = false;
  private isFactsTrouble = false;
  private lastPassMs: number;
  private engineAnswers = false;
  private dockerVersion = '';
  private onRefused: (why: string) => void = () => undefined;
  private onReady: () => void = () => undefined;

  constructor(private readonly options: AgentOptions) {
    const { name, keys, store, engine, disk, clock, log, random, portRange } = options;
    const { memoryCopy, probes, onBoundary = () => undefined } = options;
    const common = { store, clock, log, random };
    this.claim = new NameClaim({
      ...options,
      onChange: () => this.claimChanged(),
      onRefused: (why) => this.onRefused(why),
    });
    const kept = { ...common, mayWrite: (): boolean => this.claim.isOurs };
    const onWrite = (when: 'before' | 'after'): void => onBoundary(`status.${when}`);
    this.status = new KeptDocument({ ...kept, key: keys.status(name), onWrite });
    this.record = new KeptDocument({ ...kept, key: keys.hostRecord(name) });
    this.etcd = new ConnectionTime(clock);
    const onChange = (): void => this.desiredChanged();
    this.desired = new DesiredState({ ...common, keys, host: name, disk, onBoundary, onChange });
    const pauses = new Pauses(clock, log);
    this.cutOff = new CutOff({
      ...{ clock, claim: this.claim },
      confirm: () => this.desired.confirm(),
      onChange: () => this.isStarted && this.loop.wake(),
    });
    this.tidy = new Tidy({
      ...{ ...options.tidying, engine, clock, log, random, pauses, onBoundary, metrics: options.metrics?.images },
      desired: () => this.desired.current(),
      mayAct: () => this.mayAct(),
      onChange: () => this.loop.wake(),
    });
    this.loop = new Loop({
      ...{ engine: this.tidy.engine, clock, log, random, pauses, memoryCopy, probes, onBoundary },
      ports: new HostPorts(engine, portRange),
      desired: () => this.desired.current(),
      mayAct: () => this.mayAct(),
      problems: () =>
        [this.claim.problem, this.tidy.problem, ...this.desired.problems, ...(options.problemsBeside?.() ?? [])].filter(
          (one) => one !== undefined,
        ),
      cut: () => this.cutOff.current,
      withdraw: (instance, containerId) => this.endpoints.withdraw(instance, containerId),
      onHealth: () => this.endpoints.update(),
      besides: () => ({ resolved: this.questions.answers, volumes: this.volumes.names }),
      onStatus: (status) => this.report(status),
      onPass: (pass) => this.passed(pass),
    });
    this.questions = new ImageQuestions({ engine, log, onAnswer: () => this.loop.tell() });
    this.volumes = new HostVolumes({ engine, clock, log, random, onChange: () => this.loop.tell() });
    this.endpoints = new EndpointPublisher({
      ...{ ...common, keys, claim: this.claim, metrics: options.metrics, skyDns: options.skyDns },
      host: options,
      isConnected: () => this.desired.isConnected,
      serving: () => this.loop.serving,
      foreign: options.foreign,
    });
    this.lastPassMs = clock.monotonicMs();
  }

  /**
   * @param onReady called once, when the agent takes care of its containers
   * @returns settles only when this agent must not run, with the reason
   */
  async start(onReady: () => void): Promise<string> {
    this.onReady = onReady;
    const refused = new Promise<string>((resolve) => (this.onRefused = resolve));
    await this.tidy.load();
    const hasCopy = await this.desired.start();
    if (this.isStopped) return refused;
    void this.keepRecord();
    if (hasCopy) this.cancelWait = this.options.clock.after(NAME_ANSWER_MS, () => this.startLoop());
    return refused;
  }

  /** Ends the agent and nothing else; the store stays open. The lease is not revoked: an agent that restarts is no lost host. */
  async stop(): Promise<void> {
    this.isStopped = true;
    this.loop.stop();
    this.endpoints.stop();
    this.options.foreign?.stop();
    this.tidy.stop();
    this.volumes.stop();
    this.cutOff.stop();
    this.questions.close();
    this.cancelFacts();
    this.cancelWait();
    this.cancelAnswer();
    this.desired.close();
    this.status.close();
    this.record.close();
    await this.claim.close();
  }

  whyUnhealthy(): string | undefined {
    const silentMs = this.options.clock.monotonicMs() - this.lastPassMs;
    return this.isStarted && silentMs > LOOP_ALIVE_MS
      ? `no pass of the loop for ${Math.round(silentMs / 1000)} s`
      : undefined;
  }

  whyNotReady(): string | undefined {
    if (this.claim.problem !== undefined) return this.claim.problem.message;
    if (!this.isStarted) return 'waiting for etcd to say what this host should run, and that its name is free';
    return this.engineAnswers ? undefined : 'waiting for Docker';
  }

  tellProblems(): void {
    if (this.isStarted) this.loop.tell();
  }

  /** What it knows of its host by itself. */
  get local() {
    const snapshot = this.loop.snapshot();
    const from = this.desired.isRead ? 'etcd' : 'disk';
    return {
      ...{ snapshot, etcd: this.etcd.state, idle: this.whyNotReady() ?? '' },
      docker: { answers: this.engineAnswers, version: this.dockerVersion },
      assignmentFrom: snapshot.desired.assignmentRevision === 0 ? 'nowhere' : from,
    };
  }

  private startLoop(): void {
    if (this.isStarted) return;
    this.isStarted = true;
    this.cancelWait();
    this.lastPassMs = this.options.clock.monotonicMs();
    this.loop.start();
    this.endpoints.start();
    this.options.foreign?.start(() => this.endpoints.update());
    this.tidy.start();
    this.volumes.start();
    this.onReady();
  }

  private desiredChanged(): void {
    this.options.metrics?.onEtcd(this.desired.isConnected);
    if (this.desired.isConnected && !this.etcd.state.connected) this.endpoints.checkSoon();
    this.etcd.note(this.desired.isConnected);
    this.tidy.desiredChanged();
    this.followQuestions();
    this.cutOff.check();
    if (this.isStarted) this.loop.wake();
    else this.startWhenKnown();
  }

  /** The loop may have begun for the copy on disk while Docker, and so the name, had still to be waited for. */
  private mayAct(): boolean {
    return this.isNameAnswered && this.claim.problem === undefined;
  }

  private followQuestions(): void {
    this.questions.follow(this.claim.problem === undefined ? this.desired.questions : {});
  }

  /** Etcd has said that the name is ours and what is to run here. */
  private startWhenKnown(): void {
    if (this.claim.isOurs && this.desired.isRead) this.startLoop();
  }

  private report(status: HostStatus): void {
    this.endpoints.update();
    this.options.metrics?.onStatus(status, this.desired.current().instances.size);
    // Before etcd has said what the host should run, a status would call everything held; before Docker has said which
    // volumes there are, it would call them gone.
    if (!this.desired.isRead || !this.volumes.isRead) return;
    // An operator waits for these.
    const isUrgent = Object.entries(status.resolved).some(([service, one]) => this.told[service] !== one);
    this.told = status.resolved;
    this.status.want(encodeDocument('HostStatus', status), { isUrgent });
  }

  private passed(pass: PassReport): void {
    this.lastPassMs = this.options.clock.monotonicMs();
    this.engineAnswers = pass.engineAnswers;
    this.options.metrics?.onPass(pass);
  }

  /** Reads what the host is, keeps the record, and claims the name once there is one. */
  private async keepRecord(): Promise<void> {
    let againMs = FACTS_AGAIN_MS;
    try {
      const facts = await this.options.engine.facts();
      if (this.isStopped) return;
      this.isFactsTrouble = false;
      this.dockerVersion = facts.version;
      this.record.want(hostRecordOf(this.options, facts));
      if (this.claim.session === undefined) this.claimName();
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      const { message: reason, code } = error;
      if (!this.isFactsTrouble)
        this.options.log.error('Docker does not say what this host is; will ask again', { reason, code });
      this.isFactsTrouble = true;
      againMs = FACTS_RETRY_MS;
    }
    if (this.isStopped) return;
    this.cancelFacts = this.options.clock.after(againMs, () => void this.keepRecord());
  }

  private claimName(): void {
    this.claim.begin();
    this.cancelAnswer = this.options.clock.after(NAME_ANSWER_MS, () => {
      this.isNameAnswered = true;
      this.loop.wake();
    });
  }

  private claimChanged(): void {
    this.isNameAnswered ||= this.claim.isOurs;
    this.record.check();
    this.status.check();
    this.endpoints.update();
    this.followQuestions();
    this.cutOff.check();
    if (this.isStarted) this.loop.wake();
    else this.startWhenKnown();
  }
}
