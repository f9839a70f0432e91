// What is counted for each packet of a group, until the next flush hands it to the group's series: plain numbers of one object, because a series
// costs a call through the recorder each time. And how late packets left, over all streams of the engine, which says whether the generator kept up.

import type { MediaSeries } from './engine-types.ts';

export class SeriesCounts {
  readonly series: MediaSeries;
  packetsSent = 0;
  bytesSent = 0;
  packetsReceived = 0;
  bytesReceived = 0;
  reordered = 0;
  duplicates = 0;
  readonly #rejected = new Map<string, number>();

  constructor(series: MediaSeries) {
    this.series = series;
  }

  reject(kind: string): void {
    this.#rejected.set(kind, (this.#rejected.get(kind) ?? 0) + 1);
  }

  flush(): void {
    const { series } = this;
    series.packetsSent.add(this.packetsSent);
    series.bytesSent.add(this.bytesSent);
    series.packetsReceived.add(this.packetsReceived);
    series.bytesReceived.add(this.bytesReceived);
    series.reordered.add(this.reordered);
    series.duplicates.add(this.duplicates);
    for (const [kind, count] of this.#rejected) series.rejected(kind, count);
    this.#rejected.clear();
    this.packetsSent = 0;
    this.bytesSent = 0;
    this.packetsReceived = 0;
    this.bytesReceived = 0;
    this.reordered = 0;
    this.duplicates = 0;
  }
}

/** Quarters of a millisecond, to 100 ms; the last one holds whatever is later. */
const BUCKETS_PER_MS = 4;
const BUCKETS = 401;

export class LatenessMeter {
  readonly #buckets = new Uint32Array(BUCKETS);
  #count = 0;

  add(lateMs: number): void {
    const bucket = Math.min(BUCKETS - 1, (lateMs * BUCKETS_PER_MS) | 0);
    this.#buckets[bucket] = (this.#buckets[bucket] as number) + 1;
    this.#count += 1;
  }

  /** Upper edge of the bucket that holds the percentile (0 to 100), ms, of all since the last call; 0 when there was nothing. */
  takePercentile(percentile: number): number {
    const wanted = (this.#count * percentile) / 100;
    let seen = 0;
    let bucket = 0;
    while (this.#count > 0 && bucket < BUCKETS) {
      seen += this.#buckets[bucket++] as number;
      if (seen >= wanted) break;
    }
    this.#buckets.fill(0);
    this.#count = 0;
    return bucket / BUCKETS_PER_MS;
  }
}
