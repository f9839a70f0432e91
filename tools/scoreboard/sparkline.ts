// The last minute of one figure of each group, as a line of block characters beside the figure: whether p95 climbs or a spike just passed is seen without a chart. Kept by whoever draws a
// board second after second; a board that is drawn once has none.

import type { BoardView } from '../../node/core/summary-types.ts';

const BLOCKS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/** Seconds kept. */
export const SPARK_S = 60;
export const SPARK_COLUMNS = 15;

/** p95 latency by group, oldest first; null = no samples in that second. */
export type BoardHistory = ReadonlyMap<string, readonly (number | null)[]>;

export function extendHistory(history: BoardHistory, { groups }: BoardView): BoardHistory {
  return new Map(groups.map(({ group, p95Ms }) => [group, [...(history.get(group) ?? []), p95Ms].slice(-SPARK_S)]));
}

/** Each column is the highest of its stretch, so that a spike is not lost; from zero, so that a flat line is flat. */
export function sparkline(values: readonly (number | null)[], columns = SPARK_COLUMNS): string {
  const top = values.reduce<number>((max, value) => Math.max(max, value ?? 0), 0);
  if (top === 0) return '';
  const perColumn = SPARK_S / columns;
  const cells: string[] = [];
  for (let end = values.length; end > 0 && cells.length < columns; end -= perColumn) {
    const stretch = values.slice(Math.max(0, Math.floor(end - perColumn)), Math.floor(end)).filter((value) => value !== null);
    const highest = stretch.length === 0 ? null : Math.max(...stretch);
    cells.unshift(highest === null ? ' ' : (BLOCKS[Math.min(7, Math.floor((highest / top) * 8))] ?? ' '));
  }
  return cells.join('');
}
