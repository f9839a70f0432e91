// What the media benchmarks read and reckon: processor lists, lines of the C baselines, straight lines through points.

import { describe, expect, it } from 'vitest';
import { cpuListOf, figuresOf, fitLine, shellTimesOf } from '../../tools/bench/media/parse.ts';

describe('cpuListOf', () => {
  it.each([
    ['0-1', [0, 1]],
    ['0-2,5', [0, 1, 2, 5]],
    ['3', [3]],
    ['', []],
  ])('reads %j', (text, cores) => {
    expect(cpuListOf(text)).toEqual(cores);
  });
});

describe('figuresOf', () => {
  it('gives the numbers asked for', () => {
    expect(figuresOf('{"packets":12,"cpuSeconds":0.5,"drops":0}', ['packets', 'cpuSeconds'])).toMatchObject({
      packets: 12,
      cpuSeconds: 0.5,
    });
  });

  it('throws when one is missing or is no number', () => {
    expect(() => figuresOf('{"packets":"12"}', ['packets', 'drops'])).toThrow('no packets, drops in');
  });
});

describe('shellTimesOf', () => {
  it('adds user and system time', () => {
    expect(shellTimesOf('1m2.500s 0m0.250s')).toBeCloseTo(62.75);
    expect(() => shellTimesOf('exit 0')).toThrow('no two times');
  });
});

describe('fitLine', () => {
  it('finds the line that the points lie on', () => {
    const { slope, intercept, rSquared } = fitLine([
      [100, 12],
      [500, 52],
      [1000, 102],
    ]);
    expect([slope, intercept, rSquared]).toEqual([expect.closeTo(0.1), expect.closeTo(2), expect.closeTo(1)]);
  });

  it('explains less of points that bend', () => {
    const bent = fitLine([
      [1, 1],
      [2, 4],
      [3, 9],
      [4, 16],
    ]);
    expect(bent.slope).toBeCloseTo(5);
    expect(bent.rSquared).toBeCloseTo(0.969, 3);
  });

  it('explains a level line fully, and refuses a single x', () => {
    expect(
      fitLine([
        [1, 7],
        [2, 7],
      ]).rSquared,
    ).toBe(1);
    expect(() =>
      fitLine([
        [1, 7],
        [1, 9],
      ]),
    ).toThrow('two points');
  });
});
