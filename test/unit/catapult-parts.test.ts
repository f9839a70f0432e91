// The pure parts of starting and steering from the page: how a run was started and is started again, factors group by group, orders of a button, and machines as words and as a form.

import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keepStarted, readStarted, type StartedRecord, wordsAgain, wordsBeyondForm } from '../../node/commands/started.ts';
import { words } from '../../node/core/shell-words.ts';
import { machinesOf, nowhereElse, onWord, placementOf, requestOf } from '../../tools/console/page/src/placements.ts';
import { ALL, afterOrder, factorOf, isPaused, ordersTo } from '../../tools/console/page/src/scaling.ts';
import type { CostView, GroupFactor } from '../../tools/console/protocol.ts';
import { factorsOf } from '../../tools/console/server/factors.ts';
import { disagreement } from '../../tools/console/server/launches.ts';

const record = (verb: StartedRecord['verb'], all: readonly string[], nodes = 3): StartedRecord => {
  const folder = mkdtempSync(join(tmpdir(), 'quilt-started-'));
  keepStarted(folder, verb, 'mine.yaml', all, { nodes: verb === 'run' ? nodes : 0, variables: { key: 'secret' } });
  const kept = readStarted(folder);
  expect(statSync(join(folder, 'started.json')).mode & 0o077, 'variables may be secrets').toBe(0);
  rmSync(folder, { recursive: true });
  if (kept === null) throw new Error('it was not kept');
  return kept;
};

describe('a run once more', () => {
  it.each<[StartedRecord['verb'], string[], string[], string[]]>([
    ['run', ['mine.yaml', '-n', '3', '--quiet'], ['run', 'mine.yaml', '-n', '3'], []],
    ['run', ['-n5', 'mine.yaml', '--json'], ['run', '-n5', 'mine.yaml'], []],
    ['run', ['mine.yaml', '--nodes=2', '--console'], ['run', 'mine.yaml', '--nodes=2'], []],
    // The environment said how many.
    ['run', ['mine.yaml'], ['run', 'mine.yaml', '-n', '3'], []],
    [
      'run',
      ['mine.yaml', '-e', 'a=1', '-eb=2', '-n', '1', '--tag', 'x=y'],
      ['run', 'mine.yaml', '-e', 'a=1', '-eb=2', '-n', '1', '--tag', 'x=y'],
      ['--tag', 'x=y'],
    ],
    [
      'launch',
      ['mine.yaml', '--on', 'local:eu:c1=1', '--yes', '--seed-on', 'local:eu:c1=1'],
      ['launch', 'mine.yaml', '--on', 'local:eu:c1=1', '--seed-on', 'local:eu:c1=1'],
      ['--seed-on', 'local:eu:c1=1'],
    ],
    [
      'launch',
      ['mine.yaml', '--on=local:eu:c1=1', '--max-cost', '5', '--max-wall', '1h'],
      ['launch', 'mine.yaml', '--on=local:eu:c1=1', '--max-cost', '5', '--max-wall', '1h'],
      ['--max-wall', '1h'],
    ],
  ])('%s %j', (verb, given, again, beyond) => {
    const kept = record(verb, given);
    expect(wordsAgain(kept)).toEqual(again);
    expect(wordsBeyondForm(kept)).toEqual(beyond);
  });

  it('is shown as a line that a shell takes word for word', () => {
    expect(words('scale', '*', "it's", '$HOME', 'a b', 'x=1')).toBe(`scale '*' 'it'\\''s' '$HOME' 'a b' x=1`);
  });
});

