// One call as its participant lives it: the answer, the PIN, the steps of the scenario one after another, and the end, whoever brings it about.
// Driven by the call's events and by due times of the worker's clock; nothing polls. What the peer does wrong is told once, with one cause.

import type { CallEvent, SipCall, SipFailure } from '../../sip/types.ts';
import type { Clock, EndpointContext, TimerEntry } from '../endpoint.ts';
import type { CallMedia } from './call-media.ts';
import { type FailureWord, failureWord } from './cause.ts';
import { type CompiledSip, type CompiledStep, stepMs } from './compile.ts';
import type { SignallingSeries } from './metrics.ts';
import type { SipOptions } from './options.ts';

export interface ConversationGroup {
  readonly options: SipOptions;
  readonly compiled: CompiledSip;
  readonly series: SignallingSeries;
  readonly clock: Clock;
}

/** `failed` has been told through the context already. */
export type ConversationEnd =
  /** As planned, or by the peer where that is normal. */
  | { readonly kind: 'left' | 'hung-up' }
  | { readonly kind: 'rejoin'; readonly waitMs: number }
  | { readonly kind: 'failed'; readonly retryAfterMs: number | null };

export interface ConversationInit extends ConversationGroup {
  readonly context: EndpointContext;
  readonly media: CallMedia;
  readonly direction: 'out' | 'in';
  /** The offer was ours, so the peer's SDP is the answer to it: always for calls we make, for others when the INVITE had no SDP. */
  readonly isOfferOurs: boolean;
  readonly onEnd: (end: ConversationEnd) => void;
}

/** A step's request that gets no final answer ends with its transaction (64 T1); this is only the bound for peers that never let it end. */
const REQUEST_MS_MAX = 40_000;

export class Conversation {
  readonly #init: ConversationInit;
  #call: SipCall | null = null;
  #timer: TimerEntry | null = null;
  #watch: TimerEntry | null = null;
  #answerTimer: TimerEntry | null = null;
  /** What the current step waits for beside time: the final answer to a request of ours. */
  #onResponse: (() => void) | null = null;
  #step = 0;
  #answeredMs = Number.NaN;
  #received = 0;
  /** How it will be told when the call is over; set by whoever hangs up. */
  #end: ConversationEnd | null = null;
  #isOver = false;

  constructor(init: ConversationInit) {
    this.#init = init;
  }

