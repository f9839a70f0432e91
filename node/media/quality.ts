// One stream's quality, interval by interval: loss, jitter, bit rate and MOS of every five seconds (aligned to the stream's start), and of what is left
// at its end when that is a second or more.
//
// Two things are not blamed on the target. When the kernel dropped packets at our own socket during the interval (SO_RXQ_OVFL), its loss and MOS are
// not recorded; the generator's health says so instead. And an interval in which nothing came gives bit rate 0, but no loss and no MOS: silence and
// loss look alike until the next packet, whose number then tells what is missing, and the loss counts in the interval that it arrives in.

import { mosOf } from './emodel.ts';
import type { MediaSeries } from './engine-types.ts';
import type { ReceiveTable } from './receive-stats.ts';

/** A shorter rest has too few packets for a share. */
const REST_MS_MIN = 1_000;

export interface QualityInit {
  readonly table: ReceiveTable;
  readonly row: number;
  readonly series: MediaSeries;
  readonly codec: string | null;
  readonly expectedBitsPerSecond: number | null;
}

export interface IntervalFacts {
  readonly atMs: number;
  /** Of the stream so far: bytes on the wire (modulo 2^32), and packets dropped at its socket. */
  readonly bytes: number;
  readonly socketDrops: number;
  readonly roundTripMs: number | null;
}

export class QualityMeter {
  readonly #init: QualityInit;
  #startMs = 0;
  #expected = 0;
  #received = 0;
  #bytes = 0;
  #socketDrops = 0;
  #mosMin: number | null = null;

  constructor(init: QualityInit) {
    this.#init = init;
  }

  get mosMin(): number | null {
    return this.#mosMin;
  }

  /** Measuring begins, or begins again after hold. */
  begin({ atMs, bytes, socketDrops }: IntervalFacts): void {
    const { table, row } = this.#init;
    this.#startMs = atMs;
    this.#expected = table.expected(row);
    this.#received = table.received(row);
    this.#bytes = bytes;
    this.#socketDrops = socketDrops;
  }

  /** Records the interval that ends now, and begins the next. */
  end(facts: IntervalFacts): void {
    this.#record(facts);
    this.begin(facts);
  }

  /** Records what there is of an interval that ends before its time. */
  endEarly(facts: IntervalFacts): void {
    if (facts.atMs - this.#startMs >= REST_MS_MIN) this.end(facts);
  }

  #record({ atMs, bytes, socketDrops, roundTripMs }: IntervalFacts): void {
    const { table, row, series, codec, expectedBitsPerSecond } = this.#init;
    const elapsedMs = atMs - this.#startMs;
    if (elapsedMs <= 0) return;
    if (expectedBitsPerSecond !== null)
      series.bitrateShare.record((((bytes - this.#bytes) >>> 0) * 8000) / elapsedMs / expectedBitsPerSecond);
    const expected = table.expected(row) - this.#expected;
    const received = table.received(row) - this.#received;
    if (received === 0) return;
    const jitterMs = table.jitterMs(row);
    series.jitterMs.record(jitterMs);
    if (socketDrops !== this.#socketDrops || expected <= 0) return;
    // What came late out of an earlier interval makes up for what is missing of this one.
    const lost = Math.max(0, expected - received);
    if (lost > 0) series.lost.add(true, lost);
    series.lost.add(false, expected - lost);
    series.lossShare.record(lost / expected);
    if (codec === null) return;
    const mos = mosOf({ codec, lossShare: lost / expected, oneWayDelayMs: (roundTripMs ?? 0) / 2, jitterMs });
    if (mos === null) return;
    series.mos.record(mos);
    if (this.#mosMin === null || mos < this.#mosMin) this.#mosMin = mos;
  }
}
