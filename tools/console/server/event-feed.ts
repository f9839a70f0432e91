// What watchers are told of what happened: all of it once, then what is new. All again to everybody when the list is another than was told: older notes came in between, or T0, which times
// are told from, became known.

import type { EventNote } from '../../../node/runtime/node-names.ts';
import type { LiveMessage } from '../protocol.ts';
import type { Watcher } from './audience.ts';
import { createEventLog } from './event-log.ts';

export interface EventFeed {
  /** What `node` has noted, any part of it, again too. Where it names another run than before, what was known is forgotten. */
  take(heard: { readonly node: string; readonly notes: readonly EventNote[]; readonly runId?: string | null }): void;
  /** To all who watch now; who does no longer is forgotten. */
  send(t0SwarmMs: number, watchers: ReadonlyMap<Watcher, unknown>): void;
  /** All that was told so far, to who just came. */
  give(watcher: Watcher): void;
  clear(): void;
}

/** Clocks of a swarm differ by milliseconds, and so does T0 from answer to answer. */
const T0_SAME_MS = 500;

export function createEventFeed(): EventFeed {
  const log = createEventLog();
  /** Have all up to `count`. */
  const told = new Set<Watcher>();
  let [count, version, t0Ms] = [0, 0, 0];
  let run: string | null = null;
  const clear = (): void => {
    log.clear();
    run = null;
  };
  const message = (isWhole: boolean): string =>
    JSON.stringify({ type: 'events', isWhole, events: log.rows(t0Ms, isWhole ? 0 : count) } satisfies LiveMessage);

  return {
    clear,
    take({ node, notes, runId = null }) {
      if (runId !== null && run !== null && runId !== run) clear();
      run = runId ?? run;
      log.take(node, notes);
    },
    give(watcher) {
      if (count > 0 && log.version === version && watcher.send(message(true))) told.add(watcher);
    },
    send(t0SwarmMs, watchers) {
      if (log.version !== version || Math.abs(t0SwarmMs - t0Ms) > T0_SAME_MS) {
        [count, version, t0Ms] = [0, log.version, t0SwarmMs];
        told.clear();
      }
      // Pages forget by themselves what was of another run.
      if (log.count === 0) return;
      for (const watcher of told) if (!watchers.has(watcher)) told.delete(watcher);
      const fresh = log.count > count ? message(false) : null;
      let whole: string | null = null;
      for (const watcher of watchers.keys()) {
        if (!told.has(watcher)) {
          whole ??= message(true);
          if (watcher.send(whole)) told.add(watcher);
        } else if (fresh !== null && !watcher.send(fresh)) told.delete(watcher);
      }
      count = log.count;
    },
  };
}
