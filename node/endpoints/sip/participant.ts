// One participant's life: its agent and ports, its registration, the calls it makes (again after failures, as the scenario says) or answers, and a
// polite leave: BYE, then the end of the registration. What happens within a call is conversation.ts.

import { networkCause } from '../../core/network-cause.ts';
import { drawThinkMs } from '../../core/option-shapes.ts';
import { compileTemplate, missingNames, type Template } from '../../core/template.ts';
import type { IncomingCall, Registration, RegistrationEvent, SipAgent, SipStack } from '../../sip/types.ts';
import type { Endpoint, EndpointContext } from '../endpoint.ts';
import { CallMedia, type MediaGroup, type MediaPorts } from './call-media.ts';
import { failureWord } from './cause.ts';
import { uriHost } from './compile.ts';
import { Conversation, type ConversationEnd, type ConversationGroup } from './conversation.ts';

export interface SipGroup extends ConversationGroup {
  readonly stack: SipStack;
  readonly media: MediaGroup;
  /** URI of the server, as the Route of all requests. */
  readonly serverUri: string;
  readonly admitTarget: (url: string) => void;
}

/** Of the grace, what a hang-up may take, and what the end of a registration may take after it. */
const BYE_SHARE = 0.6;
const UNREGISTER_SHARE = 0.3;
/** Between two calls of a life, whatever the scenario says: a peer that refuses at once must not be called in a tight loop. */
const REDIAL_MS_MIN = 10;

export class Participant implements Endpoint {
  readonly #group: SipGroup;
  readonly #context: EndpointContext;
  #agent: SipAgent | null = null;
  #ports: MediaPorts | null = null;
  #registration: Registration | null = null;
  #conversation: Conversation | null = null;
  /** Tells whoever waits that the conversation is over, or the registration has changed. */
  #onConversationEnd: (end: ConversationEnd) => void = () => {};
  #onRegistration: (event: RegistrationEvent) => void = () => {};

  constructor(group: SipGroup, context: EndpointContext) {
    this.#group = group;
    this.#context = context;
  }

  async run(): Promise<void> {
    const { compiled, clock } = this.#group;
    const { signal, dueMs } = this.#context;
    signal.addEventListener('abort', this, { once: true });
    try {
      if (!(await this.#prepare())) return;
      const isRegistering = this.#group.options.register !== undefined;
      if (isRegistering && !(await this.#register())) return;
      if (signal.aborted) return;
      if (compiled.call === null) await this.#waitForCalls();
      // Without a registration the call was due when the life was; else as soon as that was done.
      else await this.#makeCalls(compiled.call, isRegistering ? clock.nowMs() : dueMs);
    } finally {
      signal.removeEventListener('abort', this);
      await this.#unregister();
      this.#agent?.close();
      this.#ports?.close();
    }
  }

  /** As a listener of the context's signal. */
  handleEvent(): void {
    const { signal, graceMs } = this.#context;
    const { clock } = this.#group;
    const conversation = this.#conversation;
    if (conversation === null) return this.#onConversationEnd({ kind: 'left' });
    if (signal.reason === 'now') return conversation.abandon();
    conversation.leave();
    clock.at(clock.nowMs() + graceMs * BYE_SHARE, () => conversation.abandon());
  }

  async #prepare(): Promise<boolean> {
    const { stack, media, compiled, options, serverUri } = this.#group;
    const { values, lifeIndex } = this.#context;
    const aor = this.#render(compiled.from);
    const user = this.#render(compiled.authUser);
    const password = this.#render(compiled.authPassword);
    const displayName = this.#render(compiled.displayName);
    if (aor === undefined || user === undefined || password === undefined || displayName === undefined) return false;
    try {
      this.#ports = await media.openPorts();
      this.#agent = await stack.createAgent({
        aor: aor as string,
        contactUser: `${values['endpoint.id']}.${lifeIndex}`,
        ...(displayName === null ? {} : { displayName }),
        auth: user === null ? null : { user, password: password ?? '' },
        outboundProxy: serverUri,
        localSocket: options.localPort,
        userAgentName: options.userAgent,
        sessionTimer:
          options.sessionExpires === undefined
            ? null
            : { expiresS: Math.round(options.sessionExpires / 1000), minS: 90, refresher: 'local', refreshBy: 'update' },
        reliableProvisionals: options.reliableProvisional ? 'supported' : 'off',
        ...(compiled.call === null ? { onInvite: (call: IncomingCall) => this.#invited(call) } : {}),
      });
      return true;
    } catch (error) {
      const { side, cause } = networkCause(error as Error & { code?: string });
      this.#group.series.failure(cause);
      if (side === 'target') this.#context.fail(cause, (error as Error).message);
      else this.#context.broken(cause, (error as Error).message);
      return false;
    }
  }

  /** Null for no template, undefined (and told) when a name has no value. */
  #render(template: Template | null): string | null | undefined {
    if (template === null) return null;
    const text = template.render(this.#context.values);
    if (text !== undefined) return text;
    this.#context.broken('cannot-render', `no value for ${missingNames(template, this.#context.values).join(', ')} in ${template.source}`);
    return undefined;
  }

  /** False when it failed: told already. Later refreshes that fail are told too, and the life goes on. */
  #register(): Promise<boolean> {
    const { options, compiled, series } = this.#group;
    const context = this.#context;
    const registrar = this.#render(compiled.registrar ?? compileTemplate(this.#registrarUri()));
    if (registrar == null || this.#agent === null) return Promise.resolve(false);
    return new Promise((resolve) => {
      context.signal.addEventListener('abort', () => resolve(false), { once: true });
      this.#registration = this.#agent!.register({
        registrar,
        expiresS: Math.round(options.register!.expires / 1000),
        dueMs: context.dueMs,
        onState: (event) => {
          if (event.kind === 'registered') series.registerDuration.record(event.responseMs);
          if (event.kind === 'failed') {
            const { side, word } = failureWord(event);
            series.failure(`register-${word}`);
            if (side === 'target') context.fail(`register-${word}`, event.reason);
            else context.broken(`register-${word}`, event.reason);
          }
          this.#onRegistration(event);
          resolve(event.kind === 'registered');
        },
      });
    });
  }

  #registrarUri(): string {
    const { server, from } = this.#group.compiled;
    const domain = /@([^;>?]+)/.exec(from.source)?.[1] ?? uriHost(server.host);
    return `${server.scheme}:${domain}`;
  }

