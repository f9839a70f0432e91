// The load of one claim: the lives of its shard, started when due and stopped when planned. One timer entry looks ahead to the next start; a
// life that waits for its meeting's facts starts when they come. A claim taken over in the middle (fromMs > 0) restarts what should be active
// now through the worker's ramp limiter, never as a burst, and skips the past. It is finished when nothing is left to start, to wait or to run;
// where an order wants less than the plan, not before its time in the plan is over: a paused load has nothing left either, and is resumed.

import type { EndpointLife, Shard } from '../core/plan-types.ts';
import type { TimerEntry } from '../endpoints/endpoint.ts';
import type { LeaveReason, RunningLife } from './worker-life.ts';
import type { Timers } from './worker-timers.ts';

export interface ClaimLoad {
  readonly id: string;
  readonly shard: Shard;
  readonly begin: () => void;
  /** Lives that the plan wants active at this moment. */
  readonly owned: (nowMs: number) => number;
  readonly activeCount: () => number;
  /** Facts of these meetings have come. */
  readonly meetingsKnown: (meetings: ReadonlySet<number>) => void;
  /** New lives after a scale order: what runs and is wanted no longer leaves, what is wanted and does not run starts. */
  readonly replan: (lives: readonly EndpointLife[], isReduced: boolean) => void;
  /** Nothing starts any more; what runs leaves. */
  readonly stop: (reason: LeaveReason, graceMs: number) => void;
}

export interface ClaimInit {
  readonly id: string;
  readonly shard: Shard;
  /** Ordered by startMs. */
  readonly lives: readonly EndpointLife[];
  /** An order wants less than was planned: a later one may want more again. */
  readonly isReduced: boolean;
  readonly t0Ms: number;
  readonly fromMs: number;
  readonly timers: Timers;
  /** The next moment at which a restart is allowed, and takes it. */
  readonly takeRestart: () => number;
  readonly isMeetingKnown: (meeting: number) => boolean;
  readonly start: (life: EndpointLife, dueMs: number, onGone: () => void) => RunningLife;
  readonly gracefulStopMs: number;
  /** Once: everything planned has been and gone (`finished`), or stop() has come to its end. */
  readonly onEnd: (finished: boolean) => void;
}

/** Nothing starts before begin(), so that the owner can take the claim into its books first. */
export function createClaimLoad(init: ClaimInit): ClaimLoad {
  return new Claim(init);
}

/** Slot and life: what a running life is known by when the plan changes. */
const keyOf = (life: EndpointLife): string => `${life.endpointIndex}.${life.lifeIndex}`;

class Claim implements ClaimLoad {
  readonly id: string;
  readonly shard: Shard;
  readonly #init: ClaimInit;
  readonly #active = new Map<string, RunningLife>();
  /** Lives whose meeting is not known yet, by meeting. */
  readonly #waiting = new Map<number, EndpointLife[]>();
  /** The highest life started of each slot: a new plan must not start it again. */
  readonly #startedLife = new Map<number, number>();
  #lives: readonly EndpointLife[];
  #stopsMs: Float64Array;
  #next = 0;
  #ownedStarts = 0;
  #ownedStops = 0;
  /** Lives that wait for their turn to restart. */
  readonly #restarting = new Set<string>();
  #entry: TimerEntry | null = null;
  #isStopping = false;
  #hasEnded = false;
  #isReduced: boolean;

  constructor(init: ClaimInit) {
    this.#init = init;
    this.id = init.id;
    this.shard = init.shard;
    this.#lives = init.lives;
    this.#isReduced = init.isReduced;
    this.#stopsMs = sortedStops(init.lives);
  }

  begin(): void {
    const { fromMs, t0Ms } = this.#init;
    const isTakenOver = fromMs > 0;
    for (; isTakenOver && this.#next < this.#lives.length; this.#next++) {
      const life = this.#lives[this.#next] as EndpointLife;
      if (life.startMs >= fromMs) break;
      if (life.stopMs > fromMs) this.#restart(life, t0Ms);
    }
    this.#startDue();
  }

