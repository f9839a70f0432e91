// Swarm time: each node estimates its offset to the coordinator's clock from round trips (Cristian 1989, with NTP's rule that the sample with the
// smallest bound of error is the best one: half its round trip, plus what two clocks may have drifted apart since). A new coordinator carries on with the offset it had, so swarm time does not jump when coordinators change.

import type { ClockState } from './state.ts';

/** Samples looked back on. Those taken close together before T0 are the best for a while; more than this would only be older. */
const SAMPLES_MAX = 32;
/** How fast two machines' clocks may drift apart: 100 ppm each (RFC 5905 assumes 15). Larger forgets good samples sooner. */
const DRIFT_SHARE = 0.0002;

export const createClock = (): ClockState => ({ offsetMs: 0, errorMs: Number.POSITIVE_INFINITY, term: 0, samples: [] });

/** Whether this node has ever learned, or made, swarm time. A node that has not would let it jump if it led a run that has a T0. */
export const knowsSwarmTime = (clock: ClockState): boolean => clock.errorMs < Number.POSITIVE_INFINITY;

/** One round trip with the coordinator of `term`: sent and received in own time, `swarmMs` read by the coordinator in between. */
export function observe(clock: ClockState, term: number, sentMs: number, receivedMs: number, swarmMs: number): void {
  const rttMs = receivedMs - sentMs;
  if (rttMs < 0) return;
  if (term !== clock.term) clock.samples.length = 0;
  clock.term = term;
  clock.samples.push({ rttMs, receivedMs, offsetMs: swarmMs + rttMs / 2 - receivedMs });
  if (clock.samples.length > SAMPLES_MAX) clock.samples.shift();
  const errorMs = (sample: ClockState['samples'][number]): number => sample.rttMs / 2 + (receivedMs - sample.receivedMs) * DRIFT_SHARE;
  const best = clock.samples.reduce((a, b) => (errorMs(b) <= errorMs(a) ? b : a));
  clock.offsetMs = best.offsetMs;
  clock.errorMs = errorMs(best);
}

/** This node leads: swarm time goes on as it knows it, or starts as its own clock. */
export function lead(clock: ClockState, term: number): void {
  clock.samples.length = 0;
  clock.term = term;
  if (!knowsSwarmTime(clock)) clock.errorMs = 0;
}
