// What the four transaction machines of RFC 3261, 17 (as corrected by RFC 6026) have in common: a small record that is stepped in place, times as
// numbers in it, and effects as a set of bits, so that a message costs no allocation. A machine does no I/O and knows no message: whoever runs it
// (transactions.ts) performs the effects in the order send, ack, pass, failed, gone, and steps it with 'timer' when `wakeAtMs` has come.

import type { SipTimers } from './types.ts';

export type MachineName = 'invite-client' | 'other-client' | 'invite-server' | 'other-server';

export type MachineState =
  | 'calling'
  | 'trying'
  | 'proceeding'
  | 'completed'
  | 'confirmed'
  /** RFC 6026: a 2xx was seen or sent; its repetitions still find us. */
  | 'accepted'
  | 'terminated';

/** What happens to a machine. Provisional, success and failure are responses: received by a client, given by the user to a server. */
export type MachineEvent = 'timer' | 'provisional' | 'success' | 'failure' | 'request' | 'ack' | 'transport-error';

/** Clients: the request (again). Servers: the last response (again). */
export const SEND = 1;
/** ACK for a failure, built from the request. */
export const ACK = 2;
/** The message goes to the transaction user. */
export const PASS = 4;
/** Timer B, F or H: the user is told that nobody answered. */
export const TIMEOUT = 8;
export const TRANSPORT = 16;
/** Nothing is kept any more. */
export const GONE = 32;
/** 100 Trying, when the user took longer than 200 ms (17.2.1). */
export const TRYING = 64;

export interface Machine {
  readonly machine: MachineName;
  state: MachineState;
  readonly isReliable: boolean;
  /** Timers A, E, G and the 100 of a server: Infinity when off. */
  repeatAtMs: number;
  repeatGapMs: number;
  /** Timers B, D, F, H, I, J, K, L, M: Infinity when off. */
  endAtMs: number;
}

export const NEVER = Number.POSITIVE_INFINITY;

/** RFC 3261, 17.1.1.1: 500 ms, 4 s and 5 s. */
export const defaultTimers: SipTimers = { t1Ms: 500, t2Ms: 4000, t4Ms: 5000 };

/** Timers B, F, H, J, L, M and the patience of RFC 3262 and 9.1: 64 * T1. */
export const patienceMs = (timers: SipTimers): number => 64 * timers.t1Ms;

/** Timer D: at least 32 s over UDP, whatever T1 is; it scales down only for tests that scale everything. */
export const absorbMs = (timers: SipTimers): number => Math.min(32_000, 64 * timers.t1Ms);

export const wakeAtMs = (machine: Machine): number => Math.min(machine.repeatAtMs, machine.endAtMs);

export function terminate(machine: Machine): typeof GONE {
  machine.state = 'terminated';
  machine.repeatAtMs = NEVER;
  machine.endAtMs = NEVER;
  return GONE;
}

/** Enters a state that only waits for its end; over a reliable transport for nothing at all, where the RFC says so. */
export function linger(machine: Machine, state: MachineState, endAtMs: number): void {
  machine.state = state;
  machine.repeatAtMs = NEVER;
  machine.endAtMs = endAtMs;
}

/** Doubles the gap up to `gapMsMax` and sets the next repetition. */
export function repeatLater(machine: Machine, nowMs: number, gapMsMax: number): void {
  machine.repeatGapMs = Math.min(machine.repeatGapMs * 2, gapMsMax);
  machine.repeatAtMs = nowMs + machine.repeatGapMs;
}
