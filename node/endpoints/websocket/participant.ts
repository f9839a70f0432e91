// One participant's life: the calls before, the connection and its sessions, reconnecting as the scenario says, and a polite leave. Nothing that
// the target does is an exception: a refused upgrade, a reset, a close that nobody asked for are counted with their cause.

import { WebSocket } from 'ws';
import { networkCause } from '../../core/network-cause.ts';
import { drawThinkMs } from '../../core/option-shapes.ts';
import type { Endpoint, EndpointContext } from '../endpoint.ts';
import type { Caller, CompiledCall } from './calls.ts';
import { Session, type SessionGroup } from './session.ts';

export interface ParticipantGroup extends SessionGroup {
  readonly caller: Caller;
  readonly before: readonly CompiledCall[];
  readonly after: readonly CompiledCall[];
  readonly admitTarget: (url: string) => void;
}

/** Of the grace, what saying goodbye may take; the rest is for the calls after. */
const CLOSE_SHARE = 0.5;

type SessionEnd = 'left' | 'lost' | 'refused';

export class Participant implements Endpoint {
  readonly #group: ParticipantGroup;
  readonly #context: EndpointContext;
  readonly #captured: Record<string, string> = {};
  #socket: WebSocket | null = null;
  #sessions = 0;
  #onLeave: () => void = () => {};

  constructor(group: ParticipantGroup, context: EndpointContext) {
    this.#group = group;
    this.#context = context;
  }

