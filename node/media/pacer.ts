// When each stream's packets leave. Due times are absolute - start + cycle x length + the packet's own - so that nothing drifts, and packets of one
// turn are handed over socket by socket, so that they go out in batches. What is more than 200 ms late is left out instead of following in a burst:
// its sequence numbers are not used up (nobody lost anything on the way), its timestamps are (media time goes on), and it is counted.
// Pure: time comes in, packets go out through a callback.

import { type PacketScript, scriptBitsPerSecond } from './packet-script.ts';
import { Wheel } from './wheel.ts';

/** A stall shorter than this is made good, as an operating system does for a phone; a longer one would be a burst no phone sends. */
export const SKIP_MS = 200;
/** How far ahead the wheel is searched for the next due time. */
const HORIZON_MS = 20;
const NONE = -1;

// A stream is a row of each table, so that its numbers share a cache line: with thousands of streams, fetching lines is most of the work.
const START = 0;
const CYCLE = 1;
const QUIET_UNTIL = 2;
const DOUBLES = 4;
/** In the script. */
const INDEX = 0;
/** The next one. */
const SEQUENCE = 1;
/** Of the start. */
const TIMESTAMP = 2;
const GROUP = 3;
const NEXT_OF_GROUP = 4;
const INTS = 8;

/** A script with its numbers in typed arrays. `source`: where the payloads are kept, by packet index. */
export interface CompiledScript<Source> {
  readonly script: PacketScript;
  readonly source: Source;
  /** On the wire. */
  readonly bitsPerSecond: number;
  readonly count: number;
  readonly cycleMs: number;
  readonly cycleTicks: number;
  readonly dueMs: Float64Array;
  readonly ticks: Float64Array;
  /** 0x80 for packets with the marker, else 0. */
  readonly markers: Uint8Array;
}

/** Throws when there is nothing to send, or due times that go backwards or beyond the cycle. */
export function compileScript<Source>(script: PacketScript, source: Source): CompiledScript<Source> {
  const { packets, cycleMs, cycleTicks } = script;
  const dueMs = Float64Array.from(packets, (packet) => packet.dueMs);
  const isOrdered = dueMs.every((due, index) => due >= (dueMs[index - 1] ?? 0) && due <= cycleMs);
  if (packets.length === 0 || !(cycleMs > 0) || !isOrdered)
    throw new RangeError(`script ${script.codec}: due times must rise within a cycle`);
  return {
    ...{ script, source, cycleMs, cycleTicks, dueMs },
    bitsPerSecond: scriptBitsPerSecond(script),
    count: packets.length,
    ticks: Float64Array.from(packets, ({ timestamp }) => timestamp),
    markers: Uint8Array.from(packets, ({ marker }) => (marker ? 0x80 : 0)),
  };
}

export interface PacerOutput<Source> {
  /** A packet of the stream's script is due now: `timestamp` modulo 2^32 as a signed number, `sequence` modulo 2^16. */
  packet(stream: number, compiled: CompiledScript<Source>, packet: number, sequence: number, timestamp: number, lateMs: number): void;
  /** Something else of the stream that `wakeAt` asked for. */
  wake(stream: number, nowMs: number): void;
  /** So many packets were left out, because their time had long passed. */
  skipped(count: number): void;
}

export interface PacedStream<Source> {
  readonly compiled: CompiledScript<Source> | null;
  /** Streams of one group are handed over together: what they send on. A small integer. */
  readonly group: number;
  readonly startMs: number;
  readonly firstSequence: number;
  readonly firstTimestamp: number;
}

export class Pacer<Source> {
  readonly #output: PacerOutput<Source>;
  /** Two entries a stream: its script, and whatever else it waits for. */
  readonly #wheel: Wheel;
  readonly #scripts: (CompiledScript<Source> | null)[] = [];
  #doubles = new Float64Array(0);
  #ints = new Int32Array(0);
  #groupHead = new Int32Array(0);
  readonly #dueGroups: number[] = [];
  #nowMs: number;

  constructor(nowMs: number, output: PacerOutput<Source>) {
    this.#wheel = new Wheel(nowMs);
    this.#output = output;
    this.#nowMs = nowMs;
  }

