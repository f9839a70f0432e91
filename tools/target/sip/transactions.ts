// Server and client transactions (RFC 3261, section 17; RFC 6026), as little of them as a server needs that answers everything itself. A request
// seen again is answered as before and reaches nobody; a final answer to an INVITE is sent until its ACK comes (2xx: call.ts's part, as they belong to
// the call). Our own requests are sent until they are answered. What requests mean is the dispatcher's part.

import type { SipRequest, SipResponse } from '../../../node/wire/sip/message.ts';
import { isUniqueBranch } from '../../../node/wire/sip/via.ts';
import { type ResponseParts, writeResponse } from '../../../node/wire/sip/write.ts';
import { tick } from '../counters.ts';
import type { Service } from '../service.ts';
import type { Flow, Flows } from './flow.ts';
import { LIFETIME_MS, repeat, T2_MS } from './repeat.ts';

export interface ServerTransaction {
  readonly key: string;
  readonly request: SipRequest;
  /** Where the request came from, and where its responses go. */
  readonly from: Flow;
  readonly flow: Flow;
  /** Of the last response, 0 before. */
  status: number;
  response: Uint8Array | null;
  stop: () => void;
  /** What a CANCEL does: null when it comes too late, or changes nothing. */
  onCancel: (() => void) | null;
}

export interface Transactions {
  /** The transaction of a new request; null when it was seen before and is dealt with, or when there are too many. */
  accept(request: SipRequest, from: Flow): ServerTransaction | null;
  /** Never to be answered, only remembered as long as others. */
  ignore(transaction: ServerTransaction): void;
  /** The INVITE that a CANCEL or an ACK of a refusal is about. */
  inviteOf(request: SipRequest): ServerTransaction | undefined;
  respond(transaction: ServerTransaction, parts: ResponseParts): Uint8Array;
  /** Sends a request of ours and tells its final answer, null when none came. */
  request(branch: string, bytes: Uint8Array, flow: Flow, onEnd: (response: SipResponse | null) => void): void;
  /** False for a response to nobody. */
  receiveResponse(response: SipResponse): boolean;
  pendingRequests(): number;
  sweep(): void;
  stop(): void;
}

/** More requests within 32 s than this are a flood: the rest is dropped and counted. */
const TRANSACTIONS_MAX = 300_000;

/** RFC 3261, 17.2.3; for the branches of RFC 2543 what that RFC compares. */
export function transactionKey(request: SipRequest, method = request.method): string {
  const { via, callId, cseq, fromTag, uri } = request;
  if (isUniqueBranch(via.branch)) return `${via.branch} ${via.host}:${via.port ?? ''} ${method}`;
  return `${callId} ${cseq} ${fromTag} ${uri} ${via.text} ${method}`;
}

/** RFC 3261, 18.2.2, and RFC 3581: over TCP back where it came from, over UDP to the source's host and the port that `rport` or Via says. */
function responseFlow({ via }: SipRequest, from: Flow, flows: Flows): Flow {
  if (from.transport === 'TCP' || via.rport !== undefined) return from;
  return flows.udpTo(from.host, via.port ?? 5060) ?? from;
}

interface ClientTransaction {
  readonly onEnd: (response: SipResponse | null) => void;
  readonly stop: () => void;
}

export function createTransactions(service: Service, flows: Flows): Transactions {
  const { clock } = service;
  const counters = service.counters.sip;
  const servers = new Map<string, ServerTransaction>();
  /** In the order of their end: all are remembered equally long. */
  let ended: { transaction: ServerTransaction; atMs: number }[] = [];
  const clients = new Map<string, ClientTransaction>();

  function forgetLater(transaction: ServerTransaction): void {
    const { method } = transaction.request;
    // Over TCP nothing is retransmitted, so only an INVITE has something to wait for: its ACK.
    if (transaction.from.transport === 'TCP' && method !== 'INVITE') servers.delete(transaction.key);
    else ended.push({ transaction, atMs: clock.nowMs() });
  }

  return {
    accept(request, from) {
      const key = transactionKey(request);
      const known = servers.get(key);
      if (known !== undefined) {
        counters.retransmissions += 1;
        if (known.response !== null) known.flow.send(known.response);
        return null;
      }
      if (servers.size >= TRANSACTIONS_MAX) {
        tick(counters.malformed, 'too-many');
        return null;
      }
      const flow = responseFlow(request, from, flows);
      const transaction: ServerTransaction = { key, request, from, flow, status: 0, response: null, stop: () => {}, onCancel: null };
      servers.set(key, transaction);
      return transaction;
    },
    ignore: forgetLater,
    inviteOf: (request) => servers.get(transactionKey(request, 'INVITE')),
    respond(transaction, parts) {
      const { request, from, flow } = transaction;
      const response = writeResponse(request, { ...parts, receivedHost: from.host, rport: from.port });
      transaction.stop();
      transaction.status = parts.status;
      transaction.response = response;
      flow.send(response);
      if (parts.status < 200) return response;
      forgetLater(transaction);
      if (request.method === 'INVITE' && parts.status >= 300 && flow.transport === 'UDP') {
        transaction.stop = repeat({ clock, pauseMsMax: T2_MS, again: () => flow.send(response), giveUp: () => {} });
      }
      return response;
    },
    request(branch, bytes, flow, onEnd) {
      const end = (): void => {
        clients.delete(branch);
        onEnd(null);
      };
      const again = (): void => {
        if (flow.transport === 'UDP') flow.send(bytes);
      };
      clients.set(branch, { onEnd, stop: repeat({ clock, pauseMsMax: T2_MS, again, giveUp: end }) });
      flow.send(bytes);
    },
    receiveResponse(response) {
      const client = clients.get(response.via.branch);
      if (client === undefined) return false;
      if (response.status < 200) return true;
      clients.delete(response.via.branch);
      client.stop();
      client.onEnd(response);
      return true;
    },
    pendingRequests: () => clients.size,
    sweep() {
      const limitMs = clock.nowMs() - LIFETIME_MS;
      const live = ended.findIndex(({ atMs }) => atMs > limitMs);
      for (const { transaction } of ended.splice(0, live < 0 ? ended.length : live)) {
        transaction.stop();
        servers.delete(transaction.key);
      }
    },
    stop() {
      for (const { stop } of clients.values()) stop();
      for (const { stop } of servers.values()) stop();
      clients.clear();
      servers.clear();
      ended = [];
    },
  };
}
