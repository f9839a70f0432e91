// The one question a second that all watchers of a console share: the swarm's state, and what is new in the run by the second. A swarm that does not answer is said to be away at once and asked
// again; what was known stays with the pages, and with the console for pages that come later. While nobody looks nobody is asked, but for a swarm of which nothing lies on this machine: its
// end would be missed, since nodes are gone half a second after it. Towards the end the report is asked for several times a second.

import type { Result } from '../../../node/core/errors.ts';
import type { LiveTimeline, Report, TimelineAnswer } from '../../../node/runtime/collector.ts';
import type { LogTail, StatusView } from '../../../node/runtime/node-status.ts';
import type { StartedView } from '../protocol.ts';
import { type Audience, createAudience, type Watcher } from './audience.ts';
import { createEventFeed, type EventFeed } from './event-feed.ts';
import { createKnownRun, type KnownRun } from './known-run.ts';
import { createStartedFeed } from './started-feed.ts';
import { t0SwarmMsOf } from './state.ts';

/** Of a run whose nodes are gone, nobody's notes are told: its report has them. */
export type Told = LiveTimeline & Partial<TimelineAnswer>;

/** What is watched: a running swarm, through any of its nodes. */
export interface FeedSource {
  /** Another one = everything begins anew. */
  readonly id: string;
  /** Nothing of it lies on this machine: what is not asked for in time is never known here. */
  readonly isFar: boolean;
  status(): Promise<Result<StatusView>>;
  /** Beyond this moment from T0; undefined = all, also of a run whose nodes are gone, where it was written down. */
  timeline(fromMs: number | undefined): Promise<Result<Told>>;
  /** Also of a run whose nodes are gone, where it was written down. */
  report(): Promise<Result<Report>>;
  log(node: string): Promise<Result<LogTail>>;
}

export interface FeedInit {
  /** Null = nothing to watch now. */
  readonly source: () => FeedSource | null;
  /** Why there is nothing to watch. */
  readonly waiting: () => string;
  /** What this console started last; null = nothing. */
  readonly started: () => StartedView | null;
  readonly wallNowMs: () => number;
  /** Calls back once after about `ms`; the answer cancels it. */
  readonly after: (ms: number, callback: () => void) => () => void;
}

export interface LiveFeed {
  /** Gets everything from the beginning, and then what is new; returns how to stop. */
  watch(watcher: Watcher): () => void;
  /** What was last known, for who asks instead of watching. */
  readonly known: Pick<KnownRun, 'swarmId' | 'timeline' | 'report'>;
  /** Another swarm: everybody begins anew. */
  restart(): void;
  /** Asks once more and tells everybody, before the node that serves this is gone. */
  finish(): Promise<void>;
  close(): void;
}

const ASK_MS = 1000;
/** Windows of nodes are up to this late: the last points may still grow, and are sent again. */
const LATE_MS = 5000;
/** A node lingers 400 ms after its last word (LINGER_MS in core): its report must be asked for in that time. */
const END_ASK_MS = 100;
/** Of the looks towards the end, one in so many asks for everything: a second apart, as before. */
const END_LOOKS_EACH = ASK_MS / END_ASK_MS;
/** A look that takes longer is said to be one that nothing answers: pages would take the silence for a lost line. */
const SLOW_MS = 3000;
/** The node waits this long with its own end, not longer: an open page keeps nobody. */
const FINISH_MS_MAX = 2000;
/** A far swarm that is gone, or seems to be after so many looks: each look knocks at all its seeds. */
const RARE_ASK_MS = 10_000;
const AWAY_LOOKS_MAX = 60;
/** A new coordinator is sent the windows of the whole run, which takes it a while: so many looks after its first answer it is asked for all again. */
const WHOLE_AGAIN_LOOKS: ReadonlySet<number> = new Set([5, 15, 30]);

export function createLiveFeed(init: FeedInit): LiveFeed {
  const { source, after } = init;
  const known = createKnownRun();
  const look = createLook(init, known);
  const { audience } = look;
  const begun = createStartedFeed(init.started);
  let cancel: () => void = () => {};
  let asking: Promise<void> | null = null;
  let isClosed = false;

  /** Until the next look; null = there is no reason for one. */
  const pauseMs = (): number | null => {
    const isFar = source()?.isFar === true;
    const isOver = look.away() !== null && known.report !== null;
    if (audience.size() === 0 && (!isFar || isOver)) return null;
    if (look.isNearEnd()) return END_ASK_MS;
    return isFar && (isOver || look.awayLooks() > AWAY_LOOKS_MAX) ? RARE_ASK_MS : ASK_MS;
  };

  const turn = (): void => {
    if (asking !== null || isClosed || pauseMs() === null) return;
    const news = begun.next();
    if (news !== null) audience.tellOperators(news);
    const cancelSlow = after(SLOW_MS, () => look.sayAway('it takes its time to answer'));
    asking = look.ask().finally(() => {
      asking = null;
      cancelSlow();
      const ms = isClosed ? null : pauseMs();
      if (ms !== null) cancel = after(ms, turn);
    });
  };

  turn();
  return {
    known,
    watch(watcher) {
      const stop = audience.add(watcher);
      const begunBefore = begun.last();
      if (watcher.isOperator && begunBefore !== null) watcher.send(begunBefore);
      cancel();
      turn();
      return stop;
    },
    restart: look.beginAnew,
    async finish() {
      isClosed = true;
      cancel();
      if (audience.size() === 0) return;
      const last = (asking ?? Promise.resolve()).then(() => look.ask(true));
      await new Promise<void>((done) => {
        const cancelWait = after(FINISH_MS_MAX, done);
        void last.then(() => {
          cancelWait();
          done();
        });
      });
    },
    close() {
      isClosed = true;
      cancel();
    },
  };
}