  open(stream: number, { compiled, group, startMs, firstSequence, firstTimestamp }: PacedStream<Source>): void {
    if ((stream + 1) * INTS > this.#ints.length) this.#growStreams(stream + 1);
    if (group >= this.#groupHead.length) {
      const heads = new Int32Array(Math.max(16, group * 2)).fill(NONE);
      heads.set(this.#groupHead);
      this.#groupHead = heads;
    }
    this.#scripts[stream] = compiled;
    this.#doubles.set([startMs, 0, Number.NEGATIVE_INFINITY], stream * DOUBLES);
    this.#ints.set([0, firstSequence, firstTimestamp, group, NONE], stream * INTS);
    if (compiled !== null) this.#wheel.insert(stream * 2, this.#dueMs(stream, compiled));
  }

  close(stream: number): void {
    this.#wheel.remove(stream * 2);
    this.#wheel.remove(stream * 2 + 1);
    this.#scripts[stream] = null;
  }

  /** Off: nothing is due. On: the script goes on where it would be at `nowMs`. */
  setSending(stream: number, isSending: boolean, nowMs: number): void {
    const compiled = this.#scripts[stream];
    if (compiled === null || compiled === undefined || isSending === this.#wheel.has(stream * 2)) return;
    if (!isSending) return this.#wheel.remove(stream * 2);
    this.#seek(stream, compiled, nowMs);
    this.#wheel.insert(stream * 2, this.#dueMs(stream, compiled));
  }

  /** Packets of the script that are due before `untilMs` are left out (RFC 4733: events take the place of audio). */
  setQuiet(stream: number, untilMs: number): void {
    this.#doubles[stream * DOUBLES + QUIET_UNTIL] = untilMs;
  }

  /** Calls `output.wake` once at `atMs`; never for Infinity. */
  wakeAt(stream: number, atMs: number): void {
    if (atMs < Number.POSITIVE_INFINITY) this.#wheel.insert(stream * 2 + 1, atMs);
  }

  /** For packets that are not of the script: they share its sequence. */
  takeSequence(stream: number): number {
    const at = stream * INTS + SEQUENCE;
    const sequence = this.#ints[at] as number;
    this.#ints[at] = (sequence + 1) & 0xffff;
    return sequence;
  }

  /** RTP timestamp of a moment, by the stream's clock rate; modulo 2^32 as a signed number. */
  timestampAt(stream: number, atMs: number, clockRateHz: number): number {
    const ticks = Math.round(((atMs - (this.#doubles[stream * DOUBLES + START] as number)) * clockRateHz) / 1000);
    return ((this.#ints[stream * INTS + TIMESTAMP] as number) + ticks) | 0;
  }

  /** Hands over what is due. Returns when to come again: Infinity when nothing waits. */
  advance(nowMs: number): number {
    this.#nowMs = nowMs;
    this.#wheel.advance(nowMs, this.#collect);
    for (let at = 0; at < this.#dueGroups.length; at++) {
      const group = this.#dueGroups[at] as number;
      let stream = this.#groupHead[group] as number;
      this.#groupHead[group] = NONE;
      while (stream !== NONE) {
        const next = this.#ints[stream * INTS + NEXT_OF_GROUP] as number;
        this.#send(stream, nowMs);
        stream = next;
      }
    }
    this.#dueGroups.length = 0;
    return this.#wheel.quietUntilMs(HORIZON_MS);
  }

  readonly #collect = (entry: number): void => {
    const stream = entry >> 1;
    if ((entry & 1) === 1) return this.#output.wake(stream, this.#nowMs);
    const group = this.#ints[stream * INTS + GROUP] as number;
    const head = this.#groupHead[group] as number;
    if (head === NONE) this.#dueGroups.push(group);
    this.#ints[stream * INTS + NEXT_OF_GROUP] = head;
    this.#groupHead[group] = stream;
  };

  #send(stream: number, nowMs: number): void {
    const compiled = this.#scripts[stream];
    // Closed by another packet's callback of this very turn.
    if (compiled === null || compiled === undefined) return;
    let dueMs = this.#dueMs(stream, compiled);
    if (nowMs - dueMs > SKIP_MS) {
      const before = this.#ordinal(stream, compiled);
      this.#seek(stream, compiled, nowMs - SKIP_MS);
      this.#output.skipped(this.#ordinal(stream, compiled) - before);
      dueMs = this.#dueMs(stream, compiled);
    }
    const [ints, doubles] = [this.#ints, this.#doubles];
    const at = stream * INTS;
    while (dueMs <= nowMs) {
      const index = ints[at + INDEX] as number;
      const cycle = doubles[stream * DOUBLES + CYCLE] as number;
      if (index + 1 < compiled.count) ints[at + INDEX] = index + 1;
      else {
        ints[at + INDEX] = 0;
        doubles[stream * DOUBLES + CYCLE] = cycle + 1;
      }
      if (dueMs >= (doubles[stream * DOUBLES + QUIET_UNTIL] as number)) {
        const sequence = ints[at + SEQUENCE] as number;
        ints[at + SEQUENCE] = (sequence + 1) & 0xffff;
        const ticks = Math.round(cycle * compiled.cycleTicks) + (compiled.ticks[index] as number);
        this.#output.packet(stream, compiled, index, sequence, ((ints[at + TIMESTAMP] as number) + ticks) | 0, nowMs - dueMs);
      }
      dueMs = this.#dueMs(stream, compiled);
    }
    this.#wheel.insert(stream * 2, dueMs);
  }

  #dueMs(stream: number, { cycleMs, dueMs }: CompiledScript<Source>): number {
    const at = stream * DOUBLES;
    const startMs = (this.#doubles[at + START] as number) + (this.#doubles[at + CYCLE] as number) * cycleMs;
    return startMs + (dueMs[this.#ints[stream * INTS + INDEX] as number] as number);
  }

  #ordinal(stream: number, { count }: CompiledScript<Source>): number {
    return (this.#doubles[stream * DOUBLES + CYCLE] as number) * count + (this.#ints[stream * INTS + INDEX] as number);
  }

  /** To the first packet that is due at or after `atMs`. */
  #seek(stream: number, { count, cycleMs, dueMs }: CompiledScript<Source>, atMs: number): void {
    const sinceMs = Math.max(0, atMs - (this.#doubles[stream * DOUBLES + START] as number));
    const cycle = Math.floor(sinceMs / cycleMs);
    const index = dueMs.findIndex((due) => due >= sinceMs - cycle * cycleMs);
    this.#doubles[stream * DOUBLES + CYCLE] = index < 0 || index >= count ? cycle + 1 : cycle;
    this.#ints[stream * INTS + INDEX] = Math.max(0, index);
  }

  #growStreams(count: number): void {
    const size = Math.max(64, 2 ** Math.ceil(Math.log2(count)));
    const [doubles, ints] = [new Float64Array(size * DOUBLES), new Int32Array(size * INTS)];
    doubles.set(this.#doubles);
    ints.set(this.#ints);
    this.#doubles = doubles;
    this.#ints = ints;
  }
}
