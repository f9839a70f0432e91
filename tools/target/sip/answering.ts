// The 200 to an INVITE, the first and the later ones: what it says, that it is sent again until its ACK comes (RFC 3261, 13.3.1.4), and what the first
// one starts: the timers of the call, the PIN or the meeting.

import type { SipHeader, SipRequest } from '../../../node/wire/sip/message.ts';
import { askPin, joinMedia } from './admission.ts';
import { type Bridge, capabilityHeaders, contactOf } from './bridge.ts';
import { type Call, clearTimer, hangUp, setTimer } from './call.ts';
import { applyAnswer, describeCall, sessionOf } from './call-media.ts';
import { repeat, T2_MS } from './repeat.ts';
import { type SessionTimer, startSessionTimer } from './session-timer.ts';
import type { ServerTransaction } from './transactions.ts';

/** Headers of every 200 that carries a description. */
export const sessionHeaders = (transaction: ServerTransaction, timer: SessionTimer | null): SipHeader[] => [
  { name: 'contact', value: contactOf(transaction.from) },
  ...capabilityHeaders,
  { name: 'content-type', value: 'application/sdp' },
  ...(timer?.headers ?? []),
];

/** Answers an INVITE of the call with 200; `isOffer`: the description is our offer, and the ACK brings the answer. */
export function sendOk(bridge: Bridge, call: Call, transaction: ServerTransaction, timer: SessionTimer | null, isOffer: boolean): void {
  const { flow, request } = transaction;
  const body = describeCall(call);
  const headers = sessionHeaders(transaction, timer);
  const response = bridge.transactions.respond(transaction, { status: 200, toTag: call.localTag, headers, body });
  call.unacknowledged = { cseq: request.cseq, isOffer };
  const stop = repeat({
    clock: bridge.service.clock,
    pauseMsMax: T2_MS,
    again: () => flow.send(response),
    giveUp: () => {
      call.unacknowledged = null;
      hangUp(bridge, call, call.endOnAck ?? 'no-ack');
    },
  });
  setTimer(call, 'ack', stop);
  startSessionTimer(bridge, call, timer);
}

/** The first 200: from here on it is a call. */
export function answerCall(bridge: Bridge, call: Call, timer: SessionTimer | null, isOffer: boolean): void {
  const { clock, settings, counters } = bridge.service;
  clearTimer(call, 'provisional');
  call.state = 'answered';
  call.invite.onCancel = null;
  counters.sip.calls.answered += 1;
  sendOk(bridge, call, call.invite, timer, isOffer);
  if (call.participantId === null) askPin(bridge, call);
  else joinMedia(bridge, call);
  if (settings.sipDropAfterMs === null) return;
  const drop = (): void => {
    counters.sip.injected.drop += 1;
    hangUp(bridge, call, 'dropped');
  };
  setTimer(call, 'drop', clock.after(settings.sipDropAfterMs, drop));
}

/** The ACK of a 2xx; one that belongs to none is only counted. */
export function receiveAck(bridge: Bridge, call: Call, ack: SipRequest): void {
  const { unacknowledged } = call;
  if (unacknowledged === null || unacknowledged.cseq !== ack.cseq) return;
  clearTimer(call, 'ack');
  call.unacknowledged = null;
  if (call.endOnAck !== null) return hangUp(bridge, call, call.endOnAck);
  if (!unacknowledged.isOffer) return;
  const answer = sessionOf(bridge, ack);
  if (typeof answer !== 'object' || !applyAnswer(bridge, call, answer)) hangUp(bridge, call, 'no-media');
}
