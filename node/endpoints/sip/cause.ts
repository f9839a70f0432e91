// One word for why a registration or a call did not come about: the final status, or what the transport said, as other endpoint types say it.

import { networkCause } from '../../core/network-cause.ts';
import type { SipFailure } from '../../sip/types.ts';

export interface FailureWord {
  readonly side: 'target' | 'generator';
  readonly word: string;
}

export function failureWord({ cause, status, reason }: SipFailure): FailureWord {
  if (cause === 'overload') return { side: 'generator', word: cause };
  if (cause === 'auth-rejected' || cause === 'redirect-limit') return { side: 'target', word: cause };
  if (status !== null) return { side: 'target', word: `status-${status}` };
  // The first hop is the server that the scenario names, so whoever is refused was named by the target: in a redirect, a route or a contact.
  if (reason.includes("among the run's targets")) return { side: 'target', word: 'redirect-refused' };
  if (cause !== 'transport' || !/^[A-Z_0-9]+$/.test(reason)) return { side: 'target', word: cause };
  const network = networkCause({ code: reason });
  return { side: network.side, word: network.cause };
}
