// Of which run the charts tell: the one that is watched, or one of the list while it is looked at. Whoever draws charts says so first, with `chartRun`; the parts of a chart then find history,
// window and marks here. Only one run is charted at a time, because the page shows one tab at a time.

import type { EventRow, RunBySecond, TimelineMessage } from '../../protocol.ts';
import { History } from './history.ts';
import { type Mark, marksOf } from './marks.ts';
import { ChartWindow } from './window.ts';

export interface ChartedRun {
  readonly history: History;
  readonly window: ChartWindow;
  marks: readonly Mark[];
}

const createChartedRun = (): ChartedRun => ({ history: new History(), window: new ChartWindow(), marks: [] });

export const watchedRun = createChartedRun();

let charted = watchedRun;
export let history = watchedRun.history;
export let chartWindow = watchedRun.window;

export const currentMarks = (): readonly Mark[] => charted.marks;

export function chartRun(run: ChartedRun): void {
  charted = run;
  history = run.history;
  chartWindow = run.window;
}

/** More of a run, put where it belongs. */
export function extend({ history: points, window }: ChartedRun, message: TimelineMessage): void {
  points.apply(message);
  const { times } = points;
  window.extend(times[0] ?? 0, times[times.length - 1] ?? 0);
}

/** A run that is over, whole. */
export function storedRun(stored: RunBySecond, events: readonly EventRow[]): ChartedRun {
  const run = createChartedRun();
  extend(run, { type: 'timeline', isWhole: true, ...stored });
  run.marks = marksOf(events);
  return run;
}
