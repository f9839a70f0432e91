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

export class Wheel {
  #next = new Int32Array(0);
  #previous = new Int32Array(0);
  /** Entries of one slot whose time has come. */
  #firing = new Int32Array(0);
  /** Slot of an entry; NONE when it waits for nothing. */
  #slot = new Int32Array(0);
  #dueMs = new Float64Array(0);
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
    return entry < this.#slot.length && this.#slot[entry] !== NONE;
  }

  /** Waits for `dueMs`, instead of what it waited for before. What is due already fires at the next advance. */
  insert(entry: number, dueMs: number): void {
    if (entry >= this.#slot.length) this.#grow(entry + 1);
    if (this.#slot[entry] !== NONE) this.remove(entry);
    const slot = Math.max(this.#done + 1, Math.ceil(dueMs * SLOTS_PER_MS)) & MASK;
    const head = this.#heads[slot] as number;
    this.#heads[slot] = entry;
    this.#next[entry] = head;
    this.#previous[entry] = NONE;
    if (head !== NONE) this.#previous[head] = entry;
    this.#slot[entry] = slot;
    this.#dueMs[entry] = dueMs;
    this.#size += 1;
  }

  remove(entry: number): void {
    if (!this.has(entry)) return;
    if (this.#slot[entry] === FIRING) {
      this.#slot[entry] = NONE;
      return;
    }
    const next = this.#next[entry] as number;
    const previous = this.#previous[entry] as number;
    if (next !== NONE) this.#previous[next] = previous;
    if (previous === NONE) this.#heads[this.#slot[entry] as number] = next;
    else this.#next[previous] = next;
    this.#slot[entry] = NONE;
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
      const next = this.#next[entry] as number;
      if ((this.#dueMs[entry] as number) <= nowMs) {
        this.remove(entry);
        this.#slot[entry] = FIRING;
        this.#firing[count++] = entry;
      }
      entry = next;
    }
    for (let index = 0; index < count; index++) {
      const entry = this.#firing[index] as number;
      if (this.#slot[entry] !== FIRING) continue;
      this.#slot[entry] = NONE;
      fire(entry, this.#dueMs[entry] as number);
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
    const next = new Int32Array(size);
    const previous = new Int32Array(size);
    const slot = new Int32Array(size).fill(NONE);
    const dueMs = new Float64Array(size);
    next.set(this.#next);
    previous.set(this.#previous);
    slot.set(this.#slot);
    dueMs.set(this.#dueMs);
    this.#next = next;
    this.#previous = previous;
    this.#slot = slot;
    this.#dueMs = dueMs;
    // May happen while a slot fires: what is in it stays.
    const firing = new Int32Array(size);
    firing.set(this.#firing);
    this.#firing = firing;
  }
}
