// The coordinator's side of statistics: folds every window into the run's aggregate, asks once a second whether a threshold wants the run to end, and
// at the end writes the report. Any node can become coordinator, so any node has one; it holds nothing until it is started, and then begins with
// what its store has (own spool, custody, earlier terms). Folding is idempotent, so nothing here minds what comes twice.

import { type Aggregate, absorb, createAggregate, hasStaleClaims } from '../core/aggregate.ts';
import { boardView } from '../core/board-view.ts';
import { BUILTIN_METRICS } from '../core/builtin-metrics.ts';
import type { ExitName } from '../core/errors.ts';
import type { MissingWindows } from '../core/events.ts';
import type { EndReason, NodeId, WindowFrame } from '../core/messages.ts';
import type { NodeState } from '../core/state.ts';
import { summarize } from '../core/summary.ts';
import { savedFacts } from '../core/summary-facts.ts';
import type { BoardView, Summary } from '../core/summary-types.ts';
import { abortingThreshold, evaluateThresholds } from '../core/threshold-eval.ts';
import { timelineReport } from '../core/timeline-report.ts';
import { decodeWindow } from '../core/window-codec.ts';
import { isClaimWinner } from './claim-winner.ts';
import type { RuntimeClock, RuntimeLog, RuntimeStore } from './components.ts';
import type { LoadedRun } from './load-run.ts';
import type { EventDraft } from './loop.ts';
import type { EventNote } from './node-names.ts';
import { boardFacts, summaryFacts } from './run-facts.ts';
import { RUN_FILES, type RunFolder } from './run-folder.ts';

export interface CollectorInit {
  readonly clock: RuntimeClock;
  readonly log: RuntimeLog;
  readonly store: Pick<RuntimeStore, 'windows' | 'windowNodes'>;
  readonly runFolder: RunFolder;
  readonly state: NodeState;
  readonly run: () => LoadedRun | null;
  readonly notes: readonly EventNote[];
  readonly version: string;
  /** The summary as a person reads it. */
  readonly renderSummary: (summary: Summary) => string;
  readonly emit: (event: EventDraft) => void;
}

export interface Report {
  readonly summary: Summary;
  readonly text: string;
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
  board(): BoardView;
  report(): Report | null;
  stop(): void;
}

const EVALUATE_MS = 1000;

export function createCollector(init: CollectorInit): Collector {
  const { clock, state, store, runFolder } = init;
  const isWinner = (claimId: string, node: NodeId): boolean => isClaimWinner(state, claimId, node);
  let aggregate = createAggregate({ isWinner });
  let collecting: Promise<void> | null = null;
  let report: Report | null = null;
  let cancelTimer: () => void = () => {};

  const fold = (into: Aggregate, node: NodeId, frames: readonly WindowFrame[]): void => {
    for (const frame of frames) {
      const window = decodeWindow(frame.payload);
      // The number that was acknowledged is the frame's; a node that lies about its own windows spoils only these.
      if (window.ok) absorb(into, node, { ...window.value, number: frame.number });
      else init.log.warn({ node, number: frame.number, problems: window.problems }, 'window not readable');
    }
  };

  const foldStore = async (into: Aggregate): Promise<void> => {
    for (const node of await store.windowNodes()) {
      const frames = await store.windows(node, 1, Number.MAX_SAFE_INTEGER);
      fold(into, node, frames);
      runFolder.appendWindows(node, frames);
    }
  };

  const elapsedMs = (): number =>
    state.chain.t0SwarmMs === null ? 0 : Math.max(0, clock.nowMs() + state.clock.offsetMs - state.chain.t0SwarmMs);
  const evaluation = (run: LoadedRun) => ({
    elapsedMs: elapsedMs(),
    metrics: [...run.types.flatMap(({ metrics }) => metrics), ...BUILTIN_METRICS],
  });

  const evaluate = (): void => {
    cancelTimer = clock.after(EVALUATE_MS, evaluate);
    const run = init.run();
    if (run === null || state.chain.phase !== 'running') return;
    const crossed = abortingThreshold(aggregate, run.scenario.thresholds, evaluation(run));
    if (crossed === null) return;
    const message = `${crossed.selector} ${crossed.expression}, observed ${crossed.observed}`;
    init.emit({ type: 'abort-wanted', reason: 'aborted-by-threshold', message });
  };

  const write = async (run: LoadedRun, { reason, message, missing }: JudgeInput): Promise<Report> => {
    await collecting;
    if (hasStaleClaims(aggregate, isWinner)) {
      aggregate = createAggregate({ isWinner });
      await foldStore(aggregate);
    }
    const facts = summaryFacts({
      state,
      run,
      aggregate,
      version: init.version,
      wallMs: clock.wallMs(),
      end: reason,
      endMessage: message,
      missing,
      notes: init.notes,
      files: filesOf(runFolder.path),
    });
    const summary = summarize(aggregate, facts);
    const written = { summary, text: init.renderSummary(summary) };
    runFolder.writeSummary(written.summary, written.text);
    runFolder.writeFacts(savedFacts(facts, aggregate));
    if (facts.t0SwarmMs !== null) runFolder.writeTimeline(timelineReport(aggregate, facts.t0SwarmMs));
    report = written;
    return written;
  };

  const start = (): void => {
    if (collecting !== null) return;
    collecting = foldStore(aggregate);
    collecting.catch((error) => init.log.error({ error: String(error) }, 'stored windows not readable'));
    cancelTimer = clock.after(EVALUATE_MS, evaluate);
  };

  return {
    start,
    isCollecting: () => collecting !== null,
    add(node, windows) {
      fold(aggregate, node, windows);
      runFolder.appendWindows(node, windows);
    },
    judge(input) {
      cancelTimer();
      const tell = (exit: ExitName, message: string): void => init.emit({ type: 'judged', exit, message });
      const run = init.run();
      if (run === null) return tell('setupFailed', input.message);
      write(run, input).then(
        ({ summary }) => tell(summary.verdict.exit, summary.verdict.reasons[0]?.message ?? 'passed'),
        (error) => {
          init.log.error({ error: error instanceof Error ? error.stack : String(error) }, 'report not written');
          tell('internalFault', `the report could not be written: ${(error as Error).message}`);
        },
      );
    },
    async judgeAlone(input) {
      const run = init.run();
      if (report !== null || run === null) return;
      start();
      cancelTimer();
      await write(run, input);
    },
    adopt(adopted) {
      const summary = { ...adopted.summary, files: filesOf(runFolder.path) };
      report = { summary, text: init.renderSummary(summary) };
      runFolder.writeSummary(report.summary, report.text);
    },
    board() {
      const run = init.run();
      const thresholds = run === null || collecting === null ? [] : evaluateThresholds(aggregate, run.scenario.thresholds, evaluation(run));
      return boardView(aggregate, boardFacts(state, run, aggregate, thresholds, clock.nowMs()));
    },
    report: () => report,
    stop: () => cancelTimer(),
  };
}

function filesOf(folder: string): { what: string; path: string }[] {
  return [
    { what: 'run folder', path: folder },
    { what: 'summary', path: RUN_FILES.summary },
    { what: 'by the second', path: RUN_FILES.timeline },
    { what: 'windows', path: RUN_FILES.windows },
    { what: 'entries', path: RUN_FILES.entries },
    { what: 'logs', path: RUN_FILES.nodes },
  ];
}
