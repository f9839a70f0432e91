// The run by the second as the page holds it: one Float32Array a column (seven digits are enough for a picture; times have all), all of the same capacity, which grows by half when it is
// full. A second appends one number to each column and copies nothing; views are subarrays. NaN = nothing recorded. Points may be sent again, late or in between; those of the same `atMs`
// are put over the old ones.

import type { HeatMap, TimelineMessage } from '../../protocol.ts';

const SEPARATOR = '\u001f';
const CAPACITY_FIRST = 1024;
const GROWTH = 1.5;
const ROOM = 1.1;

export type LoadColumn = 'owned' | 'active' | 'started' | 'failed' | 'planned';
export type MetricColumn = 'perS' | 'p50' | 'p95' | 'p99' | 'max' | 'share';
const loadColumns = ['planned', 'owned', 'active', 'started', 'failed'] as const;
const metricColumns = ['perS', 'p50', 'p95', 'p99', 'max', 'share'] as const;

export const loadKey = (group: string, column: LoadColumn): string => ['load', group, column].join(SEPARATOR);
export const metricKey = (metric: string, group: string, column: MetricColumn): string => ['metric', metric, group, column].join(SEPARATOR);

/** The group under which percentiles, shares and heat maps of all groups are. */
export const ALL = '*';

export interface CauseSeries {
  readonly side: 'target' | 'generator';
  readonly group: string;
  readonly cause: string;
}

export const causeKey = ({ side, group, cause }: CauseSeries): string => ['cause', side, group, cause].join(SEPARATOR);

export interface MetricSeries {
  readonly metric: string;
  readonly group: string;
  readonly kind: 'trend' | 'counter' | 'rate';
}

interface Heat {
  readonly boundsMs: readonly number[];
  /** Row after row: counts of all bands of a point. */
  counts: Float32Array;
}

export class History {
  length = 0;
  stepMs = 1000;
  /** Grows with each change: who has drawn this version needs not draw again. */
  version = 0;
  #times = new Float64Array(CAPACITY_FIRST);
  readonly #columns = new Map<string, Float32Array>();
  readonly #heats = new Map<string, Heat>();
  readonly #metrics = new Map<string, MetricSeries>();
  readonly #groups = new Set<string>();
  readonly #causes = new Map<string, CauseSeries>();

  get times(): Float64Array {
    return this.#times.subarray(0, this.length);
  }

