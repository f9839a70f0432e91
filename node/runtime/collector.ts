// The coordinator's side of statistics: folds every window into the run's aggregate, asks once a second whether a threshold wants the run to end, and
// at the end writes the report. Any node can become coordinator, so any node has one; it holds nothing until it is started, and then begins with
// what its store has (own spool, custody, earlier terms). Folding is idempotent, so nothing here minds what comes twice.

import { type Aggregate, absorb, createAggregate, hasStaleClaims, hasWindow } from '../core/aggregate.ts';
import { boardView } from '../core/board-view.ts';
import { createBreaches, noteBreaches, noteFound } from '../core/breaches.ts';
import { BUILTIN_METRICS } from '../core/builtin-metrics.ts';
import type { ExitName } from '../core/errors.ts';
import type { MissingWindows } from '../core/events.ts';
import type { EndReason, NodeId, WindowFrame } from '../core/messages.ts';
import type { Note } from '../core/notes.ts';
import { highestNumber } from '../core/number-set.ts';
import { latencyMetrics, type PlaceRules, placeLatencies, placeMetrics } from '../core/places.ts';
import { mustEndFor, type Spending, spendingOf, WIND_DOWN_MS } from '../core/spending.ts';
import type { NodeState } from '../core/state.ts';
import type { Window } from '../core/stats-types.ts';
import { summarize } from '../core/summary.ts';
import { withArtifacts } from '../core/summary-artifacts.ts';
import { type SavedFacts, savedFacts } from '../core/summary-facts.ts';
import type { ArtifactsSummary, BoardView, Summary, ThresholdResult, TimelineReport } from '../core/summary-types.ts';
import { abortingThreshold, type EvaluationFacts, evaluateThresholds } from '../core/threshold-eval.ts';
import { completeUntilMs, type HeatColumns, heatColumns, timelineReport } from '../core/timeline-report.ts';
import { formatUsd } from '../core/units.ts';
import { decodeWindow } from '../core/window-codec.ts';
import { isClaimWinner } from './claim-winner.ts';
import type { RuntimeClock, RuntimeLog, RuntimeStore } from './components.ts';
import type { LoadedRun } from './load-run.ts';
import type { EventDraft } from './loop.ts';
import type { EventNote } from './node-names.ts';
import type { LiveFacts, NodeHealth } from './node-status.ts';
import { boardFacts, plannedOf, summaryFacts } from './run-facts.ts';
import { RUN_FILES, type RunFolder } from './run-folder.ts';

export interface CollectorInit {
  readonly clock: RuntimeClock;
  readonly log: RuntimeLog;
  readonly store: Pick<RuntimeStore, 'windows' | 'windowNodes'>;
  readonly runFolder: RunFolder;
  readonly state: NodeState;
  readonly run: () => LoadedRun | null;
  /** Each window that is folded; again when all are folded again. */
  readonly onMerged: (node: NodeId, window: Window) => void;
  readonly notes: readonly EventNote[];
  /** When this node, coordinating, counted others out: bounds the gaps that they left. */
  readonly lostAtSwarmMs: ReadonlyMap<NodeId, number>;
  readonly version: string;
  /** How long nodes may stay after the end to send their evidence: machines cost for so long. */
  readonly uploadMsMax: number;
  /** The summary as a person reads it. */
  readonly renderSummary: (summary: Summary) => string;
  /** What only the coordinator's statistics know: thresholds broken and met again. */
  readonly note: (note: Note) => void;
  readonly emit: (event: EventDraft) => void;
}

export interface Report {
  readonly summary: Summary;
  readonly text: string;
}
export interface LiveTimeline {
  readonly timeline: TimelineReport;
  readonly heat: readonly HeatColumns[];
}
/** What a coordinator answers. */
export interface TimelineAnswer extends LiveTimeline {
  /** Whose notes these are: as many as are kept when the whole run was asked for, else those since. */
  readonly notes: readonly EventNote[];
  readonly node: NodeId;
}
export interface JudgeInput {
  readonly reason: EndReason;
  readonly message: string;
  readonly missing: readonly MissingWindows[];
}

