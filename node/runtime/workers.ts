// The node's workers as one: places each claim on the worker with the least declared cost, passes on facts, grants, scale orders and stops, and
// answers the core. A worker that dies is the generator's failure (DESIGN 6): its endpoints are counted as broken, its claims go to the
// successor, which starts what should be running now through the ramp limiter and skips the past. A worker that does not stop in time is killed,
// because the owner promised to be silent by then (P3).

import type { Start, Stop } from '../core/events.ts';
import type { Claim, MeetingFacts } from '../core/messages.ts';
import type { ScaleOrder, Shard, ShardId } from '../core/plan-types.ts';
import type { GroupLoad } from '../core/stats-types.ts';
import type { RuntimeClock, SpawnWorker } from './components.ts';
import type { EventDraft } from './loop.ts';
import type { ClaimId, FromWorker, ToWorker } from './worker-protocol.ts';
import { createWorkerSlot, factMessages, type WorkerSlot } from './worker-slot.ts';

export type WorkerDelta = Extract<FromWorker, { type: 'delta' }>;
type SetupMessage = Extract<ToWorker, { type: 'setup' }>;

export interface WorkerPoolInit {
  readonly count: number;
  readonly spawn: SpawnWorker;
  readonly clock: RuntimeClock;
  readonly setup: Omit<SetupMessage, 'type' | 'workerIndex'>;
  readonly shardOf: (shard: ShardId) => Shard;
  readonly emit: (event: EventDraft) => void;
  readonly onDelta: (workerIndex: number, delta: WorkerDelta) => void;
  readonly onDeath: (workerIndex: number, description: string, lost: readonly GroupLoad[]) => void;
  readonly onAbortWanted: (message: string) => void;
  readonly onNote: (level: 'info' | 'warn' | 'error', message: string) => void;
}

export interface WorkerPool {
  /** Answers 'prepared' when every worker is ready, or one of them cannot be. */
  prepare(claims: readonly Claim[]): void;
  provision(claim: Claim, meetings: readonly number[]): void;
  teardown(claim: Claim, facts: readonly MeetingFacts[]): void;
  load(start: Extract<Start, { what: 'load' }>): void;
  stop(stop: Stop): void;
  grant(untilMs: number): void;
  scale(scale: ScaleOrder): void;
  meetings(facts: readonly MeetingFacts[]): void;
  pids(): number[];
  close(): void;
}

/** How long after a stop's grace a worker may take to say that it stopped, before it is killed. Below Timing.stopMs, which covers both. */
const STOP_SLACK_MS = 800;

const WATCH_MS = 1_000;
/** Longer than any garbage collection and any burst of starts; every second of it is a second of load that is not served. */
const SILENT_MS_MAX = 10_000;

export const claimIdOf = (claim: Claim): ClaimId => `${claim.shard}.${claim.epoch}`;

export const createWorkerPool = (init: WorkerPoolInit): WorkerPool => new Pool(init);

type TaskAnswer = Extract<FromWorker, { type: 'provisioned' | 'provision-failed' | 'torn-down' }>;

class Pool implements WorkerPool {
  readonly #init: WorkerPoolInit;
  readonly #slots: readonly WorkerSlot[];
  readonly #facts: MeetingFacts[] = [];
  readonly #scales: ScaleOrder[] = [];
  readonly #preparing: (readonly Claim[])[] = [];
  /** When each worker was heard last. */
  readonly #heardMs = new Map<WorkerSlot, number>();
  #cancelWatch: () => void = () => {};
  #problem: string | null = null;
  #grantUntilMs = 0;

