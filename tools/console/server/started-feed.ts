// What this console started, as messages for watchers: the newest, and whether it is another than was told.

import type { LiveMessage, StartedView } from '../protocol.ts';

export interface StartedFeed {
  /** Null = nothing new. */
  next(): string | null;
  /** What was told last; null = nothing yet. */
  last(): string | null;
}

export function createStartedFeed(started: () => StartedView | null): StartedFeed {
  let last: string | null = null;
  return {
    last: () => last,
    next() {
      const view = started();
      const text = view === null ? null : JSON.stringify({ type: 'started', started: view } satisfies LiveMessage);
      if (text === last) return null;
      last = text;
      return text;
    },
  };
}
