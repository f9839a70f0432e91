// When thresholds are broken and met again, as notes: the coordinator evaluates them once a second, and this remembers what was told. A threshold is
// broken with the first evaluation that fails, and met again once it held for MET_MS on end, so that a figure at its limit is one band and not fifty.
// What thresholds mean for the run (ending it, its verdict) is lifecycle.ts and verdict.ts.

import type { Note } from './notes.ts';
import type { ThresholdResult } from './summary-types.ts';
import { formatValue } from './units.ts';

const MET_MS = 5000;

/** By `selector expression`: broken, and since when it has been met again (own clock); null = it is not. */
export type Breaches = Map<string, { metSinceMs: number | null }>;

export const createBreaches = (): Breaches => new Map();

/**
 * What a coordinator that took over finds, once, in one note: what its predecessor told as broken and is met now is no longer broken. What is broken is
 * told by `noteBreaches`.
 */
export function noteFound(results: readonly ThresholdResult[]): Note[] {
  const met = results.filter(({ state }) => state === 'pass').map(({ selector, expression }) => `${selector} ${expression}`);
  if (met.length === 0) return [];
  const text = `thresholds that the new coordinator finds met: ${met.join(', ')}`;
  // Of another kind than its marks, so that it ends what is open, and is nothing where nothing is.
  return [{ kind: 'phase', level: 'info', text, spans: met.map((key) => ({ kind: 'threshold', key, is: 'end' })) }];
}

/** What changed with this evaluation. */
export function noteBreaches(breaches: Breaches, results: readonly ThresholdResult[], nowMs: number): Note[] {
  const notes: Note[] = [];
  for (const { selector, expression, state, observed, unit } of results) {
    if (state === 'no-samples') continue;
    const key = `${selector} ${expression}`;
    const broken = breaches.get(key);
    const measured = `${key}, measured ${formatValue(observed ?? 0, unit)}`;
    if (state === 'fail') {
      if (broken === undefined) {
        const text = `threshold not met: ${measured}`;
        notes.push({ kind: 'threshold', level: 'warning', text, spans: [{ kind: 'threshold', key, is: 'begin' }] });
      }
      breaches.set(key, { metSinceMs: null });
    } else if (broken !== undefined) {
      broken.metSinceMs ??= nowMs;
      const agoMs = Math.round(nowMs - broken.metSinceMs);
      if (agoMs < MET_MS) continue;
      breaches.delete(key);
      const text = `threshold met again: ${measured}`;
      notes.push({ kind: 'threshold', level: 'info', text, spans: [{ kind: 'threshold', key, is: 'end', agoMs }] });
    }
  }
  return notes;
}
