// Calls of the Compute Engine API (REST, v1) over plain fetch: one call with its token, its retries and its time limit; lists with their pages; operations until they are done.
// What passes by itself (throttling, 5xx, the network, a token that has ended) is tried again with growing pauses, so every call that makes something must be safe to
// repeat: the caller gives a request id. A call in flight is never torn: an abort takes effect at the next pause, so that nothing is made that nobody knows of.

import type { CloudComponents, Refusal } from '../../cloud.ts';
import { causeOf, isPassing, refusalOf, type VendorError } from './refusals.ts';
import type { TokenSource } from './token.ts';

export type Answer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly refusal: Refusal };

export interface Operation {
  readonly name?: string;
  readonly status?: string;
  readonly error?: { readonly errors?: ReadonlyArray<{ readonly code?: string; readonly message?: string }> };
}

export interface CallInit {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  /** Below /compute/v1/. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** For messages: what is being done. */
  readonly doing: string;
  readonly signal?: AbortSignal;
  /** Asked when the call's turn comes; false = it is not made, and its answer is a refusal. */
  readonly isWanted?: () => boolean;
}

interface Page {
  readonly nextPageToken?: string;
}

export interface ComputeApi {
  call<T>(init: CallInit): Promise<Answer<T>>;
  /** `scope`: zones/Z, regions/R or global. Answers when the operation is done without an error. */
  finish(operation: Operation, projectPath: string, scope: string, doing: string, signal?: AbortSignal): Promise<Answer<null>>;
  /** All pages. */
  pages<T extends Page>(init: CallInit): Promise<Answer<readonly T[]>>;
}

/** Google admits some twenty calls a second for a project. All machines of a launch are on their way at once; it is their calls that wait for each other. */
const CALLS_AT_ONCE = 16;
const TRIES_MAX = 6;
const PAUSE_MS = 500;
const PAUSE_MS_MAX = 20_000;
const CALL_MS_MAX = 60_000;
const POLL_MS = 2_000;
const POLL_MS_MAX = 5_000;
/** Machines start within seconds; a vendor in trouble takes minutes. The launch gives up first, the machine's own limit is a third guard. */
const POLLS_MAX = 150;
const PAGE_ROWS = '500';
const PAGES_MAX = 200;

export function createComputeApi(endpoint: string, tokens: TokenSource, { sleep, random }: CloudComponents): ComputeApi {
  /** False when the wait was given up. */
  const pause = async (ms: number, signal?: AbortSignal): Promise<boolean> => {
    try {
      await sleep(ms, signal);
      return signal?.aborted !== true;
    } catch (error) {
      if (signal?.aborted) return false;
      throw error;
    }
  };
  const turn = createTurns(CALLS_AT_ONCE);
  const once = async (init: CallInit): Promise<{ value: unknown } | { error: VendorError; token?: string }> => {
    if (init.isWanted?.() === false) return { error: givenUp };
    const token = await tokens.token();
    if (!token.ok) return { error: { status: 401, word: 'authError', message: token.problems[0]?.message ?? '' } };
    const url = new URL(`/compute/v1/${init.path}`, endpoint);
    for (const [name, value] of Object.entries(init.query ?? {})) url.searchParams.set(name, value);
    try {
      const answer = await fetch(url, {
        ...{ method: init.method ?? 'GET', redirect: 'error', signal: AbortSignal.timeout(CALL_MS_MAX) },
        headers: { authorization: `Bearer ${token.value}`, ...(init.body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(init.body === undefined ? {} : { body: JSON.stringify(init.body) }),
      });
      const text = await answer.text();
      return answer.ok ? { value: JSON.parse(text) as unknown } : { error: errorIn(answer.status, text), token: token.value };
    } catch (error) {
      const { message, cause } = error as Error;
      if (error instanceof SyntaxError) return { error: { status: 500, word: '', message: 'the answer is no JSON' } };
      return { error: { status: null, word: 'network', message: cause instanceof Error ? cause.message : message } };
    }
  };
  const call = async <T>(init: CallInit): Promise<Answer<T>> => {
    for (let tries = 1; ; tries++) {
      const done = await turn(() => once(init));
      if ('value' in done) return { ok: true, value: done.value as T };
      const cause = causeOf(done.error);
      const isOldToken = cause === 'credentials' && done.token !== undefined && tries === 1;
      if (isOldToken) tokens.forget(done.token ?? '');
      const refusal = refusalOf(init.doing, done.error);
      if (tries >= TRIES_MAX || !(isOldToken || isPassing(cause, done.error))) return { ok: false, refusal };
      // Full jitter: the calls that were throttled together do not come back together.
      const pauseMs = Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** tries) * (0.5 + random() / 2);
      if (!isOldToken && !(await pause(pauseMs, init.signal))) return { ok: false, refusal };
    }
  };
  return {
    call,
    async finish(operation, projectPath, scope, doing, signal) {
      let now = operation;
      for (let polls = 0; now.status !== 'DONE'; polls++) {
        if (polls === POLLS_MAX) return { ok: false, refusal: refusalOf(doing, slow(now)) };
        if (!(await pause(Math.min(POLL_MS_MAX, POLL_MS * 1.3 ** polls), signal))) return { ok: false, refusal: refusalOf(doing, givenUp) };
        const looked = await call<Operation>({ path: `${projectPath}/${scope}/operations/${now.name}`, doing, signal });
        if (!looked.ok) return looked;
        now = looked.value;
      }
      const [error] = now.error?.errors ?? [];
      if (error === undefined) return { ok: true, value: null };
      return { ok: false, refusal: refusalOf(doing, { status: null, word: error.code ?? '', message: error.message ?? '' }) };
    },
    async pages<T extends Page>(init: CallInit) {
      const all: T[] = [];
      let pageToken = '';
      do {
        if (all.length === PAGES_MAX) return { ok: false, refusal: refusalOf(init.doing, tooMany) };
        const query = { ...init.query, maxResults: PAGE_ROWS, ...(pageToken === '' ? {} : { pageToken }) };
        const page = await call<T>({ ...init, query });
        if (!page.ok) return page;
        all.push(page.value);
        pageToken = page.value.nextPageToken ?? '';
      } while (pageToken !== '');
      return { ok: true, value: all };
    },
  };
}

/** Runs what it is given, a bounded number at once, in the order of asking. */
function createTurns(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: Array<() => void> = [];
  let running = 0;
  return async (work) => {
    if (running === most) await new Promise<void>((start) => waiting.push(start));
    else running += 1;
    try {
      return await work();
    } finally {
      // The place is handed on, or given up.
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}

const givenUp: VendorError = { status: null, word: 'aborted', message: 'not waited for any longer' };
const tooMany: VendorError = { status: null, word: 'pages', message: `more than ${PAGES_MAX} pages` };
const slow = ({ name, status }: Operation): VendorError => ({
  ...{ status: null, word: 'slow', message: `operation ${name} is still ${status} after ${POLLS_MAX} looks` },
});

function errorIn(status: number, text: string): VendorError {
  try {
    const { error } = JSON.parse(text) as { error?: { message?: string; errors?: ReadonlyArray<{ reason?: string }> } };
    return { status, word: error?.errors?.[0]?.reason ?? '', message: error?.message ?? `status ${status}` };
  } catch {
    return { status, word: '', message: `status ${status}` };
  }
}
