// A timing wheel for thousands of recurring due times: entries are small integers, each in at most one slot, slots are doubly linked lists in typed
// arrays. Inserting, removing and firing cost the same however many there are. Pure: time comes in as a number and only moves forward.
// An entry fires at the first advance at or after its time, never before; times within one slot fire in no particular order.

/** Resolution: half of it is added to the mean lateness. Timers tick once a millisecond, so finer gains nothing. */
const SLOTS_PER_MS = 4;
/** A power of two; one lap is 2 s. Entries further off are looked at once a lap. */
const SLOTS = 8_192;
const MASK = SLOTS - 1;
const NONE = -1;
/** Taken off, and about to be called unless the callback before removes it. */
const FIRING = -2;

// An entry is a row of 32 bytes, its time at the end: moving an entry fetches its own cache line and its neighbours', and nothing else.
const NEXT = 0;
const PREVIOUS = 1;
/** NONE when it waits for nothing. */
const SLOT = 2;
const INTS = 8;
const DUE = 2;
const DOUBLES = 4;
const ROW_BYTES = 32;

export class Wheel {
  /** Two views of the rows. */
  #ints = new Int32Array(0);
  #doubles = new Float64Array(0);
  /** Entries of one slot whose time has come. */
  #firing = new Int32Array(0);
  readonly #heads = new Int32Array(SLOTS).fill(NONE);
  /** The last slot number (not masked) that was worked off. */
  #done: number;
  #size = 0;

  constructor(nowMs: number) {
    this.#done = Math.floor(nowMs * SLOTS_PER_MS);
  }

  get size(): number {
    return this.#size;
  }

  has(entry: number): boolean {
    return entry < this.#firing.length && this.#ints[entry * INTS + SLOT] !== NONE;
  }

  /** Waits for `dueMs`, instead of what it waited for before. What is due already fires at the next advance. */
  insert(entry: number, dueMs: number): void {
    if (entry >= this.#firing.length) this.#grow(entry + 1);
    const ints = this.#ints;
    const at = entry * INTS;
    if (ints[at + SLOT] !== NONE) this.remove(entry);
    const slot = Math.max(this.#done + 1, Math.ceil(dueMs * SLOTS_PER_MS)) & MASK;
    const head = this.#heads[slot] as number;
    this.#heads[slot] = entry;
    ints[at + NEXT] = head;
    ints[at + PREVIOUS] = NONE;
    if (head !== NONE) ints[head * INTS + PREVIOUS] = entry;
    ints[at + SLOT] = slot;
    this.#doubles[entry * DOUBLES + DUE] = dueMs;
    this.#size += 1;
  }

  remove(entry: number): void {
    if (!this.has(entry)) return;
    const ints = this.#ints;
    const at = entry * INTS;
    const slot = ints[at + SLOT] as number;
    ints[at + SLOT] = NONE;
    if (slot === FIRING) return;
    const next = ints[at + NEXT] as number;
    const previous = ints[at + PREVIOUS] as number;
    if (next !== NONE) ints[next * INTS + PREVIOUS] = previous;
    if (previous === NONE) this.#heads[slot] = next;
    else ints[previous * INTS + NEXT] = next;
    this.#size -= 1;
  }

  /** Calls back for each entry that is due by `nowMs`, with its time; it waits no more then, and may be inserted again from within. */
  advance(nowMs: number, fire: (entry: number, dueMs: number) => void): void {
    const until = Math.floor(nowMs * SLOTS_PER_MS);
    // After a stall of more than a lap every slot is looked at once.
    for (let at = Math.max(this.#done, until - SLOTS) + 1; at <= until; at++) {
      // What fires and is inserted again goes to a later slot, of this advance when it is due already.
      this.#done = at;
      if (this.#heads[at & MASK] !== NONE) this.#fireSlot(at & MASK, nowMs, fire);
    }
    this.#done = Math.max(this.#done, until);
  }

  /** Two passes, because a callback may insert and remove whatever it likes: first what is due is taken off, then it is called. */
  #fireSlot(slot: number, nowMs: number, fire: (entry: number, dueMs: number) => void): void {
    let count = 0;
    for (let entry = this.#heads[slot] as number; entry !== NONE; ) {
      const next = this.#ints[entry * INTS + NEXT] as number;
      if ((this.#doubles[entry * DOUBLES + DUE] as number) <= nowMs) {
        this.remove(entry);
        this.#ints[entry * INTS + SLOT] = FIRING;
        this.#firing[count++] = entry;
      }
      entry = next;
    }
    for (let index = 0; index < count; index++) {
      const entry = this.#firing[index] as number;
      if (this.#ints[entry * INTS + SLOT] !== FIRING) continue;
      this.#ints[entry * INTS + SLOT] = NONE;
      fire(entry, this.#doubles[entry * DOUBLES + DUE] as number);
    }
  }

  /** A time until which nothing is due: that of the next entry when it is within `horizonMs`, else the end of the horizon; Infinity when empty. */
  quietUntilMs(horizonMs: number): number {
    if (this.#size === 0) return Number.POSITIVE_INFINITY;
    const until = this.#done + Math.min(SLOTS, horizonMs * SLOTS_PER_MS);
    for (let at = this.#done + 1; at < until; at++) if (this.#heads[at & MASK] !== NONE) return at / SLOTS_PER_MS;
    return until / SLOTS_PER_MS;
  }

  #grow(count: number): void {
    const size = Math.max(64, 2 ** Math.ceil(Math.log2(count)));
    const rows = new ArrayBuffer(size * ROW_BYTES);
    const ints = new Int32Array(rows).fill(NONE);
    ints.set(this.#ints);
    this.#ints = ints;
    this.#doubles = new Float64Array(rows);
    // May happen while a slot fires: what is in it stays.
    const firing = new Int32Array(size);
    firing.set(this.#firing);
    this.#firing = firing;
  }
}
