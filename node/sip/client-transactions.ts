// All client transactions of a stack: matches responses to them (RFC 3261, 17.1.3: branch and method), steps their machines and performs what those
// ask for. It keeps the request's text for retransmissions and no longer. Who wants the responses is the owner; what they mean is not known here.

import type { Clock } from '../endpoints/endpoint.ts';
import type { SipResponse } from '../wire/sip/message.ts';
import { startClient, stepInviteClient, stepOtherClient } from './client-machines.ts';
import { derivedRequest } from './derived-request.ts';
import {
  ACK,
  GONE,
  type Machine,
  type MachineEvent,
  type MachineState,
  NEVER,
  PASS,
  patienceMs,
  SEND,
  TIMEOUT,
  TRANSPORT,
  terminate,
  wakeAtMs,
} from './machine.ts';
import type { Path } from './path.ts';
import type { SipCountKind, SipTimers } from './types.ts';
import { Wheel, type WheelItem } from './wheel.ts';

export interface ClientOwner {
  /** Provisional and final ones; of an INVITE also repeated and forked 2xx. */
  onResponse(request: OutgoingRequest, response: SipResponse, atMs: number): void;
  /** Instead of a final response. */
  onNoResponse(request: OutgoingRequest, cause: 'timeout' | 'transport' | 'overload', detail: string, atMs: number): void;
}

/** A request as its owner sees it: what is the same in all attempts to get it answered. */
export interface OutgoingRequest {
  readonly method: string;
  cseq: number;
  /** Headers beyond those that every request has, each with its line end; no credentials. */
  readonly lines: string;
  readonly contentType: string;
  readonly body: string;
  /** Response times count from here. */
  readonly startedAtMs: number;
  /** The attempt that is under way. */
  transaction: ClientTransaction | null;
  /** Challenges answered so far. */
  challenges: number;
  /** Sent by the stack itself: only its failure is of interest. */
  readonly isRefresh: boolean;
  /** Its owner gave it up: not to be sent any more. */
  isDropped: boolean;
}

export class ClientTransaction implements Machine, WheelItem {
  readonly machine: 'invite-client' | 'other-client';
  state: MachineState = 'calling';
  readonly isReliable: boolean;
  repeatAtMs = NEVER;
  repeatGapMs = 0;
  endAtMs = NEVER;
  dueMs = NEVER;
  tick = 0;

  readonly key: string;
  readonly method: string;
  readonly path: Path;
  /** The request, while it may have to be sent again or acknowledged; then the ACK of a failure. */
  text: string;
  owner: ClientOwner | null;
  /** Null once nobody waits for its answer: it may linger for 32 s more. */
  request: OutgoingRequest | null;
  /** Why it could not be sent at all; told at the next tick. */
  defect: string | null = null;

  constructor(branch: string, text: string, path: Path, owner: ClientOwner | null, request: OutgoingRequest) {
    this.machine = request.method === 'INVITE' ? 'invite-client' : 'other-client';
    this.key = keyOf(branch, request.method);
    this.method = request.method;
    this.isReliable = path.isReliable;
    this.path = path;
    this.text = text;
    this.owner = owner;
    this.request = request;
  }
}

/** A CANCEL has the branch of its INVITE. */
const keyOf = (branch: string, method: string): string => (method === 'CANCEL' ? `${branch} CANCEL` : branch);

export interface TransactionsInit {
  readonly clock: Pick<Clock, 'nowMs' | 'at' | 'cancel'>;
  readonly timers: SipTimers;
  /** Lingering ones make room; when there are none, newcomers are refused. */
  readonly countMax: number;
  readonly count: (kind: SipCountKind, count: number) => void;
}

export class ClientTransactions {
  readonly #init: TransactionsInit;
  readonly #wheel: Wheel<ClientTransaction>;
  readonly #byKey = new Map<string, ClientTransaction>();
  /** Those that a broken connection would fail. */
  #byStream = new WeakMap<Path, Set<ClientTransaction>>();

  constructor(init: TransactionsInit) {
    this.#init = init;
    this.#wheel = new Wheel(init.clock, (transaction, nowMs) => this.#wake(transaction, nowMs));
  }

  get size(): number {
    return this.#byKey.size;
  }

