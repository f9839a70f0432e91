// Endpoint type `websocket`: a participant that connects, introduces itself, sends at a rate and measures what comes back and what others send.
// options.ts is what a scenario may say, participant.ts the life, session.ts one open connection.

import type { Problem } from '../../core/errors.ts';
import { hostPortOf } from '../../core/host-port.ts';
import type { EndpointFactory, EndpointType, GroupContext } from '../endpoint.ts';
import { compileCalls, createCaller } from './calls.ts';
import { compileWebsocket, MESSAGE_NAMES } from './compile.ts';
import { createWebsocketSeries, websocketMetrics } from './metrics.ts';
import { optionsShape, type WebsocketOptions } from './options.ts';
import { Participant, type ParticipantGroup } from './participant.ts';

/** Measured on one core of an AMD EPYC: thousandths of a core for one message a second sent or received, and for a participant that is silent. */
const MILLICORES_PER_MESSAGE = 0.03;
const MILLICORES_IDLE = 0.03;
/** How many others are taken to hear a message when nobody says: a room of ten. */
const LISTENERS_ASSUMED = 10;
/** For what traffic costs: a message without a size of its own, and the headers of TCP/IP, TLS and the frame. */
const MESSAGE_BYTES = 500;
const HEADER_BYTES = 100;

function check(options: WebsocketOptions): Problem[] {
  const problems: Problem[] = [];
  if (!options.url.includes('${') && !/^wss?:\/\//.test(options.url)) {
    problems.push({ code: 'QUILT_WEBSOCKET_URL', message: `not a ws:// or wss:// URL: ${options.url}`, key: 'url' });
  }
  const { send } = options;
  if (send?.size !== undefined && !JSON.stringify(send.json ?? send.text).includes('${message.padding}')) {
    const hint = 'put ${message.padding} into the message, or leave size out';
    problems.push({ code: 'QUILT_WEBSOCKET_SIZE', message: 'size needs a place for the padding', hint, key: 'send.size' });
  }
  return problems;
}

function targetsOf(options: WebsocketOptions): string[] {
  return [...new Set([options.url, ...options.before.map(({ url }) => url), ...options.after.map(({ url }) => url)])];
}

function costMillicores({ send, delivery }: WebsocketOptions): number {
  const rate = send?.rate ?? 0;
  return MILLICORES_IDLE + rate * MILLICORES_PER_MESSAGE * (delivery === undefined ? 2 : 1 + LISTENERS_ASSUMED);
}

async function prepare({ options, recorder, clock, admitTarget }: GroupContext<WebsocketOptions>): Promise<EndpointFactory> {
  for (const target of targetsOf(options)) if (hostPortOf(target) !== null && !target.includes('${')) admitTarget(target);
  const participants: ParticipantGroup = {
    options,
    compiled: compileWebsocket(options),
    series: createWebsocketSeries(recorder),
    clock,
    caller: createCaller(clock, admitTarget, options.insecureTls),
    before: compileCalls(options.before, recorder),
    after: compileCalls(options.after, recorder),
    admitTarget,
  };
  return {
    create: (context) => new Participant(participants, context),
    close: () => participants.caller.close(),
  };
}

export const endpointType: EndpointType<WebsocketOptions> = {
  type: 'websocket',
  summary: 'a participant on a WebSocket that sends at a rate and measures round trips and delivery to others',
  options: optionsShape,
  check,
  targets: targetsOf,
  metrics: websocketMetrics,
  names: MESSAGE_NAMES,
  costMillicores,
  uplinkBps: ({ send }) => (send?.rate ?? 0) * ((send?.size ?? MESSAGE_BYTES) + HEADER_BYTES) * 8,
  prepare,
};
