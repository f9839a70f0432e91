// The pure parts of the console's page: the history as columns, thinning, the heat map's numbers, formats, marks, the node table's order, words of the schema, waits, and two runs compared.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDemoFeed } from '../../tools/console/page/demo-feed.ts';
import { waitBefore } from '../../tools/console/page/src/backoff.ts';
import { commonCauses, latencyChart } from '../../tools/console/page/src/chart-list.ts';
import { compare } from '../../tools/console/page/src/comparison.ts';
import { bandLabel, heatPicture } from '../../tools/console/page/src/heat-bands.ts';
import { ALL, causeKey, History, loadKey, metricKey } from '../../tools/console/page/src/history.ts';
import { lengthOf, marksAt, marksOf } from '../../tools/console/page/src/marks.ts';
import { findNodes, sortNodes, sumsByLabel } from '../../tools/console/page/src/node-rows.ts';
import { type Schema, wordsAt } from '../../tools/console/page/src/schema-words.ts';
import { cut, formatClock, formatCount, formatMs, formatShare, formatUsd, pieces, shown } from '../../tools/console/page/src/text.ts';
import { sumOf, thin } from '../../tools/console/page/src/thin.ts';
import { ChartWindow } from '../../tools/console/page/src/window.ts';
import type { EventRow, TimelineMessage } from '../../tools/console/protocol.ts';

const message = (isWhole: boolean, seconds: readonly number[], value = (second: number): number => second): TimelineMessage => ({
  ...{ type: 'timeline', isWhole },
  timeline: {
    ...{ timelineVersion: 1, stepMs: 1000, atMs: seconds.map((second) => second * 1000) },
    groups: [
      { group: 'g', owned: seconds.map(value), active: seconds.map(value), started: seconds.map(value), failed: seconds.map(() => 0) },
    ],
    metrics: [{ metric: 'm', group: 'g', kind: 'trend', perS: seconds.map(() => null), p50: seconds.map(value) }],
  },
  heat: [{ metric: 'm', group: 'g', boundsMs: [10, 100], rows: seconds.map((second) => [0, second, 0, 1]) }],
});

const active = (history: History): number[] => [...(history.column(loadKey('g', 'active')) ?? [])];

