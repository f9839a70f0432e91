// Session timers (RFC 4028) as arithmetic: what a request asks for, what is agreed on, when to refresh and when to give up. The call performs it.

import { parseMinSe, parseSessionExpires } from '../wire/sip/headers.ts';
import { headerOf, type SipMessage, type SipRequest, type SipResponse } from '../wire/sip/message.ts';
import { NEVER } from './machine.ts';
import type { SessionTimerWish } from './types.ts';

export interface Session {
  readonly intervalMs: number;
  readonly isRefresher: boolean;
  /** Infinity where the peer refreshes. */
  refreshAtMs: number;
  /** When it counts as dead (section 10). */
  readonly deadAtMs: number;
}

/** Section 4: shorter intervals may be refused by anybody. */
const INTERVAL_S_MIN = 90;

/** `expiresS`: the wish, or what a 422 demanded. */
export function sessionLines(wish: SessionTimerWish, expiresS: number): string {
  const refresher = wish.refresher === 'local' ? 'uac' : 'uas';
  return `Session-Expires: ${expiresS};refresher=${refresher}\r\nMin-SE: ${wish.minS}\r\n`;
}

/** Seconds that a 422 demands (section 7.4); null when it does not say. */
export function demandedSeconds(response: SipResponse): number | null {
  const value = headerOf(response, 'min-se');
  return value === undefined ? null : parseMinSe(value);
}

export function session(intervalS: number, isRefresher: boolean, nowMs: number): Session {
  const intervalMs = intervalS * 1000;
  const refreshAtMs = isRefresher ? nowMs + intervalMs / 2 : NEVER;
  return { intervalMs, isRefresher, refreshAtMs, deadAtMs: nowMs + deadAfterMs(intervalMs) };
}

/** Section 10: a BYE this long after the last refresh, so that it arrives before the session ends everywhere. */
const deadAfterMs = (intervalMs: number): number => intervalMs - Math.min(32_000, intervalMs / 3);

/** What a 2xx to our request agreed on; null: no timer (section 7.2). */
export function sessionOfAnswer(response: SipResponse, nowMs: number): Session | null {
  const agreed = agreedIn(response);
  return agreed === null ? null : session(agreed.seconds, agreed.refresher !== 'uas', nowMs);
}

function agreedIn(message: SipMessage): { readonly seconds: number; readonly refresher: 'uac' | 'uas' | null } | null {
  const value = headerOf(message, 'session-expires');
  return value === undefined ? null : parseSessionExpires(value);
}

export type SessionReply =
  /** Below what we accept: 422 with Min-SE. */
  | { readonly kind: 'too-small'; readonly minS: number }
  | { readonly kind: 'none' }
  | { readonly kind: 'agreed'; readonly intervalS: number; readonly refresher: 'uac' | 'uas' };

/** What we, as server, make of a request's wish (section 9). `supportsTimer`: the client lists 'timer' in Supported. */
export function replyToWish(request: SipRequest, wish: SessionTimerWish, supportsTimer: boolean): SessionReply {
  const asked = agreedIn(request);
  if (asked !== null && supportsTimer && asked.seconds < wish.minS) return { kind: 'too-small', minS: wish.minS };
  if (!supportsTimer && asked === null) return { kind: 'none' };
  const minSe = headerOf(request, 'min-se');
  const floorS = Math.max(INTERVAL_S_MIN, wish.minS, (minSe === undefined ? null : parseMinSe(minSe)) ?? 0);
  const wishS = Math.max(wish.expiresS, floorS);
  const intervalS = asked === null ? wishS : Math.min(asked.seconds, wishS);
  // Who cannot refresh is not asked to; else the client's word counts, then our wish.
  const wished = wish.refresher === 'local' ? 'uas' : 'uac';
  return { kind: 'agreed', intervalS, refresher: supportsTimer ? (asked?.refresher ?? wished) : 'uas' };
}
