// What a receiver knows of each stream by its sequence numbers, timestamps and arrival times: validation and probation (RFC 3550, A.1), expected and
// lost (A.3), jitter (A.8), and beyond the RFC duplicates and disorder by a window of 64 packets. All streams are rows of two typed arrays, so a
// packet costs a few loads and stores and no allocation. Pure: whose packet it is, and what is done with the numbers, is decided elsewhere.
//
// Differences from the RFC's sample code, each towards what was really received: the packets of probation count once it is passed; duplicates do
// not count as received; a packet that overtook the first one widens what is expected; what was lost before a restart stays lost.

/** A.1: a larger step forward is no loss but another beginning; a larger step back no disorder. */
export const DROPOUT_MAX = 3_000;
export const MISORDER_MAX = 100;
/** Packets back that are told from duplicates; older ones, up to MISORDER_MAX, are too late for any use. */
export const WINDOW = 64;
/** A timestamp that moves this much against the clock is a new beginning (another source behind the same SSRC), not jitter. */
const DISCONTINUITY_MS = 10_000;
/**
 * Silence longer than so many packet times is a gap. A packet time is the smallest step of the timestamps, because the packets of a video frame share
 * one; never below that of telephony's packets, because nobody hears or sees what is shorter than three of those.
 */
const GAP_PACKETS = 3;
const PACKET_MS_MIN = 20;
const JITTER_GAIN = 1 / 16;

/** What became of a packet. */
export const ACCEPTED = 0;
/** On probation: counted as soon as the next one follows it. */
export const ON_PROBATION = 1;
export const DUPLICATE = 2;
/** So late that it counts as lost, and cannot be told from a duplicate. */
export const TOO_LATE = 3;
/** Out of any order; the next one decides whether it is another beginning. */
export const OUT_OF_RANGE = 4;
/** The second packet of probation: both are accepted, and the stream is valid. */
export const VALIDATED = 5;
/** Accepted, as the second packet of another beginning. */
export const RESTARTED = 6;
/** The packet that was on probation is given up for this one. */
export const PROBATION_FAILED = 7;
/** Accepted, behind a later one. */
export const REORDERED = 8;

const MAX = 0;
const CYCLES = 1;
const BAD = 2;
const STATE = 3;
const SEEN_LOW = 4;
const SEEN_HIGH = 5;
const LAST_TIMESTAMP = 6;
const STEP = 7;
const RECEIVED_COUNT = 8;
const REORDERED_COUNT = 9;
const DUPLICATE_COUNT = 10;
const LATE_COUNT = 11;
const CLOCK_RATE = 12;
const INTS = 16;

const LAST_ARRIVAL = 0;
const JITTER = 1;
/** Extended number of the first packet of the current beginning. */
const BASE = 2;
/** Expected of earlier beginnings. */
const EXPECTED_BEFORE = 3;
const DOUBLES = 4;

const EMPTY = 0;
const PROBATION = 1;
const VALID = 2;

export class ReceiveTable {
  #ints = new Int32Array(0);
  #doubles = new Float64Array(0);
  /** Silence that the last accepted packet ended, ms; 0 when it was none worth telling. */
  gapMs = 0;
  /** After VALIDATED: when the first of the two packets came. */
  firstMs = 0;

