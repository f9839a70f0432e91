// Session timers as the called side keeps them (RFC 4028, sections 7 and 9): honoured when the caller asks, never asked for. Who is to refresh is
// the caller's choice, else the caller. When it is us we send UPDATE at half the interval; when a refresh does not come, the call ends.

import { parseSessionExpires, tokenList } from '../../../node/wire/sip/headers.ts';
import { headerOf, type SipHeader, type SipMessage, type SipRequest } from '../../../node/wire/sip/message.ts';
import type { Bridge } from './bridge.ts';
import { type Call, clearTimer, hangUp, sendInDialog, setTimer } from './call.ts';

/** RFC 4028, section 5: never less. */
export const MIN_SE_S = 90;

export interface SessionTimer {
  readonly seconds: number;
  /** As in the header of the answer: the caller is the UAC of its own request. */
  readonly refresher: 'uac' | 'uas';
  readonly headers: readonly SipHeader[];
}

/** What a request asks for: null nothing, 422 too short an interval. A header that cannot be read asks for nothing. */
export function sessionTimerOf(request: SipRequest): SessionTimer | null | 422 {
  const value = headerOf(request, 'session-expires');
  const asked = value === undefined ? null : parseSessionExpires(value);
  if (asked === null) return null;
  const isSupported = tokenList(request, 'supported').has('timer') || tokenList(request, 'require').has('timer');
  if (asked.seconds < MIN_SE_S && isSupported) return 422;
  const seconds = Math.max(asked.seconds, MIN_SE_S);
  const refresher = isSupported ? (asked.refresher ?? 'uac') : 'uas';
  const header = { name: 'session-expires', value: `${seconds};refresher=${refresher}` };
  return { seconds, refresher, headers: refresher === 'uac' ? [header, { name: 'require', value: 'timer' }] : [header] };
}

/** Section 10: the side that waits ends the session a little before it expires. */
function expireLater(bridge: Bridge, call: Call, seconds: number): void {
  const waitMs = (seconds - Math.min(32, seconds / 3)) * 1000;
  setTimer(
    call,
    'session',
    bridge.service.clock.after(waitMs, () => hangUp(bridge, call, 'expired')),
  );
}

function refresh(bridge: Bridge, call: Call, seconds: number): void {
  const headers = [
    { name: 'session-expires', value: `${seconds};refresher=uac` },
    { name: 'supported', value: 'timer' },
  ];
  sendInDialog(bridge, call, 'UPDATE', headers, (response) => {
    if (call.state !== 'answered') return;
    if (response === null || response.status >= 300) hangUp(bridge, call, 'expired');
    else refreshLater(bridge, call, secondsOf(response, seconds));
  });
}

const secondsOf = (response: SipMessage, asked: number): number =>
  Math.max(MIN_SE_S, parseSessionExpires(headerOf(response, 'session-expires') ?? '')?.seconds ?? asked);

function refreshLater(bridge: Bridge, call: Call, seconds: number): void {
  setTimer(
    call,
    'session',
    bridge.service.clock.after(seconds * 500, () => refresh(bridge, call, seconds)),
  );
}

/** Starts again after a 2xx to INVITE or UPDATE; null: without a timer from now on. */
export function startSessionTimer(bridge: Bridge, call: Call, timer: SessionTimer | null): void {
  if (timer === null) clearTimer(call, 'session');
  else if (timer.refresher === 'uac') expireLater(bridge, call, timer.seconds);
  else refreshLater(bridge, call, timer.seconds);
}