describe('the history', () => {
  it('appends, puts changed points over old ones, and keeps order when one comes late', () => {
    const history = new History();
    history.apply(message(true, [0, 1, 3]));
    history.apply(message(false, [3, 4], (second) => second * 10));
    history.apply(message(false, [2]));
    expect([...history.times]).toEqual([0, 1000, 2000, 3000, 4000]);
    expect(active(history)).toEqual([0, 1, 2, 30, 40]);
    expect([...(history.heat('m')?.counts ?? [])]).toEqual([0, 0, 1, 1, 0, 1, 2, 0, 1, 3, 0, 1, 4, 0, 1]);
    expect(history.column(metricKey('m', 'g', 'perS'))?.every(Number.isNaN)).toBe(true);
  });

  it('is the same whatever the order and however often points come', () => {
    const seconds = fc.array(fc.integer({ min: 0, max: 3000 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(seconds, (all) => {
        const history = new History();
        for (const second of all) history.apply(message(false, [second]));
        const sorted = [...new Set(all)].sort((left, right) => left - right);
        expect([...history.times]).toEqual(sorted.map((second) => second * 1000));
        expect(active(history)).toEqual(sorted);
      }),
      { numRuns: 50 },
    );
  });

  it('grows over its capacity, and appending then copies no column', () => {
    const history = new History();
    history.apply(
      message(
        true,
        Array.from({ length: 3000 }, (_, second) => second),
      ),
    );
    const { buffer } = history.times;
    history.apply(message(false, [3000]));
    expect(history.times.buffer).toBe(buffer);
    expect(active(history).at(-1)).toBe(3000);
  });

  it('forgets all at a whole, and has what was planned from the timeline', () => {
    const history = new History();
    history.apply(message(true, [0, 1, 2]));
    const whole = message(true, [1, 2]);
    const groups = whole.timeline.groups.map((group) => ({ ...group, planned: [7, 8] }));
    history.apply({ ...whole, timeline: { ...whole.timeline, groups } });
    expect(active(history)).toEqual([1, 2]);
    expect([...(history.column(loadKey('g', 'planned')) ?? [])]).toEqual([7, 8]);
  });

  it('adds the heat maps of groups up, also where a group comes later', () => {
    const history = new History();
    history.apply(message(true, [0, 1]));
    const two = message(false, [1, 2]);
    const rows = [[], [1, 5]];
    history.apply({ ...two, heat: [...two.heat, { metric: 'm', group: 'h', boundsMs: [10, 100], rows }] });
    expect(history.heatGroups('m')).toEqual(['g', 'h']);
    expect([...(history.heat('m', 'h')?.counts ?? [])]).toEqual([0, 0, 0, 0, 0, 0, 0, 5, 0]);
    expect([...(history.heat('m')?.counts ?? [])]).toEqual([0, 0, 1, 1, 0, 1, 2, 5, 1]);
  });

  it('knows that there were no errors of a cause where none are told', () => {
    const history = new History();
    history.apply(message(true, [0, 1]));
    const later = message(false, [1, 2]);
    const cause = { side: 'target', group: 'g', cause: 'timeout' } as const;
    history.apply({ ...later, timeline: { ...later.timeline, causes: [{ ...cause, perS: [3, 4] }] } });
    history.apply(message(false, [2, 3]));
    expect([...(history.column(causeKey(cause)) ?? [])]).toEqual([0, 3, 0, 0]);
    expect(commonCauses(history, ALL).map(({ label }) => label)).toEqual(['timeout']);
    expect(commonCauses(history, 'other')).toEqual([]);
  });

  it('has percentiles of all groups from the swarm, and of the only group where there is one', () => {
    const history = new History();
    history.apply(message(true, [0, 1]));
    const p50 = (): number[] => [...(latencyChart(history, 'm', ALL, undefined).lines.at(-1)?.read() ?? [])];
    expect(p50()).toEqual([0, 1]);
    const whole = message(true, [0, 1]);
    const one = whole.timeline.metrics.flatMap((metric) => [metric, { ...metric, group: 'h', p50: [50, 50] }]);
    const overall = [{ metric: 'm', group: ALL, kind: 'trend' as const, perS: [2, 2], p50: [20, 21] }];
    history.apply({ ...whole, timeline: { ...whole.timeline, metrics: one, overall } });
    expect(p50()).toEqual([20, 21]);
  });

  it('holds three hours of 700 nodes in a few tens of megabytes', () => {
    const history = new History();
    history.apply(createDemoFeed({ seed: 1, nodes: 700, groups: 10, totalS: 10_800 }).timeline(0, 10_800, true));
    expect(history.length).toBe(10_800);
    expect(history.bytes).toBeLessThan(40e6);
  });
});

describe('thinning', () => {
  it('keeps the peak of one second in three hours, and draws few points', () => {
    const times = Float64Array.from({ length: 10_800 }, (_, second) => second * 1000);
    const column = new Float32Array(10_800).fill(1);
    column[7777] = 99;
    const { x, columns } = thin(times, [column], 0, 10_800, 1000);
    expect(x.length).toBeLessThanOrEqual(1040);
    expect(Math.max(...(columns[0] as number[]))).toBe(99);
    expect(x.every((at, index) => index === 0 || at >= (x[index - 1] as number))).toBe(true);
  });

  it('leaves few points as they are, with nothing for what was not recorded', () => {
    const { x, columns } = thin(Float64Array.of(0, 1000, 2000), [Float32Array.of(1, Number.NaN, 3), null], 0, 3, 100);
    expect({ x, columns }).toEqual({
      x: [0, 1000, 2000],
      columns: [
        [1, null, 3],
        [null, null, null],
      ],
    });
  });

  it('sums what is there', () => {
    expect([...sumOf([Float32Array.of(1, Number.NaN, Number.NaN), null, Float32Array.of(2, 5, Number.NaN)], 3)]).toEqual([
      3,
      5,
      Number.NaN,
    ]);
  });
});

describe('the heat map', () => {
  const times = Float64Array.from({ length: 100 }, (_, second) => second * 1000);
  const counts = new Float32Array(100 * 3).fill(0);
  for (let second = 0; second < 100; second++) counts[second * 3 + 1] = 1000;
  counts[50 * 3 + 2] = 1;

  it('shows one slow answer among thousands, in its column and no other', () => {
    const { strength, bandCount, columns } = heatPicture({ times, stepMs: 1000, counts, bands: 3 }, 0, 100_000, 20);
    expect(columns).toHaveLength(20);
    const slow = columns.map((_, column) => strength[column * bandCount + 2] as number);
    expect(slow.filter((value) => value > 0)).toHaveLength(1);
    expect(slow[10]).toBeGreaterThan(0.05);
    expect(Math.max(...strength)).toBe(1);
  });

  it('puts columns where they are while the picture moves', () => {
    const one = heatPicture({ times, stepMs: 1000, counts, bands: 3 }, 10_000, 60_000, 10);
    const next = heatPicture({ times, stepMs: 1000, counts, bands: 3 }, 11_000, 61_000, 10);
    expect(one.columns[0]?.left).toBeCloseTo(0);
    expect(next.columns[0]?.left).toBeCloseTo(-0.02);
  });

  it('names its bands', () => {
    expect([0, 1, 2].map((band) => bandLabel([10, 100], band, (ms) => `${ms} ms`))).toEqual(['to 10 ms', 'to 100 ms', 'over 100 ms']);
  });
});

describe('texts', () => {
  const plain = (text: string): string => text.replaceAll('\u2009', ' ');
  it.each([
    [formatCount(0), '0'],
    [formatCount(9999), '9999'],
    [formatCount(12_345), '12.3 k'],
    [formatCount(1_000_000), '1 M'],
    [formatCount(Number.NaN), '–'],
    [formatMs(0.126), '0.13 ms'],
    [formatMs(1234), '1.23 s'],
    [formatMs(61_000), '1:01'],
    [formatClock(3_723_000), '1:02:03'],
    [formatClock(-4200), '−0:04'],
    [formatShare(0.00001), '0.0010 %'],
    [formatShare(1), '100 %'],
    [formatUsd(0.0123), '$0.0123'],
    [formatUsd(12.4), '$12.40'],
  ])('%s', (made, expected) => expect(plain(made)).toBe(expected));

  it('show what is invisible, and cut whole characters', () => {
    expect(shown('a\u001b[31m\r\n\u202eb\u007f\u0085')).toBe('a␛[31m␍␊⟨202e⟩b␡⟨85⟩');
    expect(shown('a\u200bb\u{e0041}\u3164\ud800\ufff9\u2800')).toBe('a⟨200b⟩b⟨e0041⟩⟨3164⟩⟨d800⟩⟨fff9⟩⟨2800⟩');
    expect(shown('❤️ Zoë 東京 שלום'), 'what is written somewhere stays as it is').toBe('❤️ Zoë 東京 שלום');
    expect(shown(`e${'\u0301'.repeat(40)}!`)).toBe('e\u0301\u0301\u0301\u0301⟨36 marks⟩!');
    expect(cut('abc', 3)).toBeNull();
    expect(cut('ab😀c', 3)).toBe('ab');
  });

  it('are bounded where nobody cuts them', () => {
    const long = shown('x'.repeat(1_000_000));
    expect(long).toBe(`${'x'.repeat(300)}… (999700 more)`);
    expect(shown('x'.repeat(50), 8)).toBe('xxxxxxxx… (42 more)');
  });

  it.each([
    ['short words stay whole', ['short words stay whole']],
    ['http_req_duration{group:viewers}', ['http_', 'req_', 'duration{group:', 'viewers}']],
    [`at ${'x'.repeat(45)} end`, ['at ', 'x'.repeat(20), 'x'.repeat(20), `${'x'.repeat(5)} `, 'end']],
    ['node-1.eu-central-1.example', ['node-1.', 'eu-central-1.', 'example']],
  ])('may be broken into lines: %s', (text, expected) => expect(pieces(text)).toEqual(expected));

  it('lose nothing in pieces, and have none that is long', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 400 }), (text) => {
        const made = pieces(text);
        return made.join('') === text && made.every((piece) => !/\S{21}/u.test(piece));
      }),
    );
  });

  it('have no control character left whatever comes in', () => {
    const bad = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => !bad.test(shown(text))));
  });
});

