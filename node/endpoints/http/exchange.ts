// One request and its answer on undici's lowest level, dispatch(): the handler object is the exchange itself, used again for the endpoint's
// next request, so a request costs no closures. It ends in exactly one way - answered, failed, timed out or interrupted - and tells when
// each part happened. Deadlines of all exchanges of a group are swept together (sweeper.ts): no timer a request.

import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Clock } from '../endpoint.ts';

export type ExchangeEnd = 'answered' | 'failed' | 'timeout' | 'interrupted';

/** Body bytes kept for checks and captures; the rest of a longer body is counted, not kept. */
const BODY_BYTES_MAX = 4 * 1024 * 1024;

/** A class because undici calls handlers as methods, and thousands of endpoints should share the functions. */
export class Exchange implements Dispatcher.DispatchHandler {
  status = 0;
  headers: IncomingHttpHeaders = {};
  error: Error | null = null;
  /** When the request went out on its connection, its answer began, and it was over; NaN for what did not happen. */
  sentMs = Number.NaN;
  firstByteMs = Number.NaN;
  endMs = Number.NaN;
  /** Swept: passes -> timeout, or interrupted when the life is ending. */
  deadlineMs = Number.POSITIVE_INFINITY;
  isLeaving = false;
  /** True from a timeout or interruption on: undici may still call this handler, and an exchange that is over must not hear it. */
  isSpent = false;

  readonly #clock: Clock;
  #controller: Dispatcher.DispatchController | null = null;
  #chunks: Buffer[] = [];
  #bodyBytes = 0;
  #keepsBody = false;
  #settle: ((end: ExchangeEnd) => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when the exchange is over; never rejects. */
  perform(dispatcher: Dispatcher, request: Dispatcher.DispatchOptions, deadlineMs: number, keepsBody: boolean): Promise<ExchangeEnd> {
    this.status = 0;
    this.error = null;
    this.sentMs = Number.NaN;
    this.firstByteMs = Number.NaN;
    this.endMs = Number.NaN;
    this.deadlineMs = deadlineMs;
    this.#controller = null;
    this.#bodyBytes = 0;
    this.#keepsBody = keepsBody;
    if (this.#chunks.length > 0) this.#chunks = [];
    return new Promise((resolve) => {
      this.#settle = resolve;
      try {
        dispatcher.dispatch(request, this);
      } catch (error) {
        this.error = error as Error;
        this.#end('failed');
      }
    });
  }

  /** The body as text, when it was to be kept. */
  text(): string {
    if (this.#chunks.length === 0) return '';
    const [first] = this.#chunks;
    return (this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks)).toString('utf8');
  }

  /** Whether the request had reached a connection. */
  get wasSent(): boolean {
    return !Number.isNaN(this.sentMs);
  }

  /** Ends it from this side. The exchange is spent: the endpoint takes a new one. */
  cut(end: 'timeout' | 'interrupted'): void {
    if (this.#settle === null) return;
    this.isSpent = true;
    const controller = this.#controller;
    this.#end(end);
    controller?.abort(new Error(end));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#settle === null) {
      controller.abort(new Error('given up before it was sent'));
      return;
    }
    this.#controller = controller;
    this.sentMs = this.#clock.nowMs();
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    // 1xx come first and are followed by the answer.
    if (this.isSpent || status < 200) return;
    this.status = status;
    this.headers = headers;
    this.firstByteMs = this.#clock.nowMs();
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#keepsBody || this.isSpent) return;
    this.#bodyBytes += chunk.length;
    if (this.#bodyBytes <= BODY_BYTES_MAX) this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    if (!this.isSpent) this.#end('answered');
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.isSpent) return;
    this.error = error;
    this.#end('failed');
  }

  #end(end: ExchangeEnd): void {
    const settle = this.#settle;
    if (settle === null) return;
    this.#settle = null;
    this.#controller = null;
    this.endMs = this.#clock.nowMs();
    settle(end);
  }
}
