// What both sides of a call have in common: its dialog, its phase, its events, requests within it, its end. How a call comes to stand is
// outgoing-call.ts and incoming-call.ts, offers after that are offers.ts, the peer's requests peer-requests.ts. All waiting of a call is one deadline
// in the stack's wheel: `wakeAtMs` is the earliest of its reasons.

import type { SipHeader, SipRequest, SipResponse } from '../wire/sip/message.ts';
import { asBuffer } from '../wire/sip/parse.ts';
import type { Agent } from './agent.ts';
import type { ClientOwner, OutgoingRequest } from './client-transactions.ts';
import type { Core } from './core.ts';
import type { Dialog } from './dialog.ts';
import { causeOf } from './failure.ts';
import { NEVER } from './machine.ts';
import { onOfferResponse, onOfferSilence, sendOffer, wakeOffers } from './offers.ts';
import { newRequest } from './outgoing-request.ts';
import type { Path } from './path.ts';
import { startTimer } from './peer-requests.ts';
import { type Repeat, repeatAnswer, repeatWakeAtMs, stepRepeat } from './repeat.ts';
import { headerLine, requestText, SDP_TYPE } from './request-text.ts';
import type { ServerOwner, ServerTransaction } from './server-transactions.ts';
import type { Session, SessionReply } from './session-timer.ts';
import { transmit, withPath } from './transmit.ts';
import type { CallEvent, CallListener, SipCall } from './types.ts';
import type { WheelItem } from './wheel.ts';

type EndedBy = Extract<CallEvent, { kind: 'ended' }>['by'];

export abstract class Call implements SipCall, ClientOwner, ServerOwner, WheelItem {
  dueMs = NEVER;
  tick = 0;
  readonly core: Core;
  readonly agent: Agent;
  abstract readonly direction: 'out' | 'in';
  abstract readonly remoteUri: string;
  readonly callId: string;
  readonly localTag: string;
  readonly startedAtMs: number;
  listener: CallListener | null = null;
  phase: 'early' | 'established' | 'ending' | 'over' = 'early';
  dialog: Dialog | null = null;
  localSdp = '';

  /** Our re-INVITE or UPDATE under way. */
  offer: OutgoingRequest | null = null;
  /** To be offered when the way is free. */
  wantedSdp: string | null = null;
  glareAtMs = NEVER;
  /** Offers in a row that met one of the peer's. */
  clashes = 0;
  /** The peer's re-INVITE or UPDATE that we have not answered. */
  peerOffer: ServerTransaction | null = null;
  session: Session | null = null;
  /** Of the peer; looked at only where a session timer needs it. */
  peerAllowsUpdate = false;
  /** Our 2xx to the peer's INVITE, until its ACK. */
  answered: { readonly transaction: ServerTransaction; readonly cseq: number; readonly repeat: Repeat } | null = null;
  /** The ACK of the last 2xx, to be sent again when that comes again. */
  ack: { readonly cseq: number; readonly text: string; readonly path: Path } | null = null;
  #end: { readonly by: EndedBy; readonly reason: string } | null = null;

  constructor(agent: Agent, callId: string, startedAtMs: number) {
    this.agent = agent;
    this.core = agent.core;
    this.callId = callId;
    this.localTag = agent.core.ids.tag();
    this.startedAtMs = startedAtMs;
  }

  state(): 'early' | 'established' | 'ending' | 'over' {
    return this.phase;
  }

  emit(event: CallEvent): void {
    this.listener?.(event, this);
  }

  /** The last event, and nothing of the call is kept. */
  finish(event: CallEvent): void {
    if (this.phase === 'over') return;
    const { listener } = this;
    this.refusePeerOffer();
    this.drop();
    listener?.(event, this);
  }

  /** Forgets the call without a word to anybody. */
  drop(): void {
    this.phase = 'over';
    this.listener = null;
    this.core.calls.delete(this.localTag);
    this.core.wheel.wait(this, NEVER);
    this.agent.calls.delete(this);
    if (this.offer !== null) this.offer.isDropped = true;
    if (this.peerOffer !== null) this.core.servers.abandon(this.peerOffer);
  }

  /** The call ends, or the peer took its offer back, before it was answered (RFC 3261, 15.1.2, 9.2). */
  refusePeerOffer(): void {
    const { peerOffer } = this;
    this.peerOffer = null;
    if (peerOffer !== null) this.core.servers.respond(peerOffer, { status: 487 });
  }

