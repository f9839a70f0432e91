// What happened in the run that is watched, as the console has heard it: status answers carry the newest notes, timelines older ones, and a new coordinator has a list of its own. One list
// of all of them, in order, each once. It is bounded: the oldest go first. Pure.

import type { EventNote } from '../../../node/runtime/node-names.ts';
import type { EventRow } from '../protocol.ts';
import { EVENTS_MAX } from '../protocol.ts';

export interface EventLog {
  /** What `node` has noted, any part of it, again too. */
  take(node: string, notes: readonly EventNote[]): void;
  /** Of T0 the swarm time; rows from the `from`th on, oldest first. */
  rows(t0SwarmMs: number, from?: number): EventRow[];
  /** Notes so far, also those that were dropped since. */
  readonly count: number;
  /** Another number = older notes came in between, and what was sent is not the beginning of it any more. */
  readonly version: number;
  clear(): void;
}

/** Two nodes note the same thing at nearly the same time. */
const SAME_MS = 5000;

export function createEventLog(): EventLog {
  let notes: EventNote[] = [];
  let dropped = 0;
  let version = 0;
  let source = '';
  const seen = new Set<number>();
  /** Where another node's list goes on. */
  let sinceSwarmMs = Number.NEGATIVE_INFINITY;

  const isTold = ({ text, atSwarmMs }: EventNote): boolean =>
    notes.some((note) => note.text === text && Math.abs(note.atSwarmMs - atSwarmMs) < SAME_MS);

  const add = (fresh: readonly EventNote[]): void => {
    const isInOrder = (notes.at(-1)?.number ?? 0) < (fresh[0]?.number ?? 0);
    if (!isInOrder) version += 1;
    notes = [...notes, ...fresh];
    if (!isInOrder) notes.sort((left, right) => left.atSwarmMs - right.atSwarmMs);
    const over = Math.max(0, notes.length - EVENTS_MAX);
    if (over > 0) notes = notes.slice(over);
    dropped += over;
  };

  return {
    get count() {
      return dropped + notes.length;
    },
    get version() {
      return version;
    },
    take(node, heard) {
      if (node !== source) {
        source = node;
        seen.clear();
        sinceSwarmMs = (notes.at(-1)?.atSwarmMs ?? Number.NEGATIVE_INFINITY) - SAME_MS;
      }
      const fresh = heard.filter((note) => !seen.has(note.number) && note.atSwarmMs > sinceSwarmMs);
      for (const { number } of heard) seen.add(number);
      const untold = Number.isFinite(sinceSwarmMs) ? fresh.filter((note) => !isTold(note)) : fresh;
      if (untold.length > 0) add(untold);
    },
    rows: (t0SwarmMs, from = 0) =>
      notes.slice(Math.max(0, from - dropped)).map(({ atSwarmMs, level, text, kind, spans }) => ({
        ...{ atMs: Math.round(atSwarmMs - t0SwarmMs), level, text, kind },
        ...(spans === undefined ? {} : { spans }),
      })),
    clear() {
      [notes, dropped, source, sinceSwarmMs] = [[], 0, '', Number.NEGATIVE_INFINITY];
      seen.clear();
      version += 1;
    },
  };
}
