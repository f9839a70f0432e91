// A binding at a registrar (RFC 3261, 10.2): made, refreshed at a share of what was granted, removed. Credentials, 423 and redirects are followed;
// everything else that is no 2xx is told, and no further attempt is made until somebody asks for one.

import type { TimerEntry } from '../endpoints/endpoint.ts';
import { contactsOf, numberHeader } from '../wire/sip/headers.ts';
import type { SipResponse } from '../wire/sip/message.ts';
import { parseUri } from '../wire/sip/uri.ts';
import { isSameUri } from '../wire/sip/uri-compare.ts';
import type { Agent } from './agent.ts';
import type { ClientOwner, OutgoingRequest } from './client-transactions.ts';
import { causeOf, failureOf, silence } from './failure.ts';
import { newRequest } from './outgoing-request.ts';
import { type Hop, transmit } from './transmit.ts';
import type { RegisterInit, Registration, SipFailure } from './types.ts';

const REFRESH_SHARE = 0.8;
/** Redirects and 423 together, for one attempt. */
const DETOURS_MAX = 5;

export class AgentRegistration implements Registration, ClientOwner, Hop {
  readonly callId: string;
  readonly from: string;
  readonly to: string;
  readonly routeLines: string;
  requestUri: string;
  hopUri: string;
  readonly #agent: Agent;
  readonly #init: RegisterInit;
  #state: 'registering' | 'registered' | 'failed' | 'unregistering' | 'unregistered' = 'registering';
  #expiresS: number;
  #cseq = 0;
  #isRefresh = false;
  #detoursLeft = DETOURS_MAX;
  #pending: OutgoingRequest | null = null;
  /** `unregister` was called while a request was under way. */
  #isLeaving = false;
  #timer: TimerEntry | null = null;

  constructor(agent: Agent, init: RegisterInit) {
    const { core } = agent;
    this.#agent = agent;
    this.#init = init;
    this.callId = core.ids.callId();
    this.from = `${agent.fromAddress};tag=${core.ids.tag()}`;
    this.to = `<${agent.init.aor}>`;
    this.routeLines = agent.routeLines;
    this.requestUri = init.registrar;
    this.hopUri = agent.init.outboundProxy ?? init.registrar;
    this.#expiresS = init.expiresS;
    this.#start(init.dueMs ?? core.clock.nowMs());
  }

  state() {
    return this.#state;
  }