export interface Collector {
  start(): void;
  isCollecting(): boolean;
  add(node: NodeId, windows: readonly WindowFrame[]): void;
  /** Writes the report; tells the core. */
  judge(input: JudgeInput): void;
  /** Writes the report of a node whose run ended without a coordinator: its own windows, and what it kept of others. */
  judgeAlone(input: JudgeInput): Promise<void>;
  /** Keeps the report that another coordinator wrote. */
  adopt(report: Report): void;
  /** Adds what became of the artifacts to the report that is there. */
  amend(artifacts: ArtifactsSummary): void;
  board(): BoardView;
  live(): LiveFacts;
  /** The run by the second so far, beyond `fromMs` from T0; null while nothing is collected or T0 is not known. */
  timeline(fromMs?: number): TimelineAnswer | null;
  report(): Report | null;
  stop(): void;
}

const EVALUATE_MS = 1000;
/** Until a new coordinator has most of the windows that its predecessor had. */
const GATHER_MS = 5000;

export const createCollector = (init: CollectorInit): Collector => new Collecting(init);

class Collecting implements Collector {
  readonly #init: CollectorInit;
  #aggregate: Aggregate;
  #collecting: Promise<void> | null = null;
  #report: Report | null = null;
  #placeMetrics: ReadonlySet<string> | null = null;
  #saved: SavedFacts | null = null;
  readonly #breaches = createBreaches();
  #startedMs = Number.NEGATIVE_INFINITY;
  #hasFound = false;
  #cancelTimer: () => void = () => {};

  constructor(init: CollectorInit) {
    this.#init = init;
    this.#aggregate = createAggregate({ isWinner: this.#isWinner, places: this.#places });
  }

  readonly #isWinner = (claimId: string, node: NodeId): boolean => isClaimWinner(this.#init.state, claimId, node);

