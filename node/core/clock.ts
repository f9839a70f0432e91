// Swarm time: each node estimates its offset to the coordinator's clock from round trips (Cristian 1989, with NTP's rule that the sample with the
// shortest round trip is the best one). A new coordinator carries on with the offset it had, so swarm time does not jump when coordinators change.

import type { ClockState } from './state.ts';

/** Samples looked back on: at one a second, drift of 100 ppm adds under 1 ms over them. */
const SAMPLES_MAX = 8;

export const createClock = (): ClockState => ({ offsetMs: 0, errorMs: Number.POSITIVE_INFINITY, term: 0, samples: [] });

/** Whether this node has ever learned, or made, swarm time. A node that has not would let it jump if it led a run that has a T0. */
export const knowsSwarmTime = (clock: ClockState): boolean => clock.errorMs < Number.POSITIVE_INFINITY;

/** One round trip with the coordinator of `term`: sent and received in own time, `swarmMs` read by the coordinator in between. */
export function observe(clock: ClockState, term: number, sentMs: number, receivedMs: number, swarmMs: number): void {
  const rttMs = receivedMs - sentMs;
  if (rttMs < 0) return;
  if (term !== clock.term) clock.samples.length = 0;
  clock.term = term;
  clock.samples.push({ rttMs, offsetMs: swarmMs + rttMs / 2 - receivedMs });
  if (clock.samples.length > SAMPLES_MAX) clock.samples.shift();
  const best = clock.samples.reduce((a, b) => (b.rttMs < a.rttMs ? b : a));
  clock.offsetMs = best.offsetMs;
  clock.errorMs = best.rttMs / 2;
}

/** This node leads: swarm time goes on as it knows it, or starts as its own clock. */
export function lead(clock: ClockState, term: number): void {
  clock.samples.length = 0;
  clock.term = term;
  if (!knowsSwarmTime(clock)) clock.errorMs = 0;
}
