// From options to what endpoints use, once a group: templates of URL, headers and messages, and conditions on what comes in. Own names while
// sending are message.id, message.seq, message.sentAtMs and message.padding; the two numbers stand bare in JSON.

import { type JsonPath, jsonText, lookUp, parseJsonPath } from '../../core/json-path.ts';
import { compileJsonTemplate, compileTemplate, type Template, type Values } from '../../core/template.ts';
import type { Condition, Payload, WebsocketOptions } from './options.ts';

export const MESSAGE_NAMES = ['message.id', 'message.seq', 'message.sentAtMs', 'message.padding'] as const;
const NUMERIC_NAMES = ['message.seq', 'message.sentAtMs'];

/** An incoming message: its text, and its JSON when that was asked for. */
export interface Incoming {
  readonly text: string;
  readonly json: () => unknown;
}

export type Matcher = (message: Incoming, values: Values, captured: Values) => boolean;

export interface CompiledWebsocket {
  readonly url: Template;
  readonly headers: readonly (readonly [string, Template])[];
  readonly hello: readonly Template[];
  readonly goodbye: readonly Template[];
  readonly joinedWhen: Matcher | null;
  readonly send: { readonly template: Template; readonly size: number; readonly intervalMs: number } | null;
  readonly roundTrip: { readonly when: Matcher; readonly id: JsonPath } | null;
  readonly delivery: { readonly when: Matcher; readonly id: JsonPath | null; readonly sentAt: JsonPath } | null;
}

const pathOf = (text: string): JsonPath => parseJsonPath(text) as JsonPath;

export function compileWebsocket(options: WebsocketOptions): CompiledWebsocket {
  const { send, roundTrip, delivery, joinedWhen } = options;
  return {
    url: compileTemplate(options.url),
    headers: Object.entries(options.headers).map(([name, value]) => [name, compileTemplate(value)] as const),
    hello: options.hello.map(compilePayload),
    goodbye: options.goodbye.map(compilePayload),
    joinedWhen: joinedWhen === undefined ? null : compileCondition(joinedWhen),
    send: send === undefined ? null : { template: compilePayload(send), size: send.size ?? 0, intervalMs: 1000 / send.rate },
    roundTrip: roundTrip === undefined ? null : { when: compileCondition(roundTrip.when), id: pathOf(roundTrip.id) },
    delivery:
      delivery === undefined
        ? null
        : {
            when: compileCondition(delivery.when),
            id: delivery.id === undefined ? null : pathOf(delivery.id),
            sentAt: pathOf(delivery.sentAt),
          },
  };
}

function compilePayload(payload: Payload): Template {
  return payload.text === undefined ? compileJsonTemplate(payload.json, NUMERIC_NAMES) : compileTemplate(payload.text);
}

/** All parts that are given must hold. `json` without `equals` asks whether something is there. */
function compileCondition({ json, equals, contains }: Condition): Matcher {
  const path = json === undefined ? null : pathOf(json);
  const wanted = typeof equals === 'string' ? compileTemplate(equals) : null;
  return (message, values, captured) => {
    if (contains !== undefined && !message.text.includes(contains)) return false;
    if (path === null) return true;
    const found = lookUp(message.json(), path);
    if (equals === undefined) return found !== undefined;
    if (wanted === null) return found === equals;
    return found !== undefined && jsonText(found) === (wanted.constant ?? wanted.render(values, captured));
  };
}