  /** As a listener of the context's signal. */
  handleEvent(): void {
    // There is nobody to say goodbye to in a handshake, and a target that hangs there would keep the participant beyond its grace.
    const isUpgrading = this.#socket?.readyState === WebSocket.CONNECTING;
    if (isUpgrading || this.#context.signal.reason === 'now') this.#socket?.terminate();
    this.#onLeave();
  }

  async run(): Promise<void> {
    const { caller, before, clock } = this.#group;
    const context = this.#context;
    const { signal, dueMs } = context;
    signal.addEventListener('abort', this, { once: true });
    try {
      if (!(await caller.perform(before, { context, captured: this.#captured, dueMs, signal }))) return;
      // Without calls before, the connection was due when the life was; else as soon as they were through.
      await this.#stayConnected(before.length === 0 ? dueMs : clock.nowMs());
      if (signal.reason !== 'now') await this.#signOff();
    } finally {
      signal.removeEventListener('abort', this);
      this.#socket?.terminate();
    }
  }

  async #stayConnected(firstDueMs: number): Promise<void> {
    const { options, clock } = this.#group;
    const { signal, rng } = this.#context;
    let dueMs = firstDueMs;
    let lost = 0;
    while (!signal.aborted) {
      const end = await this.#connectOnce(dueMs);
      if (end === 'left' || options.reconnect === undefined || lost >= options.reconnect.attempts) return;
      const waitMs = drawThinkMs(options.reconnect.wait, rng.float) * options.reconnect.factor ** lost;
      lost++;
      dueMs = clock.nowMs() + Math.max(RECONNECT_MS_MIN, waitMs);
      if ((await clock.until(dueMs, signal)) === 'aborted') return;
    }
  }

  /** Opens one connection and lives in it until it is lost or the participant leaves. */
  async #connectOnce(dueMs: number): Promise<SessionEnd> {
    const socket = this.#dial();
    if (socket === null) return 'refused';
    this.#socket = socket;
    const { joined } = this.#context;
    const init = { context: this.#context, captured: this.#captured, socket, dueMs, idPrefix: this.#nextIdPrefix(), onJoined: joined };
    const session = new Session({ ...this.#group, ...init });
    const closed = whenClosed(socket);
    const refusal = await whenOpen(socket);
    if (refusal !== null) {
      if (!this.#context.signal.aborted) this.#fail(refusal.cause, refusal.example, refusal.side);
      socket.terminate();
      return 'refused';
    }
    const end = await this.#stay(session, socket, closed);
    session.close();
    return end;
  }

  #nextIdPrefix(): string {
    const { values, endpointIndex, lifeIndex } = this.#context;
    return `${values['endpoint.id'] ?? endpointIndex}.${lifeIndex}.${this.#sessions++}.`;
  }

  async #stay(session: Session, socket: WebSocket, closed: Promise<Closed>): Promise<SessionEnd> {
    const { options, compiled, clock } = this.#group;
    const { signal } = this.#context;
    const joinAtMs = clock.nowMs() + options.joinTimeout;
    if (compiled.joinedWhen !== null) {
      clock.until(joinAtMs, signal).then((how) => {
        if (how !== 'due' || session.isJoined || !session.isOpen) return;
        this.#fail('join-timeout', `not joined ${options.joinTimeout} ms after the connection opened`);
        socket.terminate();
      });
    }
    const left = new Promise<null>((resolve) => {
      this.#onLeave = () => resolve(null);
    });
    const end = signal.aborted ? null : await Promise.race([closed, left]);
    if (end !== null && !signal.aborted) {
      if (session.isJoined || compiled.joinedWhen === null) this.#fail(`closed-${end.code}`, end.example);
      return 'lost';
    }
    if (signal.reason !== 'now' && socket.readyState === WebSocket.OPEN) {
      for (const template of compiled.goodbye) session.sendText(template);
      socket.close(options.closeCode);
      await Promise.race([closed, clock.until(clock.nowMs() + this.#context.graceMs * CLOSE_SHARE)]);
    }
    socket.terminate();
    return 'left';
  }

  #dial(): WebSocket | null {
    const { options, compiled, admitTarget } = this.#group;
    const { values } = this.#context;
    const url = compiled.url.render(values, this.#captured);
    const headers: Record<string, string> = {};
    for (const [name, template] of compiled.headers) headers[name] = template.render(values, this.#captured) ?? '';
    if (url === undefined) {
      this.#context.broken('cannot-render', `a name has no value in ${compiled.url.source}`);
      return null;
    }
    try {
      admitTarget(url);
      return new WebSocket(url, options.subprotocols, {
        headers,
        handshakeTimeout: options.connectTimeout,
        maxPayload: options.messageBytesMax,
        perMessageDeflate: false,
        rejectUnauthorized: !options.insecureTls,
        followRedirects: false,
      });
    } catch (error) {
      this.#context.broken((error as Error).name === 'TargetRefused' ? 'target-refused' : 'invalid-request', (error as Error).message);
      return null;
    }
  }

  async #signOff(): Promise<void> {
    const { caller, after, clock } = this.#group;
    const context = this.#context;
    if (after.length === 0) return;
    const patience = AbortSignal.timeout(Math.max(1, Math.floor(context.graceMs * (1 - CLOSE_SHARE) * 0.8)));
    await caller.perform(after, { context, captured: this.#captured, dueMs: clock.nowMs(), signal: patience });
  }

  #fail(cause: string, example: string, side: 'target' | 'generator' = 'target'): void {
    this.#group.series.error(cause);
    if (side === 'target') this.#context.fail(cause, example);
    else this.#context.broken(cause, example);
  }
}

const RECONNECT_MS_MIN = 10;

interface Refusal {
  readonly side: 'target' | 'generator';
  readonly cause: string;
  readonly example: string;
}

/** Null when it opened. */
function whenOpen(socket: WebSocket): Promise<Refusal | null> {
  return new Promise((resolve) => {
    socket.once('open', () => resolve(null));
    socket.once('unexpected-response', (request, response) => {
      resolve({ side: 'target', cause: `status-${response.statusCode}`, example: `the upgrade was answered with ${response.statusCode}` });
      request.destroy();
    });
    socket.once('error', (error: Error & { code?: string }) => {
      const isTimeout = error.message.includes('handshake has timed out');
      resolve(
        isTimeout ? { side: 'target', cause: 'connect-timeout', example: error.message } : { ...causeOf(error), example: error.message },
      );
    });
    socket.once('close', () => resolve({ side: 'target', cause: 'reset', example: 'closed during the handshake' }));
  });
}

/** ws tells a malformed handshake only in words. */
function causeOf(error: Error & { code?: string }): Pick<Refusal, 'side' | 'cause'> {
  const isHandshake = error.code === undefined && /Sec-WebSocket|Upgrade header|subprotocol|extension/i.test(error.message);
  return isHandshake ? { side: 'target', cause: 'garbage' } : networkCause(error);
}

interface Closed {
  readonly code: number;
  readonly example: string;
}

function whenClosed(socket: WebSocket): Promise<Closed> {
  return new Promise((resolve) => {
    let error: Error | null = null;
    // Without a listener an 'error' would be thrown; 'close' always follows it.
    socket.on('error', (each) => {
      error = each;
    });
    socket.once('close', (code, reason) => {
      resolve({ code, example: `closed by the target with ${code} ${error?.message ?? reason.toString('utf8').slice(0, 100)}` });
    });
  });
}
