// The client transactions: INVITE (RFC 3261, 17.1.1 with RFC 6026, 8.4) and all others (17.1.2). The request was sent when the machine was made.

import {
  ACK,
  absorbMs,
  linger,
  type Machine,
  type MachineEvent,
  NEVER,
  PASS,
  patienceMs,
  repeatLater,
  SEND,
  TIMEOUT,
  TRANSPORT,
  terminate,
} from './machine.ts';
import type { SipTimers } from './types.ts';

/** Sets the timers of a client whose request leaves now: A or E (unreliable transports), B or F. */
export function startClient(machine: Machine, nowMs: number, timers: SipTimers): void {
  machine.state = machine.machine === 'invite-client' ? 'calling' : 'trying';
  machine.repeatGapMs = timers.t1Ms;
  machine.repeatAtMs = machine.isReliable ? NEVER : nowMs + timers.t1Ms;
  machine.endAtMs = nowMs + patienceMs(timers);
}

/** Returns effects: bits of machine.ts. */
export function stepInviteClient(machine: Machine, event: MachineEvent, nowMs: number, timers: SipTimers): number {
  const { state } = machine;
  if (event === 'timer') return inviteTimer(machine, nowMs);
  if (event === 'transport-error') return state === 'accepted' ? 0 : terminate(machine) | TRANSPORT;
  if (state === 'calling' || state === 'proceeding') {
    if (event === 'provisional') {
      // Timers A and B are off: how long it may ring is the user's business.
      linger(machine, 'proceeding', NEVER);
      return PASS;
    }
    if (event === 'success') {
      linger(machine, 'accepted', nowMs + patienceMs(timers));
      return PASS;
    }
    if (machine.isReliable) return ACK | PASS | terminate(machine);
    linger(machine, 'completed', nowMs + absorbMs(timers));
    return ACK | PASS;
  }
  // A provisional response that its final one overtook is no error and tells nothing.
  if (state === 'completed') return event === 'failure' ? ACK : 0;
  if (state === 'accepted') return event === 'success' ? PASS : 0;
  return 0;
}

function inviteTimer(machine: Machine, nowMs: number): number {
  if (machine.endAtMs <= nowMs) return machine.state === 'calling' ? terminate(machine) | TIMEOUT : terminate(machine);
  if (machine.repeatAtMs > nowMs) return 0;
  repeatLater(machine, nowMs, NEVER);
  return SEND;
}

/** Returns effects: bits of machine.ts. */
export function stepOtherClient(machine: Machine, event: MachineEvent, nowMs: number, timers: SipTimers): number {
  const isWaiting = machine.state === 'trying' || machine.state === 'proceeding';
  if (event === 'timer') {
    if (machine.endAtMs <= nowMs) return isWaiting ? terminate(machine) | TIMEOUT : terminate(machine);
    if (machine.repeatAtMs > nowMs) return 0;
    // Timer E goes on in 'proceeding', at T2 (17.1.2.2).
    if (machine.state === 'proceeding') machine.repeatGapMs = timers.t2Ms;
    repeatLater(machine, nowMs, timers.t2Ms);
    return SEND;
  }
  if (!isWaiting) return 0;
  if (event === 'transport-error') return terminate(machine) | TRANSPORT;
  if (event === 'provisional') {
    machine.state = 'proceeding';
    return PASS;
  }
  if (machine.isReliable) return PASS | terminate(machine);
  linger(machine, 'completed', nowMs + timers.t4Ms);
  return PASS;
}
