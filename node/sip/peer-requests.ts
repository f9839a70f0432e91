// Requests of the peer within a dialog (RFC 3261, 12.2.2, 14.2, 15.1.2; RFC 3311, 5.2; RFC 6086): which are in order, what each is answered, and what
// the call's user is told. A request of no dialog never comes here (inbound.ts).

import { tokenList } from '../wire/sip/headers.ts';
import { headerOf, type SipHeader, type SipRequest } from '../wire/sip/message.ts';
import type { Agent } from './agent.ts';
import { type Call, sdpOf } from './call.ts';
import { contactUri, type Dialog } from './dialog.ts';
import { sendOffer } from './offers.ts';
import type { ServerTransaction } from './server-transactions.ts';
import { replyToWish, type SessionReply, session } from './session-timer.ts';
import type { PeerOffer } from './types.ts';

export function servePeer(call: Call, dialog: Dialog, request: SipRequest, transaction: ServerTransaction, atMs: number): void {
  const { servers } = call.core;
  const answer = (status: number, headers?: readonly SipHeader[]): void => servers.respond(transaction, { status, headers });
  if (!dialog.admits(request)) return answer(500);
  if (request.method === 'BYE') {
    answer(200);
    return call.onPeerBye(headerOf(request, 'reason') ?? '', atMs);
  }
  if (request.method === 'PRACK') return call.onPrack(request, transaction);
  if (call.phase === 'ending') return answer(481);
  switch (request.method) {
    case 'INVITE':
    case 'UPDATE':
      return serveOffer(call, dialog, request, transaction, atMs);
    case 'INFO':
      answer(200);
      return call.emit({ kind: 'info', contentType: headerOf(request, 'content-type') ?? '', body: sdpOf(request) ?? '', atMs });
    case 'OPTIONS':
      return answer(200, call.agent.capabilityHeaders);
    case 'MESSAGE':
      return answer(200);
    default:
      return answer(501, call.agent.allowHeaders);
  }
}

function serveOffer(call: Call, dialog: Dialog, request: SipRequest, transaction: ServerTransaction, atMs: number): void {
  const { core } = call;
  const isInvite = request.method === 'INVITE';
  // Two offers at once: theirs came while ours was out (491), or while we had not answered their last (500; RFC 3261, 14.2; RFC 3311, 5.2).
  if (call.offer !== null && (isInvite || request.body.length > 0)) return core.servers.respond(transaction, { status: 491 });
  if (call.peerOffer !== null || (isInvite && (call.phase === 'early' || !call.isAcknowledged()))) {
    const retryAfter = { name: 'retry-after', value: String(Math.floor(core.random() * 11)) };
    return core.servers.respond(transaction, { status: 500, headers: [retryAfter] });
  }
  const timer = timerReply(call.agent, request);
  if (timer.kind === 'too-small')
    return core.servers.respond(transaction, { status: 422, headers: [{ name: 'min-se', value: String(timer.minS) }] });
  const target = contactUri(request);
  if (target !== null) dialog.retarget(target);
  const sdp = sdpOf(request);
  const accept = (local: string): void => {
    if (sdp !== null || isInvite) call.localSdp = local;
    call.accept(transaction, request.cseq, sdp === null && !isInvite ? '' : local, timer, isInvite);
  };
  // Without an offer it is a refresh, or asks for ours: the last one stands.
  if (sdp === null || call.listener === null) return accept(call.localSdp);
  call.peerOffer = transaction;
  const close = (): boolean => {
    if (call.peerOffer !== transaction || call.phase === 'over') return false;
    call.peerOffer = null;
    return true;
  };
  const offer: PeerOffer = {
    answer(local) {
      if (!close()) return;
      accept(local);
      if (call.wantedSdp !== null) sendOffer(call);
    },
    reject(status = 488) {
      if (!close()) return;
      core.servers.respond(transaction, { status });
      if (call.wantedSdp !== null) sendOffer(call);
    },
  };
  call.emit({ kind: 'offer', method: isInvite ? 'INVITE' : 'UPDATE', sdp, atMs, offer });
}

/** What our answer says about the session timer. */
export function timerReply(agent: Agent, request: SipRequest): SessionReply {
  const wish = agent.init.sessionTimer ?? null;
  return wish === null ? { kind: 'none' } : replyToWish(request, wish, tokenList(request, 'supported').has('timer'));
}

/** Headers for it, and the timer itself, which starts with the answer (RFC 4028, 9). */
export function startTimer(call: Call, timer: SessionReply, nowMs: number): readonly SipHeader[] {
  if (timer.kind !== 'agreed') return [];
  const { intervalS, refresher } = timer;
  call.session = session(intervalS, refresher === 'uas', nowMs);
  const expires = { name: 'session-expires', value: `${intervalS};refresher=${refresher}` };
  return refresher === 'uac' ? [expires, { name: 'require', value: 'timer' }] : [expires];
}
