// A call that we make (RFC 3261, 13.2, 9.1, 8.1.3): INVITE with credentials, redirects and session interval as they are asked for; ringing, reliable or
// not (RFC 3262); one 2xx that makes the dialog, and others from forks that are thanked and hung up on (13.2.2.4); CANCEL as early as it is allowed.

import { contactsOf } from '../wire/sip/headers.ts';
import { headerOf, type SipResponse } from '../wire/sip/message.ts';
import type { Agent } from './agent.ts';
import { Call, sdpOf } from './call.ts';
import type { OutgoingRequest } from './client-transactions.ts';
import { derivedRequest } from './derived-request.ts';
import { callerDialog, contactUri, type Dialog } from './dialog.ts';
import { EarlyDialogs } from './early-dialogs.ts';
import { causeOf, failureOf, silence } from './failure.ts';
import { dismissAnswer } from './forks.ts';
import { NEVER, patienceMs } from './machine.ts';
import { newRequest } from './outgoing-request.ts';
import { headerLine, headerLines, SDP_TYPE } from './request-text.ts';
import { demandedSeconds, sessionLines, sessionOfAnswer } from './session-timer.ts';
import { type Hop, transmit } from './transmit.ts';
import type { InviteInit, OutgoingCall as OutgoingCallFace, SipFailure, SipFailureCause } from './types.ts';

const REDIRECTS_MAX = 5;

export class OutgoingCall extends Call implements OutgoingCallFace, Hop {
  readonly direction = 'out';
  readonly remoteUri: string;
  readonly from: string;
  readonly to: string;
  requestUri: string;
  routeLines: string;
  hopUri: string;

  readonly #init: InviteInit;
  #invite: OutgoingRequest;
  /** Seconds that a 422 demanded. */
  #sessionS = 0;
  #early: EarlyDialogs | null = null;
  #earlySdp: string | null = null;
  #isTrying = false;
  #isCancelled = false;
  #cancelReason: string | undefined;
  #cancelEndAtMs = NEVER;
  #redirectsLeft: number;
  /** Contacts of redirects that were not tried yet. */
  #targets: string[] | null = null;

  constructor(agent: Agent, init: InviteInit) {
    super(agent, agent.core.ids.callId(), init.dueMs ?? agent.core.clock.nowMs());
    this.#init = init;
    this.listener = init.onEvent;
    this.localSdp = init.sdp;
    this.remoteUri = init.target;
    this.from = `${agent.fromAddress};tag=${this.localTag}`;
    this.to = `<${init.target}>`;
    this.requestUri = init.target;
    this.routeLines = agent.routeLines;
    this.hopUri = agent.init.outboundProxy ?? init.target;
    this.#redirectsLeft = init.redirectsMax ?? REDIRECTS_MAX;
    this.#invite = this.#newInvite(1);
    if (agent.admit(this)) this.#send();
    else this.#failSoon('overload', 'too many calls');
  }

  /** Not within the call that made it: its caller does not know it yet. */
  #failSoon(cause: SipFailureCause, reason: string): void {
    this.#invite.isDropped = true;
    const { clock } = this.core;
    clock.at(clock.nowMs(), () => this.#fail(silence(cause, reason, clock.nowMs(), this.startedAtMs)));
  }