  /** Begins a row anew. */
  open(row: number, clockRateHz: number): void {
    if ((row + 1) * INTS > this.#ints.length) {
      const rows = Math.max(64, 2 ** Math.ceil(Math.log2(row + 1)));
      const ints = new Int32Array(rows * INTS);
      const doubles = new Float64Array(rows * DOUBLES);
      ints.set(this.#ints);
      doubles.set(this.#doubles);
      this.#ints = ints;
      this.#doubles = doubles;
    }
    this.#ints.fill(0, row * INTS, (row + 1) * INTS);
    this.#doubles.fill(0, row * DOUBLES, (row + 1) * DOUBLES);
    this.#ints[row * INTS + CLOCK_RATE] = clockRateHz;
    this.#ints[row * INTS + BAD] = -1;
  }

  /**
   * A packet of this row's source. `hasTiming`: false for packets whose timestamps stand still while time goes on (telephone-events); they count in
   * everything but jitter and gaps.
   */
  receive(row: number, sequence: number, timestamp: number, atMs: number, hasTiming: boolean): number {
    const ints = this.#ints;
    const at = row * INTS;
    this.gapMs = 0;
    const state = ints[at + STATE] as number;
    if (state !== VALID) return this.#prove(row, state, sequence, timestamp, atMs);
    const ahead = (sequence - (ints[at + MAX] as number)) & 0xffff;
    let outcome = ACCEPTED;
    if (ahead === 0) return this.#duplicate(at);
    if (ahead < DROPOUT_MAX) {
      if (sequence < (ints[at + MAX] as number)) ints[at + CYCLES] = (ints[at + CYCLES] as number) + 1;
      ints[at + MAX] = sequence;
      this.#shiftWindow(at, ahead);
    } else if (ahead <= 0x1_0000 - MISORDER_MAX) {
      if (sequence !== ints[at + BAD]) {
        ints[at + BAD] = (sequence + 1) & 0xffff;
        return OUT_OF_RANGE;
      }
      this.restart(row);
      this.#begin(row, sequence, timestamp, atMs);
      ints[at + STATE] = VALID;
      ints[at + RECEIVED_COUNT] = (ints[at + RECEIVED_COUNT] as number) + 1;
      return RESTARTED;
    } else {
      outcome = this.#behind(row, 0x1_0000 - ahead);
      if (outcome !== REORDERED) return outcome;
    }
    ints[at + RECEIVED_COUNT] = (ints[at + RECEIVED_COUNT] as number) + 1;
    if (hasTiming) this.#time(row, timestamp, atMs);
    return outcome;
  }

  /** What comes next is another beginning (a new SSRC, or after hold): what was counted stays. */
  restart(row: number): void {
    this.#doubles[row * DOUBLES + EXPECTED_BEFORE] = this.expected(row);
    this.#ints[row * INTS + STATE] = EMPTY;
  }

  #prove(row: number, state: number, sequence: number, timestamp: number, atMs: number): number {
    const ints = this.#ints;
    const at = row * INTS;
    if (state === PROBATION && sequence === (((ints[at + MAX] as number) + 1) & 0xffff)) {
      if (sequence === 0) ints[at + CYCLES] = 1;
      ints[at + MAX] = sequence;
      ints[at + SEEN_LOW] = 3;
      ints[at + STATE] = VALID;
      ints[at + RECEIVED_COUNT] = (ints[at + RECEIVED_COUNT] as number) + 2;
      this.firstMs = this.lastArrivalMs(row);
      this.#time(row, timestamp, atMs);
      return VALIDATED;
    }
    this.#begin(row, sequence, timestamp, atMs);
    ints[at + STATE] = PROBATION;
    return state === PROBATION ? PROBATION_FAILED : ON_PROBATION;
  }

  #begin(row: number, sequence: number, timestamp: number, atMs: number): void {
    const ints = this.#ints;
    const at = row * INTS;
    ints[at + MAX] = sequence;
    ints[at + CYCLES] = 0;
    ints[at + BAD] = -1;
    ints[at + SEEN_LOW] = 1;
    ints[at + SEEN_HIGH] = 0;
    ints[at + LAST_TIMESTAMP] = timestamp;
    this.#doubles[row * DOUBLES + LAST_ARRIVAL] = atMs;
    this.#doubles[row * DOUBLES + BASE] = sequence;
  }

