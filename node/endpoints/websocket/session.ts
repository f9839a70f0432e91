// One open connection of a participant: what it sends on schedule, and what it makes of what comes in - the join, the answers to its own messages,
// the messages of others, pongs. Sending is an open loop: the schedule says when a message is due, whatever came back (P8). A session ends when
// its socket closes or its participant leaves; loops that wait at that moment see it and end.

import { WebSocket } from 'ws';
import { jsonText, lookUp, parseJson } from '../../core/json-path.ts';
import type { Template } from '../../core/template.ts';
import type { Clock, EndpointContext } from '../endpoint.ts';
import type { CompiledWebsocket, Incoming } from './compile.ts';
import { createGaps, type Gaps } from './gaps.ts';
import type { WebsocketSeries } from './metrics.ts';
import type { WebsocketOptions } from './options.ts';

export interface SessionGroup {
  readonly options: WebsocketOptions;
  readonly compiled: CompiledWebsocket;
  readonly series: WebsocketSeries;
  readonly clock: Clock;
}

export interface SessionInit extends SessionGroup {
  readonly context: EndpointContext;
  readonly captured: Readonly<Record<string, string>>;
  readonly socket: WebSocket;
  /** When the connection was due to be made. */
  readonly dueMs: number;
  /** Prefix of this session's message ids: unlike any other session's of the run. */
  readonly idPrefix: string;
  readonly onJoined: () => void;
}

/** More bytes waiting for a target that does not read would only measure the generator's memory. */
const BUFFERED_BYTES_MAX = 1024 * 1024;
/** Own messages without an answer that are remembered; the oldest count as unanswered. */
const PENDING_MAX = 1000;

export class Session {
  readonly #init: SessionInit;
  readonly #pending = new Map<number, number>();
  readonly #gaps: Gaps | null;
  /** When the connection opened; NaN before. */
  openMs = Number.NaN;
  #isJoined = false;
  #sequence = 0;
  #pingDueMs = Number.NaN;

