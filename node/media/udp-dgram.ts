// UDP by node:dgram, for machines where the system calls cannot be had: the same contracts, a packet at a time. Receive times are those of reading,
// and drops at a full socket buffer are not known, so loss measured here may be the generator's own.

import { createSocket, type Socket } from 'node:dgram';
import type { PacketNetwork, PacketSink, PacketSocket, PacketSocketInit, PayloadStore, TurnPart } from './packet-batch.ts';
import { createTurns, type Turns } from './turns.ts';
import type { NetAddress, UdpCounters, UdpSocket, UdpSocketInit } from './udp.ts';
import { type AddressTable, createAddressTable } from './udp-addresses.ts';

/** Packets that may wait in a socket of Node's; beyond, a send fails as the kernel's would, instead of growing memory. */
const QUEUE_MAX = 10_000;
const BUFFER_BYTES = 8 * 1024 * 1024;
const PACKET_BYTES_MAX = 2_048;

interface DgramInit {
  readonly host: string;
  readonly port: number;
  readonly receiveBufferBytes?: number;
  readonly sendBufferBytes?: number;
  readonly take: (bytes: Uint8Array, host: string, port: number) => void;
}

export class DgramNetwork implements PacketNetwork {
  readonly kind = 'dgram';
  readonly received = new Uint8Array(PACKET_BYTES_MAX);
  readonly #nowMs: () => number;
  readonly #addresses: AddressTable = createAddressTable();
  readonly #failures = new Map<string, number>();
  readonly #open = new Set<Socket>();
  readonly #turns: Turns;
  #sink: PacketSink | null = null;
  #packetsSent = 0;
  #packetsReceived = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#turns = createTurns({ nowMs, work: () => false, packets: () => this.#packetsSent, watch: null });
  }

  readonly address = (host: string, port: number): NetAddress => this.#addresses.intern(host, port);
  readonly addressAt = (index: number): NetAddress => this.#addresses.at(index);
  readonly wake = (): void => this.#turns.wake();
  readonly turn = (): void => this.#turns.turn();

  storePayloads(payloads: readonly Uint8Array[]): PayloadStore {
    const offsets = new Uint32Array(payloads.length + 1);
    for (const [index, payload] of payloads.entries()) offsets[index + 1] = (offsets[index] as number) + payload.length;
    const bytes = new Uint8Array(offsets[payloads.length] as number);
    for (const [index, payload] of payloads.entries()) bytes.set(payload, offsets[index]);
    return { bytes, offsets, addressLow: new Int32Array(payloads.length), addressHigh: new Int32Array(payloads.length) };
  }

  joinTurns(part: TurnPart): () => void {
    return this.#turns.join(part);
  }

  setSink(sink: PacketSink): void {
    this.#sink = sink;
  }

  counters(): UdpCounters {
    return { packetsSent: this.#packetsSent, packetsReceived: this.#packetsReceived, sendFailures: this.#failures, receiveDrops: 0 };
  }

  async open(init: UdpSocketInit): Promise<UdpSocket> {
    const take = (bytes: Uint8Array, host: string, port: number): void =>
      init.onPacket(bytes, this.#addresses.intern(host, port), this.#nowMs());
    const socket = await this.#bind({ ...init, take });
    return {
      local: this.#localOf(socket, init),
      send: (bytes, to) => this.#send(socket, Uint8Array.from(bytes), to, -1),
      flush() {},
      close: () => this.#close(socket),
    };
  }

  async openPackets(init: PacketSocketInit): Promise<PacketSocket> {
    const take = (bytes: Uint8Array, host: string, port: number): void => {
      this.received.set(bytes.subarray(0, PACKET_BYTES_MAX));
      const length = bytes.length > PACKET_BYTES_MAX ? -PACKET_BYTES_MAX : bytes.length;
      this.#sink?.packet(init.tag, 0, length, this.#addresses.lookUp(host, port), this.#nowMs());
    };
    const socket = await this.#bind({ ...init, take });
    return {
      local: this.#localOf(socket, init),
      push: (markerAndType, sequence, timestamp, ssrc, store, payload, to, packetTag) => {
        const bytes = rtpPacket(markerAndType, sequence, timestamp, ssrc, store, payload);
        this.#send(socket, bytes, this.#addresses.at(to), packetTag);
      },
      send: (bytes, to) => this.#send(socket, Uint8Array.from(bytes), to, -1),
      drops: () => 0,
      close: () => this.#close(socket),
    };
  }

  close(): void {
    for (const socket of this.#open) this.#close(socket);
  }

  async #bind(init: DgramInit): Promise<Socket> {
    const { family } = this.#addresses.intern(init.host, init.port);
    // Destinations are literals: nothing to look up.
    const lookup = (host: string, _options: unknown, callback: (error: null, host: string, family: number) => void): void =>
      callback(null, host, family);
    const socket = createSocket(family === 4 ? { type: 'udp4', lookup } : { type: 'udp6', ipv6Only: true, lookup });
    await bound(socket, init);
    socket.setRecvBufferSize(init.receiveBufferBytes ?? BUFFER_BYTES);
    socket.setSendBufferSize(init.sendBufferBytes ?? BUFFER_BYTES);
    socket.on('error', (error: NodeJS.ErrnoException) => this.#failed(-1, error.code));
    socket.on('message', (bytes, { address, port }) => {
      if (!this.#open.has(socket)) return;
      this.#packetsReceived += 1;
      init.take(bytes, address, port);
    });
    this.#open.add(socket);
    this.#turns.setOpen(this.#open.size);
    return socket;
  }

  #localOf(socket: Socket, { host }: { host: string }): NetAddress {
    return this.#addresses.intern(host, socket.address().port);
  }

  #send(socket: Socket, bytes: Uint8Array, to: NetAddress, packetTag: number): void {
    if (!this.#open.has(socket)) throw new Error('the socket is closed');
    if (socket.getSendQueueCount() >= QUEUE_MAX) return this.#failed(packetTag, 'ENOBUFS');
    socket.send(bytes, to.port, to.host, (error: NodeJS.ErrnoException | null) => {
      if (error === null) this.#packetsSent += 1;
      else this.#failed(packetTag, error.code);
    });
  }

  #failed(packetTag: number, code = 'unknown'): void {
    this.#failures.set(code, (this.#failures.get(code) ?? 0) + 1);
    if (packetTag >= 0) this.#sink?.unsent(packetTag, code);
  }

  #close(socket: Socket): void {
    if (!this.#open.delete(socket)) return;
    this.#turns.setOpen(this.#open.size);
    closeWhenSent(socket);
  }
}

function bound(socket: Socket, { host, port }: DgramInit): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    socket.bind({ address: host, port, exclusive: true }, () => {
      socket.removeAllListeners('error');
      resolve();
    });
  });
}

/** Closing drops what Node still holds: a goodbye that was just sent waits for its turn of the event loop. */
function closeWhenSent(socket: Socket): void {
  if (socket.getSendQueueCount() === 0) socket.close();
  else setImmediate(closeWhenSent, socket);
}

function rtpPacket(
  markerAndType: number,
  sequence: number,
  timestamp: number,
  ssrc: number,
  store: PayloadStore,
  payload: number,
): Uint8Array {
  const start = store.offsets[payload] as number;
  const end = store.offsets[payload + 1] as number;
  const packet = Buffer.allocUnsafe(12 + end - start);
  packet[0] = 0x80;
  packet[1] = markerAndType & 0xff;
  packet.writeUInt16BE(sequence & 0xffff, 2);
  packet.writeUInt32BE(timestamp >>> 0, 4);
  packet.writeUInt32BE(ssrc >>> 0, 8);
  packet.set(store.bytes.subarray(start, end), 12);
  return packet;
}