  /** The call this is about: once, right after it was made or came in. */
  begin(call: SipCall): void {
    const { series, clock, options, direction } = this.#init;
    this.#call = call;
    (direction === 'out' ? series.callsOut : series.callsIn).add(1);
    if (direction === 'out' && !this.#isOver) {
      this.#answerTimer = clock.at(clock.nowMs() + options.answerTimeout, () => {
        this.#fail('no-answer', `no final answer within ${options.answerTimeout} ms`);
        call.hangUp();
      });
    }
  }

  /** Leaves: BYE or CANCEL; onEnd comes when the peer has answered it. */
  leave(end: ConversationEnd = { kind: 'left' }): void {
    if (this.#isOver) return;
    this.#end ??= end;
    this.#stopTimers();
    this.#hangUp();
  }

  /** Media first: what a peer gets after its answer to BYE is from nobody it knows. */
  #hangUp(): void {
    this.#init.media.leave();
    this.#call?.hangUp();
  }

  /** Leaves without waiting for anything. */
  abandon(): void {
    if (this.#isOver) return;
    this.leave();
    this.#over();
  }

  get isEstablished(): boolean {
    return !Number.isNaN(this.#answeredMs) && !this.#isOver;
  }

  readonly onEvent = (event: CallEvent): void => {
    if (this.#isOver) return;
    switch (event.kind) {
      case 'trying':
      case 'info':
        break;
      case 'ringing':
        this.#init.series.ringing.record(event.responseMs);
        break;
      case 'answered':
        this.#answered(event);
        break;
      case 'failed':
        this.#failed(event);
        break;
      case 'ended':
        this.#ended(event);
        break;
      case 'offer': {
        const answer = this.#init.media.answerTo(event.sdp);
        if (answer.ok) event.offer.answer(answer.sdp);
        else {
          this.#init.series.unexpected(`offer-${answer.reason}`, 1);
          event.offer.reject();
        }
        break;
      }
      case 'response':
        this.#responded(event);
        break;
    }
  };

  #answered({ sdp, atMs, responseMs }: Extract<CallEvent, { kind: 'answered' }>): void {
    const { series, media, direction, isOfferOurs, context, options, compiled } = this.#init;
    if (this.#answerTimer !== null) this.#init.clock.cancel(this.#answerTimer);
    if (this.#end !== null) return this.#hangUp();
    this.#answeredMs = atMs;
    series.callsActive.add(1);
    if (direction === 'out') series.callSetup.record(responseMs);
    if (isOfferOurs) {
      const refusal = media.applyAnswer(sdp);
      if (refusal !== null) {
        this.#fail(`sdp-${refusal}`, `the answer was ${sdp.slice(0, 100)}`);
        return this.#hangUp();
      }
    }
    media.start(atMs, () => {
      if (options.joinedWhen === 'media') context.joined();
    });
    if (options.joinedWhen === 'answered' || !media.expectsPackets()) context.joined();
    this.#watchMedia(options.media.firstPacketWithin, 'media-silent');
    if (compiled.pin === null) this.#act();
    else this.#after(compiled.pin.afterMs, () => this.#press(compiled.pin!.digits));
  }

  /** A peer that answers and sends nothing is the commonest fault of bridges, and no SIP message tells it. */
  #watchMedia(withinMs: number, cause: string): void {
    const { clock, media, options } = this.#init;
    this.#watch = clock.at(clock.nowMs() + withinMs, () => {
      const received = media.packetsReceived();
      if (media.expectsPackets() && received === this.#received) {
        this.#fail(cause, `no packet within ${withinMs} ms`);
        this.#hangUp();
        return;
      }
      this.#received = received;
      this.#watchMedia(options.media.silenceMax, 'media-lost');
    });
  }

  #act(): void {
    const { compiled, options, context } = this.#init;
    if (this.#step >= compiled.steps.length) {
      if (!options.repeat) return;
      this.#step = 0;
    }
    const step = compiled.steps[this.#step++] as CompiledStep;
    this.#perform(step, stepMs(step, context.rng.float));
  }

  #perform(step: CompiledStep, ms: number): void {
    const { media } = this.#init;
    const call = this.#call as SipCall;
    switch (step.kind) {
      case 'talk':
        return this.#after(ms, () => this.#act());
      case 'mute':
        media.setMuted(true);
        return this.#after(ms, () => {
          media.setMuted(false);
          this.#act();
        });
      case 'hold':
        return this.#reinvite(true, () => this.#after(ms, () => this.#reinvite(false, () => this.#act())));
      case 'dtmf':
        return this.#press(step.digits);
      case 'info': {
        const body = step.body.render(this.#init.context.values);
        if (body === undefined) return this.#init.context.broken('cannot-render', `a name has no value in ${step.body.source}`);
        call.info(step.type, body);
        return this.#awaitResponse(() => this.#act());
      }
      case 'options':
        call.options();
        return this.#awaitResponse(() => this.#act());
      case 'rejoin':
        return this.leave({ kind: 'rejoin', waitMs: ms });
      case 'leave':
        return this.leave();
    }
  }

  #reinvite(isHeld: boolean, then: () => void): void {
    const { media } = this.#init;
    this.#call?.reinvite(media.holdOffer(isHeld));
    this.#awaitResponse(then);
  }

  #press(template: { readonly source: string; render(values: EndpointContext['values']): string | undefined }): void {
    const { media, context, clock } = this.#init;
    const digits = template.render(context.values);
    if (digits === undefined) return context.broken('cannot-render', `a name has no value in ${template.source}`);
    const endMs = media.sendDtmf(digits);
    if (endMs !== null) return this.#after(endMs - clock.nowMs(), () => this.#act());
    this.#pressByInfo(digits, 0);
  }

  /** For peers without telephone-event: one INFO a key (application/dtmf-relay), each after the answer to the one before. */
  #pressByInfo(digits: string, index: number): void {
    if (index >= digits.length) return this.#act();
    this.#call?.info('application/dtmf-relay', `Signal=${digits[index]}\r\nDuration=160\r\n`);
    this.#awaitResponse(() => this.#pressByInfo(digits, index + 1));
  }

  #awaitResponse(then: () => void): void {
    this.#onResponse = then;
    this.#after(REQUEST_MS_MAX, () => {
      this.#onResponse = null;
      then();
    });
  }

  #responded({ method, status, cause, sdp, responseMs }: Extract<CallEvent, { kind: 'response' }>): void {
    const { series, media, context } = this.#init;
    const isGood = status !== null && status < 300;
    if (isGood) (method === 'INVITE' ? series.reinviteDuration : series.requestDuration(method)).record(responseMs);
    else {
      const word = status === null ? (cause ?? 'timeout') : `status-${status}`;
      series.failure(`${method.toLowerCase()}-${word}`);
      context.fail(`${method.toLowerCase()}-${word}`, `${method} within the call`);
    }
    if (method === 'INVITE' && isGood && sdp !== null) {
      const refusal = media.applyAnswer(sdp);
      if (refusal !== null) series.unexpected(`answer-${refusal}`, 1);
    }
    const then = this.#onResponse;
    if (then === null) return;
    this.#onResponse = null;
    if (this.#timer !== null) this.#init.clock.cancel(this.#timer);
    then();
  }

  #failed(event: SipFailure): void {
    const { side, word } = failureWord(event);
    this.#fail(word, event.reason, event.retryAfterMs, side);
    this.#over();
  }

  #ended({ by, reason, responseMs }: Extract<CallEvent, { kind: 'ended' }>): void {
    const { series, options, direction } = this.#init;
    if (responseMs !== null) series.requestDuration('BYE').record(responseMs);
    if (this.#end === null) {
      const isNormal = (options.peerHangUp ?? (direction === 'in' ? 'normal' : 'failure')) === 'normal';
      if (by === 'remote' && isNormal) this.#end = { kind: 'hung-up' };
      else this.#fail(by === 'remote' ? 'dropped' : `ended-${by}`, reason);
    }
    this.#over();
  }

  /** The one failure of this call; what follows from it is not told again. */
  #fail(cause: string, example: string, retryAfterMs: number | null = null, side: FailureWord['side'] = 'target'): void {
    if (this.#end !== null) return;
    const { series, context } = this.#init;
    this.#end = { kind: 'failed', retryAfterMs };
    series.failure(cause);
    if (side === 'generator') context.broken(cause, example);
    else context.fail(cause, example);
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { series, clock, media, onEnd } = this.#init;
    this.#stopTimers();
    media.close();
    if (!Number.isNaN(this.#answeredMs)) {
      series.callsActive.add(-1);
      series.callDuration.record(clock.nowMs() - this.#answeredMs);
    }
    const end = this.#end ?? { kind: 'left' };
    series.callFailed.add(end.kind === 'failed');
    onEnd(end);
  }

  #after(ms: number, then: () => void): void {
    const { clock } = this.#init;
    if (this.#timer !== null) clock.cancel(this.#timer);
    this.#timer = clock.at(clock.nowMs() + ms, then);
  }

  #stopTimers(): void {
    for (const entry of [this.#timer, this.#watch, this.#answerTimer]) if (entry !== null) this.#init.clock.cancel(entry);
    this.#onResponse = null;
  }
}