  owned(nowMs: number): number {
    const atMs = nowMs - this.#init.t0Ms;
    while (this.#ownedStarts < this.#lives.length && (this.#lives[this.#ownedStarts] as EndpointLife).startMs <= atMs) this.#ownedStarts++;
    while (this.#ownedStops < this.#stopsMs.length && (this.#stopsMs[this.#ownedStops] as number) <= atMs) this.#ownedStops++;
    return this.#ownedStarts - this.#ownedStops;
  }

  activeCount(): number {
    return this.#active.size;
  }

  meetingsKnown(meetings: ReadonlySet<number>): void {
    for (const meeting of meetings) {
      const lives = this.#waiting.get(meeting) ?? [];
      this.#waiting.delete(meeting);
      for (const life of lives) this.#begin(life, this.#init.t0Ms + life.startMs);
    }
  }

  replan(lives: readonly EndpointLife[], isReduced: boolean): void {
    if (this.#isStopping) return;
    this.#isReduced = isReduced;
    const { timers, t0Ms, gracefulStopMs } = this.#init;
    const atMs = timers.nowMs() - t0Ms;
    const wanted = new Map(lives.map((life) => [keyOf(life), life]));
    for (const [key, running] of this.#active) {
      const life = wanted.get(key);
      if (life === undefined || life.stopMs <= atMs) running.leave('leave', gracefulStopMs);
      else running.leaveAt(t0Ms + life.stopMs);
    }
    this.#waiting.clear();
    this.#lives = lives.filter((life) => life.stopMs > atMs || this.#active.has(keyOf(life)));
    this.#stopsMs = sortedStops(this.#lives);
    this.#next = 0;
    this.#ownedStarts = 0;
    this.#ownedStops = 0;
    this.#startDue();
  }

  stop(reason: LeaveReason, graceMs: number): void {
    if (this.#hasEnded) return;
    this.#isStopping = true;
    this.#sleep(null);
    this.#waiting.clear();
    for (const running of [...this.#active.values()]) running.leave(reason, graceMs);
    this.#endWhenDone();
  }

  /** Starts what is due and sleeps until the next start. */
  #startDue(): void {
    const { timers, t0Ms } = this.#init;
    this.#sleep(null);
    while (!this.#isStopping && this.#next < this.#lives.length) {
      const life = this.#lives[this.#next] as EndpointLife;
      const dueMs = t0Ms + life.startMs;
      if (dueMs > timers.nowMs()) {
        this.#sleep(timers.at(dueMs, () => this.#startDue()));
        return;
      }
      this.#next++;
      const isNew = (this.#startedLife.get(life.endpointIndex) ?? -1) < life.lifeIndex;
      if (isNew && !this.#restarting.has(keyOf(life))) this.#begin(life, dueMs);
    }
    this.#endWhenDone();
  }

  #restart(life: EndpointLife, t0Ms: number): void {
    const { timers, takeRestart } = this.#init;
    const atMs = takeRestart();
    this.#restarting.add(keyOf(life));
    timers.at(atMs, () => {
      this.#restarting.delete(keyOf(life));
      if (!this.#isStopping && t0Ms + life.stopMs > atMs) this.#begin(life, atMs);
      this.#endWhenDone();
    });
  }

  #begin(life: EndpointLife, dueMs: number): void {
    const { timers, t0Ms, shard, isMeetingKnown, start } = this.#init;
    if (this.#isStopping || t0Ms + life.stopMs <= timers.nowMs()) return this.#endWhenDone();
    if (shard.needsMeetings && life.meetingIndex >= 0 && !isMeetingKnown(life.meetingIndex)) {
      const others = this.#waiting.get(life.meetingIndex) ?? [];
      this.#waiting.set(life.meetingIndex, [...others, life]);
      return;
    }
    const key = keyOf(life);
    this.#startedLife.set(life.endpointIndex, life.lifeIndex);
    this.#active.set(
      key,
      start(life, dueMs, () => {
        this.#active.delete(key);
        this.#endWhenDone();
      }),
    );
  }

  #sleep(entry: TimerEntry | null): void {
    if (this.#entry !== null) this.#init.timers.cancel(this.#entry);
    this.#entry = entry;
  }

  #endWhenDone(): void {
    const isDone = this.#isStopping || (this.#next >= this.#lives.length && this.#waiting.size === 0 && this.#restarting.size === 0);
    if (!isDone || this.#active.size > 0 || this.#hasEnded) return;
    const { timers, t0Ms } = this.#init;
    const endMs = t0Ms + this.shard.stopMs;
    if (this.#isReduced && !this.#isStopping && timers.nowMs() < endMs) return this.#sleep(timers.at(endMs, () => this.#endWhenDone()));
    this.#hasEnded = true;
    this.#init.onEnd(!this.#isStopping);
  }
}

const sortedStops = (lives: readonly EndpointLife[]): Float64Array => Float64Array.from(lives, (life) => life.stopMs).sort();
