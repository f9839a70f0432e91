// One request and its answer. The exchange is itself the handler of undici's dispatch() and of our own connections, and is used again for the endpoint's
// next request, so a request costs no closures. It ends in exactly one way - answered, failed, timed out or interrupted - and tells when
// each part happened. Deadlines of all exchanges of a group are swept together (sweeper.ts): no timer a request.

import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Clock } from '../endpoint.ts';

export type ExchangeEnd = 'answered' | 'failed' | 'timeout' | 'interrupted';

/** Body bytes kept for checks and captures; the rest of a longer body is counted, not kept. */
const BODY_BYTES_MAX = 4 * 1024 * 1024;

/** What carries requests: an undici dispatcher, or a connection of our own (wire.ts). */
export interface Wire {
  dispatch(request: Dispatcher.DispatchOptions, exchange: Exchange): unknown;
}

export interface ExchangeTerms {
  readonly nowMs: number;
  readonly deadlineMs: number;
  readonly keepsBody: boolean;
}

export interface Carrier {
  abort(error: Error): void;
}

const noFields = (): IncomingHttpHeaders => ({});

/** A class because undici calls handlers as methods, and thousands of endpoints should share the functions. */
export class Exchange implements Dispatcher.DispatchHandler {
  status = 0;
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
  /** The moment of perform() while it lasts: a request that goes out within it went out then. */
  #dispatchMs = Number.NaN;
  #carrier: Carrier | null = null;
  #fields: () => IncomingHttpHeaders = noFields;
  #chunks: Buffer[] = [];
  #bodyBytes = 0;
  #keepsBody = false;
  #settle: ((end: ExchangeEnd) => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when the exchange is over; never rejects. Reading the clock costs a percent of a request, so what happens at once is read once. */
  perform(wire: Wire, request: Dispatcher.DispatchOptions, { nowMs, deadlineMs, keepsBody }: ExchangeTerms): Promise<ExchangeEnd> {
    this.status = 0;
    this.error = null;
    this.sentMs = Number.NaN;
    this.firstByteMs = Number.NaN;
    this.endMs = Number.NaN;
    this.deadlineMs = deadlineMs;
    this.#carrier = null;
    this.#fields = noFields;
    this.#bodyBytes = 0;
    this.#keepsBody = keepsBody;
    if (this.#chunks.length > 0) this.#chunks = [];
    return new Promise((resolve) => {
      this.#settle = resolve;
      this.#dispatchMs = nowMs;
      try {
        wire.dispatch(request, this);
      } catch (error) {
        this.error = error as Error;
        this.#end('failed', nowMs);
      }
      this.#dispatchMs = Number.NaN;
    });
  }

  /** Header fields of the answer, parsed when first asked for. */
  get headers(): IncomingHttpHeaders {
    return this.#fields();
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
    const carrier = this.#carrier;
    this.#end(end, this.#clock.nowMs());
    carrier?.abort(new Error(end));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.sent(controller);
  }
  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    // 1xx come first and are followed by the answer.
    if (status >= 200) this.begin(status, () => headers);
  }
  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.take(chunk);
  }
  onResponseEnd(): void {
    this.end();
  }
  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.fail(error);
  }

  /** The request goes out now, on what can still take it back. */
  sent(carrier: Carrier): void {
    if (this.#settle === null) return carrier.abort(new Error('given up before it was sent'));
    this.#carrier = carrier;
    this.sentMs = Number.isNaN(this.#dispatchMs) ? this.#clock.nowMs() : this.#dispatchMs;
  }
  begin(status: number, fields: () => IncomingHttpHeaders, atMs = this.#clock.nowMs()): void {
    if (this.isSpent) return;
    this.status = status;
    this.#fields = fields;
    this.firstByteMs = atMs;
  }
  take(bytes: Buffer): void {
    if (!this.#keepsBody || this.isSpent) return;
    this.#bodyBytes += bytes.length;
    // A copy: the bytes are the connection's.
    if (this.#bodyBytes <= BODY_BYTES_MAX) this.#chunks.push(Buffer.from(bytes));
  }
  end(atMs = this.#clock.nowMs()): void {
    if (!this.isSpent) this.#end('answered', atMs);
  }
  fail(error: Error): void {
    if (this.isSpent) return;
    this.error = error;
    this.#end('failed', this.#clock.nowMs());
  }

  #end(end: ExchangeEnd, atMs: number): void {
    const settle = this.#settle;
    if (settle === null) return;
    this.#settle = null;
    this.#carrier = null;
    this.endMs = atMs;
    settle(end);
  }
}