  #newInvite(cseq: number): OutgoingRequest {
    const { agent } = this;
    const wish = agent.init.sessionTimer ?? null;
    const timer = wish === null ? '' : sessionLines(wish, Math.max(wish.expiresS, this.#sessionS));
    const lines = headerLines(this.#init.headers) + timer + agent.inviteLines + agent.reliableLines;
    return newRequest('INVITE', cseq, lines, SDP_TYPE, this.localSdp, this.startedAtMs);
  }

  #send(): void {
    const { agent, core } = this;
    const credentials = agent.credentials('INVITE', this.requestUri, this.localSdp);
    transmit(core, agent.port, this, this.#invite, credentials, this);
  }

  /** A new attempt at the same call: next CSeq, new transaction (8.1.3.5). */
  #again(request: OutgoingRequest): void {
    request.cseq++;
    request.transaction = null;
    this.#invite = request;
    this.#send();
  }

  override onResponse(request: OutgoingRequest, response: SipResponse, atMs: number): void {
    if (request.method === 'CANCEL') return;
    if (request !== this.#invite) {
      if (this.#early?.isPrack(request) === true) return this.#early.onResponse(request, response);
      return super.onResponse(request, response, atMs);
    }
    const { status } = response;
    if (this.phase !== 'early') this.#onLateAnswer(request, response, atMs);
    else if (status < 200) this.#onProvisional(response, atMs);
    else if (status < 300) this.#onAnswer(request, response, atMs);
    else this.#onRefusal(request, response, atMs);
  }

  override onNoResponse(request: OutgoingRequest, cause: 'timeout' | 'transport' | 'overload', detail: string, atMs: number): void {
    if (request.method === 'CANCEL' || this.#early?.isPrack(request) === true) return;
    if (request !== this.#invite) return super.onNoResponse(request, cause, detail, atMs);
    if (this.phase !== 'early') return;
    if (this.#tryNext()) return;
    this.#fail(silence(this.#isCancelled ? 'cancelled' : cause, detail, atMs, this.startedAtMs));
  }

  #onProvisional(response: SipResponse, atMs: number): void {
    const { status } = response;
    const responseMs = atMs - this.startedAtMs;
    if (this.#isCancelled) return this.#sendCancel();
    if (status === 100) {
      if (!this.#isTrying) this.emit({ kind: 'trying', atMs, responseMs });
      this.#isTrying = true;
      return;
    }
    this.#isTrying = true;
    const isReliable = headerOf(response, 'rseq') !== undefined && response.toTag !== '';
    if (isReliable) {
      this.#early ??= new EarlyDialogs(this);
      if (!this.#early.acknowledge(response, this.#invite.cseq)) return;
    }
    const sdp = sdpOf(response);
    if (isReliable && sdp !== null) this.#earlySdp = sdp;
    this.emit({ kind: 'ringing', status, isReliable, sdp, atMs, responseMs });
  }

  #onAnswer(request: OutgoingRequest, response: SipResponse, atMs: number): void {
    const dialog = this.#early?.confirmed(response.toTag) ?? null;
    if (dialog === null) this.dialog = callerDialog(this, response, this.requestUri);
    else {
      this.dialog = dialog;
      dialog.retarget(contactUri(response) ?? dialog.requestUri);
    }
    this.phase = 'established';
    this.#cancelEndAtMs = NEVER;
    this.acknowledge(request.cseq);
    this.agent.noteSuccess(request, response);
    const responseMs = atMs - this.startedAtMs;
    const sdp = sdpOf(response) ?? this.#earlySdp;
    if (this.#isCancelled) return this.#regret(response, 'cancelled', atMs);
    if (sdp === null) return this.#regret(response, 'protocol', atMs);
    if (this.agent.init.sessionTimer) {
      this.session = sessionOfAnswer(response, atMs);
      this.peerAllowsUpdate = headerOf(response, 'allow')?.includes('UPDATE') ?? false;
    }
    this.rearm();
    this.emit({ kind: 'answered', status: response.status, sdp, atMs, responseMs });
  }

  /** It stands, but is not wanted: BYE at once, and it counts as never made. */
  #regret(response: SipResponse, cause: SipFailureCause, atMs: number): void {
    this.#regretted = failureOf(response, cause, atMs, this.startedAtMs);
    this.bye('local', '', this.#cancelReason);
  }

  #regretted: SipFailure | null = null;

  override endEvent(atMs: number, responseMs: number | null) {
    return this.#regretted === null ? super.endEvent(atMs, responseMs) : ({ kind: 'failed', ...this.#regretted } as const);
  }

  /** A 2xx when one was there already: the same again, whose ACK got lost, or that of another branch of a fork. */
  #onLateAnswer(request: OutgoingRequest, response: SipResponse, atMs: number): void {
    if (response.status < 200 || response.status >= 300) return;
    if (response.toTag === this.dialog?.remoteTag) super.onResponse(request, response, atMs);
    else dismissAnswer(this.agent, response);
  }

  #onRefusal(request: OutgoingRequest, response: SipResponse, atMs: number): void {
    const { status } = response;
    if (!this.#isCancelled) {
      if ((status === 401 || status === 407) && this.agent.learnChallenge(request, response)) return this.#again(request);
      if (status === 422 && this.#lengthenSession(response)) {
        const next = this.#newInvite(request.cseq);
        next.challenges = request.challenges;
        return this.#again(next);
      }
      if (status < 400) this.#addTargets(response);
      if (status < 600 && this.#tryNext()) return;
    }
    let cause = this.#isCancelled ? 'cancelled' : causeOf(status, request.challenges > 0);
    if (status < 400 && this.#redirectsLeft < 0) cause = 'redirect-limit';
    this.#fail(failureOf(response, cause, atMs, this.startedAtMs));
  }

  #lengthenSession(response: SipResponse): boolean {
    const demanded = demandedSeconds(response);
    if (demanded === null || !this.agent.init.sessionTimer || demanded <= Math.max(this.#sessionS, this.agent.init.sessionTimer.expiresS))
      return false;
    this.#sessionS = demanded;
    return true;
  }

  /** Best first (8.1.3.4). */
  #addTargets(response: SipResponse): void {
    const contacts = contactsOf(response);
    if (contacts === null || contacts === '*') return;
    const uris = [...contacts].sort((one, other) => other.q - one.q).map(({ uri }) => uri);
    this.#targets = [...uris, ...(this.#targets ?? [])];
  }

  #tryNext(): boolean {
    const target = this.#targets?.shift();
    if (target === undefined || this.#isCancelled || --this.#redirectsLeft < 0) return false;
    this.requestUri = target;
    if (this.agent.init.outboundProxy === null) this.hopUri = target;
    this.#again(this.#newInvite(this.#invite.cseq));
    return true;
  }

  #fail(failure: SipFailure): void {
    this.finish({ kind: 'failed', ...failure });
  }

  override hangUp(reason?: string): void {
    if (this.phase === 'established') return this.bye('local', reason ?? '', reason);
    if (this.phase !== 'early' || this.#isCancelled) return;
    this.#isCancelled = true;
    this.#cancelReason = reason;
    const { transaction } = this.#invite;
    if (transaction?.state === 'proceeding') this.#sendCancel();
    else if (transaction === null) {
      // The name of the next hop is still being looked up: nothing was sent, nothing will be.
      this.#failSoon('cancelled', 'not sent');
    }
  }

  /** Once, and only after a provisional response (9.1). */
  #sendCancel(): void {
    const { transaction } = this.#invite;
    if (this.#cancelEndAtMs !== NEVER || transaction === null) return;
    const { clients, clock, timers } = this.core;
    let text = derivedRequest(transaction.text, 'CANCEL', null);
    if (this.#cancelReason !== undefined)
      text = text.replace('Content-Length', `${headerLine('Reason', this.#cancelReason)}Content-Length`);
    const nowMs = clock.nowMs();
    clients.start(transaction.key, text, transaction.path, this, newRequest('CANCEL', this.#invite.cseq, '', '', '', nowMs));
    this.#cancelEndAtMs = nowMs + patienceMs(timers);
    this.rearm();
  }

  override wakeAtMs(): number {
    return Math.min(super.wakeAtMs(), this.#cancelEndAtMs);
  }

  override onWake(nowMs: number): void {
    if (this.#cancelEndAtMs > nowMs) return super.onWake(nowMs);
    // No final response to a cancelled INVITE: it counts as cancelled (9.1).
    if (this.#invite.transaction !== null) this.core.clients.abandon(this.#invite.transaction);
    this.#fail(silence('cancelled', 'no final response', nowMs, this.startedAtMs));
  }

  override dialogWith(remoteTag: string): Dialog | null {
    return super.dialogWith(remoteTag) ?? this.#early?.confirmed(remoteTag) ?? null;
  }

  /** A 2xx may still come, from a fork: the agent deals with that alone, and the call's memory is free. */
  override drop(): void {
    super.drop();
    this.#invite.isDropped = true;
    const { transaction } = this.#invite;
    if (transaction !== null && transaction.owner === this) this.core.clients.handOver(transaction, this.agent);
  }
}
