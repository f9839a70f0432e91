// What lasted, from notes: the sentences of a node's core as bands, thresholds that are broken and met again, and one list of what several nodes noted.

import { describe, expect, it } from 'vitest';
import { createBreaches, noteBreaches, noteFound } from '../../node/core/breaches.ts';
import type { Report } from '../../node/core/events.ts';
import { bandsOf, type Note, type NoteKind } from '../../node/core/notes.ts';
import type { ThresholdResult } from '../../node/core/summary-types.ts';
import { type EventNote, noteOf } from '../../node/runtime/node-names.ts';
import { createEventLog } from '../../tools/console/server/event-log.ts';

const all = new Set<NoteKind>(['election', 'loss', 'move', 'scale', 'threshold', 'fault', 'leave']);

/** Bands of what the core reported at these moments. */
function bands(reports: readonly (readonly [atMs: number, report: Report])[]): unknown[] {
  const rows = reports.map(([atMs, report]) => ({ atMs, ...noteOf(report, (node) => node) }));
  return bandsOf(rows, all).map(({ kind, fromMs, toMs }) => [kind, fromMs, toMs]);
}

const down = (node: string, shards: number): Report => ({ event: 'down', node, silentMs: 7000, shards });
const moved = (from: string, to: string, isFirst: boolean): Report => ({ event: 'moved', shards: 1, from, to, handover: 1, isFirst });
const takenOver = (lost: readonly string[]): Report => ({ event: 'taken-over', handover: 1, shards: 2, lost, tookMs: 1000 });

describe('notes of the core', () => {
  it('make a loss a band from the last word to when the load is taken over, and the handover one of its own', () => {
    const reports = [
      [10_000, down('a', 2)],
      [10_000, moved('a', 'b', true)],
      [10_000, moved('a', 'c', false)],
      [11_000, takenOver(['a'])],
    ] as const;
    expect(bands(reports)).toEqual([
      ['loss', 3000, 11_000],
      ['move', 10_000, 11_000],
    ]);
  });

  it('leave a loss open while nobody has its load, until the node is back', () => {
    expect(bands([[10_000, down('a', 2)]])).toEqual([['loss', 3000, null]]);
    expect(
      bands([
        [10_000, down('a', 2)],
        [20_000, { event: 'back', node: 'a' }],
      ]),
    ).toEqual([['loss', 3000, 20_000]]);
    expect(bands([[10_000, down('a', 0)]]), 'nothing to take over').toEqual([['loss', 3000, 10_000]]);
  });

  it('end no loss with the handover of a node that left', () => {
    const reports = [
      [10_000, moved('a', 'b', true)],
      [11_000, takenOver(['a'])],
    ] as const;
    expect(bands(reports)).toEqual([['move', 10_000, 11_000]]);
  });

  it('make an election a band from the silence, and a first one a moment', () => {
    const coordinator: Report = { event: 'coordinator', node: 'a', term: 1 };
    const silent: Report = { event: 'coordinator-silent', node: 'a', silentMs: 2500 };
    const rounds = [
      [1000, coordinator],
      [10_000, silent],
      [12_000, { event: 'coordinator', node: 'b', term: 2 }],
      [20_000, { ...silent, node: 'b' }],
      [21_000, { event: 'coordinator-heard', node: 'b' }],
    ] as const;
    expect(bands(rounds)).toEqual([
      ['election', 1000, 1000],
      ['election', 7500, 12_000],
      ['election', 17_500, 21_000],
    ]);
  });

  it('make a scaled load a band until it is as planned, one after the other', () => {
    const scaled = (group: string, factor: number): Report => ({ event: 'scaled', group, factor, fromMs: 0, agoMs: 500 });
    const orders = [
      [1000, scaled('callers', 2)],
      [5000, scaled('*', 0)],
      [9000, scaled('*', 1)],
    ] as const;
    expect(bands(orders)).toEqual([
      ['scale', 500, 4500],
      ['scale', 4500, 8500],
    ]);
  });

  it('draw only the kinds that are asked for', () => {
    const rows = [{ atMs: 1, ...noteOf(down('a', 0), (node) => node) }];
    expect(bandsOf(rows, new Set(['election']))).toEqual([]);
  });
});

