// The run that this console started last, as one answer for scripts that wait for its end. Its folder appears only when its swarm forms, so until then there is a process and no run.

import type { StartedRun } from '../protocol.ts';
import type { Catapult } from './catapult.ts';

/** `isOperator`: also why nothing came of it; its words may hold secrets. */
export function lastStarted(catapult: Pick<Catapult, 'started' | 'runs'>, isOperator: boolean): StartedRun {
  // Asked first: a run that ends meanwhile is one that runs, and the next answer has all of it.
  const view = catapult.started();
  if (view === null) return { isRunning: false, run: null, complaint: null };
  const run = view.run === null ? null : (catapult.runs().find(({ id }) => id === view.run) ?? null);
  return { isRunning: view.isRunning, run, complaint: isOperator && view.hasFailed ? view.said.join('\n') : null };
}
