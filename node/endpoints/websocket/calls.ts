// The HTTP calls around a WebSocket's life: fetch a token before, sign off after. They are the participant's doing, so they count from when they
// were due and their failures are the target's; a journey of its own belongs into a group of type http.

import { Agent, type Dispatcher, request } from 'undici';
import { type JsonPath, jsonText, lookUp, parseJson, parseJsonPath } from '../../core/json-path.ts';
import { networkCause } from '../../core/network-cause.ts';
import { isStatusIn } from '../../core/option-shapes.ts';
import type { Recorder } from '../../core/stats-types.ts';
import { compileJsonTemplate, compileTemplate, type Template, type Values } from '../../core/template.ts';
import type { Clock, EndpointContext } from '../endpoint.ts';
import type { Call } from './options.ts';

export interface Caller {
  /** Makes the calls in order and puts what they capture into `captured`; false when one of them failed (told through the context). */
  readonly perform: (calls: readonly CompiledCall[], how: HowToCall) => Promise<boolean>;
  readonly close: () => Promise<void>;
}

export interface HowToCall {
  readonly context: EndpointContext;
  readonly captured: Record<string, string>;
  readonly dueMs: number;
  readonly signal: AbortSignal;
}

export interface CompiledCall {
  readonly name: string;
  readonly method: string;
  readonly url: Template;
  readonly headers: readonly (readonly [string, Template])[];
  readonly body: Template | null;
  readonly expect: Call['expect'];
  readonly captures: readonly { readonly name: string; readonly path: JsonPath }[];
  readonly timeoutMs: number;
  readonly duration: ReturnType<Recorder['trend']>;
}

export function compileCalls(calls: readonly Call[], recorder: Recorder): CompiledCall[] {
  return calls.map((call) => {
    const name = call.name ?? `${call.method} ${call.url}`;
    const headers = Object.entries({ ...(call.json === undefined ? {} : { 'content-type': 'application/json' }), ...call.headers });
    return {
      name,
      method: call.method,
      url: compileTemplate(call.url),
      headers: headers.map(([header, value]) => [header, compileTemplate(value)] as const),
      body: call.json === undefined ? null : compileJsonTemplate(call.json),
      expect: call.expect,
      captures: Object.entries(call.captures).map(([captured, path]) => ({ name: captured, path: parseJsonPath(path) as JsonPath })),
      timeoutMs: call.timeout,
      duration: recorder.trend('ws_http_req_duration', { name }),
    };
  });
}

/** Connections to the web service, of a whole worker; many participants share them, as the calls are few. */
const CONNECTIONS_MAX = 64;
const EXAMPLE_CHARACTERS = 100;

export function createCaller(clock: Clock, admitTarget: (url: string) => void, insecureTls: boolean): Caller {
  const agent = new Agent({ connections: CONNECTIONS_MAX, connect: { rejectUnauthorized: !insecureTls } });
  return {
    async perform(calls, how) {
      let dueMs = how.dueMs;
      for (const call of calls) {
        if (how.signal.aborted) return false;
        const isDone = await performOne(call, how, { clock, agent, admitTarget });
        const nowMs = clock.nowMs();
        if (!how.signal.aborted) call.duration.record(nowMs - dueMs);
        dueMs = nowMs;
        if (!isDone) return false;
      }
      return true;
    },
    close: () => agent.destroy(),
  };
}

interface Parts {
  readonly clock: Clock;
  readonly agent: Agent;
  readonly admitTarget: (url: string) => void;
}

async function performOne(call: CompiledCall, how: HowToCall, { agent, admitTarget }: Parts): Promise<boolean> {
  const { context, captured } = how;
  const { values } = context;
  const url = call.url.render(values, captured);
  const body = call.body?.render(values, captured);
  if (url === undefined || (call.body !== null && body === undefined)) {
    context.broken('cannot-render', `${call.name}: a name has no value`);
    return false;
  }
  const signal = AbortSignal.any([how.signal, AbortSignal.timeout(call.timeoutMs)]);
  try {
    admitTarget(url);
    const headers = headersOf(call, values, captured);
    const answer = await request(url, {
      method: call.method as Dispatcher.HttpMethod,
      headers,
      body: body ?? null,
      dispatcher: agent,
      signal,
    });
    return judge(call, context, captured, answer.statusCode, await answer.body.text());
  } catch (error) {
    if (!how.signal.aborted) complain(call, context, error as Error & { code?: string });
    return false;
  }
}

function headersOf(call: CompiledCall, values: Values, captured: Values): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, template] of call.headers) headers[name] = template.render(values, captured) ?? '';
  return headers;
}

function judge(call: CompiledCall, context: EndpointContext, captured: Record<string, string>, status: number, text: string): boolean {
  const says = `${call.name} answered ${status} ${text.slice(0, EXAMPLE_CHARACTERS)}`;
  if (!isStatusIn(status, call.expect)) {
    context.fail(`status-${status}`, says);
    return false;
  }
  const json = call.captures.length === 0 ? undefined : parseJson(text);
  for (const { name, path } of call.captures) {
    const found = lookUp(json, path);
    if (found === undefined || found === null) {
      context.fail(`capture-failed:${name}`, says);
      return false;
    }
    captured[`captured.${name}`] = jsonText(found);
  }
  return true;
}

function complain(call: CompiledCall, context: EndpointContext, error: Error & { code?: string }): void {
  const example = `${call.name}: ${error.message}`;
  if (error.name === 'TargetRefused') context.broken('target-refused', example);
  else if (error.name === 'TimeoutError') context.fail('timeout', example);
  else {
    const { side, cause } = networkCause(error);
    if (side === 'target') context.fail(cause, example);
    else context.broken(cause, example);
  }
}
