// Digits that a stream still has to send: telephone-events (wire/dtmf.ts) with their clock times, one string of digits behind the other. Sending them,
// and keeping audio back meanwhile, is the stream's matter.

import { dtmfDurationMs, dtmfPackets } from '../wire/dtmf.ts';

/** What telephones do: long enough for any detector (ITU-T Q.24 asks for 40 ms of each). */
const DURATION_MS = 100;
const GAP_MS = 60;
const PTIME_MS = 20;

export interface DuePacket {
  readonly dueMs: number;
  /** Modulo 2^32. */
  readonly timestamp: number;
  readonly marker: boolean;
  readonly payload: Uint8Array;
}

export interface DigitTiming {
  readonly nowMs: number;
  readonly durationMs?: number | undefined;
  readonly gapMs?: number | undefined;
  readonly ptimeMs?: number | undefined;
  readonly clockRateHz: number;
  /** RTP timestamp of a clock time. */
  readonly timestampAt: (atMs: number) => number;
}

export class DigitQueue {
  #due: DuePacket[] = [];
  #endMs = Number.NEGATIVE_INFINITY;

  /** Behind what waits already; returns the clock time at which the last digit ends. */
  add(digits: string, timing: DigitTiming): number {
    const { nowMs, durationMs = DURATION_MS, gapMs = GAP_MS, ptimeMs = PTIME_MS, clockRateHz, timestampAt } = timing;
    const startMs = Math.max(nowMs, this.#endMs + gapMs);
    const base = timestampAt(startMs);
    for (const { offsetMs, timestampOffset, marker, payload } of dtmfPackets(digits, { clockRateHz, durationMs, gapMs, ptimeMs }))
      this.#due.push({ dueMs: startMs + offsetMs, timestamp: base + timestampOffset, marker, payload });
    this.#endMs = startMs + dtmfDurationMs(digits, { durationMs, gapMs });
    return this.#endMs;
  }

  /** Packets whose time has come, in order; they wait no more. */
  takeDue(nowMs: number): DuePacket[] {
    const rest = this.#due.findIndex(({ dueMs }) => dueMs > nowMs);
    return this.#due.splice(0, rest < 0 ? this.#due.length : rest);
  }

  /** Infinity when nothing waits. */
  get nextMs(): number {
    return this.#due[0]?.dueMs ?? Number.POSITIVE_INFINITY;
  }

  /** Audio has to be silent until then: the end of the last digit with its repeated packets. */
  get quietUntilMs(): number {
    return Math.max(this.#endMs, (this.#due.at(-1)?.dueMs ?? this.#endMs) + 1);
  }
}