describe('thresholds', () => {
  const result = (state: ThresholdResult['state']): ThresholdResult => ({
    ...{ selector: 'm', expression: 'p(95)<200', unit: 'ms', limit: 200, abortOnFail: false },
    ...{ observed: state === 'fail' ? 250 : 150, state },
  });

  it('are broken at once, and met again when they held for five seconds', () => {
    const breaches = createBreaches();
    const states = ['no-samples', 'pass', 'fail', 'pass', 'fail', 'pass', 'pass', 'pass', 'pass', 'pass', 'pass', 'pass'] as const;
    const notes = states.flatMap((state, second) =>
      noteBreaches(breaches, [result(state)], second * 1000).map((note) => ({ ...note, atMs: second * 1000 })),
    );
    expect(notes.map(({ text }) => text)).toEqual([
      'threshold not met: m p(95)<200, measured 250 ms',
      'threshold met again: m p(95)<200, measured 150 ms',
    ]);
    expect(bandsOf(notes, all).map(({ fromMs, toMs }) => [fromMs, toMs])).toEqual([[2000, 5000]]);
  });
});

it('what a lost coordinator told as broken ends with what its successor finds', () => {
  const threshold = (selector: string, state: ThresholdResult['state']): ThresholdResult => ({
    ...{ selector, expression: 'p(95)<200', unit: 'ms', limit: 200, abortOnFail: false, observed: 1, state },
  });
  const before = noteBreaches(createBreaches(), [threshold('a', 'fail'), threshold('b', 'fail')], 0);
  const now = [threshold('a', 'pass'), threshold('b', 'fail'), threshold('c', 'pass')];
  const after = [...noteFound(now), ...noteBreaches(createBreaches(), now, 0)];
  const rows = [...before.map((note) => ({ ...note, atMs: 1000 })), ...after.map((note) => ({ ...note, atMs: 9000 }))];
  expect(bandsOf(rows, all).map(({ kind, fromMs, toMs }) => [kind, fromMs, toMs])).toEqual([
    ['threshold', 1000, 9000],
    ['threshold', 1000, 9000],
    ['threshold', 9000, null],
  ]);
  expect(noteFound([threshold('a', 'no-samples')])).toEqual([]);
});

describe('the event log of the console', () => {
  const note = (number: number, atSwarmMs: number, text: string): EventNote => ({
    ...({ level: 'info', kind: 'join' } satisfies Omit<Note, 'text'>),
    ...{ number, atSwarmMs, text },
  });
  const texts = (log: ReturnType<typeof createEventLog>, from = 0): string[] => log.rows(0, from).map(({ text }) => text);

  it('has each note once, however often it is heard, and tells what is new', () => {
    const log = createEventLog();
    log.take('a', [note(1, 10, 'one'), note(2, 20, 'two')]);
    const { count, version } = log;
    log.take('a', [note(2, 20, 'two'), note(3, 30, 'three')]);
    expect(texts(log)).toEqual(['one', 'two', 'three']);
    expect(texts(log, count)).toEqual(['three']);
    expect(log.version).toBe(version);
  });

  it('says that it is another list when older notes come in between', () => {
    const log = createEventLog();
    log.take('a', [note(3, 30, 'three')]);
    const { version } = log;
    log.take('a', [note(1, 10, 'one'), note(2, 20, 'two'), note(3, 30, 'three')]);
    expect(texts(log)).toEqual(['one', 'two', 'three']);
    expect(log.version).not.toBe(version);
  });

  it('keeps what a lost coordinator noted, and goes on with its successor, without telling the same twice', () => {
    const log = createEventLog();
    log.take('a', [note(1, 10_000, 'joined'), note(2, 60_000, 'threshold not met')]);
    log.take('b', [note(1, 10_001, 'joined'), note(2, 60_003, 'threshold not met'), note(3, 66_000, 'b is coordinator')]);
    expect(texts(log)).toEqual(['joined', 'threshold not met', 'b is coordinator']);
  });
});