describe('factors', () => {
  const at = (group: string, factor: number, atMs: number) => ({ group, factor, atMs });

  it('follow from the orders, by their moment', () => {
    const scales = [at('*', 2, 10), at('a', 0.5, 30), at('a', 0, 40), at('b', 3, 5)];
    expect(factorsOf(['a', 'b', 'c'], scales)).toEqual([
      { group: 'a', factor: 0, resumeFactor: 0.5 },
      { group: 'b', factor: 2, resumeFactor: 2 },
      { group: 'c', factor: 2, resumeFactor: 2 },
    ]);
    expect(factorsOf(['a'], [])).toEqual([{ group: 'a', factor: 1, resumeFactor: 1 }]);
    expect(factorsOf(['a'], [at('*', 0, 1)])).toEqual([{ group: 'a', factor: 0, resumeFactor: 1 }]);
  });

  it('of all are one where they are the same, and one order then', () => {
    const same = factorsOf(['a', 'b'], [at('*', 0.5, 1)]);
    expect([factorOf(same, ALL), isPaused(same, ALL)]).toEqual([0.5, false]);
    expect(ordersTo(same, ALL, ({ factor }) => factor * 1.1)).toEqual([{ order: 'scale', group: '*', factor: 0.55 }]);
    expect(ordersTo(same, 'b', () => 0)).toEqual([{ order: 'scale', group: 'b', factor: 0 }]);
  });

  it('that differ stay different: over a pause of all, and back', () => {
    const scales = [at('*', 0.5, 1), at('a', 3, 2)];
    const before = factorsOf(['a', 'b'], scales);
    expect(factorOf(before, ALL)).toBe(null);
    const pause = ordersTo(before, ALL, () => 0);
    const paused = factorsOf(['a', 'b'], [...scales, ...pause.map(({ group, factor }) => at(group, factor, 3))]);
    expect(pause.reduce<readonly GroupFactor[]>(afterOrder, before), 'what the page shows until then').toEqual(paused);
    expect([isPaused(paused, ALL), isPaused(paused, 'a'), factorOf(paused, ALL)]).toEqual([true, true, 0]);
    const orders = ordersTo(paused, ALL, ({ resumeFactor }) => resumeFactor);
    expect(orders.map(({ group, factor }) => [group, factor])).toEqual([
      ['a', 3],
      ['b', 0.5],
    ]);
  });

  it('stay within their bounds, and no group is no order', () => {
    expect(ordersTo(factorsOf(['a'], []), ALL, () => 1000)).toMatchObject([{ factor: 100 }]);
    expect(ordersTo(factorsOf(['a'], []), ALL, () => -1)).toMatchObject([{ factor: 0 }]);
    expect(ordersTo([], ALL, () => 1)).toEqual([]);
    expect(isPaused([], ALL)).toBe(false);
  });
});

describe('machines of the form', () => {
  it.each(['aws:us-east-1:c7i.large=10', 'gce:europe-west1/europe-west1-b:e2-standard-4,e2-standard-2=5@spot+', 'local:eu:c1=1@spot'])(
    'are the words of --on: %s',
    (word) => {
      expect(onWord(placementOf(word))).toBe(word);
    },
  );

  it('and back: what was asked for is what the form shows', () => {
    const word = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
    const placement = fc
      .tuple(word, word, word, fc.integer({ min: 1, max: 99 }))
      .map(([cloud, region, type, count]) => `${cloud}:${region}:${type}=${count}`);
    const request = fc.record({
      ...{ on: fc.array(placement, { minLength: 1, maxLength: 4 }), mix: fc.constant([]), spotSharePercent: fc.constant(0) },
      ...{ host: fc.option(word), maxCostUsd: fc.option(fc.integer({ min: 1, max: 1000 })) },
    });
    fc.assert(
      fc.property(request, (asked) => {
        expect(requestOf(machinesOf(asked))).toEqual(asked);
      }),
    );
    const mix = { on: [], mix: ['aws:us-east-1', 'gce:us-central1'], spotSharePercent: 30, host: 'h', maxCostUsd: null };
    expect(requestOf(machinesOf(mix))).toEqual(mix);
    expect(requestOf(machinesOf(undefined))).toBe(undefined);
  });

  it('that are still being written are none', () => {
    const half = {
      ...nowhereElse,
      where: 'on' as const,
      on: [{ ...placementOf('aws:us-east-1:c7i.large=1'), region: ' ' }],
      maxCostUsd: 'much',
    };
    expect(requestOf(half)).toEqual({ on: [], mix: [], spotSharePercent: 0, host: null, maxCostUsd: null });
  });
});

it.each<[number, readonly string[], number | undefined, boolean]>([
  [0, [], undefined, true],
  [0, ['no price table for x'], undefined, false],
  [0, ['no price table for x'], 0, true],
  [5, [], undefined, false],
  [5, [], 4.99, false],
  [5, [], 5, true],
  [5, [], 6, true],
])('a launch of %d USD, %j not known, with %s agreed to', (totalUsd, missing, agreedUsd, isAgreed) => {
  const cost: CostView = { vendors: [], totalUsd, usdPerHour: 0, runMs: 0, missing, notes: [], lines: [] };
  expect(disagreement(cost, agreedUsd)?.code ?? null).toBe(isAgreed ? null : 'QUILT_COST_AGREE');
});