  abstract hangUp(reason?: string): void;

  /** The earliest thing the call waits for. */
  wakeAtMs(): number {
    const repeatAtMs = this.answered === null ? NEVER : repeatWakeAtMs(this.answered.repeat);
    const { session } = this;
    const sessionAtMs = session === null ? NEVER : Math.min(session.refreshAtMs, session.deadAtMs);
    return Math.min(this.glareAtMs, sessionAtMs, repeatAtMs);
  }

  /** To be called when what the call waits for has changed. */
  rearm(): void {
    if (this.phase !== 'over') this.core.wheel.wait(this, this.wakeAtMs());
  }

  onWake(nowMs: number): void {
    wakeOffers(this, nowMs);
    const { answered, core } = this;
    if (answered !== null) {
      const what = stepRepeat(answered.repeat, nowMs);
      if (what === 'send') core.servers.repeat(answered.transaction);
      if (what === 'give-up') {
        this.answered = null;
        this.onNoAck(nowMs);
      }
    }
    this.rearm();
  }

  reinvite(sdp: string): void {
    this.wantedSdp = sdp;
    sendOffer(this);
  }

  update(sdp = ''): void {
    if (this.phase === 'established') sendOffer(this, 'UPDATE', sdp);
  }

  info(contentType: string, body: string): void {
    if (this.phase === 'established') this.sendRequest('INFO', this.agent.lines, contentType, body);
  }

  options(): void {
    if (this.phase === 'established') this.sendRequest('OPTIONS', `Accept: ${SDP_TYPE}\r\n${this.agent.lines}`);
  }

  /** Sends a request within the dialog, which must stand. */
  sendRequest(method: string, lines: string, contentType = '', body = '', isRefresh = false): OutgoingRequest {
    const dialog = this.dialog as Dialog;
    const request = newRequest(method, ++dialog.localSeq, lines, contentType, body, this.core.clock.nowMs(), isRefresh);
    this.transmit(request);
    return request;
  }

  transmit(request: OutgoingRequest): void {
    const dialog = this.dialog as Dialog;
    const credentials = this.agent.credentials(request.method, dialog.requestUri, request.body);
    transmit(this.core, this.agent.port, dialog, request, credentials, this);
  }

  /** Ends a call that stands; 'ended' comes when the BYE is answered. */
  bye(by: EndedBy, reason: string, reasonHeader?: string): void {
    if (this.phase === 'ending' || this.phase === 'over') return;
    this.phase = 'ending';
    this.#end = { by, reason };
    this.session = null;
    this.glareAtMs = NEVER;
    this.refusePeerOffer();
    this.rearm();
    const { lines } = this.agent;
    this.sendRequest('BYE', reasonHeader === undefined ? lines : headerLine('Reason', reasonHeader) + lines);
  }

  /** What `finish` tells when our BYE is through. */
  endEvent(atMs: number, responseMs: number | null): CallEvent {
    const { by, reason } = this.#end ?? { by: 'local', reason: '' };
    return { kind: 'ended', by, reason, atMs, responseMs };
  }

  onResponse(request: OutgoingRequest, response: SipResponse, atMs: number): void {
    if (this.phase === 'over') return;
    const { status } = response;
    if (request === this.offer || request.method === 'INVITE') return onOfferResponse(this, request, response, atMs);
    if (status < 200) return;
    if (this.answerChallenge(request, response)) return;
    const responseMs = atMs - request.startedAtMs;
    if (request.method === 'BYE') return this.finish(this.endEvent(atMs, responseMs));
    this.tellResponse(request, response, atMs);
    if (status === 481 || status === 408) this.lost(`${request.method}: ${status}`, atMs, status === 481);
  }

