// Sending in batches: up to 128 packets a system call, all from one socket. Two kinds of batch fill the same message headers: RTP packets are two
// pieces, a header written here and a payload that stays where it was stored; anything else is copied. What the kernel refuses is told packet by
// packet and never lost silently: sendmmsg stops at the first packet that fails, so the rest is offered again behind it.

import { type Arena, createArena, highWord, lowWord, writePointer } from './arena.ts';
import type { PayloadStore } from './packet-batch.ts';
import type { LinuxCalls } from './udp-linux-calls.ts';
import { IOV_LEN, IOVEC_BYTES, MMSGHDR_BYTES, MMSGHDR_WORDS, MSG_DONTWAIT, MSG_IOV, MSG_IOVLEN } from './udp-linux-layout.ts';
import type { SockaddrTable } from './udp-linux-sockaddr.ts';

/** A longer batch saves less than 1 % of the call and delays the first packet by the time of making the last. */
export const BATCH_PACKETS = 128;
/** The largest UDP payload of IPv4 (65,535 - 20 - 8). */
export const DATAGRAM_BYTES_MAX = 65_507;
const RTP_HEADER_BYTES = 12;
/** Room for the copies of one batch: 128 ordinary packets, or one of the largest. */
const COPY_BYTES = 128 * 1_500;

export interface SendReport {
  /** The kernel took so many. */
  readonly sent: (count: number) => void;
  readonly failed: (packetTag: number, code: string) => void;
}

export interface RtpBatch {
  push(
    fd: number,
    markerAndType: number,
    sequence: number,
    timestamp: number,
    ssrc: number,
    store: PayloadStore,
    payload: number,
    to: number,
    packetTag: number,
  ): void;
  flush(): void;
}

export interface CopyBatch {
  push(fd: number, bytes: Uint8Array, to: number): void;
  flush(): void;
}

/** Offers messages [0, count) of an array to the kernel. ENOBUFS and EAGAIN fail the whole rest: a buffer that is full stays full for this turn. */
function sendAll(calls: LinuxCalls, fd: number, base: number, count: number, tags: Int32Array, report: SendReport): void {
  let at = 0;
  while (at < count) {
    const taken = calls.sendmmsg(fd, base + at * MMSGHDR_BYTES, count - at, MSG_DONTWAIT);
    if (taken > 0) {
      at += taken;
      report.sent(taken);
      continue;
    }
    const code = calls.errnoName();
    if (code === 'EINTR') continue;
    const end = code === 'EAGAIN' || code === 'ENOBUFS' ? count : at + 1;
    for (; at < end; at++) report.failed(tags[at] as number, code);
  }
}

export function createRtpBatch(calls: LinuxCalls, names: SockaddrTable, report: SendReport): RtpBatch {
  const iovsAt = BATCH_PACKETS * MMSGHDR_BYTES;
  const headersAt = iovsAt + BATCH_PACKETS * 2 * IOVEC_BYTES;
  const arena = createArena(calls, headersAt + BATCH_PACKETS * 16);
  const { words, view } = arena;
  const base = arena.addressOf(0);
  const tags = new Int32Array(BATCH_PACKETS);
  /** Holds the payloads' memory until the kernel has read it, and a little longer. */
  const stores = new Array<PayloadStore | null>(BATCH_PACKETS).fill(null);
  let fd = -1;
  let count = 0;
  for (let index = 0; index < BATCH_PACKETS; index++) {
    const iov = iovsAt + index * 2 * IOVEC_BYTES;
    writePointer(words, index * MMSGHDR_WORDS + MSG_IOV, arena.addressOf(iov));
    words[index * MMSGHDR_WORDS + MSG_IOVLEN] = 2;
    writePointer(words, iov / 4, arena.addressOf(headersAt + index * 16));
    words[iov / 4 + IOV_LEN] = RTP_HEADER_BYTES;
  }

  function flush(): void {
    const filled = count;
    // Before the call: what is told of failures may close sockets, and that flushes again.
    count = 0;
    if (filled > 0) sendAll(calls, fd, base, filled, tags, report);
  }

  return {
    flush,
    push(onFd, markerAndType, sequence, timestamp, ssrc, from, payload, to, packetTag) {
      if (count === BATCH_PACKETS || onFd !== fd) {
        flush();
        fd = onFd;
      }
      const index = count++;
      stores[index] = from;
      const header = headersAt + index * 16;
      view.setInt32(header, (0x80 << 24) | ((markerAndType & 0xff) << 16) | (sequence & 0xffff));
      view.setInt32(header + 4, timestamp);
      view.setInt32(header + 8, ssrc);
      names.writeName(words, index * MMSGHDR_WORDS, to);
      const iov = iovsAt / 4 + index * 8 + 4;
      words[iov] = from.addressLow[payload] as number;
      words[iov + 1] = from.addressHigh[payload] as number;
      words[iov + IOV_LEN] = (from.offsets[payload + 1] as number) - (from.offsets[payload] as number);
      tags[index] = packetTag;
    },
  };
}

export function createCopyBatch(calls: LinuxCalls, names: SockaddrTable, report: SendReport): CopyBatch {
  const iovsAt = BATCH_PACKETS * MMSGHDR_BYTES;
  const bytesAt = iovsAt + BATCH_PACKETS * IOVEC_BYTES;
  const arena: Arena = createArena(calls, bytesAt + COPY_BYTES);
  const { words, bytes: memory } = arena;
  const tags = new Int32Array(BATCH_PACKETS).fill(-1);
  let fd = -1;
  let count = 0;
  let used = 0;
  for (let index = 0; index < BATCH_PACKETS; index++) {
    writePointer(words, index * MMSGHDR_WORDS + MSG_IOV, arena.addressOf(iovsAt + index * IOVEC_BYTES));
    words[index * MMSGHDR_WORDS + MSG_IOVLEN] = 1;
  }

  function flush(): void {
    const filled = count;
    count = 0;
    used = 0;
    if (filled > 0) sendAll(calls, fd, arena.addressOf(0), filled, tags, report);
  }

  return {
    flush,
    push(onFd, bytes, to) {
      if (bytes.length > DATAGRAM_BYTES_MAX) throw new RangeError(`${bytes.length} bytes are more than a datagram holds`);
      if (count === BATCH_PACKETS || onFd !== fd || used + bytes.length > COPY_BYTES) {
        flush();
        fd = onFd;
      }
      const index = count++;
      memory.set(bytes, bytesAt + used);
      names.writeName(words, index * MMSGHDR_WORDS, to);
      const iov = iovsAt / 4 + index * 4;
      writePointer(words, iov, arena.addressOf(bytesAt + used));
      words[iov + IOV_LEN] = bytes.length;
      used += bytes.length;
    },
  };
}

/** Payloads in one piece of memory, with the addresses of each. */
export function storeInArena(calls: LinuxCalls, payloads: readonly Uint8Array[]): PayloadStore {
  const offsets = new Uint32Array(payloads.length + 1);
  for (const [index, payload] of payloads.entries()) offsets[index + 1] = (offsets[index] as number) + payload.length;
  const arena = createArena(calls, Math.max(1, offsets[payloads.length] as number));
  for (const [index, payload] of payloads.entries()) arena.bytes.set(payload, offsets[index]);
  const address = (index: number): number => arena.addressOf(offsets[index] as number);
  return {
    bytes: arena.bytes,
    offsets,
    addressLow: Int32Array.from(payloads, (_, index) => lowWord(address(index))),
    addressHigh: Int32Array.from(payloads, (_, index) => highWord(address(index))),
  };
}
