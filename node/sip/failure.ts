// From a final response, or its absence, to what the report says: one word for the cause, and when to come again.

import { parseRetryAfter } from '../wire/sip/headers.ts';
import { headerOf, type SipResponse } from '../wire/sip/message.ts';
import type { SipFailure, SipFailureCause } from './types.ts';

const causes: Readonly<Record<number, SipFailureCause>> = {
  401: 'auth-rejected',
  403: 'auth-rejected',
  404: 'not-found',
  407: 'auth-rejected',
  408: 'timeout',
  410: 'not-found',
  420: 'protocol',
  421: 'protocol',
  422: 'protocol',
  423: 'protocol',
  480: 'unavailable',
  486: 'busy',
  487: 'cancelled',
  503: 'unavailable',
  600: 'busy',
  603: 'declined',
  604: 'not-found',
};

/** `hasCredentials`: a 403 to a request with credentials is about them. */
export function causeOf(status: number, hasCredentials: boolean): SipFailureCause {
  if (status === 403 && !hasCredentials) return 'rejected';
  return causes[status] ?? (status >= 500 && status < 600 ? 'server-error' : 'rejected');
}

export function failureOf(response: SipResponse, cause: SipFailureCause, atMs: number, startedAtMs: number): SipFailure {
  const retryAfter = headerOf(response, 'retry-after');
  const seconds = retryAfter === undefined ? undefined : parseRetryAfter(retryAfter)?.seconds;
  return {
    cause,
    status: response.status,
    reason: response.reason,
    retryAfterMs: seconds === undefined ? null : seconds * 1000,
    atMs,
    responseMs: atMs - startedAtMs,
  };
}

export const silence = (cause: SipFailureCause, reason: string, atMs: number, startedAtMs: number): SipFailure => ({
  cause,
  status: null,
  reason,
  retryAfterMs: null,
  atMs,
  responseMs: atMs - startedAtMs,
});
