// Swarm time: each node estimates its offset to the coordinator's clock from round trips (Cristian 1989, with NTP's rule that the sample with the
// shortest round trip is the best one). A new coordinator carries on with the offset it had, so swarm time does not jump when coordinators change.

import type { ClockState } from './state.ts';

/** Samples looked back on: at one a second, drift of 100 ppm adds under 1 ms over them. */
const SAMPLES_MAX = 8;

export const createClock = (): ClockState => ({ offsetMs: 0, errorMs: Number.POSITIVE_INFINITY, samples: [] });

/** One round trip: sent and received in own time, `swarmMs` read by the coordinator in between. */
export function observe(clock: ClockState, sentMs: number, receivedMs: number, swarmMs: number): void {
  const rttMs = receivedMs - sentMs;
  if (rttMs < 0) return;
  clock.samples.push({ rttMs, offsetMs: swarmMs + rttMs / 2 - receivedMs });
  if (clock.samples.length > SAMPLES_MAX) clock.samples.shift();
  const best = clock.samples.reduce((a, b) => (b.rttMs < a.rttMs ? b : a));
  clock.offsetMs = best.offsetMs;
  clock.errorMs = best.rttMs / 2;
}

/** Samples against another coordinator's clock are worthless. */
export function forgetSamples(clock: ClockState): void {
  clock.samples.length = 0;
}
