// Who watches, and what each of them has: news goes to all, the run by the second as a whole to who needs it and as what is new to the others. Who comes gets at once what is known.

import type { LiveMessage } from '../protocol.ts';
import type { KnownRun } from './known-run.ts';
import type { TimelinePart } from './merge-timeline.ts';

export interface Watcher {
  /** Sees what was started, too: the words of a command may hold secrets. */
  readonly isOperator: boolean;
  /** False = it is not keeping up: it is given the whole again later. */
  send(message: string): boolean;
}

export interface Audience {
  readonly size: () => number;
  readonly watchers: () => ReadonlySet<Watcher>;
  /** Answers how to leave. */
  add(watcher: Watcher): () => void;
  tell(message: LiveMessage): void;
  /** `part` was just added to what is known; `isWhole`: it is all of it. */
  tellTimeline(part: TimelinePart, isWhole: boolean): void;
  /** Everybody needs the whole again. */
  beginAnew(): void;
}

const timelineText = ({ timeline, heat }: TimelinePart, isWhole: boolean): string =>
  JSON.stringify({ type: 'timeline', isWhole, timeline, heat } satisfies LiveMessage);

/** `away`: why the swarm does not answer; null = it does. */
export function createAudience(known: KnownRun, away: () => string | null): Audience {
  /** What each still needs: 'whole' until it has everything so far. */
  const watchers = new Map<Watcher, 'whole' | 'new'>();

  const giveWhole = (watcher: Watcher, text: string | null): void => {
    if (text !== null && watcher.send(text)) watchers.set(watcher, 'new');
  };

  return {
    size: () => watchers.size,
    watchers: () => new Set(watchers.keys()),
    add(watcher) {
      watchers.set(watcher, 'whole');
      const send = (message: LiveMessage): boolean => watcher.send(JSON.stringify(message));
      const { state, timeline, report } = known;
      if (state !== null) send({ type: 'state', state });
      giveWhole(watcher, timeline === null ? null : timelineText(timeline, true));
      if (report !== null) send({ type: 'report', summary: report.summary });
      const why = away();
      if (why !== null) send(known.awayMessage(why));
      return () => void watchers.delete(watcher);
    },
    tell(message) {
      const text = JSON.stringify(message);
      for (const watcher of watchers.keys()) watcher.send(text);
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
    beginAnew() {
      for (const watcher of watchers.keys()) watchers.set(watcher, 'whole');
    },
  };
}
