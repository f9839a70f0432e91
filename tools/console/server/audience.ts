// Who watches, and what each of them has: news goes to all, the run by the second as a whole to who needs it and as what is new to the others. Who comes gets at once what is known.

import type { LiveTimeline } from '../../../node/runtime/collector.ts';
import type { LiveMessage } from '../protocol.ts';
import type { EventFeed } from './event-feed.ts';
import type { KnownRun } from './known-run.ts';

export interface Watcher {
  /** Sees what was started, too: the words of a command may hold secrets. */
  readonly isOperator: boolean;
  /** False = it is not keeping up: it is given the whole again later. */
  send(message: string): boolean;
}

export interface Audience {
  readonly size: () => number;
  /** Answers how to leave. */
  add(watcher: Watcher): () => void;
  tell(message: LiveMessage): void;
  /** As text. */
  tellOperators(text: string): void;
  /** `part` was just added to what is known; `isWhole`: it is all of it. */
  tellTimeline(part: LiveTimeline, isWhole: boolean): void;
  /** Of T0 the swarm time. */
  tellEvents(t0SwarmMs: number): void;
  /** Everybody needs the whole again. */
  beginAnew(): void;
}

const timelineText = (timeline: LiveTimeline, isWhole: boolean): string =>
  JSON.stringify({ type: 'timeline', isWhole, ...timeline } satisfies LiveMessage);

/** `away`: why the swarm does not answer; null = it does. */
export function createAudience(known: KnownRun, events: EventFeed, away: () => string | null): Audience {
  /** What each still needs: 'whole' until it has everything so far. */
  const watchers = new Map<Watcher, 'whole' | 'new'>();

  const giveWhole = (watcher: Watcher, text: string | null): void => {
    if (text !== null && watcher.send(text)) watchers.set(watcher, 'new');
  };

  return {
    size: () => watchers.size,
    add(watcher) {
      watchers.set(watcher, 'whole');
      const send = (message: LiveMessage): boolean => watcher.send(JSON.stringify(message));
      const { state, timeline, report } = known;
      if (state !== null) send({ type: 'state', state });
      giveWhole(watcher, timeline === null ? null : timelineText(timeline, true));
      events.give(watcher);
      if (report !== null) send({ type: 'report', summary: report.summary });
      const why = away();
      if (why !== null) send(known.awayMessage(why));
      return () => void watchers.delete(watcher);
    },
    tell(message) {
      const text = JSON.stringify(message);
      for (const watcher of watchers.keys()) watcher.send(text);
    },
    tellOperators(text) {
      for (const watcher of watchers.keys()) if (watcher.isOperator) watcher.send(text);
    },
    tellTimeline(part, isWhole) {
      if (watchers.size === 0) return;
      const partText = timelineText(part, isWhole);
      let wholeText = isWhole ? partText : null;
      for (const [watcher, needs] of watchers) {
        if (needs === 'new') {
          if (!watcher.send(partText)) watchers.set(watcher, 'whole');
        } else {
          wholeText ??= timelineText(known.timeline ?? part, true);
          giveWhole(watcher, wholeText);
        }
      }
    },
    tellEvents: (t0SwarmMs) => events.send(t0SwarmMs, watchers),
    beginAnew() {
      for (const watcher of watchers.keys()) watchers.set(watcher, 'whole');
    },
  };
}
