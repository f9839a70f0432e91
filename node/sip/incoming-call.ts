// A call that comes in (RFC 3261, 13.3; RFC 3262, 3): rings, reliably where the caller knows how, is answered once, and stands when the ACK is there.
// A reliable provisional response holds everything behind it back until its PRACK: further ringing, and the answer.

import { addressHeader, headerValues, parseRAck } from '../wire/sip/headers.ts';
import { headerOf, type SipHeader, type SipRequest } from '../wire/sip/message.ts';
import { reasonPhrase } from '../wire/sip/reasons.ts';
import type { Agent } from './agent.ts';
import { Call, sdpHeaders, sdpOf } from './call.ts';
import type { Dialog } from './dialog.ts';
import { causeOf } from './failure.ts';
import { NEVER } from './machine.ts';
import { type Repeat, repeatProvisional, repeatWakeAtMs, stepRepeat } from './repeat.ts';
import type { ServerTransaction } from './server-transactions.ts';
import type { SessionReply } from './session-timer.ts';
import type { CallListener, HeaderPair, IncomingCall as IncomingCallFace } from './types.ts';

interface Ring {
  readonly status: number;
  readonly sdp: string;
  readonly isReliable: boolean;
}

export class IncomingCall extends Call implements IncomingCallFace {
  readonly direction = 'in';
  readonly remoteUri: string;
  readonly request: SipRequest;
  readonly sdp: string | null;
  readonly #invite: ServerTransaction;
  readonly #timer: SessionReply;
  readonly #mergeKey: string;
  readonly #reliability: 'none' | 'supported' | 'required';
  #rseq = 0;
  /** The reliable provisional response that waits for its PRACK. */
  #unacknowledged: { readonly rseq: number; readonly repeat: Repeat } | null = null;
  #waitingRings: Ring[] = [];
  #waitingAnswer: string | null = null;
  #isAnswered = false;
  #answeredAtMs = 0;
  /** Hung up before the ACK: the BYE waits for it (RFC 3261, 15). */
  #byeReason: string | null = null;

  /** `dialog`: made with `localTag` of the call, which is why it comes from a function. */
  constructor(
    agent: Agent,
    request: SipRequest,
    invite: ServerTransaction,
    dialogOf: (localTag: string) => Dialog,
    timer: SessionReply,
    mergeKey: string,
    atMs: number,
  ) {
    super(agent, request.callId, atMs);
    this.dialog = dialogOf(this.localTag);
    // The body is a view of a buffer that is used again.
    this.request = { ...request, headers: request.headers, body: request.body.slice() };
    this.sdp = sdpOf(request);
    this.remoteUri = addressHeader(request, 'from')?.uri ?? '';
    this.peerAllowsUpdate = headerOf(request, 'allow')?.includes('UPDATE') ?? false;
    this.#invite = invite;
    this.#timer = timer;
    this.#mergeKey = mergeKey;
    this.core.merged.add(mergeKey);
    const has = (name: string): boolean => headerValues(request, name).includes('100rel');
    this.#reliability = has('require') ? 'required' : has('supported') ? 'supported' : 'none';
    invite.owner = this;
  }

  listen(onEvent: CallListener): void {
    this.listener = onEvent;
  }

