// summary.json: the result of a run as one typed, versioned document. Everything the terminal shows at the end is in it, so that `report` and
// `compare` need no other source. Units last in names; times are milliseconds from T0 unless the name says wall; percentiles come from merged
// histograms. Additions keep the version; a changed meaning or a removed field raises it.

import type { ExitCode, ExitName } from './errors.ts';
import type { EndReason } from './messages.ts';
import type { NoteRow } from './notes.ts';
import type { Spending } from './spending.ts';
import type { MetricKind, MetricUnit, Tags } from './stats-types.ts';

export const SUMMARY_VERSION = 1;

export interface Summary {
  readonly summaryVersion: typeof SUMMARY_VERSION;
  readonly run: RunSummary;
  readonly verdict: Verdict;
  readonly thresholds: readonly ThresholdResult[];
  readonly load: LoadSummary;
  readonly categories: readonly CategorySummary[];
  readonly errors: ErrorsSummary;
  readonly nodes: readonly NodeSummary[];
  /** By vendor and by region, where nodes differ in them. */
  readonly places: readonly PlaceSummary[];
  readonly events: readonly EventSummary[];
  readonly integrity: IntegritySummary;
  /** What it cost by the machines' price tables; null where no machine has a price and no limit was given. */
  readonly spending: Spending | null;
  readonly files: readonly FileSummary[];
  /** Absent when the run had no artifact store. */
  readonly artifacts?: ArtifactsSummary;
}

export interface RunSummary {
  readonly runId: string;
  readonly scenario: string;
  readonly version: string;
  readonly planHash: string;
  readonly tags: Tags;
  /** Wall clock of T0; null when the run never started. */
  readonly startedWallMs: number | null;
  /** From T0 to the end of the load; 0 when it never started. */
  readonly durationMs: number;
  readonly plannedDurationMs: number;
  readonly end: EndReason;
  readonly endMessage: string;
}

export interface Verdict {
  /** tainted: the run ended as planned, but its figures are not a measurement of the target. */
  readonly verdict: 'pass' | 'fail' | 'tainted';
  readonly exit: ExitName;
  readonly exitCode: ExitCode;
  /** The first reason decided the exit; the others also hold. Empty for a pass without remarks. */
  readonly reasons: readonly Reason[];
}

export interface Reason {
  readonly code: string;
  readonly message: string;
  /** note: worth knowing, changes nothing. */
  readonly level: 'fail' | 'taint' | 'note';
}

export interface ThresholdResult {
  /** As written: `http_req_duration{group:viewers}` and `p(95)<200`. */
  readonly selector: string;
  readonly expression: string;
  readonly unit: MetricUnit;
  /** What was measured; null = no samples. Rates are shares from 0 to 1. */
  readonly observed: number | null;
  readonly limit: number;
  readonly state: 'pass' | 'fail' | 'no-samples';
  readonly abortOnFail: boolean;
}

/** Planned: what the plan says. Owned: what nodes had claimed. Active and started: what really ran (P4). */
export interface LoadSummary {
  readonly groups: readonly GroupSummary[];
  readonly total: GroupSummary;
  /** Active endpoints over the run, planned and delivered, at evenly spaced moments: for a small picture. */
  readonly curve: { readonly stepMs: number; readonly planned: readonly number[]; readonly active: readonly number[] };
  readonly meetingsPlanned: number;
  readonly meetingsProvisioned: number;
}

export interface GroupSummary {
  readonly group: string;
  readonly type: string;
  /** Endpoint lives that the plan had due before the run ended. */
  readonly livesDue: number;
  readonly started: number;
  readonly finished: number;
  readonly failed: number;
  readonly activePeakPlanned: number;
  readonly ownedPeak: number;
  readonly activePeak: number;
}

export interface CategorySummary {
  /** http, websocket, exec ..., endpoints, checks, other. */
  readonly category: string;
  readonly metrics: readonly MetricSummary[];
}

export interface MetricSummary {
  readonly metric: string;
  /** The tags that set this line apart; empty for the whole metric. */
  readonly tags: Tags;
  readonly kind: MetricKind;
  readonly unit: MetricUnit;
  readonly help: string;
  readonly values: MetricValues;
  /** The same by group, when there is more than one. */
  readonly groups: readonly { readonly group: string; readonly values: MetricValues }[];
}

export type MetricValues =
  | {
      readonly kind: 'trend';
      readonly count: number;
      readonly ratePerS: number;
      readonly avg: number;
      readonly min: number;
      readonly p50: number;
      readonly p90: number;
      readonly p95: number;
      readonly p99: number;
      readonly max: number;
    }
  | { readonly kind: 'counter'; readonly sum: number; readonly ratePerS: number }
  | { readonly kind: 'rate'; readonly pass: number; readonly total: number }
  | { readonly kind: 'gauge'; readonly value: number; readonly min: number; readonly max: number };

export interface ErrorsSummary {
  readonly targetTotal: number;
  readonly generatorTotal: number;
  /** Most frequent first. */
  readonly causes: readonly {
    readonly side: 'target' | 'generator';
    readonly group: string;
    readonly cause: string;
    readonly count: number;
    readonly example: string;
  }[];
}

export interface NodeSummary {
  readonly node: string;
  /** Short name for people: a label or the last characters of the id. */
  readonly name: string;
  readonly role: 'load' | 'witness';
  readonly state: 'finished' | 'lost' | 'left';
  readonly isCoordinator: boolean;
  readonly labels: Tags;
  readonly cores: number;
  readonly windows: number;
  readonly windowsTainted: number;
  readonly started: number | null;
  readonly cpuCoresMean: number;
  readonly cpuCoresMax: number;
  readonly memoryMbMax: number;
  readonly loopDelayMsMax: number;
  readonly latenessMsP99Max: number;
  readonly socketDrops: number;
}

