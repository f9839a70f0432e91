// The run that this console started last, as one answer for scripts that wait for its end. Its folder appears only when its swarm forms, so until then there is a process and no run.

import { basename } from 'node:path';
import type { StartedRun } from '../protocol.ts';
import type { Catapult } from './catapult.ts';

export function lastStarted(catapult: Pick<Catapult, 'isRunning' | 'hasStarted' | 'runFolder' | 'runs' | 'complaint'>): StartedRun {
  // Asked first: a run that ends meanwhile is one that runs, and the next answer has all of it.
  const isRunning = catapult.isRunning();
  const folder = catapult.hasStarted() ? catapult.runFolder() : null;
  const run = folder === null ? null : (catapult.runs().find(({ id }) => id === basename(folder)) ?? null);
  return { isRunning, run, complaint: isRunning ? null : catapult.complaint() };
}
