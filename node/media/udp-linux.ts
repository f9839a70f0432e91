// UDP on Linux by system calls: one epoll instance for all sockets, recvmmsg and sendmmsg in batches, kernel receive times and drop counts. Entering
// the kernel costs more than a packet's own work (1.4 µs on a virtual machine), so everything here is about doing it seldom. Thousands of sockets are
// fine; each needs a descriptor, and the error EMFILE says when they are used up.

import { type Arena, createArena } from './arena.ts';
import type { PacketNetwork, PacketSink, PacketSocket, PacketSocketInit, PayloadStore, TurnPart } from './packet-batch.ts';
import { createTurns, type Turns } from './turns.ts';
import type { NetAddress, UdpCounters, UdpSocket, UdpSocketInit } from './udp.ts';
import { type AddressTable, createAddressTable } from './udp-addresses.ts';
import type { LinuxCalls, PollHandle } from './udp-linux-calls.ts';
import { socketError } from './udp-linux-calls.ts';
import { EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_DATA_BYTE, EPOLL_EVENT_BYTES, EPOLLIN } from './udp-linux-layout.ts';
import { createReceiver, type Receiver } from './udp-linux-receive.ts';
import { type CopyBatch, createCopyBatch, createRtpBatch, type RtpBatch, storeInArena } from './udp-linux-send.ts';
import { createSockaddrTable } from './udp-linux-sockaddr.ts';
import { openDescriptor } from './udp-linux-socket.ts';

/** Sockets looked at in one turn. */
const EVENTS = 256;
/** Packets taken in one turn before what is due to be sent gets its chance again: 1 to 2 ms of work. */
const PACKETS_A_TURN = 1_024;
const MEDIA_SLOTS = 64;
const MEDIA_SLOT_BYTES = 2_048;
const PLAIN_SLOTS = 16;
const PLAIN_SLOT_BYTES = 65_536;

interface OpenSocket {
  readonly fd: number;
  readonly id: number;
  readonly local: NetAddress;
  /** Of an engine's socket. */
  readonly tag: number;
  /** Null for an engine's socket. */
  readonly onPacket: UdpSocketInit['onPacket'] | null;
  isOpen: boolean;
  drops: number;
}

export class LinuxNetwork implements PacketNetwork {
  readonly kind = 'mmsg';
  readonly received: Uint8Array;
  readonly #calls: LinuxCalls;
  readonly #nowMs: () => number;
  readonly #addresses: AddressTable = createAddressTable();
  readonly #failures = new Map<string, number>();
  readonly #rtp: RtpBatch;
  readonly #copies: CopyBatch;
  readonly #media: Receiver;
  /** Made with the first plain socket. */
  #plain: Receiver | null = null;
  readonly #events: Arena;
  readonly #turns: Turns;
  readonly #sockets: (OpenSocket | undefined)[] = [];
  readonly #freeIds: number[] = [];
  #openCount = 0;
  #sink: PacketSink | null = null;
  #packetsSent = 0;
  #packetsReceived = 0;
  #receiveDrops = 0;
  #epollFd = -1;
  #pollHandle: PollHandle | null = null;
  #isFlushComing = false;

