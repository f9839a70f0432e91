// What the console's page and its server say to each other (version 1): types only, shared by both, documented for scripts by /api/v1/openapi.json. Times are milliseconds; `at` from
// T0 unless the name says wall. Everything that names, logs or scenarios can hold is hostile text, and is shown as text.

/** GET /api/v1/nodes/{node}/log */
export type { LogTail } from '../../node/runtime/node-status.ts';

import type { NoteRow } from '../../node/core/notes.ts';
import type { PlaceLatency } from '../../node/core/places.ts';
import type { BoardView, Summary, ThresholdResult, TimelineReport } from '../../node/core/summary-types.ts';

export const CONSOLE_PROTOCOL = 1;

/** GET /api/v1/session: who is looking, at what. */
export interface SessionView {
  readonly protocol: typeof CONSOLE_PROTOCOL;
  readonly version: string;
  /** watch: a running swarm, with a ticket or inside a run. catapult: no swarm yet; scenarios can be planned and started here. */
  readonly mode: 'watch' | 'catapult';
  readonly swarmId: string | null;
  /** Holds the operator's key, and this session may use it. */
  readonly canSteer: boolean;
  /** Why not: the link only reads, or this console has no operator's key; null = it can. */
  readonly watchesBecause: 'link' | 'key' | null;
  /** May edit and start scenarios on this machine. */
  readonly canStart: boolean;
}

export interface NodeRow {
  readonly node: string;
  readonly name: string;
  readonly role: 'load' | 'witness';
  readonly state: 'candidate' | 'live' | 'lost' | 'left';
  readonly isCoordinator: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly cores: number;
  readonly shards: number;
  /** Active endpoints in its last window; null = no window yet. */
  readonly active: number | null;
  /** In the whole run, and errors of the target as this node counted them. */
  readonly started: number | null;
  readonly failed: number | null;
  readonly errors: number | null;
  readonly cpuCores: number | null;
  readonly memoryMb: number | null;
  readonly loopDelayMs: number | null;
  readonly latenessMs: number | null;
  /** Reasons why its last window is not to be trusted. */
  readonly tainted: readonly string[];
  readonly windowLast: number;
  /** How old its last window is. */
  readonly ageMs: number | null;
}

/** Who owns what, by shard id. */
export interface ShardMap {
  /** Index into `nodes`; -1 = nobody. */
  readonly owners: readonly number[];
  readonly epochs: readonly number[];
  /** Index into `board.groups`; -1 = meetings. */
  readonly groups: readonly number[];
  /** What moved in the last minute: whose it was (index into `nodes`, -1 = unknown), and how long ago. */
  readonly moved: readonly { readonly shard: number; readonly from: number; readonly agoMs: number }[];
}

/** `atMs` from T0; before it negative. What of them lasted is told by `bandsOf` (node/core/notes.ts). */
export interface EventRow extends NoteRow {
  readonly level: 'info' | 'warning' | 'error';
}

/** Once a second. */
export interface LiveState {
  readonly atWallMs: number;
  readonly runId: string | null;
  readonly scenario: string;
  readonly sinceT0Ms: number | null;
  readonly coordinator: string | null;
  readonly term: number;
  readonly board: BoardView;
  readonly nodes: readonly NodeRow[];
  readonly shards: ShardMap;
  readonly thresholds: readonly ThresholdResult[];
  /** By vendor and by region, where nodes differ in them. */
  readonly latencyByPlace: readonly PlaceLatency[];
  /** Factor of the whole load now, 1 = as planned. */
  readonly factor: number;
}

/** GET /api/v1/status */
export interface StateView extends LiveState {
  /** The newest. */
  readonly events: readonly EventRow[];
}

/** What happened: all of it at first, then only what is new. All again where older notes or another T0 came to be known. */
export interface EventsMessage {
  readonly type: 'events';
  readonly isWhole: boolean;
  readonly events: readonly EventRow[];
}

/** Latency of one group over time as a picture: counts by column of `timeline.atMs` and by band. All groups together are their sum. */
export interface HeatMap {
  readonly metric: string;
  readonly group: string;
  /** Upper bounds of the bands, ms, ascending; the last band is open. */
  readonly boundsMs: readonly number[];
  /** One row for each point of the timeline: the first band with a count, then the counts from there on; empty = none. */
  readonly rows: readonly (readonly number[])[];
}

/** The run by the second: whole at first, then only points that are new or changed, to be put over those of the same `atMs`. */
export interface TimelineMessage {
  readonly type: 'timeline';
  readonly isWhole: boolean;
  readonly timeline: TimelineReport;
  readonly heat: readonly HeatMap[];
}

/** The swarm does not answer. Unless its run is over it is asked again; what was sent before stays true of the moment when it was last heard. */
export interface AwayMessage {
  readonly type: 'away';
  readonly message: string;
  /** When it answered last; null = never. */
  readonly heardWallMs: number | null;
  /** The run was ending when it was last heard, or is known to be over: nothing new will come. A report may not have been had in time. */
  readonly isOver: boolean;
}

/** On the socket /api/v1/live. */
export type LiveMessage =
  | { readonly type: 'state'; readonly state: LiveState }
  | EventsMessage
  | TimelineMessage
  | AwayMessage
  /** The run is over, and this is its report. */
  | { readonly type: 'report'; readonly summary: Summary };

/** POST /api/v1/orders, with canSteer. The answer names the command that does the same. */
export type OrderRequest =
  | { readonly order: 'stop'; readonly mode: 'drain' | 'now' }
  | { readonly order: 'scale'; readonly group: string; readonly factor: number };

/** Everything that was done or would be done: as a line for a terminal. */
export interface Done {
  readonly command: string;
}

export interface ProblemView {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
  readonly line: number | null;
  readonly column: number | null;
  readonly key: string | null;
}

/** GET /api/v1/scenarios */
export interface ScenarioRow {
  /** Relative to the folder that the console was started in. */
  readonly path: string;
  readonly name: string;
  readonly description: string;
  readonly isValid: boolean;
}

/** POST /api/v1/plan {text, path, variables, nodes}: problems, or what would run. */
export type PlanView =
  | { readonly ok: false; readonly problems: readonly ProblemView[]; readonly command: string }
  | {
      readonly ok: true;
      readonly command: string;
      /** Values that the scenario declares, with what they are now. */
      readonly variables: Readonly<Record<string, string>>;
      readonly durationMs: number;
      readonly endpointCount: number;
      readonly activeMax: number;
      readonly meetingCount: number;
      readonly shardCount: number;
      readonly groups: readonly { readonly name: string; readonly type: string; readonly peak: number; readonly cores: number }[];
      readonly curve: { readonly stepMs: number; readonly total: readonly number[] };
      readonly nodes: readonly {
        readonly name: string;
        readonly shards: number;
        readonly peak: number;
        readonly cores: number;
        readonly capacityCores: number;
      }[];
      readonly thresholds: readonly string[];
      readonly targets: readonly string[];
      /** Why some of the load has no place; empty = it fits. */
      readonly unplaceable: readonly string[];
    };

/** GET /api/v1/runs, newest first. */
export interface RunRow {
  /** Name of its folder. */
  readonly id: string;
  readonly scenario: string;
  readonly startedWallMs: number | null;
  readonly durationMs: number;
  readonly verdict: 'pass' | 'fail' | 'tainted' | 'running' | 'unknown';
  readonly exitCode: number | null;
  readonly reason: string;
}

/** POST /api/v1/runs {path, variables, nodes}: starts `quilt-swarm run`, and the console watches it. */
export interface StartRequest {
  readonly path: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly nodes: number;
}
