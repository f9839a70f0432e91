// What the console's page and its server say to each other (version 1): types only, shared by both, documented for scripts by /api/v1/openapi.json. Times are milliseconds; `at` from
// T0 unless the name says wall. Everything that names, logs or scenarios can hold is hostile text, and is shown as text.

/** GET /api/v1/nodes/{node}/log */
export type { LogTail } from '../../node/runtime/node-status.ts';

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
  /** May edit and start scenarios on this machine. */
  readonly canStart: boolean;
  /** May hand out links that only read. */
  readonly canShare: boolean;
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
}

export interface EventRow {
  /** From T0; before it negative. */
  readonly atMs: number;
  readonly level: 'info' | 'warning' | 'error';
  readonly text: string;
}

/** Orders to one group so far, in their result. */
export interface GroupFactor {
  readonly group: string;
  /** Of the planned load, as it was ordered last; 1 = as planned, 0 = paused. */
  readonly factor: number;
  /** The last one that was not 0: what Resume goes back to. */
  readonly resumeFactor: number;
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
  readonly events: readonly EventRow[];
  /** Factor of the whole load now, 1 = as planned. */
  readonly factor: number;
  /** One for each group of the scenario. */
  readonly factors: readonly GroupFactor[];
}

/** Latency over time as a picture: counts by column of `timeline.atMs` and by band. */
export interface HeatMap {
  readonly metric: string;
  /** Upper bounds of the bands, ms, ascending; the last band is open. */
  readonly boundsMs: readonly number[];
  /** One row of counts for each point of the timeline. */
  readonly rows: readonly (readonly number[])[];
}

/** The run by the second: whole at first, then only points that are new or changed, to be put over those of the same `atMs`. */
export interface TimelineMessage {
  readonly type: 'timeline';
  readonly isWhole: boolean;
  readonly timeline: TimelineReport;
  readonly heat: readonly HeatMap[];
}

/** On the socket /api/v1/live. */
export type LiveMessage =
  | { readonly type: 'state'; readonly state: LiveState }
  | TimelineMessage
  /** The swarm does not answer; it is asked again. */
  | { readonly type: 'away'; readonly message: string }
  /** The run is over, and this is its report. */
  | { readonly type: 'report'; readonly summary: Summary }
  /** What this console started last, whenever there is something new about it; for operators. */
  | { readonly type: 'started'; readonly started: StartedView };

/** A process that this console started: what it does before its run can be watched, and whatever else it says. */
export interface StartedView {
  readonly command: string;
  readonly verb: 'run' | 'launch';
  readonly isRunning: boolean;
  /** Null while it runs, or where a signal ended it. */
  readonly exitCode: number | null;
  /** The last lines on its standard error, oldest first. */
  readonly said: readonly string[];
  /** Name of its run folder, once there is one. */
  readonly run: string | null;
  /** It ended without a run to look at: `said` has why. */
  readonly hasFailed: boolean;
}

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

/** GET /api/v1/clouds: where machines can be rented. */
export interface CloudRow {
  readonly name: string;
  readonly summary: string;
  readonly hasSpot: boolean;
  /** Those that have prices; others are taken too, and cost what nobody here knows. */
  readonly regions: readonly { readonly region: string; readonly machineTypes: readonly string[] }[];
  /** Why nothing can be rented there now: no credentials; null = nothing is in the way. */
  readonly problem: ProblemView | null;
}

/** Machines of a launch, in the words of `launch`. */
export interface MachinesRequest {
  /** CLOUD:REGION:TYPE=N, as --on takes it. */
  readonly on: readonly string[];
  /** Instead: CLOUD:REGION, as --mix takes it. */
  readonly mix: readonly string[];
  readonly spotSharePercent: number;
  /** --host: where the machines reach this computer; null for those that are on it. */
  readonly host: string | null;
  readonly maxCostUsd: number | null;
}

export interface VendorCost {
  readonly cloud: string;
  readonly machines: number;
  readonly machinesUsd: number;
  readonly addressesUsd: number;
  readonly trafficUsd: number;
  readonly totalUsd: number;
}

/** As `plan --on` reckons it. */
export interface CostView {
  readonly vendors: readonly VendorCost[];
  readonly totalUsd: number;
  readonly usdPerHour: number;
  /** How long each machine is expected to be paid for. */
  readonly runMs: number;
  /** Sentences: what has no price, and comes on top. */
  readonly missing: readonly string[];
  readonly notes: readonly string[];
  /** The same as the terminal says it. */
  readonly lines: readonly string[];
}

export interface MachinesPlan {
  /** The machines as --on words: those that were named, or those of the mix. */
  readonly on: readonly string[];
  /** Null where the words cannot be read. */
  readonly cost: CostView | null;
  /** Why a launch would be refused. */
  readonly problems: readonly ProblemView[];
}

/** POST /api/v1/plan {text, path, variables, nodes, machines?}: problems, or what would run. */
export type PlanView =
  | { readonly ok: false; readonly problems: readonly ProblemView[]; readonly command: string }
  | {
      readonly ok: true;
      readonly command: string;
      /** The line that starts it. */
      readonly start: string;
      /** Values that the scenario declares, with what they are now. */
      readonly variables: Readonly<Record<string, string>>;
      /** What the scenario says of them, where it does. */
      readonly descriptions: Readonly<Record<string, string>>;
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
      /** Null where nothing is rented. */
      readonly machines: MachinesPlan | null;
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
  /** Whether it is known how it was started, so that it can be started again. */
  readonly isKept: boolean;
}

/** POST /api/v1/runs {path, variables, nodes, machines?, agreedUsd?}: starts `quilt-swarm run`, or `launch` where there are machines, and the console watches it. */
export interface StartRequest {
  readonly path: string;
  readonly variables: Readonly<Record<string, string>>;
  /** Of a local swarm. */
  readonly nodes: number;
  readonly machines?: MachinesRequest;
  /** What the person who starts it saw as its cost: a launch that costs more is refused. */
  readonly agreedUsd?: number;
}

/** GET /api/v1/runs/{id}/again, for operators, since its words may hold secrets: how a run was started. POST {agreedUsd?} starts the same once more. */
export interface AgainView {
  readonly command: string;
  /** As Catapult's form has it. */
  readonly request: StartRequest;
  /** Words of the command that the form has no field for; starting again keeps them. */
  readonly more: readonly string[];
  /** The scenario's file is another than that run had, or gone. */
  readonly isChanged: boolean;
  /** Null where nothing is rented, or cannot be reckoned now. */
  readonly cost: CostView | null;
  /** Why it would be refused now. */
  readonly problems: readonly ProblemView[];
}

/** POST /api/v1/share: a link that only reads. */
export interface ShareView extends Done {
  readonly link: string;
}
