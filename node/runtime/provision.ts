// Making and removing meetings through the target's own API, by undici: at most so many calls a second, a few tries each, and never twice for a
// meeting that this worker has made already. A meeting that cannot be made fails the order with a message a person can act on (exit 100); one
// that cannot be removed is counted and the rest is still removed.

import { Agent, type Dispatcher, request } from 'undici';
import { type JsonPath, jsonText, lookUp, parseJson, parseJsonPath } from '../core/json-path.ts';
import type { MeetingFacts } from '../core/messages.ts';
import { networkCause } from '../core/network-cause.ts';
import { isStatusIn } from '../core/option-shapes.ts';
import type { HttpCall, Saved } from '../core/scenario-types.ts';
import { compileJsonTemplate, compileTemplate, missingNames, type Template, type Values } from '../core/template.ts';
import type { Clock } from '../endpoints/endpoint.ts';

export interface ProvisionInit {
  readonly call: HttpCall;
  readonly clock: Clock;
  readonly admitTarget: (url: string) => void;
  /** Values for the templates of one meeting's call. */
  readonly valuesOf: (meeting: number) => Values;
  readonly signal: AbortSignal;
}

export interface Provisioner {
  /** Calls for every meeting; `onDone` as each is made or removed. The answer is the first failure's message, or null. */
  readonly callAll: (
    meetings: readonly number[],
    onDone: (facts: MeetingFacts) => void,
  ) => Promise<{ readonly failures: number; readonly message: string | null }>;
  readonly close: () => Promise<void>;
}

/** Calls in flight; a slow API is not asked faster because it is slow. */
const CONCURRENT_MAX = 20;
const TRIES_MAX = 4;
const RETRY_MS_FIRST = 250;
const BODY_CHARACTERS_MAX = 200;

type CallOutcome = { readonly facts: MeetingFacts } | { readonly problem: string; readonly isFinal: boolean };

interface CompiledCall {
  readonly url: Template;
  readonly headers: readonly (readonly [string, Template])[];
  readonly body: Template | null;
  readonly save: readonly {
    readonly name: string;
    readonly path: JsonPath | null;
    readonly header: string | null;
    readonly says: string;
  }[];
}

/** `stopsAtFailure`: making meetings ends with the first that cannot be made; removing goes on. */
export function createProvisioner(init: ProvisionInit, stopsAtFailure: boolean): Provisioner {
  const { call, clock, signal } = init;
  const compiled = compile(call);
  const agent = new Agent({
    connections: CONCURRENT_MAX,
    headersTimeout: call.timeoutMs,
    bodyTimeout: call.timeoutMs,
    connectTimeout: call.timeoutMs,
  });
  const made = new Map<number, MeetingFacts>();
  let nextAtMs = 0;

  const turn = async (): Promise<void> => {
    const atMs = Math.max(clock.nowMs(), nextAtMs);
    nextAtMs = atMs + 1000 / call.ratePerS;
    await clock.until(atMs, signal);
  };
  const callOne = async (meeting: number): Promise<CallOutcome> => {
    const known = made.get(meeting);
    if (known !== undefined) return { facts: known };
    let outcome: CallOutcome = { problem: 'stopped', isFinal: true };
    for (let tries = 0; tries < TRIES_MAX && !signal.aborted; tries++) {
      if (tries > 0) await clock.until(clock.nowMs() + RETRY_MS_FIRST * 2 ** tries, signal);
      await turn();
      if (signal.aborted) break;
      outcome = await callOnce(init, compiled, agent, meeting);
      if ('facts' in outcome) {
        if (stopsAtFailure) made.set(meeting, outcome.facts);
        return outcome;
      }
      if (outcome.isFinal) break;
    }
    return outcome;
  };

  return {
    async callAll(meetings, onDone) {
      const queue = [...meetings];
      let failures = 0;
      let message: string | null = null;
      const work = async (): Promise<void> => {
        for (let meeting = queue.shift(); meeting !== undefined; meeting = queue.shift()) {
          const outcome = await callOne(meeting);
          if ('facts' in outcome) onDone(outcome.facts);
          else {
            failures++;
            message ??= `meeting ${meeting}: ${outcome.problem}`;
            if (stopsAtFailure) queue.length = 0;
          }
        }
      };
      await Promise.all(Array.from({ length: Math.min(CONCURRENT_MAX, queue.length) }, work));
      return { failures, message };
    },
    close: () => agent.destroy(),
  };
}