export interface PlaceSummary {
  readonly label: 'vendor' | 'region';
  readonly value: string;
  /** Load nodes with this label. */
  readonly nodes: number;
  readonly nodesLost: number;
  readonly started: number;
  readonly finished: number;
  readonly failed: number;
  readonly errorsTarget: number;
  readonly errorsGenerator: number;
  readonly windows: number;
  readonly windowsTainted: number;
  readonly metrics: readonly { readonly metric: string; readonly unit: MetricUnit; readonly values: MetricValues }[];
}

/** With notes.ts, `bandsOf`, these are the bands of a picture over time. Kinds are left out by runs before notes had them. */
export interface EventSummary extends NoteRow {
  readonly level: 'info' | 'warning' | 'error';
}

/** P6 and P8 in figures. */
export interface IntegritySummary {
  readonly windows: number;
  readonly duplicates: number;
  readonly windowsTainted: number;
  /** Of windows that carried load, 0 to 1. */
  readonly taintedShare: number;
  readonly taintedReasons: Readonly<Record<string, number>>;
  readonly gaps: readonly {
    readonly node: string;
    readonly name: string;
    readonly from: number;
    readonly to: number | null;
    readonly seconds: number | null;
  }[];
  /** Load run under claims that lost: in no figure of this summary. */
  readonly discardedWindows: number;
  readonly discardedStarted: number;
  readonly overflow: { readonly series: number; readonly errors: number; readonly outOfRange: number; readonly timeline: number };
  readonly startSkewMsP99: number | null;
}

export interface FileSummary {
  readonly what: string;
  /** Relative to the run folder, or absolute for the folder itself. */
  readonly path: string;
}

/** What the nodes left in the artifact store, as whoever wrote the report found it there. */
export interface ArtifactsSummary {
  /** As the operator wrote it. */
  readonly store: string;
  readonly files: number;
  /** Packed, as they lie in the store. */
  readonly bytes: number;
  readonly gaps: readonly {
    readonly node: string;
    readonly name: string;
    readonly kind: string;
    readonly what: string;
    readonly detail: string;
  }[];
  /** When more were found than `gaps` holds. */
  readonly gapsLeftOut: number;
  /** Why nobody could look into the store; null = it was looked into. */
  readonly problem: string | null;
}

/** timeline.json: the run by the second, as columns. Times are milliseconds from T0; null = nothing recorded. */
export interface TimelineReport {
  readonly timelineVersion: 1;
  readonly stepMs: number;
  readonly atMs: readonly number[];
  readonly groups: readonly {
    readonly group: string;
    /** What the plan wanted active, under the operator's orders. Left out where the plan is not at hand, and by runs before it was told. */
    readonly planned?: readonly number[];
    readonly owned: readonly number[];
    readonly active: readonly number[];
    readonly started: readonly number[];
    readonly failed: readonly number[];
  }[];
  readonly metrics: readonly TimelineMetric[];
  /** Trends and rates that several groups have, of all of them (group `*`): percentiles of the merged histograms, shares of all samples. */
  readonly overall?: readonly TimelineMetric[];
  /** Errors by cause; what is not here had none. */
  readonly causes?: readonly {
    readonly side: 'target' | 'generator';
    readonly group: string;
    readonly cause: string;
    readonly perS: readonly number[];
  }[];
}

export interface TimelineMetric {
  readonly metric: string;
  readonly group: string;
  readonly kind: 'trend' | 'counter' | 'rate';
  /** Samples (trend, rate) or sum (counter) a second. */
  readonly perS: readonly (number | null)[];
  /** Trends only. */
  readonly p50?: readonly (number | null)[];
  readonly p95?: readonly (number | null)[];
  readonly p99?: readonly (number | null)[];
  readonly max?: readonly (number | null)[];
  /** Rates only: share that passed. */
  readonly share?: readonly (number | null)[];
}

/** What a live board shows: made once a second by board-view.ts from the aggregate, drawn by tools/scoreboard, sent to consoles as it is. */
export interface BoardView {
  readonly boardVersion: 1;
  readonly scenario: string;
  readonly phase: 'forming' | 'claiming' | 'running' | 'draining' | 'sealed';
  /** Time since T0, or since the start while there is no T0. */
  readonly elapsedMs: number;
  readonly totalMs: number | null;
  readonly endpointsActive: number;
  readonly endpointsPlanned: number;
  /** Highest planned number of the run: the scale of the bars. */
  readonly endpointsPeak: number;
  readonly nodesLive: number;
  readonly nodesExpected: number;
  /** Short name; null while there is none. */
  readonly coordinator: string | null;
  readonly term: number;
  readonly groups: readonly BoardGroup[];
  readonly troubles: readonly BoardTrouble[];
  /** E.g. 'paused', 'load scaled to 120 %'; null for nothing special. */
  readonly note: string | null;
  /** Null where no machine has a price and no limit was given. */
  readonly spending: Spending | null;
}

export interface BoardGroup {
  readonly group: string;
  readonly type: string;
  readonly active: number;
  readonly planned: number;
  readonly peak: number;
  /** Of the group's main latency metric, over the last seconds; null = no samples. */
  readonly ratePerS: number | null;
  readonly p95Ms: number | null;
  readonly errorsPerS: number;
}

export interface BoardTrouble {
  readonly level: 'warning' | 'error';
  readonly text: string;
}
