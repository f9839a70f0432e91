// The summary of a run folder, made again from its windows and facts (P6), never copied from summary.json. Of a run whose coordinator was lost before it could judge there are
// windows but no facts: then what the windows tell is made into a summary, and said to be partial.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Aggregate, absorb, claimKey, createAggregate } from '../core/aggregate.ts';
import { fail, ok, type Result } from '../core/errors.ts';
import type { Manifest } from '../core/messages.ts';
import { type PlaceRules, placeMetrics } from '../core/places.ts';
import { plannedFromCurve } from '../core/planned.ts';
import { summarize } from '../core/summary.ts';
import { withArtifacts } from '../core/summary-artifacts.ts';
import type { SavedFacts, SummaryFacts } from '../core/summary-facts.ts';
import type { Summary } from '../core/summary-types.ts';
import type { PlannedAt } from '../core/timeline-report.ts';
import { decodeWindow } from '../core/window-codec.ts';
import { loadEndpointTypes } from '../runtime/registry.ts';
import { RUN_FILES, readWindows } from '../runtime/run-folder.ts';

export interface RebuiltReport {
  readonly summary: Summary;
  readonly aggregate: Aggregate;
  /** False when facts.json is missing. */
  readonly isWhole: boolean;
  readonly unreadableWindows: number;
  readonly t0SwarmMs: number;
  /** From the curve that was kept; null where none was. */
  readonly plannedAt: PlannedAt | null;
}

function readJson<T>(path: string): T | null {
  if (!existsSync(path)) return null;
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch {
    return null;
  }
}

function placesOf({ nodes, types }: SummaryFacts): PlaceRules {
  const labels = new Map(nodes.map((node) => [node.node, node.labels]));
  const kept = new Set(placeMetrics(types));
  return { labelsOf: (node) => labels.get(node) ?? {}, isKept: (metric) => kept.has(metric) };
}

function foldWindows(folder: string, known: SavedFacts | null): { aggregate: Aggregate; unreadable: number } {
  const lost = new Set(known?.claimsLost ?? []);
  const isWinner = (claimId: string, node: string): boolean => !lost.has(claimKey(claimId, node));
  const aggregate = createAggregate({ isWinner, ...(known === null ? {} : { places: placesOf(known.facts) }) });
  let unreadable = 0;
  for (const { node, frame } of readWindows(folder)) {
    const window = decodeWindow(frame.payload);
    if (window.ok) absorb(aggregate, node, { ...window.value, number: frame.number });
    else unreadable += 1;
  }
  return { aggregate, unreadable };
}

/** What can be said of a run that nobody judged. */
async function partialFacts(folder: string, aggregate: Aggregate): Promise<SummaryFacts> {
  const manifest = readJson<Manifest>(join(folder, RUN_FILES.manifest));
  const types = [...(await loadEndpointTypes()).values()].map(({ type, metrics }) => ({ type, metrics }));
  const hasWindows = Number.isFinite(aggregate.oldestStartMs);
  return {
    runId: manifest?.runId ?? 'unknown',
    scenario: manifest?.scenarioName ?? folder,
    version: '',
    planHash: manifest?.planHash ?? '',
    tags: {},
    startedWallMs: manifest?.submittedWallMs ?? null,
    t0SwarmMs: hasWindows ? aggregate.oldestStartMs : null,
    endSwarmMs: hasWindows ? aggregate.newestStartMs + 1000 : null,
    plannedDurationMs: 0,
    end: 'coordinator-lost',
    endMessage: 'nobody judged this run: thresholds and planned load are unknown here',
    onNodeLoss: manifest?.onNodeLoss ?? { kind: 'reassign' },
    groups: [...aggregate.groups.keys()].sort().map((group) => ({ group, type: '', livesDue: 0, activePeakPlanned: 0 })),
    meetingsPlanned: 0,
    meetingsProvisioned: 0,
    plannedCurve: { stepMs: 0, total: [] },
    types,
    thresholds: [],
    nodes: [...aggregate.nodes.keys()].sort().map((node) => ({
      node,
      name: node.slice(-8),
      role: 'load',
      state: 'finished',
      isCoordinator: false,
      labels: {},
      cores: 0,
      windowLast: 0,
    })),
    missing: [],
    events: [],
    contractBreaks: 0,
    teardownFailures: 0,
    faultsNotReverted: 0,
    startSkewMsP99: null,
    files: [{ what: 'run folder', path: folder }],
  };
}

function stretchOf({ t0SwarmMs, endSwarmMs, plannedCurve }: SummaryFacts): Pick<RebuiltReport, 't0SwarmMs' | 'plannedAt'> {
  const endMs = t0SwarmMs === null || endSwarmMs === null ? Number.POSITIVE_INFINITY : endSwarmMs - t0SwarmMs;
  return { t0SwarmMs: t0SwarmMs ?? 0, plannedAt: plannedFromCurve(plannedCurve, endMs) };
}

/** The summary of a run folder, from its windows. */
export async function rebuildReport(folder: string): Promise<Result<RebuiltReport>> {
  if (!existsSync(join(folder, RUN_FILES.windows))) {
    return fail({
      code: 'QUILT_NO_WINDOWS',
      message: `${folder} holds no windows of a run`,
      hint: `name a run folder: it has a ${RUN_FILES.windows}`,
    });
  }
  const saved = readJson<SavedFacts>(join(folder, RUN_FILES.facts));
  const known = saved?.factsVersion === 1 ? saved : null;
  const { aggregate, unreadable } = foldWindows(folder, known);
  const facts = known?.facts ?? (await partialFacts(folder, aggregate));
  const summarized = summarize(aggregate, facts);
  const summary = known?.artifacts === undefined ? summarized : withArtifacts(summarized, known.artifacts);
  return ok({ summary, aggregate, isWhole: known !== null, unreadableWindows: unreadable, ...stretchOf(facts) });
}
