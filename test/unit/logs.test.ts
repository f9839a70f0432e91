import { describe, expect, it } from 'vitest';
import { newLines } from '../../node/commands/logs.ts';

describe('following a log', () => {
  it.each([
    ['nothing was shown yet', [], ['a', 'b'], ['a', 'b']],
    ['nothing is new', ['a', 'b'], ['a', 'b'], []],
    ['two are new', ['a', 'b'], ['a', 'b', 'c', 'd'], ['c', 'd']],
    ['the tail moved on', ['a', 'b'], ['b', 'c'], ['c']],
    ['everything that was shown is gone', ['a', 'b'], ['x', 'y'], ['x', 'y']],
    ['a node that started again', ['a'], [], []],
  ])('%s', (_name, shown, lines, expected) => {
    expect(newLines(shown, lines)).toEqual(expected);
  });
});
