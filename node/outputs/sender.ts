// Sends bodies to one address, one after the other, for as long as the run lasts: what every output over HTTP has in common. A bounded queue that drops its oldest, waiting times that
// double, Retry-After obeyed, a deadline at the end. 429 and 5xx are tried again, other answers are not. Only the first failure of a kind and its end are told, so that a
// receiver that is away for an hour is two notes. An address is shown without its query, where tokens may stand; headers are never shown.

import type { OutputComponents } from './output.ts';

export interface SenderInit extends OutputComponents {
  /** Of the output, for notes. */
  readonly name: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly random: () => number;
  /** What the receiver says in a good answer's body that people should know. */
  readonly complaint?: (answer: string) => string | null;
  readonly post?: Post;
}

export type Post = (url: string, headers: Readonly<Record<string, string>>, body: Uint8Array, signal: AbortSignal) => Promise<Answer>;

export interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly text: string;
}

export interface Sender {
  /** The bodies of one moment. */
  push(bodies: readonly Uint8Array[]): void;
  /** Sends these as the last, and nothing else that still waits: they hold the totals. */
  finish(bodies: readonly Uint8Array[], msMax: number): Promise<void>;
}

const BODIES_MAX = 64;
const BYTES_MAX = 32 * 1024 * 1024;
const ATTEMPT_MS_MAX = 10_000;
const WAIT_MS_FIRST = 500;
const WAIT_MS_MAX = 30_000;
/** Who asks for more is asked again nevertheless: the run may be over by then. */
const RETRY_AFTER_MS_MAX = 60_000;
const ANSWER_CHARS_MAX = 64 * 1024;
const NOTES_MAX = 20;

const isPassing = (status: number): boolean => status === 429 || status >= 500;
const shown = (url: string): string => {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
};

/** A redirect is refused: it would carry the headers to a stranger. */
const postByFetch: Post = async (url, headers, body, signal) => {
  const answer = await fetch(url, { method: 'POST', headers, body: new Uint8Array(body), signal, redirect: 'error' });
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of answer.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    if (text.length > ANSWER_CHARS_MAX) break;
  }
  return { status: answer.status, retryAfter: answer.headers.get('retry-after'), text: text.slice(0, ANSWER_CHARS_MAX) };
};

/** Seconds or a date (RFC 9110, 10.2.3); 0 when it says nothing. */
export function retryAfterMs(text: string | null, wallMs: number): number {
  if (text === null) return 0;
  // Date.parse alone takes nearly anything for a date.
  const dateMs = /GMT\s*$/.test(text) ? Date.parse(text) - wallMs : Number.NaN;
  const ms = /^\s*\d+\s*$/.test(text) ? Number(text) * 1000 : dateMs;
  return Number.isFinite(ms) ? Math.min(RETRY_AFTER_MS_MAX, Math.max(0, ms)) : 0;
}

export const createSender = (init: SenderInit): Sender => new Sending(init);

/** A class for its lifecycle: idle, sending, waiting, finishing, over. */
class Sending implements Sender {
  readonly #init: SenderInit;
  readonly #over = new AbortController();
  #queue: Uint8Array[] = [];
  #bytes = 0;
  /** Of the queue: it is at the receiver, or on its way. */
  #current: Uint8Array | null = null;
  #pumping: Promise<void> | null = null;
  #isFinishing = false;
  #failures = 0;
  #dropped = 0;
  #sent = 0;
  #notes = 0;
  #wake: () => void = () => {};

  constructor(init: SenderInit) {
    this.#init = init;
  }

