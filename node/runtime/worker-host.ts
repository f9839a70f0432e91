// A worker without its process: takes the node's messages, runs endpoints, and says once a second what happened. Everything that touches the
// process (channel, exit, signals) is worker.ts; clock and channel come in, so tests run a worker inside their own process.
// The grant is guarded here and not by the node, because a node that is paused or gone cannot guard anything (P3): when it passes, all load
// stops by itself and the node is told that it did not finish.

import { expandShard } from '../core/plan.ts';
import type { EndpointLife, ScaleOrder, Shard } from '../core/plan-types.ts';
import type { ValidScenario } from '../core/scenario-types.ts';
import { ordersFor } from '../core/shape.ts';
import { createStatistics } from '../core/stats.ts';
import { valuesFor } from '../core/substitute.ts';
import type { EndpointRegistry } from './registry.ts';
import { type ClaimLoad, createClaimLoad } from './worker-claim.ts';
import { createDeltas } from './worker-deltas.ts';
import { createGrant } from './worker-grant.ts';
import type { WorkerGroup } from './worker-group.ts';
import { createHealthMeter } from './worker-health.ts';
import { type LeaveReason, startLife } from './worker-life.ts';
import { createMeetingDesk, type MeetingDesk } from './worker-meetings.ts';
import type { ClaimId, FromWorker, ToWorker } from './worker-protocol.ts';
import { createRestartLimiter } from './worker-restarts.ts';
import { setUp } from './worker-setup.ts';
import { createTimers } from './worker-timers.ts';

export interface WorkerHostInit {
  readonly nowMs: () => number;
  readonly send: (message: FromWorker) => void;
  readonly loadTypes: () => Promise<EndpointRegistry>;
  /** The node asked this worker to go; everything has been closed. */
  readonly onExit: () => void;
}

export interface WorkerHost {
  readonly handle: (message: ToWorker) => void;
  /** An exception that nobody caught: some endpoint's code. */
  readonly fault: (error: unknown) => void;
  readonly close: () => Promise<void>;
}

type LoadMessage = Extract<ToWorker, { type: 'load' }>;

/** What is there after a successful setup. */
interface Ready {
  readonly scenario: ValidScenario;
  readonly groups: readonly WorkerGroup[];
  readonly desk: MeetingDesk;
}

export function createWorkerHost(init: WorkerHostInit): WorkerHost {
  return new Host(init);
}

class Host implements WorkerHost {
  readonly #init: WorkerHostInit;
  readonly #statistics = createStatistics();
  readonly #health: ReturnType<typeof createHealthMeter>;
  readonly #timers: ReturnType<typeof createTimers>;
  readonly #restarts: ReturnType<typeof createRestartLimiter>;
  readonly #grant: ReturnType<typeof createGrant>;
  readonly #deltas: ReturnType<typeof createDeltas>;
  readonly #claims = new Map<ClaimId, { readonly message: LoadMessage; readonly load: ClaimLoad }>();
  readonly #endedIds = new Map<ClaimId, boolean>();
  #scales: ScaleOrder[] = [];
  #ready: Ready | null = null;