  ring(status = 180, { isReliable = false, sdp = '' }: { readonly isReliable?: boolean; readonly sdp?: string } = {}): void {
    if (this.phase !== 'early' || this.#isAnswered || this.#waitingAnswer !== null) return;
    const ring = { status, sdp, isReliable: this.#reliability === 'required' || (isReliable && this.#reliability === 'supported') };
    if (this.#unacknowledged !== null) this.#waitingRings.push(ring);
    else this.#ring(ring);
  }

  #ring({ status, sdp, isReliable }: Ring): void {
    const headers: SipHeader[] = [...this.agent.answerHeaders];
    if (sdp !== '') headers.push(...sdpHeaders);
    if (isReliable) {
      // Drawn low, so that it cannot run out (RFC 3262, 3).
      this.#rseq = this.#rseq === 0 ? 1 + Math.floor(this.core.random() * 2 ** 30) : this.#rseq + 1;
      headers.push({ name: 'require', value: '100rel' }, { name: 'rseq', value: String(this.#rseq) });
      this.#unacknowledged = { rseq: this.#rseq, repeat: repeatProvisional(this.core.clock.nowMs(), this.core.timers) };
    }
    this.core.servers.respond(this.#invite, { status, headers, body: sdp, toTag: this.localTag });
    this.rearm();
  }

  override onPrack(request: SipRequest, transaction: ServerTransaction): void {
    const { servers } = this.core;
    const acknowledged = parseRAck(headerOf(request, 'rack') ?? '');
    const waits = this.#unacknowledged;
    if (waits === null || acknowledged?.rseq !== waits.rseq || acknowledged.cseq !== this.request.cseq)
      return servers.respond(transaction, { status: 481 });
    this.#unacknowledged = null;
    const offer = sdpOf(request);
    servers.respond(transaction, offer === null ? { status: 200 } : { status: 200, headers: sdpHeaders, body: this.localSdp });
    const next = this.#waitingRings.shift();
    if (next !== undefined) return this.#ring(next);
    if (this.#waitingAnswer !== null) this.#answer(this.#waitingAnswer);
    this.rearm();
  }

  answer(sdp: string): void {
    if (this.phase !== 'early' || this.#isAnswered) return;
    this.#waitingRings = [];
    if (this.#unacknowledged === null) this.#answer(sdp);
    else this.#waitingAnswer = sdp;
  }

  #answer(sdp: string): void {
    this.#waitingAnswer = null;
    this.#isAnswered = true;
    this.#answeredAtMs = this.core.clock.nowMs();
    this.localSdp = sdp;
    this.accept(this.#invite, this.request.cseq, sdp, this.#timer, true);
  }

  reject(status: number, reason = reasonPhrase(status), headers: readonly HeaderPair[] = []): void {
    if (this.phase !== 'early' || this.#isAnswered) return;
    const more = headers.map(([name, value]) => ({ name: name.toLowerCase(), value }));
    this.core.servers.respond(this.#invite, { status, reason, headers: more, toTag: this.localTag });
    this.#fail(status, reason, causeOf(status, false), this.core.clock.nowMs());
  }

  #fail(status: number | null, reason: string, cause: ReturnType<typeof causeOf>, atMs: number): void {
    this.finish({ kind: 'failed', cause, status, reason, retryAfterMs: null, atMs, responseMs: atMs - this.startedAtMs });
  }

  hangUp(reason?: string): void {
    if (this.phase === 'established') return this.bye('local', reason ?? '', reason);
    if (this.phase !== 'early') return;
    if (this.#isAnswered) this.#byeReason = reason ?? '';
    else this.reject(480);
  }

  /** The caller took its INVITE back; the CANCEL is answered already (RFC 3261, 9.2). */
  onCancel(reason: string, atMs: number): void {
    if (this.phase !== 'early' || this.#isAnswered) return;
    this.core.servers.respond(this.#invite, { status: 487, toTag: this.localTag });
    this.#fail(487, reason, 'cancelled', atMs);
  }

  override onAck(request: SipRequest, atMs: number): boolean {
    if (!super.onAck(request, atMs)) return false;
    if (this.phase !== 'early') return true;
    this.phase = 'established';
    if (this.#byeReason !== null) {
      this.bye('local', this.#byeReason, this.#byeReason === '' ? undefined : this.#byeReason);
      return true;
    }
    const sdp = this.sdp ?? sdpOf(request) ?? '';
    this.rearm();
    this.emit({ kind: 'answered', status: 200, sdp, atMs, responseMs: atMs - this.#answeredAtMs });
    return true;
  }

  override onNoAck(atMs: number): void {
    if (this.phase === 'established') return super.onNoAck(atMs);
    if (this.phase !== 'early') return;
    // The 2xx may have arrived: the peer is told, the user need not wait for what it says.
    this.sendRequest('BYE', this.agent.lines);
    this.#fail(null, 'no ACK', 'timeout', atMs);
  }

  override onPeerBye(reason: string, atMs: number): void {
    if (this.phase !== 'early') return super.onPeerBye(reason, atMs);
    if (this.#isAnswered) return this.finish({ kind: 'ended', by: 'remote', reason, atMs, responseMs: null });
    this.onCancel(reason, atMs);
  }

  override wakeAtMs(): number {
    return Math.min(super.wakeAtMs(), this.#unacknowledged === null ? NEVER : repeatWakeAtMs(this.#unacknowledged.repeat));
  }

  override onWake(nowMs: number): void {
    if (this.#unacknowledged !== null && this.phase === 'early') {
      const what = stepRepeat(this.#unacknowledged.repeat, nowMs);
      if (what === 'send') this.core.servers.repeat(this.#invite);
      // RFC 3262, 3: without its PRACK the INVITE is refused with a 5xx.
      if (what === 'give-up') {
        this.core.servers.respond(this.#invite, { status: 504, toTag: this.localTag });
        return this.#fail(504, 'no PRACK', 'timeout', nowMs);
      }
    }
    super.onWake(nowMs);
  }

  override drop(): void {
    super.drop();
    this.core.merged.delete(this.#mergeKey);
    this.core.servers.abandon(this.#invite);
    if (this.#invite.owner === this) this.#invite.owner = null;
  }
}