  /** Sends the request. Null when there is no room for another transaction. */
  start(branch: string, text: string, path: Path, owner: ClientOwner | null, request: OutgoingRequest): ClientTransaction | null {
    if (this.#byKey.size >= this.#init.countMax && !this.#makeRoom()) return null;
    const transaction = new ClientTransaction(branch, text, path, owner, request);
    request.transaction = transaction;
    this.#byKey.set(transaction.key, transaction);
    const nowMs = this.#init.clock.nowMs();
    startClient(transaction, nowMs, this.#init.timers);
    if (!path.send(text)) {
      transaction.defect = 'could not be sent';
      transaction.endAtMs = nowMs;
    } else if (path.isReliable) this.#watch(transaction);
    this.#wheel.wait(transaction, wakeAtMs(transaction));
    return transaction;
  }

  /** False: nobody waits for it. */
  receive(response: SipResponse, atMs: number): boolean {
    const transaction = this.#byKey.get(keyOf(response.via.branch, response.cseqMethod));
    if (transaction === undefined || transaction.method !== response.cseqMethod) return false;
    const { status } = response;
    const event = status < 200 ? 'provisional' : status < 300 ? 'success' : 'failure';
    this.#step(transaction, event, atMs, response, '');
    return true;
  }

  pathLost(path: Path, detail: string): void {
    const nowMs = this.#init.clock.nowMs();
    for (const transaction of [...(this.#byStream.get(path) ?? [])]) this.#step(transaction, 'transport-error', nowMs, null, detail);
  }

  /** Its owner does not wait any longer (RFC 3261, 9.1: no final response to a cancelled INVITE). */
  abandon(transaction: ClientTransaction): void {
    terminate(transaction);
    this.#forget(transaction);
  }

  /** Its owner is gone, and `owner` takes what may still come. What could ring for ever gets 64 * T1 to end. */
  handOver(transaction: ClientTransaction, owner: ClientOwner): void {
    transaction.owner = owner;
    if (transaction.state !== 'proceeding') return;
    const { clock, timers } = this.#init;
    transaction.endAtMs = Math.min(transaction.endAtMs, clock.nowMs() + patienceMs(timers));
    this.#wheel.wait(transaction, wakeAtMs(transaction));
  }

  close(): void {
    this.#wheel.close();
    this.#byKey.clear();
    this.#byStream = new WeakMap();
  }

  #wake(transaction: ClientTransaction, nowMs: number): void {
    if (transaction.state === 'terminated') return;
    const { defect } = transaction;
    if (defect === null) this.#step(transaction, 'timer', nowMs, null, '');
    else this.#step(transaction, 'transport-error', nowMs, null, defect);
  }

  #step(transaction: ClientTransaction, event: MachineEvent, atMs: number, response: SipResponse | null, detail: string): void {
    const { timers, count } = this.#init;
    const step = transaction.machine === 'invite-client' ? stepInviteClient : stepOtherClient;
    const wasFinal = isLingering(transaction);
    const effects = step(transaction, event, atMs, timers);
    this.#wheel.wait(transaction, wakeAtMs(transaction));
    if ((effects & SEND) !== 0) {
      transaction.path.send(transaction.text);
      count('retransmission-sent', 1);
    }
    if ((effects & ACK) !== 0 && response !== null) this.#acknowledge(transaction, response, wasFinal);
    if ((effects & GONE) !== 0) this.#byKey.delete(transaction.key);
    if (wasFinal && response !== null) {
      if (event === 'provisional') count('late-response', 1);
      else if ((effects & PASS) === 0) count('retransmission-received', 1);
    }
    const { owner, request } = transaction;
    if (!wasFinal && (isLingering(transaction) || transaction.state === 'terminated')) this.#settle(transaction);
    if (owner === null || request === null) return;
    if ((effects & PASS) !== 0 && response !== null) owner.onResponse(request, response, atMs);
    if ((effects & TIMEOUT) !== 0) owner.onNoResponse(request, 'timeout', 'no response', atMs);
    if ((effects & TRANSPORT) !== 0) owner.onNoResponse(request, 'transport', detail, atMs);
  }

  #acknowledge(transaction: ClientTransaction, response: SipResponse, isAgain: boolean): void {
    if (!isAgain) transaction.text = derivedRequest(transaction.text, 'ACK', response);
    transaction.path.send(transaction.text);
  }

  /** A final response, or none for ever: only an accepted INVITE still has something to tell its owner. */
  #settle(transaction: ClientTransaction): void {
    this.#byStream.get(transaction.path)?.delete(transaction);
    if (transaction.state === 'accepted') transaction.text = '';
    else if (transaction.machine === 'other-client' || transaction.state === 'terminated') this.#release(transaction);
    else this.#disown(transaction);
  }

  #disown(transaction: ClientTransaction): void {
    transaction.owner = null;
    transaction.request = null;
  }

  #release(transaction: ClientTransaction): void {
    transaction.text = '';
    this.#disown(transaction);
  }

  #forget(transaction: ClientTransaction): void {
    this.#byKey.delete(transaction.key);
    this.#byStream.get(transaction.path)?.delete(transaction);
    this.#release(transaction);
  }

  #watch(transaction: ClientTransaction): void {
    const users = this.#byStream.get(transaction.path);
    if (users !== undefined) users.add(transaction);
    else this.#byStream.set(transaction.path, new Set([transaction]));
  }

  /** The oldest one goes, if all that it does is to wait for stragglers. */
  #makeRoom(): boolean {
    this.#init.count('overload', 1);
    const oldest = oldestOf(this.#byKey, isLingering);
    if (oldest !== null) this.abandon(oldest);
    return oldest !== null;
  }
}

/** Looked at for one place; more would make a full table slow as well. */
const LOOKED_AT_MAX = 16;

/** The oldest that can go. Those that cannot move to the end of the line, so that one that lives long does not stand in the way for ever. */
export function oldestOf<T>(byKey: Map<string, T>, canGo: (each: T) => boolean): T | null {
  let looked = 0;
  for (const [key, each] of byKey) {
    if (canGo(each)) return each;
    if (++looked > LOOKED_AT_MAX) return null;
    byKey.delete(key);
    byKey.set(key, each);
  }
  return null;
}

const isLingering = ({ state }: Machine): boolean => state === 'completed' || state === 'accepted' || state === 'confirmed';
