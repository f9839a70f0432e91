// A call: one dialog with a caller (RFC 3261, section 12) from ringing to its end, its timers, and its place in a meeting. Here is what every part
// does with a call: find it, send a request in it, end it. How it begins is invite.ts, what happens in it in-dialog.ts, its media call-media.ts.

import type { MediaDescription } from '../../../node/wire/sdp.ts';
import type { SipHeader, SipRequest, SipResponse } from '../../../node/wire/sip/message.ts';
import { headerOf } from '../../../node/wire/sip/message.ts';
import { routedTarget, routeSetOf, sipUriIn } from '../../../node/wire/sip/route.ts';
import { BRANCH_COOKIE } from '../../../node/wire/sip/via.ts';
import { viaText, writeRequest } from '../../../node/wire/sip/write.ts';
import { begin, end, tick } from '../counters.ts';
import { dismissParticipant } from '../service.ts';
import { type Bridge, contactOf, nextTag } from './bridge.ts';
import type { Flow } from './flow.ts';
import type { MediaStream } from './media-stream.ts';
import type { ServerTransaction } from './transactions.ts';

/** What an answer waits for: a port, the set time, the PRACK of a reliable 180. */
export type Awaited = 'ports' | 'delay' | 'prack';
export type TimerName = 'answer' | 'ack' | 'provisional' | 'drop' | 'pin' | 'session';

/** Why we end a call: cause and text of the Reason header (RFC 3326). */
export const END_REASONS = {
  meeting: { cause: 410, text: 'the meeting was ended' },
  participant: { cause: 403, text: 'the participant was removed' },
  dropped: { cause: 500, text: 'dropped by sipDropAfterMs' },
  'wrong-pin': { cause: 403, text: 'wrong PIN' },
  'no-pin': { cause: 408, text: 'no PIN in time' },
  full: { cause: 486, text: 'the meeting is full' },
  'no-ack': { cause: 408, text: 'no ACK in time' },
  'no-media': { cause: 488, text: 'no media agreed on' },
  expired: { cause: 408, text: 'the session was not refreshed' },
  stopped: { cause: 503, text: 'the server is stopping' },
} as const;
export type EndReason = keyof typeof END_REASONS;

export interface CallLine {
  /** As we last described it. */
  media: MediaDescription;
  stream: MediaStream | null;
}

export interface Call {
  readonly key: string;
  readonly invite: ServerTransaction;
  readonly localTag: string;
  readonly meetingId: string;
  readonly routeSet: readonly string[];
  state: 'ringing' | 'answered' | 'ended';
  participantId: string | null;
  remoteTarget: string;
  /** Of the last request in it. */
  flow: Flow;
  localCseq: number;
  remoteCseq: number;
  readonly awaited: Set<Awaited>;
  /** Answers; called when the last of the awaited has arrived. */
  onReady: () => void;
  lines: CallLine[];
  /** Our last description, without its version, and that. */
  sdp: { readonly sessionId: number; text: string; version: number };
  /** A re-INVITE or UPDATE is being worked on. */
  isChanging: boolean;
  /** CSeq of the 2xx that waits for its ACK; `isOffer`: the ACK brings the answer to our offer. */
  unacknowledged: { readonly cseq: number; readonly isOffer: boolean } | null;
  /** To be done when the ACK is there: no BYE before (RFC 3261, 15). */
  endOnAck: EndReason | null;
  /** Digits so far; null when no PIN is asked for, or no more. */
  pin: string | null;
  readonly timers: Map<TimerName, () => void>;
}

export const callKey = (callId: string, localTag: string): string => `${localTag} ${callId}`;

export function createCall(bridge: Bridge, invite: ServerTransaction, meetingId: string, remoteTarget: string): Call {
  const { request, from } = invite;
  const localTag = nextTag(bridge);
  const call: Call = {
    key: callKey(request.callId, localTag),
    invite,
    localTag,
    meetingId,
    routeSet: routeSetOf(request, 'server'),
    state: 'ringing',
    participantId: null,
    remoteTarget,
    flow: from,
    localCseq: 0,
    remoteCseq: request.cseq,
    awaited: new Set(),
    onReady: () => {},
    lines: [],
    sdp: { sessionId: bridge.tags, text: '', version: 0 },
    isChanging: false,
    unacknowledged: null,
    endOnAck: null,
    pin: null,
    timers: new Map(),
  };
  bridge.calls.set(call.key, call);
  begin(bridge.service.counters.sip.calls);
  return call;
}

