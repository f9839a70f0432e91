// CPU, lateness and memory of one core of generator at 100 to 4,000 endpoints with audio and video both ways: straight until the core is full, and from there on
// windows that say so. The figure is how far the curve bends: CPU per endpoint at the largest number that was held, over that at 500 (below 500 what a
// process costs by itself still shows). A step that was full although no window says so is a wrong result that looks right, and fails the benchmark.

import { out } from '../../node/adapters/terminal.ts';
import type { BenchOptions, BenchResult } from '../bench-kit.ts';
import { describeCores, withLab } from './media/lab.ts';
import { isFull, isHeld, ladderRow, ladderTitle, runStep, type Step } from './media/ladder.ts';
import { fitLine } from './media/parse.ts';

export const about = 'CPU, lateness and memory at 100 to 4,000 endpoints with media: straight until the core is full, marked from there on';

const STEPS = [100, 500, 1_000, 2_000, 4_000];
const STEPS_QUICK = [100, 500, 1_500];
const REFERENCE = 500;
/** A tenth more CPU per endpoint than at 500 still reads as straight on a shared machine. */
const REACH = 1.1;

const cpuEach = ({ cores, endpoints }: Step): number => cores / endpoints;

function describeLine(held: readonly Step[]): void {
  if (held.length < 2) return;
  const cpu = fitLine(held.map(({ endpoints, cores }) => [endpoints, cores]));
  const memory = fitLine(held.map(({ endpoints, span }) => [endpoints, span.residentBytes]));
  out(
    `while not full: ${(cpu.slope * 1e6).toFixed(0)} us of CPU a second and endpoint (R2 ${cpu.rSquared.toFixed(4)}), ` +
      `${(memory.slope / 1000).toFixed(1)} kB an endpoint (R2 ${memory.rSquared.toFixed(4)}) above ${(memory.intercept / 1e6).toFixed(0)} MB`,
  );
}

export async function bench({ quick }: BenchOptions): Promise<BenchResult> {
  const seconds = quick ? 3 : 10;
  out(`${describeCores()}; media both ways against echo.c, one shared local port`);
  const steps = await withLab(async (lab) => {
    const done: Step[] = [];
    out(ladderTitle());
    for (const endpoints of quick ? STEPS_QUICK : STEPS) {
      const step = await runStep(lab, endpoints, seconds);
      done.push(step);
      out(ladderRow(step));
    }
    return done;
  });
  const held = steps.filter(isHeld);
  describeLine(held);
  const unmarked = steps.filter((step) => isFull(step) && step.span.deltasTainted === 0);
  if (unmarked.length > 0)
    throw new Error(`full, but no window is marked, at ${unmarked.map(({ endpoints }) => endpoints).join(', ')} endpoints`);
  const reference = held.find(({ endpoints }) => endpoints === REFERENCE);
  const largest = held.at(-1);
  if (reference === undefined || largest === undefined) throw new Error(`${REFERENCE} endpoints were too many for this core`);
  out(`largest number held: ${largest.endpoints}`);
  return { figure: cpuEach(largest) / cpuEach(reference), unit: 'CPU/endpoint to that at 500', baseline: 1, reach: REACH, better: 'lower' };
}