  refresh(): void {
    if (this.#pending !== null || this.#state === 'unregistered' || this.#state === 'unregistering') return;
    this.#isRefresh = this.#state === 'registered';
    this.#start(this.#agent.core.clock.nowMs());
  }

  unregister(): void {
    if (this.#state === 'unregistered' || this.#state === 'unregistering') return;
    if (this.#pending !== null) {
      this.#isLeaving = true;
      return;
    }
    this.#state = 'unregistering';
    this.#start(this.#agent.core.clock.nowMs());
  }

  drop(): void {
    this.#disarm();
    if (this.#pending !== null) this.#pending.isDropped = true;
    this.#state = 'unregistered';
  }

  #disarm(): void {
    if (this.#timer !== null) this.#agent.core.clock.cancel(this.#timer);
    this.#timer = null;
  }

  #start(startedAtMs: number): void {
    this.#disarm();
    if (this.#state !== 'unregistering') this.#state = 'registering';
    this.#detoursLeft = DETOURS_MAX;
    this.#send(startedAtMs, 0);
  }

  #send(startedAtMs: number, challenges: number): void {
    const agent = this.#agent;
    const expiresS = this.#state === 'unregistering' ? 0 : this.#expiresS;
    const lines = `Contact: <${agent.contactUri}>;expires=${expiresS}\r\nExpires: ${expiresS}\r\n${agent.lines}`;
    const request = newRequest('REGISTER', ++this.#cseq, lines, '', '', startedAtMs);
    request.challenges = challenges;
    this.#pending = request;
    transmit(agent.core, agent.port, this, request, agent.credentials('REGISTER', this.requestUri, ''), this);
  }

  onResponse(request: OutgoingRequest, response: SipResponse, atMs: number): void {
    if (request !== this.#pending || request.isDropped || response.status < 200) return;
    const { status } = response;
    const { startedAtMs } = request;
    if (this.#follow(request, response)) return this.#send(startedAtMs, request.challenges);
    this.#pending = null;
    if (this.#state === 'unregistering') return this.#gone(atMs, atMs - startedAtMs, status);
    if (status >= 300) this.#fail(failureOf(response, causeOf(status, request.challenges > 0), atMs, startedAtMs));
    else this.#succeed(request, response, atMs);
    if (this.#isLeaving) this.unregister();
  }

  /** True: the request is worth another attempt, which differs from this one. */
  #follow(request: OutgoingRequest, response: SipResponse): boolean {
    const { status } = response;
    if (status === 401 || status === 407) return this.#agent.learnChallenge(request, response);
    if (this.#detoursLeft-- <= 0) return false;
    if (status === 423) {
      const minS = numberHeader(response, 'min-expires');
      if (typeof minS !== 'number' || minS <= this.#expiresS) return false;
      this.#expiresS = minS;
      return true;
    }
    if (status < 300 || status >= 400) return false;
    const contacts = contactsOf(response);
    const next = contacts === null || contacts === '*' ? undefined : contacts[0]?.uri;
    if (next === undefined) return false;
    this.requestUri = next;
    if (this.#agent.init.outboundProxy === null) this.hopUri = next;
    return true;
  }

  #succeed(request: OutgoingRequest, response: SipResponse, atMs: number): void {
    this.#agent.noteSuccess(request, response);
    const expiresS = this.#granted(response);
    const { challenges, startedAtMs } = request;
    const isRefresh = this.#isRefresh;
    this.#state = 'registered';
    if (!this.#isLeaving) {
      const atShareMs = atMs + expiresS * 1000 * (this.#init.refreshShare ?? REFRESH_SHARE);
      this.#timer = this.#agent.core.clock.at(atShareMs, () => {
        this.#timer = null;
        this.refresh();
      });
    }
    this.#init.onState({ kind: 'registered', atMs, responseMs: atMs - startedAtMs, expiresS, isRefresh, challenges });
  }

  /** Seconds: of our own Contact among all bindings, else of Expires, else what was asked for (10.2.4). */
  #granted(response: SipResponse): number {
    const contacts = contactsOf(response);
    const own = parseUri(this.#agent.contactUri);
    const list = contacts === null || contacts === '*' ? [] : contacts;
    const binding = list.find(({ uri }) => {
      const bound = parseUri(uri);
      return own !== null && bound !== null && isSameUri(own, bound);
    });
    const header = numberHeader(response, 'expires');
    return Math.max(1, binding?.expiresSeconds ?? (typeof header === 'number' ? header : this.#expiresS));
  }

  onNoResponse(request: OutgoingRequest, cause: 'timeout' | 'transport' | 'overload', detail: string, atMs: number): void {
    if (request !== this.#pending || request.isDropped) return;
    this.#pending = null;
    if (this.#state === 'unregistering') return this.#gone(atMs, atMs - request.startedAtMs, null);
    this.#fail(silence(cause, detail, atMs, request.startedAtMs));
    if (this.#isLeaving) this.#gone(atMs, atMs - request.startedAtMs, null);
  }

  #fail(failure: SipFailure): void {
    const isRefresh = this.#isRefresh;
    this.#state = 'failed';
    this.#init.onState({ kind: 'failed', isRefresh, ...failure });
  }

  #gone(atMs: number, responseMs: number, status: number | null): void {
    this.#state = 'unregistered';
    this.#disarm();
    this.#init.onState({ kind: 'unregistered', atMs, responseMs, status });
  }
}
