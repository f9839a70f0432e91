// What the summary needs beside the statistics: facts about the run that the runtime reads from the log's view, the scenario and the plan.
// Times named swarmMs are the coordinator's clock; the summary turns them into milliseconds from T0.

import type { Aggregate } from './aggregate.ts';
import type { MissingWindows } from './events.ts';
import type { EndReason, NodeId, NodeLossPolicy } from './messages.ts';
import type { Note } from './notes.ts';
import type { MetricDeclaration, Tags } from './stats-types.ts';
import type { ArtifactsSummary, FileSummary } from './summary-types.ts';
import type { Threshold } from './threshold-syntax.ts';

export interface GroupFacts {
  readonly group: string;
  readonly type: string;
  /** Endpoint lives due from T0 to the end of the load (the whole plan for a completed run), under scale orders. */
  readonly livesDue: number;
  /** Highest planned number of active endpoints up to the end. */
  readonly activePeakPlanned: number;
}

export interface NodeFacts {
  readonly node: NodeId;
  /** Short name for people. */
  readonly name: string;
  readonly role: 'load' | 'witness';
  readonly state: 'finished' | 'lost' | 'left';
  readonly isCoordinator: boolean;
  readonly labels: Tags;
  readonly cores: number;
  /** From its done entry; 0 when it never said. */
  readonly windowLast: number;
  /** Swarm time of its `down`, for lost nodes: bounds the length of the gap it left. */
  readonly lostAtSwarmMs?: number | null;
}

export interface EventFacts extends Pick<Note, 'level' | 'text'>, Partial<Pick<Note, 'kind' | 'spans'>> {
  readonly atSwarmMs: number;
}

/** Metrics of one endpoint type, in the order it declares them; the first trend is its main latency. */
export interface TypeMetrics {
  readonly type: string;
  readonly metrics: readonly MetricDeclaration[];
}

export interface SummaryFacts {
  readonly runId: string;
  readonly scenario: string;
  readonly version: string;
  readonly planHash: string;
  readonly tags: Tags;
  readonly startedWallMs: number | null;
  /** T0 and the end of the load, in swarm time; null when the run never started. */
  readonly t0SwarmMs: number | null;
  readonly endSwarmMs: number | null;
  readonly plannedDurationMs: number;
  readonly end: EndReason;
  readonly endMessage: string;
  readonly onNodeLoss: NodeLossPolicy;
  readonly groups: readonly GroupFacts[];
  readonly meetingsPlanned: number;
  readonly meetingsProvisioned: number;
  /** Planned active endpoints at evenly spaced moments from T0 (planned.ts, `curve`); empty is allowed. */
  readonly plannedCurve: {
    readonly stepMs: number;
    readonly total: readonly number[];
    readonly groups?: readonly { readonly name: string; readonly active: readonly number[] }[];
  };
  /** Metrics by endpoint type used in the run; built-in metrics are added by the summary. */
  readonly types: readonly TypeMetrics[];
  readonly thresholds: readonly Threshold[];
  readonly nodes: readonly NodeFacts[];
  readonly missing: readonly MissingWindows[];
  readonly events: readonly EventFacts[];
  readonly contractBreaks: number;
  readonly teardownFailures: number;
  readonly faultsNotReverted: number;
  readonly startSkewMsP99: number | null;
  /** Null = no limit; left out by runs before there was one. */
  readonly costUsdMax?: number | null;
  readonly files: readonly FileSummary[];
}

/** facts.json: with it and the stored windows, the summary can be made again by anybody (P6). Plain data; JSON keeps all of it. */
export interface SavedFacts {
  readonly factsVersion: 1;
  readonly facts: SummaryFacts;
  /** Claims whose samples did not count, as `claimId node`: who won is read from the log, which `report` need not fold. */
  readonly claimsLost: readonly string[];
  /** Known only after the report was written: the last node had to upload first. */
  readonly artifacts?: ArtifactsSummary;
}

export function savedFacts(facts: SummaryFacts, aggregate: Pick<Aggregate, 'claimsJudged'>): SavedFacts {
  const claimsLost = [...aggregate.claimsJudged].filter(([, { isWinner }]) => !isWinner).map(([key]) => key);
  return { factsVersion: 1, facts, claimsLost: claimsLost.sort() };
}
