// One endpoint's life as the worker sees it: created when due, aborted at its planned leave or at a drain, and gone when run() has resolved. What
// the endpoint says about itself (joined, failed, broken) is counted here under its group. An endpoint that throws or overstays its grace has
// broken its contract: that is the generator's fault and never the target's.

import type { EndpointLife } from '../core/plan-types.ts';
import { keyedRng } from '../core/rng.ts';
import type { EndpointContext, TimerEntry } from '../endpoints/endpoint.ts';
import type { WorkerGroup } from './worker-group.ts';
import type { Timers } from './worker-timers.ts';

export type LeaveReason = 'leave' | 'drain' | 'now';

export interface RunningLife {
  readonly life: EndpointLife;
  /** Asks the endpoint to leave. Only the first call counts. */
  readonly leave: (reason: LeaveReason, graceMs: number) => void;
  /** Moves the planned leave. */
  readonly leaveAt: (atMs: number) => void;
}

export interface LifeInit {
  readonly life: EndpointLife;
  readonly group: WorkerGroup;
  readonly timers: Timers;
  readonly values: Readonly<Record<string, string>>;
  readonly seed: number;
  readonly dueMs: number;
  readonly runStartMs: number;
  /** Clock time of the planned leave. */
  readonly stopAtMs: number;
  /** Called once when the endpoint is gone, or given up. */
  readonly onGone: () => void;
}

/** Beyond the grace that it was given, an endpoint may take this long before it is given up. Below Timing.stopMs, by which an owner is silent. */
const OVERSTAY_MS = 600;

/** A class: a worker holds tens of thousands of these, and closures would cost each of them its own set of functions. */
class Life implements RunningLife, EndpointContext {
  readonly #init: LifeInit;
  readonly #controller = new AbortController();
  readonly rng: EndpointContext['rng'];
  #graceMs: number;
  #stop: TimerEntry;
  #isJoined = false;
  #hasFailed = false;
  #isGone = false;

  constructor(init: LifeInit) {
    this.#init = init;
    const { life, group, timers } = init;
    this.rng = keyedRng(init.seed, life.groupIndex, life.endpointIndex, life.lifeIndex);
    this.#graceMs = group.gracefulStopMs;
    this.#stop = timers.at(init.stopAtMs, () => this.leave('leave', group.gracefulStopMs));
  }

  get life(): EndpointLife {
    return this.#init.life;
  }
  get endpointIndex(): number {
    return this.#init.life.endpointIndex;
  }
  get lifeIndex(): number {
    return this.#init.life.lifeIndex;
  }
  get values(): Readonly<Record<string, string>> {
    return this.#init.values;
  }
  get dueMs(): number {
    return this.#init.dueMs;
  }
  get stopAtMs(): number {
    return this.#init.stopAtMs;
  }
  get runStartMs(): number {
    return this.#init.runStartMs;
  }
  get graceMs(): number {
    return this.#graceMs;
  }
  get signal(): AbortSignal {
    return this.#controller.signal;
  }
  get tags(): EndpointContext['tags'] {
    return this.#init.group.tags;
  }
  // Bound, because endpoints may hand them on as plain functions.
  readonly fail = (cause: string, example: string): void => {
    this.#hasFailed = true;
    this.#init.group.targetFault(cause, example);
  };
  readonly broken = (cause: string, example: string): void => {
    this.#hasFailed = true;
    this.#init.group.generatorFault(cause, example);
  };
  readonly joined = (): void => {
    if (this.#isJoined) return;
    this.#isJoined = true;
    this.#init.group.joinDuration.record(this.#init.timers.nowMs() - this.#init.dueMs);
  };

  start(): void {
    const { group, timers, dueMs } = this.#init;
    group.load.started++;
    group.load.active++;
    group.startLateness.record(timers.nowMs() - dueMs);
    // A create() or run() that throws at once must look like a run() that rejects: the owner has not taken this life into its books yet.
    this.#live().then(
      () => this.#gone(),
      (error) => this.#crashed(error),
    );
  }

  async #live(): Promise<void> {
    await this.#init.group.factory.create(this).run();
  }

  leave(reason: LeaveReason, graceMs: number): void {
    if (this.#isGone || this.#controller.signal.aborted) return;
    const { timers } = this.#init;
    timers.cancel(this.#stop);
    this.#graceMs = graceMs;
    this.#stop = timers.at(timers.nowMs() + graceMs + OVERSTAY_MS, () => this.#overstayed());
    this.#controller.abort(reason);
  }

  leaveAt(atMs: number): void {
    if (this.#isGone || this.#controller.signal.aborted || this.#stop.atMs === atMs) return;
    const { timers, group } = this.#init;
    timers.cancel(this.#stop);
    this.#stop = timers.at(atMs, () => this.leave('leave', group.gracefulStopMs));
  }

  #overstayed(): void {
    this.#init.group.generatorFault('overstayed', `endpoint ${this.endpointIndex} had not left ${this.#graceMs} ms after it was asked to`);
    this.#hasFailed = true;
    this.#gone();
  }

  #crashed(error: unknown): void {
    this.#hasFailed = true;
    this.#isJoined = false;
    this.#init.group.generatorFault('contract-broken', `endpoint ${this.endpointIndex}: ${describe(error)}`);
    this.#gone();
  }

  #gone(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    const { group, timers, onGone } = this.#init;
    timers.cancel(this.#stop);
    group.load.active--;
    // An endpoint that never got in has failed as a whole; single failures on the way are in the error counts.
    if (this.#hasFailed && !this.#isJoined) group.load.failed++;
    else group.load.finished++;
    onGone();
  }
}

export function startLife(init: LifeInit): RunningLife {
  const life = new Life(init);
  life.start();
  return life;
}

const describe = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));
