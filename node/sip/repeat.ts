// What the user of a server transaction repeats by itself until somebody confirms it: a 2xx until its ACK (RFC 3261, 13.3.1.4: gaps from T1,
// doubling up to T2) and a reliable provisional response until its PRACK (RFC 3262, 3: doubling without end). Both give up after 64 * T1.
// Over reliable transports the 2xx is repeated as well: a proxy further on may be on UDP.

import { patienceMs } from './machine.ts';
import type { SipTimers } from './types.ts';

export interface Repeat {
  nextAtMs: number;
  gapMs: number;
  readonly gapMsMax: number;
  readonly giveUpAtMs: number;
}

export const repeatAnswer = (nowMs: number, timers: SipTimers): Repeat => ({
  nextAtMs: nowMs + timers.t1Ms,
  gapMs: timers.t1Ms,
  gapMsMax: timers.t2Ms,
  giveUpAtMs: nowMs + patienceMs(timers),
});

export const repeatProvisional = (nowMs: number, timers: SipTimers): Repeat => ({
  ...repeatAnswer(nowMs, timers),
  gapMsMax: Number.POSITIVE_INFINITY,
});

/** To be called when `repeatWakeAtMs` has come. */
export function stepRepeat(repeat: Repeat, nowMs: number): 'send' | 'give-up' | 'wait' {
  if (repeat.giveUpAtMs <= nowMs) return 'give-up';
  if (repeat.nextAtMs > nowMs) return 'wait';
  repeat.gapMs = Math.min(repeat.gapMs * 2, repeat.gapMsMax);
  repeat.nextAtMs = nowMs + repeat.gapMs;
  return 'send';
}

export const repeatWakeAtMs = (repeat: Repeat): number => Math.min(repeat.nextAtMs, repeat.giveUpAtMs);
