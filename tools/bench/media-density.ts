// How many endpoints of 230 kbit/s each way (audio-80k and video-150k, all statistics on) one core of generator holds: all packets within 5 ms of due (p99),
// none dropped at our sockets, no window marked. The peer is echo.c on the other core, signalling is left out. The figure is the largest number that was
// really held, not an extrapolation; beside it stand the deck's 7.5 a core, from 30 endpoints on a four-core machine, which is the baseline.

import { out } from '../../node/adapters/terminal.ts';
import type { BenchOptions, BenchResult } from '../bench-kit.ts';
import { describeCores, withLab } from './media/lab.ts';
import { isFull, isHeld, ladderRow, ladderTitle, runStep, type Step } from './media/ladder.ts';

export const about = 'endpoints of 230 kbit/s each way that one core holds, statistics on, against the 7.5 of the old stack';

const DECK_ENDPOINTS_PER_CORE = 7.5;
const REACH = 1_500;
const STEPS = [500, 1_000, 1_500, 1_750, 2_000, 2_250, 2_500, 3_000];
const STEPS_QUICK = [750, 1_500];

export async function bench({ quick }: BenchOptions): Promise<BenchResult> {
  const seconds = quick ? 4 : 8;
  out(`${describeCores()}; media both ways against echo.c, one shared local port`);
  const steps = await withLab(async (lab) => {
    const done: Step[] = [];
    out(ladderTitle());
    for (const endpoints of quick ? STEPS_QUICK : STEPS) {
      const step = await runStep(lab, endpoints, seconds);
      done.push(step);
      out(ladderRow(step));
      if (isFull(step)) break;
    }
    return done;
  });
  const held = steps.filter(isHeld).at(-1);
  if (held === undefined) out('not even the first step was held');
  else out(`by its CPU at ${held.endpoints} endpoints a core would hold ${(held.endpoints / held.cores).toFixed(0)} (extrapolated)`);
  return {
    figure: held?.endpoints ?? 0,
    unit: 'endpoints/core',
    baseline: DECK_ENDPOINTS_PER_CORE,
    reach: REACH,
    better: 'higher',
  };
}
