// The one question a second that all watchers of a console share: the swarm's state, and what is new in the run by the second. Nobody watching asks nothing. A swarm that does not answer
// is said to be away at once and asked again; what was known stays with the pages. When the run is over its report is sent, once.

import type { Result } from '../../../node/core/errors.ts';
import type { LiveTimeline, Report } from '../../../node/runtime/collector.ts';
import type { LogTail, StatusView } from '../../../node/runtime/node-status.ts';
import type { LiveMessage, StartedView } from '../protocol.ts';
import { stateOf } from './state.ts';

/** What is watched: a running swarm, through any of its nodes. */
export interface FeedSource {
  status(): Promise<Result<StatusView>>;
  /** Beyond this moment from T0; undefined = all. */
  timeline(fromMs: number | undefined): Promise<Result<LiveTimeline>>;
  /** Also of a run whose nodes are gone, where it was written down. */
  report(): Promise<Result<Report>>;
  log(node: string): Promise<Result<LogTail>>;
}

export interface FeedInit {
  /** Null = nothing to watch now. */
  readonly source: () => FeedSource | null;
  /** Why there is nothing to watch. */
  readonly waiting: () => string;
  /** What this console started last; left out or null: nothing. */
  readonly started?: () => StartedView | null;
  readonly wallNowMs: () => number;
  /** Calls back once after about `ms`; the answer cancels it. */
  readonly after: (ms: number, callback: () => void) => () => void;
}

export interface Watcher {
  /** Sees what was started, too: the words of a command may hold secrets. */
  readonly isOperator: boolean;
  /** False = it is not keeping up: it is given the whole again later. */
  send(message: string): boolean;
}

export interface LiveFeed {
  /** Gets everything from the beginning, and then what is new; returns how to stop. */
  watch(watcher: Watcher): () => void;
  /** Another swarm: everybody begins anew. */
  restart(): void;
  close(): void;
}

const ASK_MS = 1000;
/** Windows of nodes are up to this late: the last points may still grow, and are sent again. */
const LATE_MS = 5000;

/** What was started, as messages: the newest, and whether it is another than before. */
function startedMessages(started: FeedInit['started']): { next(): string | null; last(): string | null } {
  let last: string | null = null;
  return {
    last: () => last,
    next() {
      const view = started?.() ?? null;
      const text = view === null ? null : JSON.stringify({ type: 'started', started: view } satisfies LiveMessage);
      if (text === last) return null;
      last = text;
      return text;
    },
  };
}

export function createLiveFeed({ source, waiting, started, wallNowMs, after }: FeedInit): LiveFeed {
  /** What each still needs: 'whole' until it has everything so far. */
  const watchers = new Map<Watcher, 'whole' | 'new'>();
  let cancel: () => void = () => {};
  let isAsking = false;
  let isClosed = false;
  let knownToMs: number | undefined;
  let stepMs = 0;
  let reported: string | null = null;
  let lastReport: string | null = null;
  const begun = startedMessages(started);

  const sendAll = (message: LiveMessage): void => {
    const text = JSON.stringify(message);
    for (const watcher of watchers.keys()) watcher.send(text);
  };

  const sendTimeline = async (from: FeedSource): Promise<void> => {
    const hasNew = [...watchers.values()].includes('whole');
    const asked = hasNew ? undefined : knownToMs === undefined ? undefined : knownToMs - LATE_MS;
    const answer = await from.timeline(asked);
    if (!answer.ok) return;
    const { timeline, heat } = answer.value;
    // A coarser step changes all points.
    const isWhole = asked === undefined || timeline.stepMs !== stepMs;
    if (isWhole && asked !== undefined) {
      knownToMs = undefined;
      return sendTimeline(from);
    }
    stepMs = timeline.stepMs;
    knownToMs = timeline.atMs.at(-1) ?? knownToMs;
    const text = JSON.stringify({ type: 'timeline', isWhole, timeline, heat } satisfies LiveMessage);
    for (const watcher of watchers.keys()) if (watcher.send(text)) watchers.set(watcher, 'new');
  };

  const sendReport = async (from: FeedSource): Promise<boolean> => {
    const report = await from.report();
    if (!report.ok) return false;
    lastReport = JSON.stringify({ type: 'report', summary: report.value.summary } satisfies LiveMessage);
    for (const watcher of watchers.keys()) watcher.send(lastReport);
    return true;
  };

  const ask = async (): Promise<void> => {
    const news = begun.next();
    if (news !== null) for (const watcher of watchers.keys()) if (watcher.isOperator) watcher.send(news);
    const from = source();
    if (from === null) return sendAll({ type: 'away', message: waiting() });
    const status = await from.status();
    if (!status.ok) {
      // Nodes leave soon after the end: what their run came to may be told only now.
      if (lastReport === null && (await sendReport(from))) return;
      return sendAll({ type: 'away', message: status.problems[0]?.message ?? 'the swarm does not answer' });
    }
    sendAll({ type: 'state', state: stateOf(status.value, wallNowMs()) });
    await sendTimeline(from);
    const { runId, phase } = status.value;
    if (phase !== 'sealed' && phase !== 'draining') return;
    if (reported !== runId && (await sendReport(from))) reported = runId;
  };

  const turn = (): void => {
    if (isAsking || isClosed || watchers.size === 0) return;
    isAsking = true;
    ask()
      .catch((error: Error) => sendAll({ type: 'away', message: error.message }))
      .finally(() => {
        isAsking = false;
        if (!isClosed && watchers.size > 0) cancel = after(ASK_MS, turn);
      });
  };

  return {
    watch(watcher) {
      watchers.set(watcher, 'whole');
      if (watcher.isOperator && begun.last() !== null) watcher.send(begun.last() as string);
      if (lastReport !== null) watcher.send(lastReport);
      cancel();
      turn();
      return () => void watchers.delete(watcher);
    },
    restart() {
      knownToMs = undefined;
      reported = null;
      lastReport = null;
      for (const watcher of watchers.keys()) watchers.set(watcher, 'whole');
    },
    close() {
      isClosed = true;
      cancel();
    },
  };
}