function compile(call: HttpCall): CompiledCall {
  const headers = new Map<string, string>();
  if (call.json !== undefined && call.json !== null) headers.set('content-type', 'application/json');
  for (const [name, value] of Object.entries(call.headers)) headers.set(name.toLowerCase(), value);
  return {
    url: compileTemplate(call.url),
    headers: [...headers].map(([name, value]) => [name, compileTemplate(value)] as const),
    body:
      call.json !== undefined && call.json !== null
        ? compileJsonTemplate(call.json)
        : call.text === undefined
          ? null
          : compileTemplate(call.text),
    save: Object.entries(call.save).map(([name, saved]) => ({ name, ...placeOf(saved) })),
  };
}

function placeOf(saved: Saved): { path: JsonPath | null; header: string | null; says: string } {
  if ('json' in saved) return { path: parseJsonPath(saved.json) ?? [], header: null, says: saved.json };
  return { path: null, header: saved.header.toLowerCase(), says: `header ${saved.header}` };
}

async function callOnce(init: ProvisionInit, compiled: CompiledCall, agent: Agent, meeting: number): Promise<CallOutcome> {
  const { call, signal } = init;
  const values = init.valuesOf(meeting);
  const url = compiled.url.render(values);
  const body = compiled.body?.render(values);
  const headers: Record<string, string> = {};
  for (const [name, template] of compiled.headers) headers[name] = template.render(values) ?? '';
  if (url === undefined || (compiled.body !== null && body === undefined)) {
    const missing = [compiled.url, ...(compiled.body === null ? [] : [compiled.body])].flatMap((template) =>
      missingNames(template, values),
    );
    return { problem: `no value for ${[...new Set(missing)].join(', ')}`, isFinal: true };
  }
  const says = `${call.method} ${url}`;
  try {
    init.admitTarget(url);
  } catch (error) {
    return { problem: `${says}: ${(error as Error).message}`, isFinal: true };
  }
  try {
    const answer = await request(url, {
      method: call.method as Dispatcher.HttpMethod,
      headers,
      body: body ?? null,
      dispatcher: agent,
      signal,
    });
    const text = await answer.body.text();
    return judge(call, compiled, { meeting, says, status: answer.statusCode, headers: answer.headers, text });
  } catch (error) {
    const { cause } = networkCause(error as Error);
    return { problem: `${says}: ${cause} (${(error as Error).message})`, isFinal: false };
  }
}

interface Answer {
  readonly meeting: number;
  readonly says: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

function judge(call: HttpCall, compiled: CompiledCall, { meeting, says, status, headers, text }: Answer): CallOutcome {
  if (!isStatusIn(status, call.expect)) {
    // A client error will not get better by asking again, except "too many requests" and "request timeout".
    const isFinal = status < 500 && status !== 429 && status !== 408;
    return { problem: `${says} answered ${status}: ${text.slice(0, BODY_CHARACTERS_MAX)}`, isFinal };
  }
  const values: Record<string, string> = {};
  const json = parseJson(text);
  for (const { name, path, header, says: where } of compiled.save) {
    const found = path === null ? headers[header ?? ''] : lookUp(json, path);
    if (found === undefined || found === null) {
      return {
        problem: `${says} answered ${status}, but there is nothing at ${where} for '${name}': ${text.slice(0, BODY_CHARACTERS_MAX)}`,
        isFinal: true,
      };
    }
    values[name] = jsonText(found);
  }
  return { facts: { meeting, values } };
}
