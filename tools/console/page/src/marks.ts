// What lasted in the run, and what was a moment of it, as marks over the charts: elections, losses, moves of load, faults, broken thresholds, orders. Notes of nodes say themselves of what
// kind they are and what of them belongs together (node/core/notes.ts). Pure.

import { type Band, bandsOf, type NoteKind } from '../../../../node/core/notes.ts';
import type { EventRow } from '../../protocol.ts';
import { formatMs } from './text.ts';

/** Drawn over the charts, in the order of their lanes; joins and phases are in the list of events only. */
export const markKinds = ['election', 'loss', 'move', 'fault', 'threshold', 'scale', 'leave'] as const satisfies readonly NoteKind[];
export type MarkKind = (typeof markKinds)[number];

export type Mark = Omit<Band, 'kind'> & { readonly kind: MarkKind };

/** In the event list too, where a note of any kind may stand. */
export const kindNames: Readonly<Record<NoteKind, string>> = {
  election: 'Election',
  loss: 'Loss',
  move: 'Move',
  fault: 'Fault',
  threshold: 'Threshold',
  scale: 'Order',
  leave: 'Leave',
  phase: 'Phase',
  join: 'Join',
  trouble: 'Trouble',
};

const drawn: ReadonlySet<NoteKind> = new Set(markKinds);

export const marksOf = (events: readonly EventRow[]): Mark[] =>
  bandsOf(events, drawn).flatMap((band) => {
    const kind = markKinds.find((one) => one === band.kind);
    return kind === undefined ? [] : [{ ...band, kind }];
  });

export const isMoment = ({ fromMs, toMs }: Pick<Mark, 'fromMs' | 'toMs'>): boolean => toMs === fromMs;

/** How long it lasted, or that it lasts. */
export const lengthOf = ({ fromMs, toMs }: Mark, nowMs: number): string => {
  if (toMs === null) return `${formatMs(Math.max(0, nowMs - fromMs))}, lasting`;
  return toMs === fromMs ? '' : formatMs(toMs - fromMs);
};

/** What was going on at a moment, or within `nearMs` of it where it was a moment itself. */
export const marksAt = (marks: readonly Mark[], atMs: number, nearMs: number): Mark[] =>
  marks.filter((mark) => {
    const nearby = isMoment(mark) ? nearMs : 0;
    return mark.fromMs - nearby <= atMs && (mark.toMs ?? Number.POSITIVE_INFINITY) + nearby >= atMs;
  });
