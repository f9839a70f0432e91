// What happens to each arriving request, decided at once and as arithmetic: is there capacity, how long does it take,
// and does it meet an injected fault. Capacity is one virtual server with a bounded queue (the leaky bucket of ITU-T I.371,
// GCRA): near the limit latency grows, above it requests are turned away, as with a real server. Carrying the decision
// out is traffic.ts's part.

import { drawAt, STREAMS } from './chance.ts';
import type { Settings } from './options.ts';

export type Fault = 'error' | 'hang' | 'reset' | 'garbage';

export interface Decision {
  fate: 'serve' | 'over_capacity' | Fault;
  /** From arrival to the answer: queueing plus service time. */
  delayMs: number;
  retryAfterSeconds: number;
}

export interface Gate {
  /** Requests seen so far; the index of the next request's draws. */
  arrivals: number;
  /** When the virtual server has served all that it accepted. */
  freeAtMs: number;
}

export function createGate(): Gate {
  return { arrivals: 0, freeAtMs: 0 };
}

/** The fate that chance gives request number `index`; one draw, so the rates add up and never overlap. */
export function faultAt(seed: number, index: number, settings: Settings): Fault | undefined {
  const draw = drawAt(seed, STREAMS.fate, index);
  let edge = settings.errorRate;
  if (draw < edge) return 'error';
  edge += settings.hangRate;
  if (draw < edge) return 'hang';
  edge += settings.resetRate;
  if (draw < edge) return 'reset';
  edge += settings.garbageRate;
  return draw < edge ? 'garbage' : undefined;
}

/** Decides the next request, and books its share of the capacity. */
export function admit(gate: Gate, settings: Settings, seed: number, nowMs: number): Decision {
  const index = gate.arrivals;
  gate.arrivals += 1;
  let queueMs = 0;
  if (settings.capacityRps !== null) {
    queueMs = Math.max(0, gate.freeAtMs - nowMs);
    if (queueMs > settings.queueMsMax) {
      return { fate: 'over_capacity', delayMs: 0, retryAfterSeconds: Math.max(1, Math.ceil(queueMs / 1000)) };
    }
    gate.freeAtMs = Math.max(nowMs, gate.freeAtMs) + 1000 / settings.capacityRps;
  }
  const jitterMs = (2 * drawAt(seed, STREAMS.jitter, index) - 1) * settings.serviceTimeJitterMs;
  const delayMs = queueMs + Math.max(0, settings.serviceTimeMs + jitterMs);
  return { fate: faultAt(seed, index, settings) ?? 'serve', delayMs, retryAfterSeconds: 1 };
}
