// The deadlines of all transactions of a stack on few timers: time is cut into ticks, and every tick that somebody waits for is one entry of the
// clock. To move a deadline back costs one store (the item moves on when its old tick comes), which is what nearly every transaction does once.
// Nothing fires early; it may fire up to a tick late.

import type { Clock, TimerEntry } from '../endpoints/endpoint.ts';

export interface WheelItem {
  /** Infinity: waits for nothing. Set through `Wheel.wait`. */
  dueMs: number;
  /** Number of the tick whose list holds it; 0 = in none. */
  tick: number;
}

/** Fine enough that a retransmission's gap (T1, 500 ms) stays right to a percent; coarse enough that a busy stack sets 200 timers a second. */
const TICK_MS = 5;

interface Slot<Item> {
  readonly items: Item[];
  readonly entry: TimerEntry;
}

export class Wheel<Item extends WheelItem> {
  readonly #clock: Pick<Clock, 'nowMs' | 'at' | 'cancel'>;
  readonly #onDue: (item: Item, nowMs: number) => void;
  readonly #slots = new Map<number, Slot<Item>>();

  constructor(clock: Pick<Clock, 'nowMs' | 'at' | 'cancel'>, onDue: (item: Item, nowMs: number) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  /** Calls `onDue` at `dueMs`; Infinity takes an earlier wish back. */
  wait(item: Item, dueMs: number): void {
    item.dueMs = dueMs;
    if (dueMs === Number.POSITIVE_INFINITY) return;
    const tick = Math.max(1, Math.ceil(dueMs / TICK_MS));
    if (item.tick !== 0 && item.tick <= tick) return;
    item.tick = tick;
    const slot = this.#slots.get(tick);
    if (slot !== undefined) slot.items.push(item);
    else this.#slots.set(tick, { items: [item], entry: this.#clock.at(tick * TICK_MS, () => this.#fire(tick)) });
  }

  #fire(tick: number): void {
    const slot = this.#slots.get(tick);
    if (slot === undefined) return;
    this.#slots.delete(tick);
    const nowMs = this.#clock.nowMs();
    for (const item of slot.items) {
      // Left for an earlier tick meanwhile.
      if (item.tick !== tick) continue;
      item.tick = 0;
      if (item.dueMs <= nowMs) {
        item.dueMs = Number.POSITIVE_INFINITY;
        this.#onDue(item, nowMs);
      } else this.wait(item, item.dueMs);
    }
  }

  close(): void {
    for (const { entry } of this.#slots.values()) this.#clock.cancel(entry);
    this.#slots.clear();
  }
}