  onNoResponse(request: OutgoingRequest, cause: 'timeout' | 'transport' | 'overload', detail: string, atMs: number): void {
    if (this.phase === 'over') return;
    if (request.method === 'BYE') return this.finish(this.endEvent(atMs, null));
    if (request === this.offer) onOfferSilence(this);
    if (!request.isRefresh) this.emit({ ...this.#responseFields(request, atMs), status: null, cause, sdp: null });
    if (cause === 'timeout') this.lost(`${request.method}: ${detail}`, atMs, false);
  }

  /** RFC 3261, 12.2.1.2: a peer that does not know the dialog, or does not answer, has left it. */
  lost(reason: string, atMs: number, isForgotten: boolean): void {
    if (this.phase !== 'established') return;
    if (isForgotten) this.finish({ kind: 'ended', by: 'remote', reason, atMs, responseMs: null });
    else this.bye('timeout', reason);
  }

  /** True: the request was sent again, with credentials. */
  answerChallenge(request: OutgoingRequest, response: SipResponse): boolean {
    const { status } = response;
    if ((status !== 401 && status !== 407) || !this.agent.learnChallenge(request, response)) return false;
    request.cseq = ++(this.dialog as Dialog).localSeq;
    this.transmit(request);
    return true;
  }

  tellResponse(request: OutgoingRequest, response: SipResponse, atMs: number): void {
    if (request.isRefresh) return;
    const { status } = response;
    const cause = status < 300 ? null : causeOf(status, request.challenges > 0);
    const sdp = request.body === '' && request.method !== 'INVITE' ? null : sdpOf(response);
    this.emit({ ...this.#responseFields(request, atMs), status, cause, sdp });
  }

  #responseFields(request: OutgoingRequest, atMs: number) {
    const method = request.method as 'INVITE' | 'UPDATE' | 'INFO' | 'OPTIONS' | 'MESSAGE';
    return { kind: 'response', method, atMs, responseMs: atMs - request.startedAtMs } as const;
  }

  /** Acknowledges a 2xx of our INVITE with that CSeq, in the dialog (13.2.2.4). */
  acknowledge(cseq: number): void {
    const { ack, core, agent } = this;
    const dialog = this.dialog as Dialog;
    if (ack?.cseq === cseq) {
      ack.path.send(ack.text);
      return;
    }
    withPath(core, agent.port, dialog.hopUri, (path) => {
      if (path === null || core.isClosed) return core.count('send-failed', 1);
      const credentials = agent.credentials('ACK', dialog.requestUri, '');
      const text = requestText('ACK', dialog, cseq, path, core.ids.branch(), credentials + agent.lines, '', '');
      this.ack = { cseq, text, path };
      if (!path.send(text)) core.count('send-failed', 1);
    });
  }

  /** The dialog that a peer's request with this tag is in. */
  dialogWith(remoteTag: string): Dialog | null {
    return this.dialog?.remoteTag === remoteTag ? this.dialog : null;
  }

  isAcknowledged(): boolean {
    return this.answered === null;
  }

  /** 200 to an INVITE or UPDATE of the peer; an INVITE's is repeated until its ACK (RFC 3261, 13.3.1.4). */
  accept(transaction: ServerTransaction, cseq: number, sdp: string, timer: SessionReply, isInvite: boolean): void {
    const { agent, core } = this;
    const nowMs = core.clock.nowMs();
    const typed = sdp === '' ? noHeaders : sdpHeaders;
    const headers = [...agent.answerHeaders, ...startTimer(this, timer, nowMs), ...typed];
    core.servers.respond(transaction, { status: 200, headers, body: sdp, toTag: this.localTag });
    if (isInvite) this.answered = { transaction, cseq, repeat: repeatAnswer(nowMs, core.timers) };
    this.rearm();
  }

  /** True: it was the ACK that we waited for. */
  onAck(request: SipRequest, atMs: number): boolean {
    if (this.answered === null || request.cseq !== this.answered.cseq) return false;
    this.answered = null;
    this.rearm();
    if (this.wantedSdp !== null) sendOffer(this);
    return true;
  }

  /** Nobody acknowledged our 2xx for 64 * T1: the session is of no use (13.3.1.4). */
  onNoAck(_atMs: number): void {
    this.bye('timeout', 'no ACK');
  }

  /** The peer's BYE, answered already. */
  onPeerBye(reason: string, atMs: number): void {
    // Ours is on its way too: its answer ends the call.
    if (this.phase === 'established') this.finish({ kind: 'ended', by: 'remote', reason, atMs, responseMs: null });
  }

  onPrack(_request: SipRequest, transaction: ServerTransaction): void {
    this.core.servers.respond(transaction, { status: 481 });
  }
}

const noHeaders: readonly SipHeader[] = [];
export const sdpHeaders: readonly SipHeader[] = [{ name: 'content-type', value: SDP_TYPE }];

/** The session description of a message; null when it has none. */
export function sdpOf(message: SipRequest | SipResponse): string | null {
  const { body } = message;
  return body.length === 0 ? null : asBuffer(body).toString();
}