  constructor(init: SessionInit) {
    this.#init = init;
    this.#gaps = init.compiled.delivery?.id ? createGaps(init.series.deliveryRatio) : null;
    // Before anything is awaited: a greeting may come in the same packet as the answer to the upgrade.
    init.socket.once('open', () => this.#open());
    init.socket.on('message', (data: Buffer) => this.#receive(data));
    init.socket.on('pong', () => this.#pong());
  }

  get isOpen(): boolean {
    return this.#init.socket.readyState === WebSocket.OPEN && !this.#init.context.signal.aborted;
  }

  /** The connection is open: introduce oneself. */
  #open(): void {
    const { series, clock, dueMs } = this.#init;
    this.openMs = clock.nowMs();
    series.connecting.record(this.openMs - dueMs);
    series.sessions.add(1);
    for (const template of this.#init.compiled.hello) this.sendText(template);
    if (this.#init.compiled.joinedWhen === null) this.#join();
    if (this.#init.options.ping !== undefined) void this.#pingLoop(this.#init.options.ping);
  }

  get isJoined(): boolean {
    return this.#isJoined;
  }

  /** The session is over: what was not answered by now will not be. */
  close(): void {
    const { series, clock } = this.#init;
    if (!Number.isNaN(this.openMs)) series.sessionDuration.record(clock.nowMs() - this.openMs);
    for (const _ of this.#pending) series.answered.add(false);
    this.#pending.clear();
  }

  sendText(template: Template): void {
    const { context, captured } = this.#init;
    const text = template.render(context.values, captured);
    if (text === undefined) context.broken('cannot-render', `a name has no value in ${template.source.slice(0, 100)}`);
    else this.#transmit(text);
  }

  #transmit(text: string): void {
    const { socket, series } = this.#init;
    socket.send(text);
    series.dataSent.add(Buffer.byteLength(text));
  }

  #join(): void {
    if (this.#isJoined) return;
    this.#isJoined = true;
    this.#init.onJoined();
    if (this.#init.compiled.send !== null) void this.#sendLoop(this.#init.compiled.send);
  }

  async #sendLoop(send: NonNullable<CompiledWebsocket['send']>): Promise<void> {
    const { clock, context, options } = this.#init;
    const isPoisson = options.send?.arrivals === 'poisson';
    const { float } = context.rng;
    // The first message at a random place of the interval: endpoints that joined together must not send together.
    let dueMs = clock.nowMs() + float() * send.intervalMs;
    while ((await clock.until(dueMs, context.signal)) === 'due' && this.isOpen) {
      this.#sendDue(send, dueMs);
      dueMs += isPoisson ? -send.intervalMs * Math.log(1 - float()) : send.intervalMs;
    }
  }

  #sendDue(send: NonNullable<CompiledWebsocket['send']>, dueMs: number): void {
    const { clock, context, captured, options, series, socket, idPrefix } = this.#init;
    const isLate = clock.nowMs() - dueMs > (options.send?.behindMax ?? 0);
    const isBlocked = socket.bufferedAmount > BUFFERED_BYTES_MAX;
    if (isLate || isBlocked) {
      series.skipped.add(1);
      if (isBlocked) this.#fail('send-blocked', 'the target does not read what was sent');
      return;
    }
    const sequence = this.#sequence++;
    const local: Record<string, string> = {
      ...captured,
      'message.id': `${idPrefix}${sequence}`,
      'message.seq': String(sequence),
      'message.sentAtMs': (dueMs - context.runStartMs).toFixed(3),
      'message.padding': '',
    };
    let text = send.template.render(context.values, local);
    if (text !== undefined && send.size > 0) {
      local['message.padding'] = paddingOf(send.size - Buffer.byteLength(text));
      text = send.template.render(context.values, local);
    }
    if (text === undefined) return context.broken('cannot-render', `a name has no value in ${send.template.source.slice(0, 100)}`);
    if (this.#init.compiled.roundTrip !== null) this.#expectAnswer(sequence, dueMs);
    this.#transmit(text);
    series.sent.add(1);
  }

  #expectAnswer(sequence: number, dueMs: number): void {
    const { clock, options } = this.#init;
    this.#pending.set(sequence, dueMs);
    const oldestMs = clock.nowMs() - (options.roundTrip?.timeout ?? 0);
    // Insertion order is the order of due times, so the overdue ones come first.
    for (const [pending, pendingDueMs] of this.#pending) {
      if (pendingDueMs >= oldestMs && this.#pending.size <= PENDING_MAX) break;
      this.#pending.delete(pending);
      this.#init.series.answered.add(false);
      this.#fail('no-answer', `no answer to an own message within ${options.roundTrip?.timeout} ms`);
    }
  }

  async #pingLoop(periodMs: number): Promise<void> {
    const { clock, context, socket } = this.#init;
    let dueMs = clock.nowMs() + periodMs;
    while ((await clock.until(dueMs, context.signal)) === 'due' && this.isOpen) {
      if (!Number.isNaN(this.#pingDueMs)) this.#fail('no-pong', `no pong within ${periodMs} ms`);
      this.#pingDueMs = dueMs;
      socket.ping();
      dueMs += periodMs;
    }
  }

  #pong(): void {
    if (Number.isNaN(this.#pingDueMs)) return;
    this.#init.series.ping.record(this.#init.clock.nowMs() - this.#pingDueMs);
    this.#pingDueMs = Number.NaN;
  }

  #receive(data: Buffer): void {
    const nowMs = this.#init.clock.nowMs();
    const { series, compiled, context, captured } = this.#init;
    series.received.add(1);
    series.dataReceived.add(data.length);
    const { joinedWhen, roundTrip, delivery } = compiled;
    if (roundTrip === null && delivery === null && (joinedWhen === null || this.#isJoined)) return;
    const message = incoming(data);
    if (!this.#isJoined && joinedWhen?.(message, context.values, captured)) this.#join();
    if (roundTrip?.when(message, context.values, captured)) this.#answered(lookUp(message.json(), roundTrip.id), nowMs);
    if (delivery?.when(message, context.values, captured)) this.#delivered(message, nowMs);
  }

  #answered(id: unknown, nowMs: number): void {
    const { idPrefix, series } = this.#init;
    const text = id === undefined ? '' : jsonText(id);
    if (!text.startsWith(idPrefix)) return;
    const sequence = Number(text.slice(idPrefix.length));
    const dueMs = this.#pending.get(sequence);
    if (dueMs === undefined) return;
    this.#pending.delete(sequence);
    series.rtt.record(nowMs - dueMs);
    series.answered.add(true);
  }

  #delivered(message: Incoming, nowMs: number): void {
    const { compiled, context, series, idPrefix } = this.#init;
    const { delivery } = compiled;
    if (delivery === null) return;
    const id = delivery.id === null ? undefined : lookUp(message.json(), delivery.id);
    const idText = id === undefined ? '' : jsonText(id);
    if (idText.startsWith(idPrefix)) return;
    const sentAtMs = Number(lookUp(message.json(), delivery.sentAt));
    if (!Number.isFinite(sentAtMs)) return;
    // Between machines the two clocks differ by the error of the swarm time estimate, which may make a fast delivery look negative.
    series.delivery.record(Math.max(0, nowMs - context.runStartMs - sentAtMs));
    if (idText !== '') this.#gaps?.note(idText);
  }

  #fail(cause: string, example: string): void {
    this.#init.series.error(cause);
    this.#init.context.fail(cause, example);
  }
}

function incoming(data: Buffer): Incoming {
  const text = data.toString('utf8');
  let value: unknown;
  let isParsed = false;
  return {
    text,
    json() {
      if (!isParsed) value = parseJson(text);
      isParsed = true;
      return value;
    },
  };
}

const paddings = new Map<number, string>();
function paddingOf(length: number): string {
  if (length <= 0) return '';
  let padding = paddings.get(length);
  if (padding === undefined) {
    padding = 'x'.repeat(length);
    // Lengths vary only with the digits of numbers and names; more different ones are not worth keeping.
    if (paddings.size < 256) paddings.set(length, padding);
  }
  return padding;
}
