// One TCP or TLS connection as a path (RFC 3261, 18): messages framed by Content-Length, keep-alives answered, a bound on what waits to be sent. It ends
// once, with a reason; who used it is told by its pool.

import type { Socket } from 'node:net';
import { createSipFramer, type SipFramer } from '../wire/sip/framing.ts';
import type { SipMessage, SipParseFailure } from '../wire/sip/message.ts';
import { bracketed } from '../wire/sip/text.ts';
import { type Path, type Port, transportLabel } from './path.ts';
import type { SipCountKind, SipTransportName } from './types.ts';

const PING = '\r\n\r\n';
const PONG = '\r\n';

export interface ConnectionInit {
  readonly socket: Socket;
  readonly transport: SipTransportName;
  readonly remote: { readonly host: string; readonly port: number };
  readonly port: Port;
  readonly nowMs: () => number;
  readonly messageBytes: number;
  readonly queueBytes: number;
  readonly count: (kind: SipCountKind, count: number) => void;
  readonly onMessage: (message: SipMessage, connection: Connection) => void;
  readonly onMalformed: (failure: SipParseFailure, connection: Connection) => void;
  /** Null: the peer closed it in good order. */
  readonly onEnd: (connection: Connection, detail: string | null) => void;
}

export class Connection implements Path {
  readonly transport: SipTransportName;
  readonly isReliable = true;
  readonly via: string;
  readonly remote: { readonly host: string; readonly port: number };
  readonly port: Port;
  isOpen = true;
  isEstablished = false;
  /** Last bytes in either direction. */
  activeAtMs: number;
  /** Since when a message lacks its rest; null while none does. */
  partialSinceMs: number | null = null;
  readonly #init: ConnectionInit;
  readonly #framer: SipFramer;
  #messages = 0;

  constructor(init: ConnectionInit) {
    const { socket, transport, port, nowMs } = init;
    this.#init = init;
    this.transport = transport;
    this.remote = init.remote;
    this.port = port;
    this.via = `SIP/2.0/${transportLabel[transport]} ${bracketed(port.local.host)}:${port.local.port}`;
    this.activeAtMs = nowMs();
    this.#framer = createSipFramer({
      bytesMax: init.messageBytes,
      onMessage: (message) => {
        this.#messages++;
        init.onMessage(message, this);
      },
      onFailure: (failure, isDead) => this.#onFailure(failure, isDead),
      onPing: () => {
        init.count('keep-alive', 1);
        this.send(PONG);
      },
    });
    socket.setNoDelay(true);
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    socket.once('end', () => this.end(null));
    socket.once('close', () => this.end(null));
    socket.once('error', (error: NodeJS.ErrnoException) => this.end(error.code ?? error.message));
  }

  #receive(bytes: Buffer): void {
    if (!this.isOpen) return;
    const nowMs = this.#init.nowMs();
    this.activeAtMs = nowMs;
    const before = this.#messages;
    this.#framer.push(bytes);
    if (this.#framer.pendingBytes() === 0) this.partialSinceMs = null;
    // On a busy connection every piece may end within a message: another one each time.
    else if (this.#messages > before || this.partialSinceMs === null) this.partialSinceMs = nowMs;
  }

  #onFailure(failure: SipParseFailure, isDead: boolean): void {
    this.#init.onMalformed(failure, this);
    if (!isDead) return;
    if (failure.kind === 'too-large') this.#init.count('oversized', 1);
    // The answer leaves first.
    this.#init.socket.end();
    this.end('malformed');
  }

  send(message: string | Uint8Array): boolean {
    const { socket, queueBytes, count, nowMs } = this.#init;
    if (!this.isOpen || socket.destroyed) return false;
    if (socket.writableLength + message.length > queueBytes) {
      count('connection-stuck', 1);
      this.end('stuck');
      return false;
    }
    socket.write(message);
    this.activeAtMs = nowMs();
    return true;
  }

  ping(): void {
    this.send(PING);
  }

  end(detail: string | null): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    const { socket, onEnd } = this.#init;
    // Errors of a socket that is given up are nobody's, but unheard they would end the process.
    socket.on('error', () => {});
    if (detail === 'malformed') socket.destroySoon();
    else socket.destroy();
    onEnd(this, detail);
  }
}