  push(bodies: readonly Uint8Array[]): void {
    if (this.#isFinishing) return;
    for (const body of bodies) this.#add(body);
    this.#start();
  }

  async finish(bodies: readonly Uint8Array[], msMax: number): Promise<void> {
    if (this.#isFinishing) return;
    this.#isFinishing = true;
    const waiting = this.#queue.filter((body) => body !== this.#current);
    for (const body of waiting) this.#drop(body);
    for (const body of bodies) this.#add(body);
    this.#start();
    const cancel = this.#init.clock.after(msMax, () => this.#over.abort());
    // What waits for its next attempt makes it now: there is not much time left.
    this.#wake();
    await this.#pumping;
    cancel();
    const missing = this.#dropped + this.#queue.length;
    if (missing > 0) this.#say('warning', `${missing} of ${this.#sent + missing} batches were not delivered${this.#totals()}`, true);
  }

  #totals(): string {
    return this.#queue.length > 0 ? ', the last among them: its totals are short' : '; later ones hold their totals';
  }

  #start(): void {
    this.#pumping ??= this.#pump().finally(() => {
      this.#pumping = null;
    });
  }

  #add(body: Uint8Array): void {
    this.#queue.push(body);
    this.#bytes += body.length;
    while (this.#queue.length > BODIES_MAX || (this.#bytes > BYTES_MAX && this.#queue.length > 1)) {
      const oldest = this.#queue.find((each) => each !== this.#current);
      if (oldest === undefined) return;
      this.#drop(oldest);
    }
  }

  #drop(body: Uint8Array): void {
    this.#remove(body);
    this.#dropped += 1;
  }

  #remove(body: Uint8Array): void {
    const at = this.#queue.indexOf(body);
    if (at < 0) return;
    this.#queue.splice(at, 1);
    this.#bytes -= body.length;
  }

  async #pump(): Promise<void> {
    while (this.#queue.length > 0 && !this.#over.signal.aborted) {
      const body = this.#queue[0]!;
      this.#current = body;
      const waitMs = await this.#attempt(body);
      this.#current = null;
      if (waitMs > 0) await this.#wait(waitMs);
    }
  }

  /** Answers how long to wait before the next attempt. */
  async #attempt(body: Uint8Array): Promise<number> {
    const { url, headers, clock, complaint, post = postByFetch } = this.#init;
    const attempt = new AbortController();
    const cancel = clock.after(ATTEMPT_MS_MAX, () => attempt.abort());
    try {
      const answer = await post(url, headers, body, AbortSignal.any([attempt.signal, this.#over.signal]));
      if (isPassing(answer.status)) return this.#failed(`answers ${answer.status}`, retryAfterMs(answer.retryAfter, clock.wallMs()));
      if (answer.status < 200 || answer.status > 299) {
        this.#drop(body);
        this.#refused(answer);
        return 0;
      }
      this.#remove(body);
      this.#sent += 1;
      this.#recovered(complaint?.(answer.text) ?? null);
      return 0;
    } catch (error) {
      if (this.#over.signal.aborted) return 0;
      return this.#failed(attempt.signal.aborted ? `gave no answer within ${ATTEMPT_MS_MAX / 1000} s` : causeOf(error), 0);
    } finally {
      cancel();
    }
  }

  #failed(what: string, askedMs: number): number {
    this.#failures += 1;
    if (this.#failures === 1) this.#say('warning', `${shown(this.#init.url)} ${what}; it is tried again, and the run goes on without it`);
    const backoffMs = Math.min(WAIT_MS_MAX, WAIT_MS_FIRST * 2 ** Math.min(this.#failures - 1, 10));
    // Half of it by chance: many nodes lost the same receiver at the same moment.
    return Math.max(askedMs, backoffMs * (0.5 + this.#init.random() / 2));
  }

  #refused({ status, text }: Answer): void {
    this.#failures += 1;
    const why = text.replaceAll(/\s+/g, ' ').trim().slice(0, 200);
    const hint = status === 401 || status === 403 ? '; credentials come by environment (node/outputs/README.md)' : '';
    if (this.#failures === 1) this.#say('warning', `${shown(this.#init.url)} refuses with ${status}${why === '' ? '' : `: ${why}`}${hint}`);
  }

  #recovered(complaint: string | null): void {
    if (this.#failures > 0) this.#say('info', `${shown(this.#init.url)} takes them again`);
    this.#failures = 0;
    if (complaint !== null) this.#say('warning', `${shown(this.#init.url)} took a batch in part: ${complaint}`);
  }

  #wait(ms: number): Promise<void> {
    if (this.#over.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        this.#over.signal.removeEventListener('abort', done);
        this.#wake = () => {};
        resolve();
      };
      const cancel = this.#init.clock.after(ms, done);
      this.#over.signal.addEventListener('abort', done);
      this.#wake = done;
    });
  }

  #say(level: 'info' | 'warning', text: string, isLast = false): void {
    this.#notes += 1;
    if (this.#notes <= NOTES_MAX || isLast) this.#init.note(level, `--out ${this.#init.name}: ${text}`);
  }
}

/** undici says "fetch failed" and hides why. */
function causeOf(error: unknown): string {
  const { cause, message } = error as { cause?: { code?: string; message?: string }; message?: string };
  return `cannot be reached: ${cause?.code ?? cause?.message ?? message ?? 'unknown'}`;
}
