// What the parts of the SIP server share: the running service, its transactions, media and calls. A part gets a Bridge and nothing else, so a test can
// drive all of it by hand, without sockets and on a clock of its own.

import type { SipHeader } from '../../../node/wire/sip/message.ts';
import type { ServerCapabilities } from '../../../node/wire/sip/request-check.ts';
import { bracketed } from '../../../node/wire/sip/text.ts';
import { bitsAt, STREAMS } from '../chance.ts';
import { tick } from '../counters.ts';
import type { Service } from '../service.ts';
import type { Call } from './call.ts';
import type { Flow, Flows } from './flow.ts';
import type { Media } from './media.ts';
import { createRegistrar, type Registrar } from './registrar.ts';
import { createTransactions, type ServerTransaction, type Transactions } from './transactions.ts';

export interface Bridge {
  readonly service: Service;
  readonly flows: Flows;
  readonly media: Media;
  readonly transactions: Transactions;
  readonly registrar: Registrar;
  /** By Call-ID and our tag. */
  readonly calls: Map<string, Call>;
  readonly callsByParticipant: Map<string, Call>;
  /** Tags given out. */
  tags: number;
  /** Requests that faults were drawn for. */
  arrivals: number;
  /** Nothing new is begun: 503. */
  isStopping: boolean;
}

export interface BridgeInit {
  readonly service: Service;
  readonly flows: Flows;
  readonly media: Media;
}

/** What is refused for being none of it: 405, 415, 416, 420, 501 (node/wire/sip/request-check.ts). */
export const CAPABILITIES: ServerCapabilities = {
  role: 'registrar',
  methods: ['INVITE', 'ACK', 'BYE', 'CANCEL', 'OPTIONS', 'INFO', 'PRACK', 'UPDATE', 'REGISTER'],
  extensions: ['100rel', 'timer'],
  contentTypes: ['application/sdp', 'application/dtmf-relay', 'application/dtmf'],
  schemes: ['sip'],
};

export const capabilityHeaders: readonly SipHeader[] = [
  { name: 'allow', value: CAPABILITIES.methods.join(', ') },
  { name: 'supported', value: CAPABILITIES.extensions.join(', ') },
];

export function createBridge(init: BridgeInit): Bridge {
  const { service, flows } = init;
  return {
    ...init,
    transactions: createTransactions(service, flows),
    registrar: createRegistrar(service.counters.sip.bindings, service.options.sipBindingsMax),
    calls: new Map(),
    callsByParticipant: new Map(),
    tags: 0,
    arrivals: 0,
    isStopping: false,
  };
}

/** Unique for this server, and the same in every run of a seed. */
export function nextTag(bridge: Bridge): string {
  const number = bridge.tags++;
  return `${bitsAt(bridge.service.options.seed, STREAMS.sipTag, number).toString(36)}-${number}`;
}

export const contactOf = ({ localHost, localPort, transport }: Flow): string =>
  `<sip:bridge@${bracketed(localHost)}:${localPort}${transport === 'TCP' ? ';transport=tcp' : ''}>`;

/** RFC 3261, 20.43: what a person may want to know of a refusal. */
export const warning = (code: number, text: string): SipHeader => ({
  name: 'warning',
  value: `${code} target "${text.replace(/["\\\r\n]/g, ' ')}"`,
});

/** A final answer outside of every call. */
export function reply(
  bridge: Bridge,
  transaction: ServerTransaction,
  status: number,
  headers?: readonly SipHeader[],
  reason?: string,
): void {
  if (transaction.request.method === 'INVITE') tick(bridge.service.counters.sip.calls.rejected, status);
  const parts = { status, toTag: nextTag(bridge), headers: headers ?? [] };
  bridge.transactions.respond(transaction, reason === undefined ? parts : { ...parts, reason });
}
