// Which stream a packet belongs to, by local port, sender's address and SSRC: an open-addressing hash table of integers, so that the way of every
// packet through it costs one look and no allocation. It holds only what was learned to be right (demux.ts); everything else is looked at closely.

/** Slots for each entry: probes stay short. */
const SPACE = 4;
const WORDS = 4;
const START = 256;

export class FlowTable {
  /** port, address, SSRC, stream + 1 (0 = empty slot). */
  #slots = new Int32Array(START * WORDS);
  #mask = START - 1;
  #size = 0;

  /** Stream of a flow, -1 when not known. */
  find(port: number, address: number, ssrc: number): number {
    return (this.#slots[this.#slotOf(port, address, ssrc | 0) + 3] as number) - 1;
  }

  set(port: number, address: number, ssrc: number, stream: number): void {
    if ((this.#size + 1) * SPACE > this.#mask + 1) this.#grow();
    const at = this.#slotOf(port, address, ssrc | 0);
    if (this.#slots[at + 3] === 0) this.#size += 1;
    this.#slots.set([port, address, ssrc, stream + 1], at);
  }

  delete(port: number, address: number, ssrc: number): void {
    const slots = this.#slots;
    const mask = this.#mask;
    let hole = this.#slotOf(port, address, ssrc | 0) / WORDS;
    if (slots[hole * WORDS + 3] === 0) return;
    this.#size -= 1;
    // What probing carried past the hole moves back into it, so that no look-up ends too early.
    for (let slot = (hole + 1) & mask; slots[slot * WORDS + 3] !== 0; slot = (slot + 1) & mask) {
      const at = slot * WORDS;
      const home = hashOf(slots[at] as number, slots[at + 1] as number, slots[at + 2] as number) & mask;
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      slots.copyWithin(hole * WORDS, at, at + WORDS);
      hole = slot;
    }
    slots.fill(0, hole * WORDS, (hole + 1) * WORDS);
  }

  #slotOf(port: number, address: number, ssrc: number): number {
    const slots = this.#slots;
    const mask = this.#mask;
    for (let slot = hashOf(port, address, ssrc) & mask; ; slot = (slot + 1) & mask) {
      const at = slot * WORDS;
      if (slots[at + 3] === 0 || (slots[at + 2] === ssrc && slots[at + 1] === address && slots[at] === port)) return at;
    }
  }

  #grow(): void {
    const old = this.#slots;
    this.#mask = this.#mask * 2 + 1;
    this.#slots = new Int32Array(old.length * 2);
    for (let at = 0; at < old.length; at += WORDS) {
      const entry = old.subarray(at, at + WORDS);
      if (entry[3] !== 0) this.#slots.set(entry, this.#slotOf(entry[0] as number, entry[1] as number, entry[2] as number));
    }
  }
}

export const NO_STREAM = -1;

/** SSRCs are random, but a benchmark's or a broken peer's count up. */
function hashOf(port: number, address: number, ssrc: number): number {
  const mixed = Math.imul(ssrc ^ Math.imul(address, 0x9e3779b1) ^ Math.imul(port, 0x85ebca6b), 0xc2b2ae35);
  return mixed ^ (mixed >>> 15);
}