/** The call of a request: Call-ID and both tags fit. A forged one that knows only some of them finds nothing. */
export function callOf(bridge: Bridge, request: SipRequest): Call | undefined {
  const call = bridge.calls.get(callKey(request.callId, request.toTag));
  return call?.invite.request.fromTag === request.fromTag ? call : undefined;
}

/** Replaces the timer of that name. */
export function setTimer(call: Call, name: TimerName, cancel: () => void): void {
  clearTimer(call, name);
  call.timers.set(name, cancel);
}

export function clearTimer(call: Call, name: TimerName): void {
  call.timers.get(name)?.();
  call.timers.delete(name);
}

/** One thing less to wait for. */
export function arrive(call: Call, what: Awaited): void {
  if (call.state === 'ringing' && call.awaited.delete(what) && call.awaited.size === 0) call.onReady();
}

/** Where the dialog's requests go: over UDP to the next hop's address, over TCP back over the caller's connection. */
function flowTo(bridge: Bridge, call: Call, nextHop: string): Flow {
  if (call.flow.transport === 'TCP') return call.flow;
  const uri = sipUriIn(`<${nextHop}>`);
  // Host names stay unresolved here: a caller that gives one is answered where its requests came from.
  return (uri === null ? null : bridge.flows.udpTo(uri.host, uri.port ?? 5060)) ?? call.flow;
}

export function sendInDialog(
  bridge: Bridge,
  call: Call,
  method: 'BYE' | 'UPDATE',
  headers: readonly SipHeader[],
  onEnd: (response: SipResponse | null) => void,
): void {
  call.localCseq += 1;
  const { request } = call.invite;
  const { requestUri, routes, nextHop } = routedTarget(call.remoteTarget, call.routeSet);
  const flow = flowTo(bridge, call, nextHop);
  const branch = `${BRANCH_COOKIE}-${call.localTag}-${call.localCseq}`;
  const bytes = writeRequest({
    method,
    uri: requestUri,
    via: viaText(flow.transport, flow.localHost, flow.localPort, branch),
    from: `${headerOf(request, 'to') ?? ''};tag=${call.localTag}`,
    to: headerOf(request, 'from') ?? '',
    callId: request.callId,
    cseq: call.localCseq,
    headers: [...routes.map((value) => ({ name: 'route', value })), { name: 'contact', value: contactOf(flow) }, ...headers],
  });
  bridge.transactions.request(branch, bytes, flow, onEnd);
}

/** Ends the call on our side: timers, media, participant. */
function finish(bridge: Bridge, call: Call): void {
  const { service, media } = bridge;
  call.state = 'ended';
  for (const name of [...call.timers.keys()]) clearTimer(call, name);
  for (const { stream } of call.lines) if (stream !== null) media.close(stream);
  call.lines = [];
  end(service.counters.sip.calls);
  const { participantId } = call;
  call.participantId = null;
  if (participantId === null) return;
  bridge.callsByParticipant.delete(participantId);
  // The meeting may be gone already, and its participants with it.
  dismissParticipant(service, call.meetingId, participantId);
}

/** Refuses the INVITE of a call that still rings. */
export function refuseCall(bridge: Bridge, call: Call, status: number, headers: readonly SipHeader[] = []): void {
  const { transactions, service } = bridge;
  transactions.respond(call.invite, { status, toTag: call.localTag, headers });
  tick(service.counters.sip.calls.rejected, status);
  finish(bridge, call);
  bridge.calls.delete(call.key);
}

/** After the caller's BYE. */
export function endByCaller(bridge: Bridge, call: Call): void {
  tick(bridge.service.counters.sip.calls.ended, 'caller');
  finish(bridge, call);
  bridge.calls.delete(call.key);
}

/** Ends a call from our side, whatever its state: a refusal, or a BYE as soon as the ACK allows one (`isUrgent`: at once). */
export function hangUp(bridge: Bridge, call: Call, why: EndReason, isUrgent = false): void {
  const { cause, text } = END_REASONS[why];
  const reason: SipHeader = { name: 'reason', value: `SIP;cause=${cause};text="${text}"` };
  if (call.state === 'ended') return;
  if (call.state === 'ringing') return refuseCall(bridge, call, 480, [reason]);
  if (call.unacknowledged !== null && !isUrgent) {
    call.endOnAck ??= why;
    return;
  }
  tick(bridge.service.counters.sip.calls.ended, why);
  finish(bridge, call);
  // Until the BYE is answered one that crosses it is answered too.
  sendInDialog(bridge, call, 'BYE', [reason], () => bridge.calls.delete(call.key));
}
