// A local UDP socket as a port of the stack: datagrams in, datagrams out. Keep-alives are swallowed here. Streams that go with the socket (a URI that
// says transport=tcp, requests too large for a datagram) are passed to the pool it was given.

import type { NetAddress, UdpNetwork, UdpSocket } from '../media/udp.ts';
import { parseSip } from '../wire/sip/parse.ts';
import { bracketed } from '../wire/sip/text.ts';
import type { Path, Port, PortEvents } from './path.ts';
import type { StreamPool } from './stream-pool.ts';
import type { SipCountKind, SipTransportName } from './types.ts';

/** What IPv4 carries in one datagram. */
const DATAGRAM_BYTES_MAX = 65_507;
/** Paths are cheap to make again; strangers who send from many ports must not pile up. */
const PATHS_MAX = 20_000;
const scratch = Buffer.allocUnsafeSlow(DATAGRAM_BYTES_MAX * 3);

class UdpPath implements Path {
  readonly transport = 'udp';
  readonly isReliable = false;
  readonly isOpen = true;
  readonly remote: NetAddress;
  readonly port: UdpPort;

  constructor(port: UdpPort, remote: NetAddress) {
    this.port = port;
    this.remote = remote;
  }

  get via(): string {
    return this.port.via;
  }

  send(message: string | Uint8Array): boolean {
    return this.port.send(message, this.remote);
  }
}

export interface UdpPortInit {
  readonly network: UdpNetwork;
  readonly host: string;
  readonly port: number;
  readonly advertisedHost: string;
  readonly streams: StreamPool;
  readonly events: PortEvents;
  readonly count: (kind: SipCountKind, count: number) => void;
}

export class UdpPort implements Port {
  readonly local: { readonly host: string; readonly port: number };
  readonly via: string;
  readonly #init: UdpPortInit;
  readonly #socket: UdpSocket;
  readonly #paths = new Map<NetAddress, UdpPath>();
  #isOpen = true;

  private constructor(init: UdpPortInit, socket: UdpSocket) {
    this.#init = init;
    this.#socket = socket;
    this.local = { host: init.advertisedHost, port: socket.local.port };
    this.via = `SIP/2.0/UDP ${bracketed(this.local.host)}:${this.local.port}`;
  }

  /** Rejects with the socket's error. */
  static async open(init: UdpPortInit): Promise<UdpPort> {
    let port: UdpPort | null = null;
    const socket = await init.network.open({
      host: init.host,
      port: init.port,
      receiveBufferBytes: RECEIVE_BUFFER_BYTES,
      onPacket: (bytes, from, atMs) => port?.receive(bytes, from, atMs),
    });
    port = new UdpPort(init, socket);
    return port;
  }

  receive(bytes: Uint8Array, from: NetAddress, atMs: number): void {
    if (!this.#isOpen) return;
    if (isKeepAlive(bytes)) return this.#init.count('keep-alive', 1);
    const { events } = this.#init;
    const parsed = parseSip(bytes);
    if (parsed.ok) events.onMessage(parsed.message, this.#path(from), atMs);
    else events.onMalformed(parsed.failure, this.#path(from));
  }

  send(message: string | Uint8Array, to: NetAddress): boolean {
    if (!this.#isOpen) return false;
    if (typeof message !== 'string') {
      if (message.length > DATAGRAM_BYTES_MAX) return false;
      this.#socket.send(message, to);
      return true;
    }
    if (message.length > DATAGRAM_BYTES_MAX) return false;
    const length = scratch.write(message);
    if (length > DATAGRAM_BYTES_MAX) return false;
    this.#socket.send(scratch.subarray(0, length), to);
    return true;
  }

  pathTo(transport: SipTransportName, host: string, port: number): Path {
    return transport === 'udp'
      ? this.#path(this.#init.network.address(host, port))
      : this.#init.streams.pathTo(transport, host, port, this);
  }

  connectionCount(): number {
    return this.#init.streams.connectionCount();
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    this.#paths.clear();
    this.#socket.close();
    await this.#init.streams.close();
  }

  #path(remote: NetAddress): UdpPath {
    let path = this.#paths.get(remote);
    if (path === undefined) {
      if (this.#paths.size >= PATHS_MAX) this.#paths.clear();
      path = new UdpPath(this, remote);
      this.#paths.set(remote, path);
    }
    return path;
  }
}

/** A second's worth of responses at thousands of calls a second: with the kernel's default they are lost from about 3,000 calls a second on. */
const RECEIVE_BUFFER_BYTES = 4_000_000;

/** RFC 5626, 4.4.1 and what telephones make of it: line ends or zeros, and nothing else. */
function isKeepAlive(bytes: Uint8Array): boolean {
  if (bytes.length > 8) return false;
  return bytes.every((byte) => byte === 13 || byte === 10 || byte === 0);
}
