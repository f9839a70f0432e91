// One endpoint's own connection to a plain http:// origin, on node:net and the codec of node/wire/http1.ts. It exists for speed: undici's general
// machinery costs about as much again as the request itself, and a generator's cores are what a large run pays for (tools/bench/http-rate.ts
// measures it). It speaks to an Exchange exactly as undici does; https:// and shared pools stay with undici.

import { connect, type Socket } from 'node:net';
import type { Dispatcher } from 'undici';
import { AnswerParser, requestHead } from '../../wire/http1.ts';
import type { Carrier, Exchange, Wire } from './exchange.ts';
import type { Sockets } from './sockets.ts';

/** Read by whichever socket has bytes, one at a time: answers are parsed before the callback returns, and what is kept is copied. */
const readBuffer = Buffer.allocUnsafe(64 * 1024);
/** An idle connection is used again up to this age, and up to a second before the server said it would close it. */
const IDLE_MS_MAX = 60_000;
const IDLE_MARGIN_MS = 1_000;

export interface WireInit {
  readonly origin: string;
  readonly sockets: Sockets;
  readonly nowMs: () => number;
}

class Failure extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

interface KnownHead {
  readonly method: string;
  readonly path: string;
  readonly fields: readonly string[];
  readonly head: string;
}

export class WireClient implements Wire, Carrier {
  readonly #init: WireInit;
  readonly #host: string;
  readonly #parser: AnswerParser;
  #socket: Socket | null = null;
  #exchange: Exchange | null = null;
  #known: KnownHead | null = null;
  #idleSinceMs = 0;
  #readMs = 0;
  #idleMsMax = IDLE_MS_MAX;

  constructor(init: WireInit) {
    this.#init = init;
    this.#host = init.origin.slice('http://'.length);
    this.#parser = new AnswerParser({
      onHead: (status, fields) => {
        this.#idleMsMax = Math.min(IDLE_MS_MAX, fields.idleMsMax - IDLE_MARGIN_MS);
        this.#exchange?.begin(status, fields.all, this.#readMs);
      },
      // A copy only where it is kept: the buffer is every socket's.
      onData: (bytes) => this.#exchange?.take(bytes),
      onEnd: (isKept) => this.#ended(isKept),
    });
  }

  dispatch(request: Dispatcher.DispatchOptions, exchange: Exchange): void {
    const body = typeof request.body === 'string' ? request.body : null;
    const head = this.#headOf(request, body);
    if (head === null) return exchange.fail(new Failure('UND_ERR_INVALID_ARG', `cannot be sent: ${request.method} ${request.path}`));
    this.#exchange = exchange;
    const isStale = this.#socket !== null && this.#init.nowMs() - this.#idleSinceMs > this.#idleMsMax;
    if (isStale) this.#drop();
    if (this.#socket !== null) this.#send(this.#socket, request.method, head, body);
    else this.#connect((socket) => this.#send(socket, request.method, head, body));
  }

  /** The exchange gives up: nothing that still comes on this connection could be told from the next answer. */
  abort(): void {
    this.destroy();
  }

  destroy(): void {
    this.#exchange = null;
    this.#drop();
  }

  /** A journey's constant requests bring the same list of fields each time: their head is made once. */
  #headOf({ method, path, headers }: Dispatcher.DispatchOptions, body: string | null): string | null {
    const fields = (headers ?? []) as readonly string[];
    const known = this.#known;
    if (body === null && known !== null && known.fields === fields && known.path === path && known.method === method) return known.head;
    const bodyBytes = body === null ? null : Buffer.byteLength(body);
    const head = requestHead({ method, path, host: this.#host, fields, bodyBytes });
    if (body === null && head !== null) this.#known = { method, path, fields, head };
    return head;
  }

  #send(socket: Socket, method: string, head: string, body: string | null): void {
    const exchange = this.#exchange;
    if (exchange === null) return;
    exchange.sent(this);
    this.#parser.expect(method);
    if (body === null) socket.write(head, 'latin1');
    else {
      socket.cork();
      socket.write(head, 'latin1');
      socket.write(body, 'utf8');
      socket.uncork();
    }
  }

  #connect(onConnect: (socket: Socket) => void): void {
    const { hostname, port } = new URL(this.#init.origin);
    const startedMs = this.#init.nowMs();
    const socket = connect({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port || 80),
      noDelay: true,
      onread: {
        buffer: readBuffer,
        callback: (bytes) => {
          if (this.#socket === socket) this.#read(readBuffer.subarray(0, bytes));
          return true;
        },
      },
    });
    this.#socket = socket;
    socket.once('connect', () => {
      this.#init.sockets.adopt(socket, this.#init.nowMs() - startedMs);
      if (this.#socket === socket) onConnect(socket);
    });
    socket.on('error', (error) => this.#lost(socket, error));
    socket.on('end', () => this.#closed(socket));
    socket.on('close', () => this.#closed(socket));
  }

  #read(bytes: Buffer): void {
    this.#readMs = this.#init.nowMs();
    const problem = this.#parser.feed(bytes);
    if (problem !== null) this.#fail(new Failure('HPE_GARBAGE', problem));
  }

  #closed(socket: Socket): void {
    if (this.#socket !== socket) return;
    const problem = this.#exchange === null ? null : this.#parser.finish();
    this.#lost(socket, problem === null ? null : new Failure('ECONNRESET', problem));
  }

  #lost(socket: Socket, error: Error | null): void {
    if (this.#socket !== socket) return;
    if (error !== null) this.#fail(error);
    else this.#drop();
  }

  #fail(error: Error): void {
    const exchange = this.#exchange;
    this.#exchange = null;
    this.#drop();
    exchange?.fail(error);
  }

  #ended(isKept: boolean): void {
    const exchange = this.#exchange;
    this.#exchange = null;
    if (!isKept) this.#drop();
    this.#idleSinceMs = this.#readMs;
    // What the end of the connection ended was over when that came, not with the last bytes.
    exchange?.end(isKept ? this.#readMs : this.#init.nowMs());
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = null;
    socket?.destroy();
  }
}