  async #makeCalls(target: Template, firstDueMs: number): Promise<void> {
    const { clock } = this.#group;
    const { signal } = this.#context;
    let dueMs = firstDueMs;
    let failures = 0;
    while (!signal.aborted) {
      const end = await this.#callOnce(target, dueMs);
      if ((end.kind !== 'rejoin' && end.kind !== 'failed') || signal.aborted) return;
      const waitMs = end.kind === 'rejoin' ? end.waitMs : this.#redialMs(end, failures++);
      if (waitMs === null) return;
      dueMs = clock.nowMs() + Math.max(REDIAL_MS_MIN, waitMs);
      if ((await clock.until(dueMs, signal)) === 'aborted') return;
    }
  }

  /** How long to wait before the next attempt; null: no further one. */
  #redialMs({ retryAfterMs }: Extract<ConversationEnd, { kind: 'failed' }>, failures: number): number | null {
    const { redial } = this.#group.options;
    if (redial === undefined || failures >= redial.attempts) return null;
    return Math.max(retryAfterMs ?? 0, drawThinkMs(redial.wait, this.#context.rng.float) * redial.factor ** failures);
  }

  #callOnce(template: Template, dueMs: number): Promise<ConversationEnd> {
    const { compiled } = this.#group;
    const target = this.#render(template);
    const headers: [string, string][] = [];
    for (const [name, value] of compiled.headers) {
      const text = this.#render(value);
      if (typeof text === 'string') headers.push([name, text]);
    }
    if (target == null || headers.length < compiled.headers.length) return Promise.resolve({ kind: 'left' });
    const media = new CallMedia(this.#group.media, this.#ports!, this.#context.rng);
    return new Promise((resolve) => {
      const conversation = this.#converse('out', true, media, resolve);
      const call = this.#agent!.invite({ target, sdp: media.offer(), headers, dueMs, onEvent: conversation.onEvent });
      conversation.begin(call);
    });
  }

  #converse(direction: 'out' | 'in', isOfferOurs: boolean, media: CallMedia, onEnd: (end: ConversationEnd) => void): Conversation {
    const { options, compiled, series, clock } = this.#group;
    const conversation = new Conversation({
      options,
      compiled,
      series,
      clock,
      context: this.#context,
      media,
      direction,
      isOfferOurs,
      onEnd: (end) => {
        this.#conversation = null;
        onEnd(end);
      },
    });
    this.#conversation = conversation;
    return conversation;
  }

  async #waitForCalls(): Promise<void> {
    this.#context.joined();
    if (this.#context.signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.#onConversationEnd = () => {
        if (this.#context.signal.aborted) resolve();
      };
    });
  }

  #invited(call: IncomingCall): void {
    const { options, series, clock } = this.#group;
    const { rng, signal } = this.#context;
    if (this.#conversation !== null || signal.aborted || this.#ports === null) return call.reject(486, 'Busy Here');
    const media = new CallMedia(this.#group.media, this.#ports, rng);
    const answer = call.sdp === null ? ({ ok: true, sdp: media.offer() } as const) : media.answerTo(call.sdp);
    if (!answer.ok) {
      series.unexpected(`offer-${answer.reason}`, 1);
      media.close();
      return call.reject(488, 'Not Acceptable Here');
    }
    const conversation = this.#converse('in', call.sdp === null, media, (end) => this.#onConversationEnd(end));
    call.listen(conversation.onEvent);
    conversation.begin(call);
    const wanted = options.answer;
    if (wanted?.ring ?? true) call.ring();
    const afterMs = wanted === undefined ? 0 : drawThinkMs(wanted.after, rng.float);
    if (afterMs <= 0) call.answer(answer.sdp);
    else {
      clock.at(clock.nowMs() + afterMs, () => {
        if (this.#conversation === conversation && call.state() === 'early') call.answer(answer.sdp);
      });
    }
  }

  async #unregister(): Promise<void> {
    const registration = this.#registration;
    const { signal, graceMs } = this.#context;
    if (registration === null || registration.state() !== 'registered') return;
    registration.unregister();
    if (signal.reason === 'now') return;
    const { clock } = this.#group;
    const over = new Promise<void>((resolve) => {
      this.#onRegistration = (event) => {
        if (event.kind !== 'registered') resolve();
      };
    });
    await Promise.race([over, clock.until(clock.nowMs() + graceMs * UNREGISTER_SHARE)]);
  }
}
