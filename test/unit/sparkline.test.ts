// The last minute beside a figure: spikes are not lost, silence is blank, and it takes the room it was given.

import { describe, expect, it } from 'vitest';
import type { BoardView } from '../../node/core/summary-types.ts';
import { renderBoard } from '../../tools/scoreboard/board.ts';
import { extendHistory, SPARK_COLUMNS, SPARK_S, sparkline } from '../../tools/scoreboard/sparkline.ts';
import { createStyle } from '../../tools/scoreboard/style.ts';
import { displayWidth } from '../../tools/scoreboard/text.ts';

const view = (p95Ms: number | null): BoardView => ({
  ...{ boardVersion: 1, scenario: 's', phase: 'running', elapsedMs: 1000, totalMs: 60_000, endpointsActive: 5, endpointsPlanned: 5 },
  ...{ endpointsPeak: 5, nodesLive: 1, nodesExpected: 1, coordinator: 'seed', term: 1, troubles: [], note: null, spending: null },
  groups: [{ group: 'callers', type: 'http', active: 5, planned: 5, peak: 5, ratePerS: 3, p95Ms, errorsPerS: 0 }],
});

describe('a sparkline', () => {
  it('keeps a spike of one second, and leaves silence blank', () => {
    const values: (number | null)[] = Array.from({ length: SPARK_S }, (_, at) => (at === 33 ? 800 : at < 20 ? null : 100));
    const line = sparkline(values);
    expect(line.length).toBe(SPARK_COLUMNS);
    expect(line.startsWith('     ')).toBe(true);
    expect([...line].filter((cell) => cell === '█').length).toBe(1);
  });

  it('is nothing of nothing', () => {
    expect(sparkline([])).toBe('');
    expect(sparkline([null, null])).toBe('');
  });

  it('stands on a board that is drawn again and again, where there is room, and never makes a line too long', () => {
    let history = extendHistory(new Map(), view(null));
    for (let second = 0; second < 90; second++) history = extendHistory(history, view(second));
    expect(history.get('callers')?.length).toBe(SPARK_S);
    for (const columns of [40, 60, 80, 100, 160]) {
      const lines = renderBoard(view(90), { columns, rows: 24 }, createStyle(false), history);
      for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(columns);
    }
    expect(renderBoard(view(90), { columns: 120, rows: 24 }, createStyle(false), history)[1]).toMatch(/▆|▇/);
    expect(renderBoard(view(90), { columns: 120, rows: 24 }, createStyle(false))[1]).not.toMatch(/▆|▇/);
  });
});