  constructor(init: WorkerPoolInit) {
    this.#init = init;
    this.#slots = Array.from({ length: init.count }, (_, index) =>
      createWorkerSlot({
        index,
        spawn: init.spawn,
        clock: init.clock,
        setup: { type: 'setup', ...init.setup, workerIndex: index },
        greeting: () => [...factMessages(this.#facts), { type: 'grant', untilMs: this.#grantUntilMs }],
        onMessage: (slot, message) => this.#onMessage(slot, message),
        onDeath: (slot, description) => this.#onDeath(slot, description),
        onReady: (slot) => this.#resume(slot),
      }),
    );
    this.#watch();
  }

  prepare(claims: readonly Claim[]): void {
    this.#preparing.push(claims);
    this.#answerPrepared();
  }

  provision(claim: Claim, meetings: readonly number[]): void {
    const slot = this.#lightest();
    const id = claimIdOf(claim);
    slot.tasks.set(id, { claim, what: 'provision', meetings: new Set(meetings) });
    slot.send({ type: 'provision', id, shard: this.#init.shardOf(claim.shard), meetings });
  }

  teardown(claim: Claim, meetings: readonly MeetingFacts[]): void {
    const slot = this.#lightest();
    const id = claimIdOf(claim);
    slot.tasks.set(id, { claim, what: 'teardown', meetings: new Set(meetings.map(({ meeting }) => meeting)) });
    slot.send({ type: 'teardown', id, shard: this.#init.shardOf(claim.shard), meetings });
  }

  load({ claim, t0Ms, fromMs, restartRatePerS }: Extract<Start, { what: 'load' }>): void {
    const slot = this.#lightest();
    const id = claimIdOf(claim);
    const shard = this.#init.shardOf(claim.shard);
    // The core's rate is this node's share; each worker limits its own restarts.
    const rate = restartRatePerS / this.#slots.length;
    const message = { type: 'load', id, shard, t0Ms, fromMs, restartRatePerS: rate, scales: [...this.#scales] } as const;
    slot.loads.set(id, { claim, message, isStopping: false });
    // A worker that is not ready gets it by `resume`.
    if (slot.isReady()) slot.send(message);
  }

  stop({ claims, graceMs, reason }: Stop): void {
    const wanted = new Set(claims.map(claimIdOf));
    for (const slot of this.#slots) {
      const ids = [...slot.loads.keys()].filter((id) => wanted.delete(id));
      if (ids.length === 0) continue;
      for (const id of ids) {
        const load = slot.loads.get(id);
        if (load !== undefined) load.isStopping = true;
      }
      if (slot.isReady()) {
        slot.send({ type: 'stop', ids, graceMs, reason });
        this.#killWhenLate(slot, ids, graceMs);
      } else {
        this.#onStopped(slot, ids, false);
      }
    }
    const unknown = claims.filter((claim) => wanted.has(claimIdOf(claim)));
    if (unknown.length > 0) this.#init.emit({ type: 'load-stopped', claims: unknown, finished: false });
  }

  grant(untilMs: number): void {
    this.#grantUntilMs = untilMs;
    this.#tellAll({ type: 'grant', untilMs });
  }

  scale(scale: ScaleOrder): void {
    this.#scales.push(scale);
    this.#tellAll({ type: 'scale', scale });
  }

  meetings(added: readonly MeetingFacts[]): void {
    this.#facts.push(...added);
    for (const message of factMessages(added)) this.#tellAll(message);
  }

  pids(): number[] {
    return this.#slots.map((slot) => slot.pid()).filter((pid) => pid > 0);
  }

  close(): void {
    this.#cancelWatch();
    for (const slot of this.#slots) slot.close();
  }

  /** A worker that is not ready gets facts and grants by its greeting: holding them too would repeat them. */
  #tellAll(message: ToWorker): void {
    for (const slot of this.#slots) if (slot.isReady()) slot.send(message);
  }

  #lightest(): WorkerSlot {
    return this.#slots.reduce((best, slot) => (costOf(slot) < costOf(best) ? slot : best));
  }

  #answerPrepared(): void {
    if (this.#problem === null && !this.#slots.every((slot) => slot.isReady())) return;
    for (const claims of this.#preparing.splice(0)) this.#init.emit({ type: 'prepared', claims, problem: this.#problem });
  }

  #onMessage(slot: WorkerSlot, message: FromWorker): void {
    this.#heardMs.set(slot, this.#init.clock.nowMs());
    switch (message.type) {
      case 'ready':
        return this.#answerPrepared();
      case 'setup-failed':
        this.#problem = message.message;
        return this.#answerPrepared();
      case 'provisioned':
      case 'provision-failed':
      case 'torn-down':
        return this.#onTaskAnswer(slot, message);
      case 'stopped':
        return this.#onStopped(slot, message.ids, message.finished);
      case 'delta':
        slot.lastLoad = message.load;
        return this.#init.onDelta(slot.index, message);
      case 'abort-wanted':
        return this.#init.onAbortWanted(message.message);
      case 'note':
        return this.#init.onNote(message.level, message.message);
    }
  }

  #onTaskAnswer(slot: WorkerSlot, message: TaskAnswer): void {
    const { emit } = this.#init;
    const task = slot.tasks.get(message.id);
    if (task === undefined) return;
    const { claim } = task;
    if (message.type === 'provisioned') {
      for (const { meeting } of message.facts) task.meetings.delete(meeting);
      if (task.meetings.size === 0) slot.tasks.delete(message.id);
      emit({ type: 'meetings-provisioned', claim, facts: message.facts });
      return;
    }
    slot.tasks.delete(message.id);
    if (message.type === 'torn-down') emit({ type: 'torn-down', claim, meetings: message.meetings, failures: message.failures });
    else emit({ type: 'provision-failed', claim, message: message.message });
  }

  #onStopped(slot: WorkerSlot, ids: readonly ClaimId[], finished: boolean): void {
    const claims: Claim[] = [];
    for (const id of ids) {
      const running = slot.loads.get(id);
      if (running === undefined) continue;
      slot.loads.delete(id);
      claims.push(running.claim);
    }
    if (claims.length > 0) this.#init.emit({ type: 'load-stopped', claims, finished });
  }

  #onDeath(slot: WorkerSlot, description: string): void {
    const { emit, onDeath } = this.#init;
    onDeath(slot.index, description, slot.lastLoad);
    const stopping = [...slot.loads].filter(([, load]) => load.isStopping).map(([id]) => id);
    this.#onStopped(slot, stopping, false);
    for (const [id, task] of slot.tasks) {
      slot.tasks.delete(id);
      const message = `the worker that was at it died (${description})`;
      if (task.what === 'provision') emit({ type: 'provision-failed', claim: task.claim, message });
      else emit({ type: 'torn-down', claim: task.claim, meetings: [], failures: task.meetings.size });
    }
  }

  /** Gives a restarted worker what its predecessor was running. */
  #resume(slot: WorkerSlot): void {
    for (const { message } of slot.loads.values()) {
      const fromMs = Math.max(message.fromMs, this.#init.clock.nowMs() - message.t0Ms);
      slot.send({ ...message, fromMs, scales: [...this.#scales] });
    }
  }

  /** A worker speaks every second; one that hangs holds endpoints that nobody serves, and is replaced like one that died. */
  #watch(): void {
    const { clock, onNote } = this.#init;
    const setMs = clock.nowMs();
    this.#cancelWatch = clock.after(WATCH_MS, () => {
      const nowMs = clock.nowMs();
      // After a pause of this process what the workers said waits to be read: their silence is ours.
      const hasPaused = nowMs - setMs > WATCH_MS * 2;
      for (const slot of this.#slots) {
        if (hasPaused || !slot.isReady() || !this.#heardMs.has(slot)) this.#heardMs.set(slot, nowMs);
        if (nowMs - (this.#heardMs.get(slot) ?? nowMs) <= SILENT_MS_MAX) continue;
        onNote('error', `worker ${slot.index} has been silent for ${SILENT_MS_MAX / 1000} s and is killed`);
        slot.kill();
      }
      this.#watch();
    });
  }

  #killWhenLate(slot: WorkerSlot, ids: readonly ClaimId[], graceMs: number): void {
    this.#init.clock.after(graceMs + STOP_SLACK_MS, () => {
      if (!ids.some((id) => slot.loads.get(id)?.isStopping)) return;
      this.#init.onNote('error', `worker ${slot.index} did not stop its endpoints in time and is killed`);
      slot.kill();
    });
  }
}

/** Declared cost of what a worker runs; a task counts as the smallest load. */
function costOf(slot: WorkerSlot): number {
  let cost = slot.tasks.size;
  for (const { message } of slot.loads.values()) cost += message.shard.costMillicores;
  return cost;
}
