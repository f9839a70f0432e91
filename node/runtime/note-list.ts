// What a node has noted, oldest first: numbered, timed in swarm time, and bounded.

import type { Note } from '../core/notes.ts';
import type { EventNote } from './node-names.ts';

/** Kept for status and summary. */
const NOTES_MAX = 500;

export interface NoteList {
  /** The same array all the time. */
  readonly notes: readonly EventNote[];
  add(note: Note): void;
}

export function createNoteList(swarmNowMs: () => number): NoteList {
  const notes: EventNote[] = [];
  let numberLast = 0;
  return {
    notes,
    add(note) {
      numberLast += 1;
      notes.push({ ...note, number: numberLast, atSwarmMs: swarmNowMs() });
      if (notes.length > NOTES_MAX) notes.shift();
    },
  };
}
