// The packet engine's own way into a UDP network: payloads lie where they were stored once, a send writes twelve header bytes, and what is received
// is read where the kernel put it. Networks offer it beside the plain contract of udp.ts (udp-linux.ts without copies, udp-dgram.ts by copying),
// and they own the turns: one pass of pacing, receiving and sending that serves everything of the process.

import type { NetAddress, UdpNetwork, UdpSocket } from './udp.ts';

/** RTP payloads made ready for sending. Kept by whoever sends from it; memory is given back with the last reference. */
export interface PayloadStore {
  readonly bytes: Uint8Array;
  /** Payload i lies from offsets[i] to offsets[i + 1]. */
  readonly offsets: Uint32Array;
  /** Memory addresses of the payloads as low and high words; all zero where nobody asks for them (node:dgram). */
  readonly addressLow: Int32Array;
  readonly addressHigh: Int32Array;
}

/** Whoever takes the packets of the engine's sockets. One for a network, so that the call is the same one for every packet. */
export interface PacketSink {
  /**
   * A packet lies in `PacketNetwork.received` from `offset`, until the call returns. `length` is negative when the packet did not fit (2,048 bytes).
   * `from` is a NetAddress.index, -1 for an address that nobody has asked the network for; `atMs` is when the kernel received it.
   */
  packet(socketTag: number, offset: number, length: number, from: number, atMs: number): void;
  /** A packet that was queued with this tag did not leave; `code` is the errno's name. */
  unsent(packetTag: number, code: string): void;
}

export interface PacketSocketInit {
  readonly host: string;
  readonly port: number;
  /** Comes back with each packet. */
  readonly tag: number;
}

export interface PacketSocket {
  readonly local: NetAddress;
  /**
   * Queues one RTP packet: version 2, no extension; `markerAndType` is the second byte of the header, the other numbers are taken modulo their
   * width. It leaves when the turn ends or 128 are together. `to` is a NetAddress.index.
   */
  readonly push: (
    markerAndType: number,
    sequence: number,
    timestamp: number,
    ssrc: number,
    store: PayloadStore,
    payload: number,
    to: number,
    packetTag: number,
  ) => void;
  /** A packet that is made elsewhere (RTCP, SRTP): copied, and sent when the turn ends. */
  readonly send: UdpSocket['send'];
  /** Packets the kernel threw away because this socket's buffer was full, so far. */
  readonly drops: () => number;
  readonly close: () => void;
}

/** Part of a turn: does what is due at `nowMs` and returns when it wants the next one (Infinity: it will call `wake`). */
export type TurnPart = (nowMs: number) => number;

export interface PacketNetwork extends UdpNetwork {
  /** What the sink's offsets point into. */
  readonly received: Uint8Array;
  /** Before the first openPackets; again only after all are closed. */
  readonly setSink: (sink: PacketSink) => void;
  readonly openPackets: (init: PacketSocketInit) => Promise<PacketSocket>;
  readonly storePayloads: (payloads: readonly Uint8Array[]) => PayloadStore;
  readonly addressAt: (index: number) => NetAddress;
  /** Returns how to leave. */
  readonly joinTurns: (part: TurnPart) => () => void;
  /** The next turn is wanted now: something became due earlier than the parts said. */
  readonly wake: () => void;
  /** One turn, now: parts, receiving, sending. The network calls it by itself; benchmarks call it flat out. */
  readonly turn: () => void;
}
