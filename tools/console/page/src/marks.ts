// Which events of the log are marks over the charts, and of what kind: elections, losses, moves of load, faults, thresholds, orders. Told by the words that nodes use; whatever has none of
// them is in the log only. A fault that begins and ends is a band. Pure.

import type { EventRow } from '../../protocol.ts';

export type MarkKind = 'election' | 'loss' | 'move' | 'fault' | 'threshold' | 'order';

export interface Mark {
  readonly kind: MarkKind;
  readonly atMs: number;
  /** Where it is a band; null = a moment. */
  readonly untilMs: number | null;
  readonly text: string;
}

/** The first row that fits decides: 'lost' is in more sentences than 'fault' is. */
const words: ReadonlyArray<readonly [MarkKind, RegExp]> = [
  ['threshold', /threshold/i],
  ['fault', /\bfault\b/i],
  ['election', /elect|coordinator|\bterm \d/i],
  ['loss', /\blost\b|\bloss\b|died|does not answer|unreachable/i],
  ['move', /\bmove[sd]?\b|reassign|taken over|takes over|claims? /i],
  ['order', /scale|pause|resume|\bstop|\bx\d/i],
];

export const markNames: Readonly<Record<MarkKind, string>> = {
  election: 'Election',
  loss: 'Loss',
  move: 'Move',
  fault: 'Fault',
  threshold: 'Threshold',
  order: 'Order',
};

export const kindOf = (text: string): MarkKind | null => words.find(([, pattern]) => pattern.test(text))?.[0] ?? null;

const ends = /\b(ends?|ended|over|reverted|healed|removed)\b/i;
/** What a fault is called in its own sentence: the word after "fault". */
const faultName = (text: string): string => /\bfault\b[\s:"']*([\w-]+)/i.exec(text)?.[1] ?? '';

export function marksOf(events: readonly EventRow[]): Mark[] {
  const marks: Mark[] = [];
  const open = new Map<string, number>();
  for (const { atMs, text } of events) {
    const kind = kindOf(text);
    if (kind === null) continue;
    const started = kind === 'fault' && ends.test(text) ? open.get(faultName(text)) : undefined;
    if (started !== undefined) {
      marks[started] = { ...(marks[started] as Mark), untilMs: atMs };
      open.delete(faultName(text));
      continue;
    }
    if (kind === 'fault') open.set(faultName(text), marks.length);
    marks.push({ kind, atMs, untilMs: null, text });
  }
  return marks;
}
