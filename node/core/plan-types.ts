// The plan as data: what the scenario becomes by arithmetic, the same on every node. plan.ts computes it from a validated scenario;
// assign.ts places its shards; workers expand their own shards into endpoint lives. Times are milliseconds from T0 (swarm time).

/** Index into Plan.shards. Dense, 0-based. */
export type ShardId = number;

export interface Shard {
  readonly id: ShardId;
  /** `meetings`: provision meetings [first, first+count). `endpoints`: the stripe of a group. */
  readonly kind: 'meetings' | 'endpoints';
  /** Endpoint type ('http', 'websocket', 'exec', ...); for meeting shards 'http'. A node must list it among its types. */
  readonly type: string;
  /** Index into the scenario's groups (endpoints) or -1 (meetings). */
  readonly groupIndex: number;
  /** endpoints: this shard is stripe `stripe` of `stripes`: endpoint slots i of the group with i % stripes === stripe. meetings: 0 of 1. */
  readonly stripe: number;
  readonly stripes: number;
  /** meetings: the range of meeting indexes. endpoints: unused, 0. */
  readonly meetingFirst: number;
  readonly meetingCount: number;
  /** Endpoint lives in this shard (endpoints) or meetings (meetings), before any `scale` order. */
  readonly count: number;
  /** Highest number of simultaneously active endpoints in this shard. */
  readonly activeMax: number;
  /** Declared cost at the peak, in thousandths of a core (endpoint type's cost x activeMax). At least 1. */
  readonly costMillicores: number;
  /** When its first endpoint starts and its last one stops, ms from T0. Meetings: 0 and planned end. */
  readonly startMs: number;
  readonly stopMs: number;
  /** endpoints: whether its endpoints need meeting entries before they can start. */
  readonly needsMeetings: boolean;
  /** Labels a node must carry, e.g. { region: 'eu' }; empty = anywhere. */
  readonly constraints: Readonly<Record<string, string>>;
}

/** What the core and every node need to know; computed by plan.ts from scenario + variables. */
export interface Plan {
  /** sha-256 hex over the canonical plan content: equal on all nodes or the run does not start. */
  readonly hash: string;
  readonly shards: readonly Shard[];
  readonly meetingCount: number;
  /** Endpoint lives in all, and the highest number of simultaneously active ones. */
  readonly endpointCount: number;
  readonly activeMax: number;
  /** When the last endpoint has stopped, ms from T0. */
  readonly durationMs: number;
  /** How long endpoints may take to leave gracefully after their stop or a drain. */
  readonly gracefulStopMs: number;
  /** Re-claimed endpoints restart at most at this rate for the whole swarm, per second (the load shape's own steepest planned ramp). */
  readonly restartRatePerS: number;
}

/** One life of one endpoint slot: it starts and stops at these times (ms from T0). Produced per shard, ordered by startMs. */
export interface EndpointLife {
  readonly groupIndex: number;
  /** Slot within the group, 0-based; keyed randomness, data rows and meetings derive from it. */
  readonly endpointIndex: number;
  /** Which life of that slot (sawtooth, churn: leave and rejoin), 0-based. */
  readonly lifeIndex: number;
  /** Meeting index or -1. */
  readonly meetingIndex: number;
  /** Index into the group's data rows or -1. */
  readonly dataRow: number;
  readonly startMs: number;
  readonly stopMs: number;
}

/** An operator's order to run another number of endpoints from a moment on: `factor` multiplies the group's planned curve. */
export interface ScaleOrder {
  /** Group name, or '*' for all. */
  readonly group: string;
  /** Multiplies the planned number from `atMs` (ms from T0) on. 0 <= factor <= 100. */
  readonly factor: number;
  readonly atMs: number;
}