describe('marks', () => {
  const events: EventRow[] = [
    { atMs: 0, level: 'info', kind: 'join', text: 'node-9 joined' },
    { atMs: 1000, level: 'warning', kind: 'leave', text: 'node-2 leaves' },
    { atMs: 2000, level: 'warning', kind: 'fault', text: 'latency', spans: [{ kind: 'fault', key: 'latency', is: 'begin' }] },
    { atMs: 4000, level: 'info', kind: 'fault', text: 'over', spans: [{ kind: 'fault', key: 'latency', is: 'end' }] },
    { atMs: 5000, level: 'info', text: 'a fault of a run before notes had kinds' },
    { atMs: 6000, level: 'warning', kind: 'threshold', text: 'x', spans: [{ kind: 'threshold', key: 'x', is: 'begin' }] },
  ];

  it('are what notes say of themselves, and not their words', () => {
    expect(marksOf(events).map(({ kind, fromMs, toMs }) => [kind, fromMs, toMs])).toEqual([
      ['leave', 1000, 1000],
      ['fault', 2000, 4000],
      ['threshold', 6000, null],
    ]);
  });

  it('are found at a moment, and tell how long they lasted', () => {
    const marks = marksOf(events);
    const at = (ms: number): string[] => marksAt(marks, ms, 100).map(({ kind }) => kind);
    expect([at(950), at(1200), at(3000), at(4001), at(9000)]).toEqual([['leave'], [], ['fault'], [], ['threshold']]);
    expect(marks.map((mark) => lengthOf(mark, 10_000).replaceAll('\u2009', ' '))).toEqual(['', '2 s', '4 s, lasting']);
  });
});

