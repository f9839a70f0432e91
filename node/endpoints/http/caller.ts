// Carries out one step of a journey for one endpoint: renders the request, sends it, follows redirects, records what happened, asks the checks
// and takes the captures. Failures of the target are counted and answered as an outcome; nothing here throws for them.

import { networkCause } from '../../core/network-cause.ts';
import { isStatusIn } from '../../core/option-shapes.ts';
import type { Clock, EndpointContext } from '../endpoint.ts';
import { type Answer, lazyJson } from './checks.ts';
import type { Step } from './compile.ts';
import { type Connections, noClients } from './connections.ts';
import { type CookieJar, createCookieJar } from './cookies.ts';
import { Exchange, type ExchangeEnd } from './exchange.ts';
import type { HttpOptions } from './options.ts';
import { isRedirect, type Rendered, redirected, renderRequest } from './render.ts';
import type { Sweeper } from './sweeper.ts';

export interface CallerGroup {
  readonly options: HttpOptions;
  readonly clock: Clock;
  readonly connections: Connections;
  readonly sweeper: Sweeper;
  /** True when the manifest lists the origin. */
  readonly isAdmitted: (origin: string) => boolean;
}

/** `no-answer`: nothing usable came back; `left`: the life is ending. */
export type Outcome = 'ok' | 'failed' | 'no-answer' | 'left';

/** Of the grace, what a request in flight may use; the rest is for winding up. */
const LEAVE_SHARE = 0.8;
const EXAMPLE_CHARACTERS = 100;

export class Caller {
  /** When the last request was over, whatever its outcome. */
  overMs = 0;
  readonly #group: CallerGroup;
  readonly #context: EndpointContext;
  readonly #own = noClients();
  readonly #cookies: CookieJar | null;
  #exchange: Exchange;
  #captured: Record<string, string> = {};
  #dueMs = 0;

  constructor(group: CallerGroup, context: EndpointContext) {
    this.#group = group;
    this.#context = context;
    this.#cookies = group.options.cookies ? createCookieJar() : null;
    this.#exchange = new Exchange(group.clock);
  }

