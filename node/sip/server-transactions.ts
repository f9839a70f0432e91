// All server transactions of a stack: matches requests to them (RFC 3261, 17.2.3, with the fallback for RFC 2543), absorbs and answers repetitions,
// steps their machines. It keeps the last response for as long as it may be asked for again. A new request is the caller's to serve.

import type { SipRequest } from '../wire/sip/message.ts';
import { isUniqueBranch } from '../wire/sip/via.ts';
import { type ResponseParts, writeResponse } from '../wire/sip/write.ts';
import { oldestOf, type TransactionsInit } from './client-transactions.ts';
import {
  GONE,
  type Machine,
  type MachineEvent,
  type MachineState,
  NEVER,
  PASS,
  SEND,
  TIMEOUT,
  TRYING,
  terminate,
  wakeAtMs,
} from './machine.ts';
import type { Path } from './path.ts';
import { startServer, stepInviteServer, stepOtherServer } from './server-machines.ts';
import { Wheel, type WheelItem } from './wheel.ts';

export interface ServerOwner {
  /** The INVITE's ACK, of a 2xx that went out by this transaction. */
  onAck(request: SipRequest, atMs: number): void;
  /** A failure was never acknowledged (timer H). */
  onNoAck(atMs: number): void;
}

export class ServerTransaction implements Machine, WheelItem {
  readonly machine: 'invite-server' | 'other-server';
  state: MachineState = 'trying';
  readonly isReliable: boolean;
  repeatAtMs = NEVER;
  repeatGapMs = 0;
  endAtMs = NEVER;
  dueMs = NEVER;
  tick = 0;

  readonly key: string;
  readonly method: string;
  /** Where responses go (RFC 3261, 18.2.2; RFC 3581). */
  readonly path: Path;
  /** Where the request came from. */
  readonly from: Path;
  /** What responses are written from; null once the final one is out. */
  request: SipRequest | null;
  lastResponse: Uint8Array | null = null;
  owner: ServerOwner | null = null;

  constructor(key: string, request: SipRequest, from: Path, path: Path) {
    this.machine = request.method === 'INVITE' ? 'invite-server' : 'other-server';
    this.key = key;
    this.method = request.method;
    this.path = path;
    this.from = from;
    this.isReliable = path.isReliable;
    this.request = request;
  }
}

/** `method`: of the transaction looked for; an ACK and a CANCEL belong to an INVITE. */
export function serverKey(request: SipRequest, method: string): string {
  const { via, callId, cseq, fromTag, uri } = request;
  if (isUniqueBranch(via.branch)) return `${via.branch} ${via.host}:${via.port} ${method}`;
  return `2543 ${uri} ${fromTag} ${callId} ${cseq} ${via.text} ${method}`;
}

export class ServerTransactions {
  readonly #init: TransactionsInit;
  readonly #wheel: Wheel<ServerTransaction>;
  readonly #byKey = new Map<string, ServerTransaction>();

  constructor(init: TransactionsInit) {
    this.#init = init;
    this.#wheel = new Wheel(init.clock, (transaction, nowMs) => this.#step(transaction, 'timer', nowMs, null));
  }

  get size(): number {
    return this.#byKey.size;
  }

  /** True: a repetition or an ACK, and dealt with. */
  absorb(request: SipRequest, atMs: number): boolean {
    const isAck = request.method === 'ACK';
    const transaction = this.#byKey.get(serverKey(request, isAck ? 'INVITE' : request.method));
    if (transaction === undefined) return false;
    if (!isAck) this.#init.count('retransmission-received', 1);
    this.#step(transaction, isAck ? 'ack' : 'request', atMs, request);
    return true;
  }

  /** The INVITE that a CANCEL is for, when it is still known. */
  inviteOf(cancel: SipRequest): ServerTransaction | undefined {
    return this.#byKey.get(serverKey(cancel, 'INVITE'));
  }

  /** A transaction for a new request. Null when there is no room. `from`: where the request came from, `path`: where its responses go. */
  serve(request: SipRequest, from: Path, path: Path): ServerTransaction | null {
    if (this.#byKey.size >= this.#init.countMax && !this.#makeRoom()) return null;
    const transaction = new ServerTransaction(serverKey(request, request.method), request, from, path);
    this.#byKey.set(transaction.key, transaction);
    startServer(transaction, this.#init.clock.nowMs());
    this.#wheel.wait(transaction, wakeAtMs(transaction));
    return transaction;
  }

  /** Sends a response; after the final one nothing more. */
  respond(transaction: ServerTransaction, parts: ResponseParts): void {
    const { request, from } = transaction;
    if (request === null) return;
    const { status } = parts;
    transaction.lastResponse = writeResponse(request, { ...parts, receivedHost: from.remote.host, rport: from.remote.port });
    if (status >= 200) transaction.request = null;
    this.#step(transaction, status < 200 ? 'provisional' : status < 300 ? 'success' : 'failure', this.#init.clock.nowMs(), null);
  }

  /** The last response once more: a 2xx that lacks its ACK, a reliable provisional that lacks its PRACK. */
  repeat(transaction: ServerTransaction): void {
    if (transaction.lastResponse === null) return;
    this.#init.count('retransmission-sent', 1);
    transaction.path.send(transaction.lastResponse);
  }

  /** Nobody will answer any more: nothing is kept. One that was answered runs on to its end. */
  abandon(transaction: ServerTransaction): void {
    if (transaction.request === null || transaction.state === 'terminated') return;
    terminate(transaction);
    this.#forget(transaction);
  }

  close(): void {
    this.#wheel.close();
    this.#byKey.clear();
  }

  #step(transaction: ServerTransaction, event: MachineEvent, atMs: number, request: SipRequest | null): void {
    if (transaction.state === 'terminated') return;
    const { timers, count } = this.#init;
    const effects =
      transaction.machine === 'invite-server'
        ? stepInviteServer(transaction, event, atMs, timers, transaction.lastResponse !== null)
        : stepOtherServer(transaction, event, atMs, timers);
    this.#wheel.wait(transaction, wakeAtMs(transaction));
    if ((effects & SEND) !== 0 && transaction.lastResponse !== null) {
      if (event === 'timer') count('retransmission-sent', 1);
      if (!transaction.path.send(transaction.lastResponse)) count('send-failed', 1);
    }
    if ((effects & TRYING) !== 0) this.respond(transaction, { status: 100 });
    const { owner } = transaction;
    if ((effects & GONE) !== 0) this.#forget(transaction);
    if ((effects & PASS) !== 0 && request !== null) owner?.onAck(request, atMs);
    if ((effects & TIMEOUT) !== 0) owner?.onNoAck(atMs);
  }

  #forget(transaction: ServerTransaction): void {
    this.#byKey.delete(transaction.key);
    transaction.owner = null;
    transaction.lastResponse = null;
    transaction.request = null;
  }

  #makeRoom(): boolean {
    this.#init.count('overload', 1);
    const oldest = oldestOf(this.#byKey, ({ request }) => request === null);
    if (oldest === null) return false;
    terminate(oldest);
    this.#forget(oldest);
    return true;
  }
}
