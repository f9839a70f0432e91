// Requests within a call (RFC 3261, section 12.2.2): BYE, re-INVITE (hold and resume), UPDATE (RFC 3311), INFO with digits, PRACK, OPTIONS. Each keeps the
// order of CSeq; one at a time may change the media. ACK has no answer and is answering.ts's part, a CANCEL is about a transaction and is agent.ts's.

import { contactsOf as contactsIn, parseMediaType, parseRAck } from '../../../node/wire/sip/headers.ts';
import { headerOf, type SipHeader, type SipRequest } from '../../../node/wire/sip/message.ts';
import { receiveDigit } from './admission.ts';
import { sendOk, sessionHeaders } from './answering.ts';
import { type Bridge, capabilityHeaders, warning } from './bridge.ts';
import { arrive, type Call, clearTimer, endByCaller } from './call.ts';
import { applyLines, describeCall, linesFor, sessionOf } from './call-media.ts';
import { MIN_SE_S, sessionTimerOf, startSessionTimer } from './session-timer.ts';
import type { ServerTransaction } from './transactions.ts';

function answer(bridge: Bridge, transaction: ServerTransaction, status: number, headers: readonly SipHeader[] = []): void {
  bridge.transactions.respond(transaction, { status, headers });
}

/** A target refresh (12.2): from now on our requests go there. */
function refreshTarget(call: Call, request: SipRequest): void {
  const contacts = contactsIn(request);
  const uri = typeof contacts === 'object' ? contacts?.[0]?.uri : undefined;
  if (uri !== undefined) call.remoteTarget = uri;
}

/** re-INVITE, and UPDATE with an offer: other media, if that can be had. */
async function changeMedia(bridge: Bridge, call: Call, transaction: ServerTransaction): Promise<void> {
  const { request } = transaction;
  const isInvite = request.method === 'INVITE';
  const timer = sessionTimerOf(request);
  if (timer === 422) return answer(bridge, transaction, 422, [{ name: 'min-se', value: String(MIN_SE_S) }]);
  const session = sessionOf(bridge, request);
  if (session === 400) return answer(bridge, transaction, 400);
  // RFC 3311, 5.2, and RFC 3261, 14.2: not while another offer is open.
  if (call.state === 'ringing' || call.isChanging || (!isInvite && call.unacknowledged?.isOffer === true)) {
    return answer(bridge, transaction, 500, [{ name: 'retry-after', value: '1' }]);
  }
  const lines = session === 'none' ? null : linesFor(call, session);
  if (session !== 'none' && lines === null) return answer(bridge, transaction, 488);
  refreshTarget(call, request);
  call.isChanging = true;
  const problem = lines === null ? null : await applyLines(bridge, call, lines);
  call.isChanging = false;
  // RFC 3261, 15.1.2: what still waits when the BYE comes is terminated.
  if (call.state !== 'answered') return answer(bridge, transaction, 487);
  if (problem !== null) return answer(bridge, transaction, 500, [warning(399, problem)]);
  if (isInvite) return sendOk(bridge, call, transaction, timer, session === 'none');
  const headers = sessionHeaders(transaction, timer);
  bridge.transactions.respond(transaction, { status: 200, headers, body: describeCall(call) });
  startSessionTimer(bridge, call, timer);
}

/** UPDATE without an offer refreshes the session and its target. */
function receiveUpdate(bridge: Bridge, call: Call, transaction: ServerTransaction): void {
  const { request } = transaction;
  if (request.body.length > 0) return void changeMedia(bridge, call, transaction);
  const timer = sessionTimerOf(request);
  if (timer === 422) return answer(bridge, transaction, 422, [{ name: 'min-se', value: String(MIN_SE_S) }]);
  refreshTarget(call, request);
  answer(bridge, transaction, 200, timer?.headers);
  if (call.state === 'answered') startSessionTimer(bridge, call, timer);
}

/** One digit: `Signal=5` of application/dtmf-relay, or the bare one of application/dtmf. Null for what is neither. */
export function digitOf(type: string, body: string): string | null {
  const found = type === 'application/dtmf-relay' ? /^\s*Signal\s*=\s*([0-9A-D*#])\s*$/im.exec(body) : /^\s*([0-9A-D*#])\s*$/i.exec(body);
  return found?.[1]?.toUpperCase() ?? null;
}

function receiveInfo(bridge: Bridge, call: Call, transaction: ServerTransaction): void {
  const { request } = transaction;
  const type = parseMediaType(headerOf(request, 'content-type') ?? '')?.type ?? '';
  if (request.body.length === 0) return answer(bridge, transaction, 200);
  const digit = digitOf(type, Buffer.from(request.body).toString('latin1'));
  answer(bridge, transaction, digit === null ? 400 : 200);
  if (digit === null) return;
  bridge.service.counters.sip.digits.info += 1;
  receiveDigit(bridge, call, digit);
}

/** RFC 3262, 3: only for the 180 that waits for it. */
function receivePrack(bridge: Bridge, call: Call, transaction: ServerTransaction): void {
  const rack = parseRAck(headerOf(transaction.request, 'rack') ?? '');
  const isAwaited = call.awaited.has('prack') && rack?.rseq === 1 && rack.cseq === call.invite.request.cseq && rack.method === 'INVITE';
  answer(bridge, transaction, isAwaited ? 200 : 481);
  if (!isAwaited) return;
  clearTimer(call, 'provisional');
  arrive(call, 'prack');
}

export function receiveInDialog(bridge: Bridge, call: Call, transaction: ServerTransaction): void {
  const { request, from } = transaction;
  if (request.cseq <= call.remoteCseq) return answer(bridge, transaction, 500);
  call.remoteCseq = request.cseq;
  if (call.state === 'ended') return answer(bridge, transaction, request.method === 'BYE' ? 200 : 481);
  call.flow = from;
  switch (request.method) {
    case 'BYE':
      return receiveBye(bridge, call, transaction);
    case 'INVITE':
      return void changeMedia(bridge, call, transaction);
    case 'UPDATE':
      return receiveUpdate(bridge, call, transaction);
    case 'INFO':
      return receiveInfo(bridge, call, transaction);
    case 'PRACK':
      return receivePrack(bridge, call, transaction);
    default:
      // OPTIONS, and REGISTER, which means nothing in a call.
      return answer(bridge, transaction, request.method === 'OPTIONS' ? 200 : 405, capabilityHeaders);
  }
}

/** RFC 3261, 15.1.2: an INVITE that still waits is answered 487. */
function receiveBye(bridge: Bridge, call: Call, transaction: ServerTransaction): void {
  answer(bridge, transaction, 200);
  if (call.state === 'ringing') call.invite.onCancel?.();
  else endByCaller(bridge, call);
}