  constructor(init: WorkerHostInit) {
    this.#init = init;
    this.#health = createHealthMeter(init.nowMs());
    this.#timers = createTimers({ nowMs: init.nowMs, onFired: this.#health.noteLateMs, onFault: (error) => this.fault(error) });
    this.#restarts = createRestartLimiter(init.nowMs);
    this.#grant = createGrant(this.#timers, () => this.#lapse());
    this.#deltas = createDeltas({
      timers: this.#timers,
      statistics: this.#statistics,
      health: this.#health,
      send: init.send,
      groups: () => this.#ready?.groups ?? [],
      claims: () => [...this.#claims.values()].map(({ load }) => load),
    });
  }

  handle(message: ToWorker): void {
    switch (message.type) {
      case 'setup':
        this.#setUp(message).catch((error) =>
          this.#init.send({ type: 'setup-failed', message: String((error as Error).message ?? error) }),
        );
        break;
      case 'load':
        this.#load(message);
        break;
      case 'stop':
        this.#stop(message.ids, message.graceMs > 0 ? 'drain' : 'now', message.graceMs);
        break;
      case 'grant':
        this.#grant.renew(message.untilMs);
        break;
      case 'scale':
        this.#scale(message.scale);
        break;
      case 'meetings':
        this.#learn(
          message.facts.map(({ meeting }) => meeting),
          () => this.#ready?.desk.learn(message.facts),
        );
        break;
      case 'provision':
        this.#ready?.desk.provision(message.id, message.meetings);
        break;
      case 'teardown':
        this.#ready?.desk.teardown(message.id, message.meetings);
        break;
      case 'exit':
        this.close().finally(this.#init.onExit);
        break;
    }
  }

  fault(error: unknown): void {
    const example = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#statistics.error('generator', '', 'contract-broken', example);
    this.#init.send({ type: 'note', level: 'error', message: `uncaught in a worker: ${example.slice(0, 500)}` });
  }

  async close(): Promise<void> {
    for (const { load } of [...this.#claims.values()]) load.stop('now', 0);
    this.#deltas.flush();
    this.#deltas.close();
    this.#timers.close();
    this.#health.close();
    await this.#ready?.desk.close();
    await Promise.allSettled((this.#ready?.groups ?? []).map((group) => group.factory.close()));
  }

  async #setUp(message: Extract<ToWorker, { type: 'setup' }>): Promise<void> {
    const result = await setUp(message, {
      types: await this.#init.loadTypes(),
      statistics: this.#statistics,
      clock: this.#timers,
      health: { taint: this.#health.taint, socketDrops: this.#health.noteSocketDrops },
      onGeneratorFault: (cause) => {
        if (cause === 'sockets-exhausted') this.#health.noteSocketDrops(1);
      },
    });
    if (!result.ok) {
      this.#init.send({ type: 'setup-failed', message: result.problems.map((problem) => problem.message).join('\n') });
      return;
    }
    const { scenario, groups, admitTarget } = result.value;
    const desk = createMeetingDesk({ scenario, clock: this.#timers, admitTarget, send: this.#init.send });
    this.#ready = { scenario, groups, desk };
    // What the process did to get up (loading, parsing) is no second of the run.
    this.#health.take(this.#timers.nowMs(), 0);
    this.#deltas.start();
    this.#init.send({ type: 'ready' });
  }

  #load(message: LoadMessage): void {
    const ready = this.#ready;
    const group = ready?.groups[message.shard.groupIndex];
    if (ready === null || group === undefined || this.#claims.has(message.id)) return;
    this.#scales = [...message.scales];
    const load = createClaimLoad({
      id: message.id,
      shard: message.shard,
      lives: [...expandShard(ready.scenario, message.shard, this.#scales, message.fromMs)],
      isReduced: isReduced(ready, message.shard, this.#scales),
      t0Ms: message.t0Ms,
      fromMs: message.fromMs,
      timers: this.#timers,
      takeRestart: () => this.#restarts.take(message.restartRatePerS),
      isMeetingKnown: (meeting) => ready.desk.factsOf(meeting) !== null,
      gracefulStopMs: group.gracefulStopMs,
      start: (life, dueMs, onGone) => this.#startLife(ready, group, message, life, dueMs, onGone),
      onEnd: (finished) => this.#ended(message.id, finished),
    });
    this.#claims.set(message.id, { message, load });
    this.#grant.expect();
    load.begin();
  }

  #startLife(ready: Ready, group: WorkerGroup, { t0Ms }: LoadMessage, life: EndpointLife, dueMs: number, onGone: () => void) {
    return startLife({
      life,
      group,
      timers: this.#timers,
      values: valuesFor(life, ready.scenario, life.meetingIndex < 0 ? null : ready.desk.factsOf(life.meetingIndex)),
      seed: ready.scenario.seed,
      dueMs,
      runStartMs: t0Ms,
      stopAtMs: t0Ms + life.stopMs,
      onGone,
    });
  }

  #stop(ids: readonly ClaimId[], reason: LeaveReason, graceMs: number): void {
    for (const id of ids) {
      const claim = this.#claims.get(id);
      // The node must get an answer for every claim that it wants stopped, also for one that this worker never had.
      if (claim === undefined) this.#ended(id, false);
      else claim.load.stop(reason, graceMs);
    }
  }

  /** Claims often end together: their ends are told in one message, after a delta with what their last moments recorded. */
  #ended(id: ClaimId, finished: boolean): void {
    this.#claims.delete(id);
    if (this.#endedIds.size === 0) setImmediate(() => this.#tellEnded());
    this.#endedIds.set(id, finished);
    if (this.#claims.size === 0) this.#grant.forget();
  }

  #tellEnded(): void {
    this.#deltas.flush();
    for (const finished of [true, false]) {
      const ids = [...this.#endedIds].filter(([, isFinished]) => isFinished === finished).map(([id]) => id);
      if (ids.length > 0) this.#init.send({ type: 'stopped', ids, finished });
    }
    this.#endedIds.clear();
  }

  #lapse(): void {
    if (this.#claims.size === 0) return;
    this.#init.send({ type: 'note', level: 'warn', message: `no grant in time: ${this.#claims.size} claims stop by themselves` });
    this.#stop([...this.#claims.keys()], 'now', 0);
  }

  #scale(scale: ScaleOrder): void {
    if (this.#ready === null) return;
    this.#scales = [...this.#scales, scale];
    for (const { message, load } of this.#claims.values()) {
      const { shard } = message;
      if (!isConcerned(this.#ready, shard, scale)) continue;
      load.replan([...expandShard(this.#ready.scenario, shard, this.#scales)], isReduced(this.#ready, shard, this.#scales));
    }
  }

  #learn(meetings: readonly number[], learn: () => void): void {
    learn();
    const known = new Set(meetings);
    for (const { load } of this.#claims.values()) load.meetingsKnown(known);
  }
}

const isReduced = ({ scenario }: Ready, { groupIndex }: Shard, scales: readonly ScaleOrder[]): boolean =>
  (ordersFor(scenario.groups[groupIndex]?.name ?? '', scales).at(-1)?.factor ?? 1) < 1;

const isConcerned = ({ scenario }: Ready, shard: Shard, scale: ScaleOrder): boolean =>
  scale.group === '*' || scenario.groups[shard.groupIndex]?.name === scale.group;
