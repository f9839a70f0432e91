// The whole-cluster simulator in CI: a fixed range of seeds, every seed that ever failed (seeds.txt), and the property that makes a
// seed worth noting down: it plays the same run every time. `npm run sim` plays thousands.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runSeed } from '../../tools/sim/run-seed.ts';
import { describeFailure } from '../../tools/sim/summary.ts';

const FIRST = 100_000;
const COUNT = 60;
const PER_TEST = 10;

const known = readFileSync(new URL('seeds.txt', import.meta.url), 'utf8')
  .split('\n')
  .map((line) => line.trim())
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => ({ seed: Number.parseInt(line, 10), cause: line.replace(/^\d+\s+/, '') }));

function outcomeOf(seed: number): string {
  const { failure } = runSeed(seed);
  return failure === null ? 'clean' : describeFailure(failure, true);
}

describe('seeds', () => {
  const groups = Array.from({ length: COUNT / PER_TEST }, (_, group) => FIRST + group * PER_TEST);
  it.each(groups)(`%i and the next ${PER_TEST - 1} are clean`, (first) => {
    for (let seed = first; seed < first + PER_TEST; seed++) expect(outcomeOf(seed)).toBe('clean');
  });

  it.each(known)('$seed is clean again ($cause)', ({ seed }) => {
    expect(seed).toBeGreaterThan(0);
    expect(outcomeOf(seed)).toBe('clean');
  });
});

describe('a seed', () => {
  it.each([3, 18, 46])('%i plays the same run twice', (seed) => {
    const lines: string[] = [];
    const again: string[] = [];
    const first = runSeed(seed, { write: (line) => lines.push(line) });
    const second = runSeed(seed, { write: (line) => again.push(line) });
    expect(lines.length).toBeGreaterThan(500);
    expect(again).toEqual(lines);
    expect(second.traceHash).toBe(first.traceHash);
    // Watching changes nothing.
    expect(runSeed(seed).traceHash).toBe(first.traceHash);
  });

  it('plays another run than its neighbour', () => {
    expect(runSeed(3).traceHash).not.toBe(runSeed(4).traceHash);
  });
});