  #shiftWindow(at: number, by: number): void {
    const ints = this.#ints;
    const low = ints[at + SEEN_LOW] as number;
    const high = ints[at + SEEN_HIGH] as number;
    if (by < 32) {
      ints[at + SEEN_HIGH] = (high << by) | (low >>> (32 - by));
      ints[at + SEEN_LOW] = (low << by) | 1;
    } else {
      ints[at + SEEN_HIGH] = by === 32 ? low : by < WINDOW ? low << (by - 32) : 0;
      ints[at + SEEN_LOW] = 1;
    }
  }

  /** A packet `back` places behind the newest: one that was missing, or a duplicate. */
  #behind(row: number, back: number): number {
    const ints = this.#ints;
    const at = row * INTS;
    if (back >= WINDOW) {
      ints[at + LATE_COUNT] = (ints[at + LATE_COUNT] as number) + 1;
      return TOO_LATE;
    }
    const word = at + (back < 32 ? SEEN_LOW : SEEN_HIGH);
    const bit = 1 << (back & 31);
    if (((ints[word] as number) & bit) !== 0) return this.#duplicate(at);
    ints[word] = (ints[word] as number) | bit;
    ints[at + REORDERED_COUNT] = (ints[at + REORDERED_COUNT] as number) + 1;
    const extended = this.highestSequence(row) - back;
    const doubles = this.#doubles;
    if (extended < (doubles[row * DOUBLES + BASE] as number)) doubles[row * DOUBLES + BASE] = extended;
    return REORDERED;
  }

  #duplicate(at: number): number {
    this.#ints[at + DUPLICATE_COUNT] = (this.#ints[at + DUPLICATE_COUNT] as number) + 1;
    return DUPLICATE;
  }

  /** Jitter by A.8 from the difference of two packets' transit times, and silences. */
  #time(row: number, timestamp: number, atMs: number): void {
    const ints = this.#ints;
    const doubles = this.#doubles;
    const at = row * INTS;
    const double = row * DOUBLES;
    const ticksPerMs = (ints[at + CLOCK_RATE] as number) / 1000;
    const elapsedMs = atMs - (doubles[double + LAST_ARRIVAL] as number);
    const steps = (timestamp - (ints[at + LAST_TIMESTAMP] as number)) | 0;
    const difference = Math.abs(elapsedMs * ticksPerMs - steps);
    if (difference < DISCONTINUITY_MS * ticksPerMs) {
      const jitter = doubles[double + JITTER] as number;
      doubles[double + JITTER] = jitter + (difference - jitter) * JITTER_GAIN;
    }
    const step = ints[at + STEP] as number;
    if (steps > 0 && (step === 0 || steps < step)) ints[at + STEP] = steps;
    if (step > 0 && elapsedMs > GAP_PACKETS * Math.max(PACKET_MS_MIN, step / ticksPerMs)) this.gapMs = elapsedMs;
    ints[at + LAST_TIMESTAMP] = timestamp;
    doubles[double + LAST_ARRIVAL] = atMs;
  }

  isValid(row: number): boolean {
    return this.#ints[row * INTS + STATE] === VALID;
  }

  /** Extended by cycles, of the current beginning (6.4.1); 0 before the first valid packet. */
  highestSequence(row: number): number {
    const at = row * INTS;
    return (this.#ints[at + CYCLES] as number) * 0x1_0000 + (this.#ints[at + MAX] as number);
  }

  /** Over all beginnings. */
  expected(row: number): number {
    const before = this.#doubles[row * DOUBLES + EXPECTED_BEFORE] as number;
    return this.isValid(row) ? before + this.highestSequence(row) - (this.#doubles[row * DOUBLES + BASE] as number) + 1 : before;
  }

  /** Each packet once. */
  received(row: number): number {
    return this.#ints[row * INTS + RECEIVED_COUNT] as number;
  }

  reordered(row: number): number {
    return this.#ints[row * INTS + REORDERED_COUNT] as number;
  }

  duplicates(row: number): number {
    return this.#ints[row * INTS + DUPLICATE_COUNT] as number;
  }

  tooLate(row: number): number {
    return this.#ints[row * INTS + LATE_COUNT] as number;
  }

  jitterTicks(row: number): number {
    return this.#doubles[row * DOUBLES + JITTER] as number;
  }

  jitterMs(row: number): number {
    return (this.jitterTicks(row) * 1000) / (this.#ints[row * INTS + CLOCK_RATE] as number);
  }

  /** Of the last packet with timing, accepted or on probation; 0 when none came. */
  lastArrivalMs(row: number): number {
    return this.#doubles[row * DOUBLES + LAST_ARRIVAL] as number;
  }
}