describe('the node table', () => {
  const { nodes } = createDemoFeed({ seed: 1, nodes: 100, totalS: 600 }).state(500, 0, 1);

  it('sorts by number, with the unknown last in both directions', () => {
    for (const isDescending of [false, true]) {
      const sorted = sortNodes(nodes, 'cpu', isDescending).map(({ cpuCores }) => cpuCores);
      const known = sorted.filter((value) => value !== null);
      expect(sorted.slice(known.length).every((value) => value === null)).toBe(true);
      expect(known).toEqual([...known].sort((left, right) => (isDescending ? right - left : left - right)));
    }
    expect(
      sortNodes(nodes, 'name', false)
        .slice(0, 3)
        .map(({ name }) => name),
    ).toEqual(['node-1', 'node-2', 'node-3']);
    expect(sortNodes(nodes, 'state', false)[0]?.state).toBe('lost');
  });

  it('finds by all words, and sums by label without losing a node', () => {
    expect(findNodes(nodes, 'lost aws').every(({ state, labels }) => state === 'lost' && labels.vendor === 'aws')).toBe(true);
    const sums = sumsByLabel(nodes, 'vendor');
    expect(sums.reduce((total, { nodes: count }) => total + count, 0)).toBe(nodes.filter(({ role }) => role === 'load').length);
    expect(sumsByLabel(nodes, 'nothing')).toEqual([]);
  });
});

describe('words of the schema', () => {
  const schema: Schema = {
    properties: {
      name: { type: 'string' },
      groups: {
        additionalProperties: { anyOf: [{ properties: { type: { examples: ['http', 'sip'] }, load: { $ref: '#/$defs/load' } } }] },
      },
      steps: { items: { properties: { wait: {} } } },
    },
    $defs: { load: { properties: { arrivals: { enum: ['even', 'poisson'] }, rate: {} } } },
  };
  const labels = (text: string): string[] => {
    const lines = text.split('\n');
    return wordsAt(schema, text, lines.length - 1, lines.at(-1)?.length ?? 0).words.map(({ label }) => label);
  };
  it.each([
    ['', ['name', 'groups', 'steps']],
    ['groups:\n  callers:\n    ', ['type', 'load']],
    ['groups:\n  callers:\n    type: s', ['http', 'sip']],
    ['groups:\n  callers:\n    type: sip\n    load:\n      arrivals: ', ['even', 'poisson']],
    ['groups:\n  callers:\n    load:\n      rate: 1\n      ', ['arrivals', 'rate']],
    ['steps:\n  - w', ['wait']],
    ['# groups: ', []],
  ])('after %j', (text, expected) => expect(labels(text)).toEqual(expected));
});

describe('the window of the charts', () => {
  it('follows, stays where a person went, and follows again at the end', () => {
    const window = new ChartWindow();
    window.extend(0, 600_000);
    window.show(120_000);
    expect(window.stretch).toEqual({ fromMs: 480_000, toMs: 600_000 });
    window.pan(-60_000);
    window.extend(0, 610_000);
    expect(window.stretch).toEqual({ fromMs: 420_000, toMs: 540_000 });
    window.pan(1e9);
    expect(window.isFollowing).toBe(true);
    window.pan(-1e9);
    expect(window.stretch).toEqual({ fromMs: 0, toMs: 120_000 });
    window.zoom(1000);
    expect(window.stretch).toEqual({ fromMs: 0, toMs: 610_000 });
  });
});

it('waits grow to a bound', () => {
  const waits = Array.from({ length: 40 }, (_, attempt) => waitBefore(attempt, 0.5));
  expect(waits[0]).toBe(500);
  expect(waits.every((wait, index) => index === 0 || wait >= (waits[index - 1] as number))).toBe(true);
  expect(waits.at(-1)).toBe(15_000);
});

it('two runs are compared by what is better for each figure', () => {
  const [slow, fast] = [9, 7].map((seed) => createDemoFeed({ seed, nodes: 10, totalS: 600 }).report(600, 0));
  if (slow === undefined || fast === undefined) throw new Error('no reports');
  const changed = { ...fast, load: { ...fast.load, total: { ...fast.load.total, activePeak: 1, failed: 0 } } };
  const rows = compare(slow, changed).flatMap(({ rows: all }) => all);
  const verdictOf = (what: string) => rows.find((row) => row.what === what)?.verdict;
  expect(verdictOf('Active peak')).toBe('worse');
  expect(verdictOf('Failed')).toBe('better');
  expect(
    compare(slow, slow)
      .flatMap(({ rows: all }) => all)
      .every(({ verdict }) => verdict === 'same' || verdict === null),
  ).toBe(true);
});