  /** As a listener of the context's signal: what is in flight may finish within the grace, or is cut at once. */
  handleEvent(): void {
    const exchange = this.#exchange;
    exchange.isLeaving = true;
    if (this.#context.signal.reason === 'now') exchange.cut('interrupted');
    else exchange.deadlineMs = Math.min(exchange.deadlineMs, this.#group.clock.nowMs() + this.#context.graceMs * LEAVE_SHARE);
  }

  /** A new iteration: a new visitor without captures and cookies. */
  forget(): void {
    this.#captured = {};
    this.#cookies?.clear();
  }

  release(): void {
    this.#group.connections.release(this.#own);
  }

  /** One step with the redirects that follow it; each is a request of its own, due when the answer before it was complete. */
  async perform(step: Step, dueMs: number): Promise<Outcome> {
    const { clock, options } = this.#group;
    this.#dueMs = dueMs;
    const rendered = renderRequest(step, this.#context.values, this.#captured, this.#cookies);
    if (typeof rendered === 'string') {
      this.overMs = clock.nowMs();
      this.#context.broken('cannot-render', rendered);
      return 'no-answer';
    }
    let request: Rendered | undefined = rendered;
    for (let redirects = 0; ; redirects++) {
      const dispatchedMs = clock.nowMs();
      this.overMs = dispatchedMs;
      if (!this.#isAdmitted(step, request, redirects > 0)) return 'no-answer';
      const outcome = this.#record(step, await this.#send(step, request, dispatchedMs), dispatchedMs);
      this.#settleConnection(request);
      const exchange = this.#exchange;
      this.overMs = exchange.endMs;
      if (outcome === 'left' || outcome === 'no-answer') return outcome;
      this.#cookies?.take(request.place.origin, exchange.headers['set-cookie']);
      const next: Rendered | undefined =
        isRedirect(exchange.status) && redirects < options.redirects
          ? redirected(step, request, exchange.status, exchange.headers, this.#cookies)
          : undefined;
      if (next === undefined) return this.#examine(step) ? outcome : 'failed';
      this.#dueMs = exchange.endMs;
      request = next;
    }
  }

  #isAdmitted(step: Step, { place }: Rendered, isFollowed: boolean): boolean {
    if (this.#group.isAdmitted(place.origin)) return true;
    const example = `${step.name}: ${place.origin} is not among the run's targets`;
    if (isFollowed) this.#context.fail('redirect-refused', example);
    else this.#context.broken('target-refused', example);
    return false;
  }

  #send(step: Step, { place, request }: Rendered, nowMs: number): Promise<ExchangeEnd> {
    const { clock, connections, sweeper } = this.#group;
    if (this.#exchange.isSpent) this.#exchange = new Exchange(clock);
    const exchange = this.#exchange;
    exchange.isLeaving = false;
    sweeper.add(exchange);
    const wire = connections.dispatcherOf(this.#own, place.origin);
    return exchange.perform(wire, request, { nowMs, deadlineMs: this.#dueMs + step.timeoutMs, keepsBody: step.needsBody });
  }

  #settleConnection({ place }: Rendered): void {
    const exchange = this.#exchange;
    this.#group.sweeper.remove(exchange);
    // A connection that is still being made cannot be taken back from undici: the endpoint gives it up and makes another next time.
    if (exchange.isSpent && !exchange.wasSent) this.#group.connections.discard(this.#own, place.origin);
  }

  #record(step: Step, end: ExchangeEnd, dispatchedMs: number): Outcome {
    const { series } = step;
    if (end === 'interrupted') {
      series.interrupted.add(1);
      return 'left';
    }
    const { status, sentMs, endMs, firstByteMs } = this.#exchange;
    const of = series.of(end === 'answered' ? status : 0);
    of.requests.add(1);
    of.duration.record(endMs - this.#dueMs);
    if (this.#exchange.wasSent) {
      series.blocked.record(sentMs - dispatchedMs);
      series.service.record(endMs - sentMs);
      if (end === 'answered') series.waiting.record(firstByteMs - sentMs);
    }
    const isExpected = end === 'answered' && isStatusIn(status, step.expect);
    series.failed.add(!isExpected);
    if (!isExpected) this.#complain(step, end);
    if (end !== 'answered') return 'no-answer';
    return isExpected ? 'ok' : 'failed';
  }

  #complain(step: Step, end: ExchangeEnd): void {
    const { status, endMs, error } = this.#exchange;
    if (end === 'answered') return this.#context.fail(`status-${status}`, `${step.name} answered ${status}`);
    if (end === 'timeout') return this.#context.fail('timeout', `${step.name}: no answer within ${Math.round(endMs - this.#dueMs)} ms`);
    const { side, cause } = networkCause(error ?? {});
    const example = `${step.name}: ${error?.message ?? 'unknown'}`;
    if (side === 'target') this.#context.fail(cause, example);
    else this.#context.broken(cause, example);
  }

  /** The answer through checks and captures; false when a capture found nothing, because later requests would miss it. */
  #examine(step: Step): boolean {
    if (step.checks.length === 0 && step.captures.length === 0) return true;
    const exchange = this.#exchange;
    const { status, endMs } = exchange;
    const text = step.needsBody ? exchange.text() : '';
    const answer: Answer = { status, headers: () => exchange.headers, text, json: lazyJson(text), durationMs: endMs - this.#dueMs };
    const complain = (cause: string): void =>
      this.#context.fail(cause, `${step.name} answered ${status} ${text.slice(0, EXAMPLE_CHARACTERS)}`);
    for (const check of step.checks) {
      const holds = check.holds(answer);
      check.series.add(holds);
      if (!holds) complain(`check-failed:${check.name}`);
    }
    let foundAll = true;
    for (const capture of step.captures) {
      const value = capture.take(answer);
      if (value === undefined) {
        delete this.#captured[capture.name];
        foundAll = false;
        complain(`capture-failed:${capture.name.slice('captured.'.length)}`);
      } else {
        this.#captured[capture.name] = value;
      }
    }
    return foundAll;
  }
}