  constructor(calls: LinuxCalls, nowMs: () => number) {
    this.#calls = calls;
    this.#nowMs = nowMs;
    const names = createSockaddrTable(calls, this.#addresses);
    const report = {
      sent: (count: number): void => {
        this.#packetsSent += count;
      },
      failed: (packetTag: number, code: string): void => {
        this.#failures.set(code, (this.#failures.get(code) ?? 0) + 1);
        if (packetTag >= 0) this.#sink?.unsent(packetTag, code);
      },
    };
    this.#rtp = createRtpBatch(calls, names, report);
    this.#copies = createCopyBatch(calls, names, report);
    this.#media = this.#createReceiver(MEDIA_SLOTS, MEDIA_SLOT_BYTES, 'leave');
    this.received = this.#media.bytes;
    this.#events = createArena(calls, EVENTS * EPOLL_EVENT_BYTES);
    this.#turns = createTurns({
      nowMs,
      work: () => this.#work(),
      packets: () => this.#packetsSent + this.#packetsReceived,
      watch: (isWatching) => this.#watch(isWatching),
    });
  }

  readonly address = (host: string, port: number): NetAddress => this.#addresses.intern(host, port);
  readonly addressAt = (index: number): NetAddress => this.#addresses.at(index);
  readonly wake = (): void => this.#turns.wake();
  readonly turn = (): void => this.#turns.turn();

  storePayloads(payloads: readonly Uint8Array[]): PayloadStore {
    return storeInArena(this.#calls, payloads);
  }

  joinTurns(part: TurnPart): () => void {
    return this.#turns.join(part);
  }

  setSink(sink: PacketSink): void {
    this.#sink = sink;
  }

  counters(): UdpCounters {
    return {
      packetsSent: this.#packetsSent,
      packetsReceived: this.#packetsReceived,
      sendFailures: this.#failures,
      receiveDrops: this.#receiveDrops,
    };
  }

  open(init: UdpSocketInit): UdpSocket {
    this.#plain ??= this.#createReceiver(PLAIN_SLOTS, PLAIN_SLOT_BYTES, 'add');
    const socket = this.#open(init, -1, init.onPacket);
    return {
      local: socket.local,
      send: (bytes, to) => this.#send(socket, bytes, to),
      flush: () => this.#flush(),
      close: () => this.#close(socket),
    };
  }

  async openPackets(init: PacketSocketInit): Promise<PacketSocket> {
    const socket = this.#open(init, init.tag, null);
    const { fd } = socket;
    const rtp = this.#rtp;
    return {
      local: socket.local,
      push: (markerAndType, sequence, timestamp, ssrc, store, payload, to, packetTag) =>
        rtp.push(fd, markerAndType, sequence, timestamp, ssrc, store, payload, to, packetTag),
      send: (bytes, to) => this.#send(socket, bytes, to),
      drops: () => socket.drops,
      close: () => this.#close(socket),
    };
  }

  close(): void {
    for (const socket of this.#sockets) if (socket !== undefined) this.#close(socket);
  }

  #createReceiver(slots: number, slotBytes: number, unknownSenders: 'add' | 'leave'): Receiver {
    return createReceiver({ calls: this.#calls, addresses: this.#addresses, nowMs: this.#nowMs, slots, slotBytes, unknownSenders });
  }

  #open(init: { host: string; port: number }, tag: number, onPacket: UdpSocketInit['onPacket'] | null): OpenSocket {
    const calls = this.#calls;
    if (this.#epollFd < 0) this.#epollFd = calls.epollCreate(EPOLL_CLOEXEC);
    if (this.#epollFd < 0) throw socketError(calls, 'epoll_create1', init.host, init.port);
    const { fd, local } = openDescriptor(calls, this.#addresses, init);
    const id = this.#freeIds.pop() ?? this.#sockets.length;
    this.#events.view.setUint32(0, EPOLLIN, true);
    this.#events.view.setInt32(EPOLL_DATA_BYTE, id, true);
    if (calls.epollCtl(this.#epollFd, EPOLL_CTL_ADD, fd, this.#events.addressOf(0)) < 0) {
      const error = socketError(calls, 'epoll_ctl', init.host, init.port);
      calls.close(fd);
      this.#freeIds.push(id);
      throw error;
    }
    const socket: OpenSocket = { fd, id, local, tag, onPacket, isOpen: true, drops: 0 };
    this.#sockets[id] = socket;
    this.#turns.setOpen(++this.#openCount);
    return socket;
  }

  #close(socket: OpenSocket): void {
    if (!socket.isOpen) return;
    this.#flush();
    socket.isOpen = false;
    this.#sockets[socket.id] = undefined;
    this.#freeIds.push(socket.id);
    this.#calls.close(socket.fd);
    this.#turns.setOpen(--this.#openCount);
    if (this.#openCount > 0) return;
    this.#pollHandle?.close();
    this.#pollHandle = null;
    this.#calls.close(this.#epollFd);
    this.#epollFd = -1;
  }

  #send(socket: OpenSocket, bytes: Uint8Array, to: NetAddress): void {
    if (!socket.isOpen) throw new Error('the socket is closed');
    this.#copies.push(socket.fd, bytes, to.index);
    if (this.#isFlushComing) return;
    this.#isFlushComing = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#isFlushComing = false;
    this.#rtp.flush();
    this.#copies.flush();
  }

  #watch(isWatching: boolean): void {
    if (!isWatching) this.#pollHandle?.stop();
    else if (this.#pollHandle === null) this.#pollHandle = this.#calls.poll(this.#epollFd, this.turn);
    else this.#pollHandle.start({ readable: true }, this.turn);
  }

  #work(): boolean {
    // What was due leaves before the received packets are worked through, and the answers to those after.
    this.#flush();
    const hasMore = this.#receive();
    this.#flush();
    return hasMore;
  }

  #receive(): boolean {
    if (this.#epollFd < 0) return false;
    const { view } = this.#events;
    const ready = this.#calls.epollWait(this.#epollFd, this.#events.addressOf(0), EVENTS, 0);
    let total = 0;
    for (let event = 0; event < ready && total < PACKETS_A_TURN; event++) {
      const socket = this.#sockets[view.getInt32(event * EPOLL_EVENT_BYTES + EPOLL_DATA_BYTE, true)];
      if (socket === undefined) continue;
      total += socket.onPacket === null ? this.#receiveMedia(socket) : this.#receivePlain(socket, socket.onPacket);
    }
    this.#packetsReceived += total;
    return total >= PACKETS_A_TURN || ready === EVENTS;
  }

  #receiveMedia(socket: OpenSocket): number {
    const { fd, tag } = socket;
    const media = this.#media;
    const sink = this.#sink as PacketSink;
    let total = 0;
    for (let count = MEDIA_SLOTS; count === MEDIA_SLOTS && total < PACKETS_A_TURN && socket.isOpen; total += count) {
      count = media.receive(fd);
      if (count > 0) this.#noteDrops(socket, media.dropsAt(count - 1));
      for (let slot = 0; slot < count; slot++)
        sink.packet(tag, media.offsetAt(slot), media.lengthAt(slot), media.fromAt(slot), media.receivedAtMs(slot));
    }
    return total;
  }

  #receivePlain(socket: OpenSocket, onPacket: UdpSocketInit['onPacket']): number {
    const plain = this.#plain as Receiver;
    let total = 0;
    for (let count = PLAIN_SLOTS; count === PLAIN_SLOTS && total < PACKETS_A_TURN && socket.isOpen; total += count) {
      count = plain.receive(socket.fd);
      if (count > 0) this.#noteDrops(socket, plain.dropsAt(count - 1));
      for (let slot = 0; slot < count && socket.isOpen; slot++) {
        const from = plain.fromAt(slot);
        const offset = plain.offsetAt(slot);
        if (from < 0) continue;
        onPacket(plain.bytes.subarray(offset, offset + plain.lengthAt(slot)), this.#addresses.at(from), plain.receivedAtMs(slot));
      }
    }
    return total;
  }

  #noteDrops(socket: OpenSocket, drops: number): void {
    if (drops < 0) return;
    this.#receiveDrops += (drops - socket.drops) >>> 0;
    socket.drops = drops;
  }
}
