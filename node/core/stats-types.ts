// Statistics as data: what endpoints record, what a worker hands to its node each second, and what a window carries to the coordinator.
// stats.ts folds, encodes and merges them. Latencies are milliseconds as floats at the API and are counted from when a thing was DUE (P8).

/** trend = histogram; counter = sum; rate = share of true among all; gauge = last/min/max of a level (summed over nodes, never averaged). */
export type MetricKind = 'trend' | 'counter' | 'rate' | 'gauge';
export type MetricUnit = 'ms' | 'bytes' | 'count' | 'percent' | 'bps' | 'mos' | 'usd';

export interface MetricDeclaration {
  /** k6-like snake case, e.g. http_req_duration. */
  readonly name: string;
  readonly kind: MetricKind;
  readonly unit: MetricUnit;
  readonly help: string;
  /** Tags this metric may carry beside `group`. */
  readonly tags?: readonly string[];
}

/** Low-cardinality labels. `group` is always set by the worker. Distinct series are bounded per worker (overflow goes to {overflow:true} and is counted). */
export type Tags = Readonly<Record<string, string>>;

/** What an endpoint calls. Cheap: resolve a series once, record often. */
export interface Recorder {
  trend(metric: string, tags?: Tags): { record(value: number): void };
  counter(metric: string, tags?: Tags): { add(n: number): void };
  /** `count` samples at once; 1 when left out. */
  rate(metric: string, tags?: Tags): { add(pass: boolean, count?: number): void };
  gauge(metric: string, tags?: Tags): { set(value: number): void; add(delta: number): void };
}

/** Merged or mergeable state of one series over some span. */
export type SeriesData =
  | {
      readonly kind: 'trend';
      readonly histogram: Uint8Array;
      readonly count: number;
      readonly sum: number;
      readonly min: number;
      readonly max: number;
    }
  | { readonly kind: 'counter'; readonly sum: number }
  | { readonly kind: 'rate'; readonly pass: number; readonly total: number }
  | { readonly kind: 'gauge'; readonly last: number; readonly min: number; readonly max: number };

export interface Series {
  readonly metric: string;
  readonly tags: Tags;
  readonly data: SeriesData;
}

/** Errors with cause, bounded in distinct keys: "http_req timeout group=viewers" -> 17. Target faults and generator faults are told apart. */
export interface ErrorCount {
  readonly side: 'target' | 'generator';
  readonly group: string;
  /** Stable short cause: connect-refused, reset, timeout, status-503, check-failed:NAME, garbage, dns, simulator-crashed ... */
  readonly cause: string;
  readonly count: number;
  /** One sample message, at most 200 characters. */
  readonly example: string;
}

/** P8: the ruler measures itself. */
export interface GeneratorHealth {
  /** Share of one core used by node + workers in this second, e.g. 1.4. */
  readonly cpuCores: number;
  readonly memoryMb: number;
  /** Highest event-loop delay of node process and of any worker, ms. */
  readonly loopDelayMsMax: number;
  /** p99 of (started - due) over everything started in this second, ms. */
  readonly latenessMsP99: number;
  readonly socketDrops: number;
  /** Reasons why this window's measurements are not to be trusted; empty = clean. */
  readonly tainted: readonly string[];
}

/** One second of one node: numbered from 1 without gaps, idempotent by (node, number). */
export interface Window {
  readonly number: number;
  /** Swarm time of its start (ms); equals node time while no coordinator is known. */
  readonly startMs: number;
  readonly durationMs: number;
  readonly series: readonly Series[];
  readonly errors: readonly ErrorCount[];
  readonly health: GeneratorHealth;
  /** Per group: endpoints owned (planned by owned shards at this time), active now, started and stopped in this second; with the claim ids they ran under. */
  readonly load: readonly GroupLoad[];
}

export interface GroupLoad {
  readonly group: string;
  readonly owned: number;
  readonly active: number;
  readonly started: number;
  readonly finished: number;
  readonly failed: number;
  /** shard.epoch of the claims that produced this load: the verdict counts only winners'. */
  readonly claims: readonly string[];
}
