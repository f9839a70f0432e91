// A new INVITE: to whom it is, whether the caller can be served, and ringing until all that the answer waits for is there: the ports, the set time and,
// for a reliable 180 (RFC 3262), its PRACK. A registered user is not called by us: the caller is told where to find it (302). Faults and credentials come
// before (arrival.ts), what the answer starts after (answering.ts).

import { contactsOf as contactsIn, tokenList } from '../../../node/wire/sip/headers.ts';
import type { SipHeader } from '../../../node/wire/sip/message.ts';
import { findMeeting } from '../meetings.ts';
import { enterMeeting } from './admission.ts';
import { answerCall } from './answering.ts';
import { type Bridge, contactOf, reply, warning } from './bridge.ts';
import { arrive, type Call, createCall, refuseCall, setTimer } from './call.ts';
import { applyLines, linesFor, sessionOf } from './call-media.ts';
import type { Line } from './offer-answer.ts';
import { contactHeaders, userOf } from './register.ts';
import { contactsOf } from './registrar.ts';
import { repeat } from './repeat.ts';
import { MIN_SE_S, type SessionTimer, sessionTimerOf } from './session-timer.ts';
import type { ServerTransaction } from './transactions.ts';

/** A call that may ring. */
interface Welcome {
  readonly meetingId: string;
  readonly remoteTarget: string;
  readonly lines: readonly Line[];
  readonly isOffer: boolean;
  readonly timer: SessionTimer | null;
}

interface Refusal {
  readonly status: number;
  readonly headers?: readonly SipHeader[];
}

/** RFC 3261, 13.3.1; what 8.2 asks of every request was asked before. */
function judge(bridge: Bridge, { request }: ServerTransaction): Welcome | Refusal {
  const { service, registrar, calls } = bridge;
  const contacts = contactsIn(request);
  const remoteTarget = typeof contacts === 'object' ? contacts?.[0]?.uri : undefined;
  if (remoteTarget === undefined) return { status: 400 };
  const user = userOf(request.uri) ?? '';
  const meeting = findMeeting(service.meetings, user);
  if (!meeting.ok) {
    const elsewhere = contactsOf(registrar, user, service.clock.nowMs());
    return elsewhere.length > 0 ? { status: 302, headers: contactHeaders(elsewhere) } : { status: 404 };
  }
  const timer = sessionTimerOf(request);
  if (timer === 422) return { status: 422, headers: [{ name: 'min-se', value: String(MIN_SE_S) }] };
  const session = sessionOf(bridge, request);
  if (session === 400) return { status: 400 };
  const offer = session === 'none' ? null : session;
  const lines = linesFor(null, offer);
  if (lines === null) return { status: 488, headers: [warning(305, 'no media line that this bridge speaks')] };
  if (calls.size >= service.options.sipCallsMax) return { status: 503, headers: [{ name: 'retry-after', value: '1' }] };
  const isFull = meeting.value.participants.size >= service.options.participantsMax;
  return isFull ? { status: 486 } : { meetingId: meeting.value.id, remoteTarget, lines, isOffer: offer === null, timer };
}

function sendRinging(bridge: Bridge, call: Call, isReliable: boolean): void {
  const { invite, localTag } = call;
  const contact: SipHeader = { name: 'contact', value: contactOf(invite.from) };
  if (!isReliable) {
    bridge.transactions.respond(invite, { status: 180, toTag: localTag, headers: [contact] });
    return;
  }
  const headers = [contact, { name: 'require', value: '100rel' }, { name: 'rseq', value: '1' }];
  const response = bridge.transactions.respond(invite, { status: 180, toTag: localTag, headers });
  const stop = repeat({
    clock: bridge.service.clock,
    pauseMsMax: Number.POSITIVE_INFINITY,
    again: () => invite.flow.send(response),
    giveUp: () => refuseCall(bridge, call, 504),
  });
  setTimer(call, 'provisional', stop);
}

async function openPorts(bridge: Bridge, call: Call, lines: readonly Line[]): Promise<void> {
  const problem = await applyLines(bridge, call, lines);
  if (call.state !== 'ringing') return;
  if (problem === null) arrive(call, 'ports');
  else refuseCall(bridge, call, 503, [{ name: 'retry-after', value: '1' }, warning(399, problem)]);
}

function ring(bridge: Bridge, call: Call, welcome: Welcome): void {
  const { service } = bridge;
  const isReliable = tokenList(call.invite.request, 'require').has('100rel');
  call.awaited.add('ports').add('delay');
  if (isReliable) call.awaited.add('prack');
  call.onReady = () => answerCall(bridge, call, welcome.timer, welcome.isOffer);
  call.invite.onCancel = () => {
    service.counters.sip.calls.cancelled += 1;
    refuseCall(bridge, call, 487);
  };
  sendRinging(bridge, call, isReliable);
  setTimer(
    call,
    'answer',
    service.clock.after(service.settings.sipAnswerDelayMs, () => arrive(call, 'delay')),
  );
  void openPorts(bridge, call, welcome.lines);
}

export function receiveInvite(bridge: Bridge, transaction: ServerTransaction): void {
  const { settings } = bridge.service;
  const verdict = judge(bridge, transaction);
  if ('status' in verdict) return reply(bridge, transaction, verdict.status, verdict.headers);
  const call = createCall(bridge, transaction, verdict.meetingId, verdict.remoteTarget);
  const meeting = findMeeting(bridge.service.meetings, verdict.meetingId);
  const passcode = meeting.ok ? meeting.value.passcode : '';
  if (settings.sipPin === 'off' && enterMeeting(bridge, call, passcode) !== null) return refuseCall(bridge, call, 486);
  ring(bridge, call, verdict);
}
