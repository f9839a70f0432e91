// A packet network without a network, on a clock that stands still until it is moved: tests put packets in by hand and read what went out. For driving
// the whole packet engine deterministically.

import type { PacketNetwork, PacketSink, TurnPart } from '../../node/media/packet-batch.ts';
import type { NetAddress } from '../../node/media/udp.ts';
import { createAddressTable } from '../../node/media/udp-addresses.ts';

export interface StillNetwork extends PacketNetwork {
  /** A packet of `from` at the socket with this local port. */
  readonly receive: (localPort: number, bytes: Uint8Array, from: NetAddress, atMs: number) => void;
  readonly pass: (nowMs: number) => void;
  /** RTP packets and others that left. */
  readonly sentCount: () => number;
}

const PACKET_BYTES_MAX = 2_048;
/** Where the packet lies, so that reading from 0 is noticed. */
const OFFSET = 64;

export function createStillNetwork(): StillNetwork {
  const addresses = createAddressTable();
  const received = new Uint8Array(OFFSET + PACKET_BYTES_MAX);
  const tags = new Map<number, number>();
  const parts = new Set<TurnPart>();
  let sink: PacketSink | null = null;
  let nextPort = 10_000;
  let sentCount = 0;
  const count = (): void => {
    sentCount += 1;
  };
  return {
    kind: 'dgram',
    received,
    address: addresses.intern,
    addressAt: addresses.at,
    counters: () => ({ packetsSent: sentCount, packetsReceived: 0, sendFailures: new Map(), receiveDrops: 0 }),
    setSink(given) {
      sink = given;
    },
    open() {
      throw new Error('only the engine uses this network');
    },
    async openPackets({ host, port, tag }) {
      const local = addresses.intern(host, port === 0 ? nextPort++ : port);
      tags.set(local.port, tag);
      return { local, push: count, send: count, drops: () => 0, close: () => void tags.delete(local.port) };
    },
    storePayloads(payloads) {
      const offsets = new Uint32Array(payloads.length + 1);
      for (const [index, { length }] of payloads.entries()) offsets[index + 1] = (offsets[index] as number) + length;
      const bytes = new Uint8Array(offsets.at(-1) as number);
      for (const [index, payload] of payloads.entries()) bytes.set(payload, offsets[index]);
      return { bytes, offsets, addressLow: new Int32Array(payloads.length), addressHigh: new Int32Array(payloads.length) };
    },
    joinTurns(part) {
      parts.add(part);
      return () => void parts.delete(part);
    },
    wake() {},
    turn() {},
    close() {},
    receive(localPort, bytes, from, atMs) {
      const fits = bytes.length <= PACKET_BYTES_MAX;
      received.set(fits ? bytes : bytes.subarray(0, PACKET_BYTES_MAX), OFFSET);
      sink?.packet(tags.get(localPort) as number, OFFSET, fits ? bytes.length : -PACKET_BYTES_MAX, from.index, atMs);
    },
    pass(nowMs) {
      for (const part of parts) part(nowMs);
    },
    sentCount: () => sentCount,
  };
}
