// The TCP and TLS connections of one local port: one to each remote address and transport, opened when something is to be sent there and kept for the
// next (RFC 3261, 18.1.1, 18.2.2); those that peers opened to us, used as well for what goes to their address; a sweep that closes half-open ones and
// keeps idle ones alive. Connections are counted, and so is how they end.

import { connect, createServer, type Server, type Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import type { Clock, TimerEntry } from '../endpoints/endpoint.ts';
import { Connection } from './connection.ts';
import type { Path, Port, PortEvents } from './path.ts';
import type { SipCountKind, SipLimits, SipTls, SipTransportName } from './types.ts';

export interface StreamPoolInit {
  readonly clock: Pick<Clock, 'nowMs' | 'at' | 'cancel'>;
  /** IP literal that connections leave from and come to. */
  readonly host: string;
  readonly tls: SipTls | undefined;
  readonly limits: SipLimits;
  /** 0: never. */
  readonly keepAliveMs: number;
  readonly events: PortEvents;
  readonly count: (kind: SipCountKind, count: number) => void;
}

type Stream = 'tcp' | 'tls';

export class StreamPool {
  readonly #init: StreamPoolInit;
  readonly #byAddress = new Map<string, Connection>();
  readonly #all = new Map<Connection, { readonly key: string; deadline: TimerEntry | null }>();
  /** Sockets below TLS connections that came in, from their first moment to their end. */
  readonly #handshakes = new Set<Socket>();
  #server: Server | null = null;
  #sweep: TimerEntry | null = null;
  #isClosed = false;

  constructor(init: StreamPoolInit) {
    this.#init = init;
  }

  connectionCount(): number {
    return this.#all.size;
  }

  /** Resolves with the port it listens on; rejects with the socket's error. `owner` is known only after that. */
  listen(transport: Stream, port: number, owner: () => Port): Promise<number> {
    const { tls, host, limits } = this.#init;
    const accept = (socket: Socket): void => this.#accept(socket, transport, owner());
    const server =
      transport === 'tcp'
        ? createServer(accept)
        : createTlsServer({ cert: tls?.cert, key: tls?.key, handshakeTimeout: limits.connectTimeoutMs }, accept);
    this.#server = server;
    if (transport === 'tls') server.on('connection', (socket: Socket) => this.#watchHandshake(socket));
    // A client that breaks its TLS handshake off.
    server.on('tlsClientError', () => this.#init.count('connection-lost', 1));
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port, backlog: 1024 }, () => {
        const address = server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  }

  /** Throws when there is no room for another connection. */
  pathTo(transport: SipTransportName, host: string, port: number, owner: Port): Path {
    if (transport === 'udp') throw new Error('no UDP socket here');
    const key = keyOf(transport, host, port);
    const known = this.#byAddress.get(key);
    if (known !== undefined) return known;
    if (this.#isClosed || this.#isFull()) throw new Error('too many connections');
    const { tls, limits, clock } = this.#init;
    const local = { host, port, localAddress: this.#init.host };
    const socket =
      transport === 'tcp'
        ? connect(local)
        : connectTls({ ...local, ca: tls?.ca, rejectUnauthorized: tls?.isVerified ?? true, servername: tls?.serverName ?? '' });
    const connection = this.#add(socket, transport, { host, port }, owner, key);
    const use = this.#all.get(connection);
    if (use !== undefined) use.deadline = clock.at(clock.nowMs() + limits.connectTimeoutMs, () => connection.end('connect timeout'));
    socket.once(transport === 'tcp' ? 'connect' : 'secureConnect', () => {
      connection.isEstablished = true;
      if (use?.deadline) clock.cancel(use.deadline);
    });
    return connection;
  }

  /** What has not said anything yet is a connection as well: bounded, and closed with the pool. */
  #watchHandshake(socket: Socket): void {
    if (this.#handshakes.size >= this.#init.limits.connections) {
      this.#init.count('overload', 1);
      socket.destroy();
      return;
    }
    this.#handshakes.add(socket);
    socket.once('close', () => this.#handshakes.delete(socket));
  }

  #accept(socket: Socket, transport: Stream, owner: Port): void {
    const { remoteAddress: host, remotePort: port } = socket;
    if (this.#isClosed || host === undefined || port === undefined || this.#isFull()) {
      socket.on('error', () => {});
      socket.destroy();
      return;
    }
    const literal = host.startsWith('::ffff:') ? host.slice(7) : host;
    this.#add(socket, transport, { host: literal, port }, owner, keyOf(transport, literal, port)).isEstablished = true;
  }

  #isFull(): boolean {
    if (this.#all.size < this.#init.limits.connections) return false;
    this.#init.count('overload', 1);
    return true;
  }

  #add(socket: Socket, transport: Stream, remote: { host: string; port: number }, port: Port, key: string): Connection {
    const { clock, limits, events, count } = this.#init;
    const connection = new Connection({
      socket,
      transport,
      remote,
      port,
      nowMs: clock.nowMs,
      messageBytes: limits.messageBytes,
      queueBytes: limits.connectionQueueBytes,
      count,
      onMessage: (message, path) => events.onMessage(message, path, path.activeAtMs),
      onMalformed: events.onMalformed,
      onEnd: (ended, detail) => this.#onEnd(ended, detail),
    });
    this.#byAddress.set(key, connection);
    this.#all.set(connection, { key, deadline: null });
    this.#armSweep();
    return connection;
  }

  #onEnd(connection: Connection, detail: string | null): void {
    const use = this.#all.get(connection);
    if (use === undefined) return;
    this.#all.delete(connection);
    if (this.#byAddress.get(use.key) === connection) this.#byAddress.delete(use.key);
    if (use.deadline !== null) this.#init.clock.cancel(use.deadline);
    if (this.#isClosed) return;
    if (!connection.isEstablished) this.#init.count('connect-failed', 1);
    else if (detail !== null) this.#init.count('connection-lost', 1);
    this.#init.events.onLost(connection, detail ?? 'closed by the peer');
  }

  #armSweep(): void {
    const { clock, limits, keepAliveMs } = this.#init;
    if (this.#sweep !== null) return;
    const gapMs = Math.min(limits.partialMessageMs, keepAliveMs === 0 ? Number.POSITIVE_INFINITY : keepAliveMs) / 2;
    this.#sweep = clock.at(clock.nowMs() + gapMs, () => {
      this.#sweep = null;
      this.#clean(clock.nowMs());
      if (this.#all.size > 0) this.#armSweep();
    });
  }

  #clean(nowMs: number): void {
    const { limits, keepAliveMs, count } = this.#init;
    for (const connection of [...this.#all.keys()]) {
      const { partialSinceMs } = connection;
      if (partialSinceMs !== null && nowMs - partialSinceMs >= limits.partialMessageMs) {
        count('half-open', 1);
        connection.end('half-open');
      } else if (keepAliveMs > 0 && connection.isEstablished && nowMs - connection.activeAtMs >= keepAliveMs / 2) connection.ping();
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#sweep !== null) this.#init.clock.cancel(this.#sweep);
    for (const connection of [...this.#all.keys()]) connection.end(null);
    for (const socket of this.#handshakes) socket.destroy();
    const server = this.#server;
    if (server !== null) await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}

const keyOf = (transport: Stream, host: string, port: number): string => `${transport} ${host} ${port}`;
