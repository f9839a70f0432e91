// The contract of UDP here: sockets that send and receive in batches, all of a process served by one loop. Two implementations keep it:
// udp-linux.ts (sendmmsg, recvmmsg and epoll through koffi; kernel receive times and drop counts) and udp-dgram.ts (node:dgram, anywhere).
// SIP signalling and RTP media share it. It knows no protocol; the packet engine's zero-copy path is packet-batch.ts.

/** An address packets come from or go to. Interned by its network: the same host and port is the same object, so `===` compares. */
export interface NetAddress {
  /** IPv4 or IPv6 literal, no brackets. */
  readonly host: string;
  readonly port: number;
  readonly family: 4 | 6;
  /** Small integer, unique in its network: an index into tables. */
  readonly index: number;
}

export interface UdpSocketInit {
  /** Local IP literal; '0.0.0.0' or '::' for any. */
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** SO_RCVBUF and SO_SNDBUF; what the kernel grants may be less. */
  readonly receiveBufferBytes?: number;
  readonly sendBufferBytes?: number;
  /** `bytes` is valid during the call only. `atMs`: when the kernel received it, in the clock's time (where unknown: when it was read). */
  readonly onPacket: (bytes: Uint8Array, from: NetAddress, atMs: number) => void;
}

export interface UdpSocket {
  readonly local: NetAddress;
  /** Copies `bytes` (at most 65,507) and sends at the latest when this turn of the event loop ends, in order. */
  readonly send: (bytes: Uint8Array, to: NetAddress) => void;
  /** Everything queued goes to the kernel now. */
  readonly flush: () => void;
  readonly close: () => void;
}

/** Running totals, to be read once a second. */
export interface UdpCounters {
  readonly packetsSent: number;
  readonly packetsReceived: number;
  /** Sends the kernel refused: buffer full, no route ... by errno name. */
  readonly sendFailures: ReadonlyMap<string, number>;
  /** Received by the machine and thrown away because our own socket's buffer was full (SO_RXQ_OVFL): the generator's fault, P8. */
  readonly receiveDrops: number;
}

export interface UdpNetwork {
  readonly kind: 'mmsg' | 'dgram';
  /** Throws with a Node-like `code` (EADDRINUSE, EADDRNOTAVAIL, EMFILE) when the socket cannot be had. */
  readonly open: (init: UdpSocketInit) => UdpSocket | Promise<UdpSocket>;
  /** Throws for what is no IP literal. */
  readonly address: (host: string, port: number) => NetAddress;
  readonly counters: () => UdpCounters;
  readonly close: () => void;
}