interface TimelineLook {
  ask(from: FeedSource): Promise<void>;
  /** Nobody answers any more: what was written down at the end is asked for, until it is had. */
  askWritten(from: FeedSource): Promise<void>;
  beginAnew(): void;
}

/** The run by the second, look after look: what is newer, and all again where it may have changed. */
function createTimelineLook(to: { known: KnownRun; events: EventFeed; audience: Audience }): TimelineLook {
  const { known, events, audience } = to;
  let answeredBy: string | undefined;
  /** Since another node answers than before. */
  let looks = Number.POSITIVE_INFINITY;
  let hasWritten = false;
  return {
    beginAnew() {
      hasWritten = false;
      answeredBy = undefined;
      looks = Number.POSITIVE_INFINITY;
    },
    async askWritten(from) {
      // Of a swarm far away nothing is written here.
      if (hasWritten || (from.isFar && known.timeline !== null)) return;
      const written = await from.timeline(undefined);
      if (!written.ok) return;
      hasWritten = true;
      const { timeline, heat } = written.value;
      known.add({ timeline, heat }, true);
      audience.tellTimeline({ timeline, heat }, true);
    },
    async ask(from) {
      const before = known.timeline?.timeline;
      const toMs = before?.atMs.at(-1);
      looks += 1;
      const asked = toMs === undefined || WHOLE_AGAIN_LOOKS.has(looks) ? undefined : toMs - LATE_MS;
      const answer = await from.timeline(asked);
      if (!answer.ok) return;
      if (answeredBy !== undefined && answer.value.node !== answeredBy) looks = 0;
      answeredBy = answer.value.node;
      // A coarser step changes all points.
      const isOther = before !== undefined && answer.value.timeline.stepMs !== before.stepMs;
      const told = asked !== undefined && isOther ? await from.timeline(undefined) : answer;
      if (!told.ok) return;
      const { timeline, heat, node, notes = [] } = told.value;
      if (node !== undefined) events.take({ node, notes });
      const isWhole = asked === undefined || isOther;
      known.add({ timeline, heat }, isWhole);
      audience.tellTimeline({ timeline, heat }, isWhole);
    },
  };
}

/** One look at the swarm after the other: what is asked, what is kept of the answers, and who is told. */
function createLook({ source, waiting, wallNowMs }: FeedInit, known: KnownRun) {
  let watched: string | null = null;
  /** Why the swarm is away; null = it answered last time. */
  let away: string | null = null;
  let awayLooks = 0;
  let endLooks = 0;
  const events = createEventFeed();
  const audience = createAudience(known, events, () => away);
  const seconds = createTimelineLook({ known, events, audience });

  const beginAnew = (): void => {
    known.forget();
    events.clear();
    seconds.beginAnew();
    watched = null;
    away = null;
    endLooks = 0;
    audience.beginAnew();
  };

  const sayAway = (why: string): void => {
    away = why;
    awayLooks += 1;
    audience.tell(known.awayMessage(why));
  };

  const askReport = async (from: FeedSource): Promise<boolean> => {
    const report = await from.report();
    if (!report.ok) return false;
    known.conclude(report.value);
    audience.tell({ type: 'report', summary: report.value.summary });
    return true;
  };

  const askAll = async (from: FeedSource): Promise<void> => {
    const status = await from.status();
    if (!status.ok) {
      // Nodes leave soon after the end: what their run came to may be told only now.
      if (known.report === null) await askReport(from);
      if (known.report !== null) await seconds.askWritten(from);
      return sayAway(status.problems[0]?.message ?? 'the swarm does not answer');
    }
    away = null;
    awayLooks = 0;
    if (!known.hear(status.value, wallNowMs())) audience.beginAnew();
    if (known.state !== null) audience.tell({ type: 'state', state: known.state });
    events.take(status.value);
    await seconds.ask(from);
    audience.tellEvents(t0SwarmMsOf(status.value));
    if (known.report === null && known.isEnding()) await askReport(from);
  };

  const isNearEnd = (): boolean => away === null && known.report === null && known.isEnding();

  const ask = async (isLast: boolean): Promise<void> => {
    const from = source();
    if (from === null) return sayAway(waiting());
    if (watched !== null && watched !== from.id) beginAnew();
    watched = from.id;
    endLooks = isNearEnd() && !isLast ? endLooks + 1 : 0;
    if (endLooks % END_LOOKS_EACH === 0) return askAll(from);
    // The last figures go with it: after that there may be nobody to ask.
    if (await askReport(from)) await askAll(from);
  };

  return {
    audience,
    beginAnew,
    sayAway,
    isNearEnd,
    away: () => away,
    awayLooks: () => awayLooks,
    ask: (isLast = false): Promise<void> => ask(isLast).catch((error: Error) => sayAway(error.message)),
  };
}
