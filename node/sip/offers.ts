// New offers in a call that stands: our re-INVITE and UPDATE (RFC 3261, 14; RFC 3311), one at a time, with glare waited out (14.1), and the refreshes
// that a session timer asks for (RFC 4028, 10). What comes back is told as a 'response' event, unless the stack itself had asked.

import { parseRetryAfter } from '../wire/sip/headers.ts';
import { headerOf, type SipResponse } from '../wire/sip/message.ts';
import type { Call } from './call.ts';
import type { OutgoingRequest } from './client-transactions.ts';
import { contactUri } from './dialog.ts';
import { NEVER } from './machine.ts';
import { SDP_TYPE } from './request-text.ts';
import { demandedSeconds, sessionLines, sessionOfAnswer } from './session-timer.ts';

/** A refresh that was refused (glare, 500) or found the way taken is tried again after this: longer than glare lasts (14.1), short within 90 s. */
const REFRESH_AGAIN_MS = 5000;

/** What a clash may ask for (14.2); a longer wait is a server's trouble and is told. */
const CLASH_S_MAX = 10;
/** In a row, before a peer that refuses every time is taken at its word. */
const CLASHES_MAX = 10;

/** Sends the wanted offer, or the given one, when nothing stands in the way; else it waits for what is under way. */
export function sendOffer(call: Call, method: 'INVITE' | 'UPDATE' = 'INVITE', sdp?: string, isRefresh = false): void {
  if (call.phase !== 'established' || call.glareAtMs !== NEVER) return;
  if (call.offer !== null || call.peerOffer !== null || !call.isAcknowledged()) {
    if (sdp !== undefined && sdp !== '' && !isRefresh) call.wantedSdp = sdp;
    return;
  }
  const body = sdp ?? call.wantedSdp ?? call.localSdp;
  if (sdp === undefined || sdp === call.wantedSdp) call.wantedSdp = null;
  const { agent } = call;
  const wish = agent.init.sessionTimer ?? null;
  // Who refreshes stays who refreshes (RFC 4028, 7.4): asking says so again.
  const { session } = call;
  const keeps = session === null || wish === null ? wish : ({ ...wish, refresher: session.isRefresher ? 'local' : 'remote' } as const);
  const timer = keeps === null ? '' : sessionLines(keeps, session === null ? keeps.expiresS : session.intervalMs / 1000);
  call.offer = call.sendRequest(method, agent.inviteLines + timer, body === '' ? '' : SDP_TYPE, body, isRefresh);
}

export function wakeOffers(call: Call, nowMs: number): void {
  if (call.glareAtMs <= nowMs) {
    call.glareAtMs = NEVER;
    if (call.wantedSdp !== null) sendOffer(call);
  }
  const { session } = call;
  if (session === null || call.phase !== 'established') return;
  if (session.deadAtMs <= nowMs) return call.bye('session-timer', 'not refreshed');
  if (session.refreshAtMs > nowMs) return;
  // Until one is accepted, which starts a new session. While one is under way this sends nothing.
  session.refreshAtMs = nowMs + REFRESH_AGAIN_MS;
  const method = agentRefreshes(call);
  sendOffer(call, method, method === 'UPDATE' ? '' : call.localSdp, true);
}

const agentRefreshes = (call: Call): 'UPDATE' | 'INVITE' =>
  call.agent.init.sessionTimer?.refreshBy === 'update' && call.peerAllowsUpdate ? 'UPDATE' : 'INVITE';

/** Responses to re-INVITE and UPDATE, and repeated 2xx of any INVITE. */
export function onOfferResponse(call: Call, request: OutgoingRequest, response: SipResponse, atMs: number): void {
  const { status } = response;
  if (status < 200) return;
  if (request !== call.offer) {
    // The 2xx of an INVITE that is long through: its ACK got lost.
    if (request.method === 'INVITE' && status < 300) {
      call.core.count('retransmission-received', 1);
      call.acknowledge(response.cseq);
    }
    return;
  }
  if (call.answerChallenge(request, response)) return;
  call.offer = null;
  if (status < 300) accepted(call, request, response, atMs);
  else refused(call, request, response, atMs);
  if (call.wantedSdp !== null) sendOffer(call);
  call.rearm();
}

function accepted(call: Call, request: OutgoingRequest, response: SipResponse, atMs: number): void {
  const target = contactUri(response);
  if (target !== null) call.dialog?.retarget(target);
  if (request.method === 'INVITE') call.acknowledge(request.cseq);
  if (request.body !== '') call.localSdp = request.body;
  if (call.phase === 'established') {
    const session = sessionOfAnswer(response, atMs);
    if (session !== null || request.isRefresh) call.session = session;
  }
  call.clashes = 0;
  call.agent.noteSuccess(request, response);
  call.tellResponse(request, response, atMs);
}

function refused(call: Call, request: OutgoingRequest, response: SipResponse, atMs: number): void {
  const { status } = response;
  if (call.phase !== 'established') return;
  const waitMs = request.isRefresh || request.body === '' || call.clashes >= CLASHES_MAX ? null : clashWaitMs(call, response);
  if (waitMs !== null) {
    call.clashes++;
    call.glareAtMs = atMs + waitMs;
    call.wantedSdp ??= request.body;
    return;
  }
  call.clashes = 0;
  if (status === 422 && request.isRefresh && call.session !== null) {
    const demanded = demandedSeconds(response);
    const { intervalMs } = call.session;
    if (demanded !== null && demanded * 1000 > intervalMs) {
      call.session = { ...call.session, intervalMs: demanded * 1000 };
      return sendOffer(call, request.method === 'UPDATE' ? 'UPDATE' : 'INVITE', request.body, true);
    }
  }
  call.tellResponse(request, response, atMs);
  if (status === 481 || status === 408) call.lost(`${request.method}: ${status}`, atMs, status === 481);
}

/** How long to wait when the offer met one of the peer's, either under way (491) or not settled there yet (500 with Retry-After; 14.2); null: it did not. */
function clashWaitMs({ core, direction }: Call, response: SipResponse): number | null {
  // The side that owns the Call-ID waits longer, so that they do not meet again (RFC 3261, 14.1).
  const isOwner = direction === 'out';
  if (response.status === 491) return (isOwner ? 2100 : 0) + Math.floor(core.random() * (isOwner ? 191 : 201)) * 10;
  const retryAfter = response.status === 500 ? headerOf(response, 'retry-after') : undefined;
  const seconds = retryAfter === undefined ? undefined : parseRetryAfter(retryAfter)?.seconds;
  return seconds === undefined || seconds > CLASH_S_MAX ? null : Math.max(core.timers.t1Ms, seconds * 1000);
}

/** No final response: the call itself decides whether it goes on. */
export function onOfferSilence(call: Call): void {
  call.offer = null;
}
