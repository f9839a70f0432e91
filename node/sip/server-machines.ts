// The server transactions: INVITE (RFC 3261, 17.2.1 with RFC 6026, 8.5-8.7) and all others (17.2.2). The request was passed to the user when the
// machine was made. A 2xx is repeated by the user, not here (13.3.1.4): repeat.ts.

import {
  linger,
  type Machine,
  type MachineEvent,
  NEVER,
  PASS,
  patienceMs,
  repeatLater,
  SEND,
  TIMEOUT,
  TRYING,
  terminate,
} from './machine.ts';
import type { SipTimers } from './types.ts';

/** How long the user may think before the client is told 100 (17.2.1), ms. */
const SILENCE_MS_MAX = 200;

export function startServer(machine: Machine, nowMs: number): void {
  const isInvite = machine.machine === 'invite-server';
  machine.state = isInvite ? 'proceeding' : 'trying';
  machine.repeatGapMs = 0;
  machine.repeatAtMs = isInvite ? nowMs + SILENCE_MS_MAX : NEVER;
  machine.endAtMs = NEVER;
}

/** Returns effects: bits of machine.ts. `hasResponse`: something was sent already. */
export function stepInviteServer(machine: Machine, event: MachineEvent, nowMs: number, timers: SipTimers, hasResponse: boolean): number {
  switch (machine.state) {
    case 'proceeding':
      return inviteProceeding(machine, event, nowMs, timers, hasResponse);
    case 'completed':
      if (event === 'request') return SEND;
      if (event === 'ack') {
        if (machine.isReliable) return terminate(machine);
        linger(machine, 'confirmed', nowMs + timers.t4Ms);
        return 0;
      }
      if (event !== 'timer') return 0;
      if (machine.endAtMs <= nowMs) return terminate(machine) | TIMEOUT;
      if (machine.repeatAtMs > nowMs) return 0;
      repeatLater(machine, nowMs, timers.t2Ms);
      return SEND;
    case 'accepted':
      if (event === 'ack') return PASS;
      if (event === 'success') return SEND;
      return event === 'timer' && machine.endAtMs <= nowMs ? terminate(machine) : 0;
    case 'confirmed':
      return event === 'timer' && machine.endAtMs <= nowMs ? terminate(machine) : 0;
    default:
      return 0;
  }
}

function inviteProceeding(machine: Machine, event: MachineEvent, nowMs: number, timers: SipTimers, hasResponse: boolean): number {
  switch (event) {
    case 'request':
      return hasResponse ? SEND : 0;
    case 'timer':
      if (machine.repeatAtMs > nowMs) return 0;
      machine.repeatAtMs = NEVER;
      return TRYING;
    case 'provisional':
      machine.repeatAtMs = NEVER;
      return SEND;
    case 'success':
      linger(machine, 'accepted', nowMs + patienceMs(timers));
      return SEND;
    case 'failure':
      machine.state = 'completed';
      machine.repeatGapMs = timers.t1Ms;
      machine.repeatAtMs = machine.isReliable ? NEVER : nowMs + timers.t1Ms;
      machine.endAtMs = nowMs + patienceMs(timers);
      return SEND;
    default:
      return 0;
  }
}

/** Returns effects: bits of machine.ts. */
export function stepOtherServer(machine: Machine, event: MachineEvent, nowMs: number, timers: SipTimers): number {
  const { state } = machine;
  if (event === 'timer') return machine.endAtMs <= nowMs ? terminate(machine) : 0;
  if (event === 'request') return state === 'trying' ? 0 : SEND;
  if (state === 'completed' || state === 'terminated') return 0;
  if (event === 'provisional') {
    machine.state = 'proceeding';
    return SEND;
  }
  if (machine.isReliable) return SEND | terminate(machine);
  linger(machine, 'completed', nowMs + patienceMs(timers));
  return SEND;
}