  get groups(): string[] {
    return [...this.#groups];
  }

  get metrics(): MetricSeries[] {
    return [...this.#metrics.values()];
  }

  get heatMetrics(): string[] {
    return [...new Set([...this.#heats.keys()].map((key) => key.slice(0, key.indexOf(SEPARATOR))))];
  }

  get causes(): CauseSeries[] {
    return [...this.#causes.values()];
  }

  /** Groups that have a heat map of this metric. */
  heatGroups(metric: string): string[] {
    const all = [...this.#heats.keys()].filter((key) => key.startsWith(metric + SEPARATOR));
    return all.map((key) => key.slice(metric.length + 1)).filter((group) => group !== ALL);
  }

  get bytes(): number {
    let bytes = this.#times.byteLength;
    for (const column of this.#columns.values()) bytes += column.byteLength;
    for (const { counts } of this.#heats.values()) bytes += counts.byteLength;
    return bytes;
  }

  /** A view, valid until the next change. */
  column(key: string): Float32Array | null {
    return this.#columns.get(key)?.subarray(0, this.length) ?? null;
  }

  /** Counts of all points, `bands` for each; a view, valid until the next change. */
  heat(metric: string, group = ALL): { boundsMs: readonly number[]; bands: number; counts: Float32Array } | null {
    const heat = this.#heats.get(metric + SEPARATOR + group) ?? (group === ALL ? this.#onlyHeat(metric) : undefined);
    if (heat === undefined) return null;
    const bands = heat.boundsMs.length + 1;
    return { boundsMs: heat.boundsMs, bands, counts: heat.counts.subarray(0, this.length * bands) };
  }

  clear(): void {
    this.length = 0;
    this.#times = new Float64Array(CAPACITY_FIRST);
    for (const map of [this.#columns, this.#heats, this.#metrics, this.#causes]) map.clear();
    this.#groups.clear();
    this.version += 1;
  }

  apply({ isWhole, timeline, heat }: TimelineMessage): void {
    if (isWhole) this.clear();
    this.#write(timeline, heat);
    this.version += 1;
  }

  /** Last point that is not after `atMs`; -1 = before all. */
  indexAt(atMs: number): number {
    let [low, high] = [0, this.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#times[middle] ?? 0) <= atMs) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #write(timeline: TimelineMessage['timeline'], heats: readonly HeatMap[]): void {
    this.stepMs = timeline.stepMs;
    // The whole of a long run at once: one step, and not one after the other.
    if (this.length === 0 && timeline.atMs.length > this.#times.length) this.#grow(Math.ceil(timeline.atMs.length * ROOM));
    const indexes = timeline.atMs.map((atMs) => this.#place(atMs));
    const put = (key: string, values: readonly (number | null)[] | undefined): void => {
      if (values === undefined) return;
      const column = this.#columnOf(key);
      for (let row = 0; row < indexes.length; row++) column[indexes[row] as number] = values[row] ?? Number.NaN;
    };
    for (const group of timeline.groups) {
      this.#groups.add(group.group);
      for (const name of loadColumns) put(loadKey(group.group, name), group[name]);
    }
    for (const series of timeline.metrics) {
      const { metric, group, kind } = series;
      this.#metrics.set(metric + SEPARATOR + group, { metric, group, kind });
      for (const name of metricColumns) put(metricKey(metric, group, name), series[name]);
    }
    for (const series of timeline.overall ?? []) for (const name of metricColumns) put(metricKey(series.metric, ALL, name), series[name]);
    this.#writeCauses(timeline.causes ?? [], indexes);
    this.#writeHeats(heats, indexes);
  }

  /** What is not told had no errors, and that is known. */
  #writeCauses(causes: NonNullable<TimelineMessage['timeline']['causes']>, indexes: readonly number[]): void {
    for (const { side, group, cause } of causes) {
      const key = causeKey({ side, group, cause });
      if (this.#causes.has(key)) continue;
      this.#causes.set(key, { side, group, cause });
      this.#columnOf(key).fill(0, 0, this.length);
    }
    for (const key of this.#causes.keys()) {
      const column = this.#columnOf(key);
      for (const index of indexes) column[index] = 0;
    }
    for (const { perS, ...series } of causes) {
      const column = this.#columnOf(causeKey(series));
      for (let row = 0; row < indexes.length; row++) column[indexes[row] as number] = perS[row] ?? 0;
    }
  }

  #writeHeats(heats: readonly HeatMap[], indexes: readonly number[]): void {
    for (const { metric, group, boundsMs, rows } of heats) {
      const bands = boundsMs.length + 1;
      const { counts } = this.#heatOf(metric + SEPARATOR + group, boundsMs);
      rows.forEach(([first = 0, ...row], at) => {
        const start = (indexes[at] as number) * bands;
        counts.fill(0, start, start + bands);
        counts.set(row, start + first);
      });
    }
    for (const metric of new Set(heats.map((heat) => heat.metric))) this.#sumHeats(metric, indexes);
  }

  /** Of all groups, where there are several: what is drawn most often is not added up at each drawing. */
  #sumHeats(metric: string, indexes: readonly number[]): void {
    const parts = this.heatGroups(metric).flatMap((group) => this.#heats.get(metric + SEPARATOR + group) ?? []);
    const [first] = parts;
    if (first === undefined || parts.length < 2) return;
    const key = metric + SEPARATOR + ALL;
    const isNew = !this.#heats.has(key);
    const { boundsMs, counts } = this.#heatOf(key, first.boundsMs);
    const bands = boundsMs.length + 1;
    const points = isNew ? Array.from({ length: this.length }, (_, index) => index) : indexes;
    for (const index of points) {
      for (let at = index * bands; at < (index + 1) * bands; at++)
        counts[at] = parts.reduce((sum, part) => sum + (part.counts[at] as number), 0);
    }
  }

  #onlyHeat(metric: string): Heat | undefined {
    const [only] = this.heatGroups(metric);
    return only === undefined ? undefined : this.#heats.get(metric + SEPARATOR + only);
  }

  /** Index of the point of this moment, made where it is missing. */
  #place(atMs: number): number {
    const before = this.indexAt(atMs);
    if (before >= 0 && this.#times[before] === atMs) return before;
    if (this.length === this.#times.length) this.#grow(Math.ceil(this.#times.length * GROWTH));
    const index = before + 1;
    if (index < this.length) this.#shift(index);
    this.#times[index] = atMs;
    this.length += 1;
    return index;
  }

  /** Makes room for a point in between: rare, when a window came late. */
  #shift(index: number): void {
    this.#times.copyWithin(index + 1, index, this.length);
    for (const column of this.#columns.values()) {
      column.copyWithin(index + 1, index, this.length);
      column[index] = Number.NaN;
    }
    for (const { boundsMs, counts } of this.#heats.values()) {
      const bands = boundsMs.length + 1;
      counts.copyWithin((index + 1) * bands, index * bands, this.length * bands);
      counts.fill(0, index * bands, (index + 1) * bands);
    }
  }

  /** Room for so many points; what is added is empty. */
  #grow(capacity: number): void {
    const times = new Float64Array(capacity).fill(Number.NaN);
    times.set(this.#times);
    this.#times = times;
    for (const [key, old] of this.#columns) {
      const column = new Float32Array(capacity).fill(Number.NaN);
      column.set(old);
      this.#columns.set(key, column);
    }
    for (const heat of this.#heats.values()) {
      const counts = new Float32Array(capacity * (heat.boundsMs.length + 1));
      counts.set(heat.counts);
      heat.counts = counts;
    }
  }

  #columnOf(key: string): Float32Array {
    let column = this.#columns.get(key);
    if (column === undefined) {
      column = new Float32Array(this.#times.length).fill(Number.NaN);
      this.#columns.set(key, column);
    }
    return column;
  }

  #heatOf(key: string, boundsMs: readonly number[]): Heat {
    let heat = this.#heats.get(key);
    if (heat === undefined || heat.boundsMs.length !== boundsMs.length) {
      heat = { boundsMs, counts: new Float32Array(this.#times.length * (boundsMs.length + 1)) };
      this.#heats.set(key, heat);
    }
    return heat;
  }
}