  /** Labels are the roster's; which metrics count is known when the run is loaded, and no window comes before that. */
  readonly #places: PlaceRules = {
    labelsOf: (node) => this.#init.state.facts.hellos.get(node)?.body.capabilities.labels ?? {},
    isKept: (metric) => {
      const run = this.#init.run();
      if (run !== null) this.#placeMetrics ??= new Set(placeMetrics(run.types));
      return this.#placeMetrics?.has(metric) ?? false;
    },
  };

  start(): void {
    const { log, clock } = this.#init;
    this.#startedMs = clock.nowMs();
    this.#hasFound = false;
    this.#breaches.clear();
    // Again in a later term: what was stored in between did not count then.
    this.#collecting = (this.#collecting ?? Promise.resolve()).then(() => this.#foldStore());
    this.#collecting.catch((error) => log.error({ error: String(error) }, 'stored windows not readable'));
    this.#cancelTimer();
    this.#cancelTimer = clock.after(EVALUATE_MS, () => this.#evaluate());
  }

  isCollecting(): boolean {
    return this.#collecting !== null;
  }

  add(node: NodeId, windows: readonly WindowFrame[]): void {
    const fresh = windows.filter(({ number }) => !hasWindow(this.#aggregate, node, number));
    for (const frame of fresh) {
      const window = decodeWindow(frame.payload);
      // The number that was acknowledged is the frame's; a node that lies about its own windows spoils only these.
      if (window.ok) this.#fold(node, { ...window.value, number: frame.number });
      else this.#init.log.warn({ node, number: frame.number, problems: window.problems }, 'window not readable');
    }
    this.#init.runFolder.appendWindows(node, fresh);
  }

  #fold(node: NodeId, window: Window): void {
    absorb(this.#aggregate, node, window);
    this.#init.onMerged(node, window);
  }

  async #foldStore(): Promise<void> {
    const { store } = this.#init;
    for (const node of await store.windowNodes()) this.add(node, await store.windows(node, 1, Number.MAX_SAFE_INTEGER));
  }

  #evaluation(run: LoadedRun): EvaluationFacts {
    const { clock, state } = this.#init;
    const { t0SwarmMs } = state.chain;
    const elapsedMs = t0SwarmMs === null ? 0 : Math.max(0, clock.nowMs() + state.clock.offsetMs - t0SwarmMs);
    return { elapsedMs, metrics: [...run.types.flatMap(({ metrics }) => metrics), ...BUILTIN_METRICS] };
  }

  #spending({ manifest }: LoadedRun): Spending | null {
    return spendingOf(this.#aggregate, manifest.costUsdMax ?? null);
  }

  #evaluate(): void {
    const { clock, state, emit } = this.#init;
    this.#cancelTimer = clock.after(EVALUATE_MS, () => this.#evaluate());
    const run = this.#init.run();
    if (run === null || (state.chain.phase !== 'running' && state.chain.phase !== 'claiming')) return;
    const spending = this.#spending(run);
    if (spending !== null && mustEndFor(spending, run.plan.gracefulStopMs + WIND_DOWN_MS + this.#init.uploadMsMax)) {
      const message = `${formatUsd(spending.usd)} of ${formatUsd(spending.limitUsd ?? 0)} are spent, and leaving costs the rest`;
      return emit({ type: 'abort-wanted', reason: 'cost-limit', message });
    }
    if (state.chain.phase !== 'running') return;
    const { thresholds } = run.scenario;
    this.#noteThresholds(evaluateThresholds(this.#aggregate, thresholds, this.#evaluation(run)));
    const crossed = abortingThreshold(this.#aggregate, thresholds, this.#evaluation(run));
    if (crossed === null) return;
    const message = `${crossed.selector} ${crossed.expression}, observed ${crossed.observed}`;
    emit({ type: 'abort-wanted', reason: 'aborted-by-threshold', message });
  }

  #noteThresholds(results: readonly ThresholdResult[]): void {
    const { clock, state, note } = this.#init;
    const nowMs = clock.nowMs();
    const t0Ms = (state.chain.t0SwarmMs ?? Number.POSITIVE_INFINITY) - state.clock.offsetMs;
    // Who takes over begins with what it holds; others send it theirs meanwhile.
    const isLate = this.#startedMs > t0Ms + EVALUATE_MS;
    if (isLate && nowMs < this.#startedMs + GATHER_MS) return;
    if (isLate && !this.#hasFound) for (const found of noteFound(results)) note(found);
    this.#hasFound = true;
    for (const changed of noteBreaches(this.#breaches, results, nowMs)) note(changed);
  }

  async #write(run: LoadedRun, { reason, message, missing }: JudgeInput): Promise<Report> {
    const { state, clock, version, notes, lostAtSwarmMs, runFolder, renderSummary } = this.#init;
    await this.#collecting;
    if (hasStaleClaims(this.#aggregate, this.#isWinner)) {
      this.#aggregate = createAggregate({ isWinner: this.#isWinner, places: this.#places });
      await this.#foldStore();
    }
    const aggregate = this.#aggregate;
    const files = filesOf(runFolder.path);
    const wallMs = clock.wallMs();
    const ended = { version, wallMs, end: reason, endMessage: message };
    // A copy of the notes: the facts are written again when the artifacts are known, and must tell the same then.
    const facts = summaryFacts({ state, run, aggregate, ...ended, missing, notes: [...notes], lostAtSwarmMs, files });
    const summary = summarize(aggregate, facts);
    this.#report = { summary, text: renderSummary(summary) };
    runFolder.writeSummary(summary, this.#report.text);
    this.#saved = savedFacts(facts, aggregate);
    runFolder.writeFacts(this.#saved);
    if (facts.t0SwarmMs !== null) runFolder.writeTimeline(timelineReport(aggregate, facts.t0SwarmMs, {}, plannedOf(state, run)));
    if (facts.t0SwarmMs !== null) runFolder.writeHeat(heatColumns(aggregate, latencyMetrics(run.types), facts.t0SwarmMs));
    return this.#report;
  }

  judge(input: JudgeInput): void {
    this.#cancelTimer();
    const { log, emit } = this.#init;
    const tell = (exit: ExitName, message: string): void => emit({ type: 'judged', exit, message });
    const run = this.#init.run();
    if (run === null) return tell('setupFailed', input.message);
    this.#write(run, input).then(
      ({ summary }) => tell(summary.verdict.exit, summary.verdict.reasons[0]?.message ?? 'passed'),
      (error) => {
        log.error({ error: error instanceof Error ? error.stack : String(error) }, 'report not written');
        tell('internalFault', `the report could not be written: ${(error as Error).message}`);
      },
    );
  }

  async judgeAlone(input: JudgeInput): Promise<void> {
    const run = this.#init.run();
    if (this.#report !== null || run === null) return;
    this.start();
    this.#cancelTimer();
    await this.#write(run, input);
  }

  adopt(adopted: Report): void {
    const { runFolder, renderSummary } = this.#init;
    const summary = { ...adopted.summary, files: filesOf(runFolder.path) };
    this.#report = { summary, text: renderSummary(summary) };
    runFolder.writeSummary(summary, this.#report.text);
  }

  amend(artifacts: ArtifactsSummary): void {
    const { runFolder, renderSummary } = this.#init;
    if (this.#report === null) return;
    const summary = withArtifacts(this.#report.summary, artifacts);
    this.#report = { summary, text: renderSummary(summary) };
    runFolder.writeSummary(summary, this.#report.text);
    if (this.#saved !== null) runFolder.writeFacts({ ...this.#saved, artifacts });
  }

  board(): BoardView {
    const { state, clock } = this.#init;
    const run = this.#init.run();
    const isKnown = run !== null && this.isCollecting();
    const thresholds = isKnown ? evaluateThresholds(this.#aggregate, run.scenario.thresholds, this.#evaluation(run)) : [];
    const spending = isKnown ? this.#spending(run) : null;
    return boardView(this.#aggregate, boardFacts(state, run, this.#aggregate, thresholds, clock.nowMs()), spending);
  }

  live(): LiveFacts {
    const run = this.#init.run();
    const { nodes, newestStartMs } = this.#aggregate;
    const health = new Map<NodeId, NodeHealth>();
    for (const [node, fold] of nodes) {
      if (fold.health === null) continue;
      const { cpuCores, memoryMb, loopDelayMsMax: loopDelayMs, latenessMsP99: latenessMs, tainted } = fold.health;
      const active = [...fold.load.values()].reduce((sum, load) => sum + load.active, 0);
      const windowLast = highestNumber(fold.numbers);
      health.set(node, {
        active,
        ...{ started: fold.started, failed: fold.failed, errors: fold.errorsTarget },
        cpuCores,
        memoryMb,
        loopDelayMs,
        latenessMs,
        tainted,
        windowLast,
        behindMs: newestStartMs - fold.newestStartMs,
      });
    }
    if (run === null || !this.isCollecting()) return { health, thresholds: [], latencyByPlace: [] };
    return {
      health,
      thresholds: evaluateThresholds(this.#aggregate, run.scenario.thresholds, this.#evaluation(run)),
      latencyByPlace: placeLatencies(this.#aggregate.places, latencyMetrics(run.types)),
    };
  }

  timeline(fromMs?: number): TimelineAnswer | null {
    const run = this.#init.run();
    const { t0SwarmMs } = this.#init.state.chain;
    if (run === null || t0SwarmMs === null || !this.isCollecting()) return null;
    const isRunning = this.#init.state.chain.phase === 'running';
    const stretch = { fromMs, ...(isRunning ? { untilMs: completeUntilMs(this.#aggregate, t0SwarmMs) } : {}) };
    const heat = heatColumns(this.#aggregate, latencyMetrics(run.types), t0SwarmMs, stretch);
    const sinceMs = fromMs === undefined ? Number.NEGATIVE_INFINITY : fromMs + t0SwarmMs;
    return {
      timeline: timelineReport(this.#aggregate, t0SwarmMs, stretch, plannedOf(this.#init.state, run)),
      heat,
      node: this.#init.state.config.self,
      notes: this.#init.notes.filter(({ atSwarmMs }) => atSwarmMs >= sinceMs),
    };
  }

  report(): Report | null {
    return this.#report;
  }

  stop(): void {
    this.#cancelTimer();
  }
}

function filesOf(folder: string): { what: string; path: string }[] {
  return [
    { what: 'run folder', path: folder },
    { what: 'summary', path: RUN_FILES.summary },
    { what: 'by the second', path: RUN_FILES.timeline },
    { what: 'latency bands', path: RUN_FILES.heat },
    { what: 'windows', path: RUN_FILES.windows },
    { what: 'entries', path: RUN_FILES.entries },
    { what: 'logs', path: RUN_FILES.nodes },
  ];
}
