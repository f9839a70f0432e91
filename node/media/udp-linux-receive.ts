// Receiving in batches: recvmmsg into slots at fixed places, with the kernel's receive time and its count of packets dropped at a full buffer read
// from fixed places of the control data. The kernel's stamps are CLOCK_REALTIME, which may be set at any moment; they are turned into the clock's
// time by an offset that is measured with every batch, and not used for a second after that offset jumped.

import { createArena, writePointer } from './arena.ts';
import type { AddressTable } from './udp-addresses.ts';
import type { LinuxCalls } from './udp-linux-calls.ts';
import {
  CLOCK_REALTIME,
  CMSG_DATA,
  CMSG_LEVEL,
  CMSG_TYPE,
  CONTROL_BYTES,
  DROPS_CMSG_WORD,
  IOV_LEN,
  IOVEC_BYTES,
  MMSGHDR_BYTES,
  MMSGHDR_WORDS,
  MSG_CONTROL,
  MSG_CONTROLLEN,
  MSG_DONTWAIT,
  MSG_FLAGS,
  MSG_IOV,
  MSG_IOVLEN,
  MSG_LEN,
  MSG_NAME,
  MSG_NAMELEN,
  MSG_TRUNC,
  SO_RXQ_OVFL,
  SO_TIMESTAMPNS,
  SOCKADDR_BYTES,
  SOCKADDR_IN6_BYTES,
  SOL_SOCKET,
  TIMESTAMP_CMSG_WORD,
} from './udp-linux-layout.ts';
import { readSockaddr } from './udp-linux-sockaddr.ts';

/** A step of the wall clock between two batches; slewing moves it by 0.5 ms a second at most. */
const STEP_MS = 2;
/** What was stamped before a step and is read after it is older than this only when the generator has stopped. */
const MISTRUST_MS = 1_000;

export interface ReceiverInit {
  readonly calls: LinuxCalls;
  readonly addresses: AddressTable;
  readonly nowMs: () => number;
  /** Packets a call, and bytes each may have. */
  readonly slots: number;
  readonly slotBytes: number;
  /** Addresses that nobody asked for: made (signalling answers anyone), or left unknown (media takes none). */
  readonly unknownSenders: 'add' | 'leave';
}

export interface Receiver {
  readonly bytes: Uint8Array;
  /** Fills the slots from a socket; returns how many, 0 when there is nothing. */
  receive(fd: number): number;
  offsetAt(slot: number): number;
  /** Negative when the packet was longer than a slot. */
  lengthAt(slot: number): number;
  /** Index of the sender's address, -1 when unknown. */
  fromAt(slot: number): number;
  /** Clock time. */
  receivedAtMs(slot: number): number;
  /** The socket's drop counter as of this packet; -1 when the kernel did not say (none yet). */
  dropsAt(slot: number): number;
}

export function createReceiver({ calls, addresses, nowMs, slots, slotBytes, unknownSenders }: ReceiverInit): Receiver {
  const iovsAt = slots * MMSGHDR_BYTES;
  const namesAt = iovsAt + slots * IOVEC_BYTES;
  const controlsAt = namesAt + slots * SOCKADDR_BYTES;
  const timeAt = controlsAt + slots * CONTROL_BYTES;
  const bytesAt = timeAt + 16;
  const arena = createArena(calls, bytesAt + slots * slotBytes);
  const { words } = arena;
  const base = arena.addressOf(0);
  const timeAddress = arena.addressOf(timeAt);
  const look = unknownSenders === 'add' ? addresses.add : addresses.find;
  let batchMs = 0;
  let offsetMs = Number.NaN;
  let mistrustUntilMs = 0;
  /** Slots whose lengths the kernel has overwritten. */
  let used = slots;

  for (let slot = 0; slot < slots; slot++) {
    const header = slot * MMSGHDR_WORDS;
    const iov = iovsAt + slot * IOVEC_BYTES;
    writePointer(words, header + MSG_NAME, arena.addressOf(namesAt + slot * SOCKADDR_BYTES));
    writePointer(words, header + MSG_IOV, arena.addressOf(iov));
    words[header + MSG_IOVLEN] = 1;
    writePointer(words, header + MSG_CONTROL, arena.addressOf(controlsAt + slot * CONTROL_BYTES));
    writePointer(words, iov / 4, arena.addressOf(bytesAt + slot * slotBytes));
    words[iov / 4 + IOV_LEN] = slotBytes;
  }

  function measureOffset(): void {
    calls.clockGettime(CLOCK_REALTIME, timeAddress);
    batchMs = nowMs();
    const measured = batchMs - timespecMs(timeAt / 4);
    if (Math.abs(measured - offsetMs) > STEP_MS) mistrustUntilMs = batchMs + MISTRUST_MS;
    offsetMs = measured;
  }

  const timespecMs = (at: number): number => ((words[at] as number) >>> 0) * 1000 + (words[at + 2] as number) / 1e6;

  return {
    bytes: arena.bytes,
    receive(fd) {
      for (let slot = 0; slot < used; slot++) {
        words[slot * MMSGHDR_WORDS + MSG_NAMELEN] = SOCKADDR_IN6_BYTES;
        words[slot * MMSGHDR_WORDS + MSG_CONTROLLEN] = CONTROL_BYTES;
      }
      // A socket that cannot be read (an ICMP error came back) has nothing to say here: the next call goes on behind it.
      used = Math.max(0, calls.recvmmsg(fd, base, slots, MSG_DONTWAIT, 0));
      if (used > 0) measureOffset();
      return used;
    },
    offsetAt: (slot) => bytesAt + slot * slotBytes,
    lengthAt(slot) {
      const header = slot * MMSGHDR_WORDS;
      const length = words[header + MSG_LEN] as number;
      return ((words[header + MSG_FLAGS] as number) & MSG_TRUNC) === 0 ? length : -length;
    },
    fromAt: (slot) => readSockaddr(arena, namesAt + slot * SOCKADDR_BYTES, look),
    receivedAtMs(slot) {
      const at = (controlsAt + slot * CONTROL_BYTES) / 4 + TIMESTAMP_CMSG_WORD;
      const isStamped = words[at + CMSG_LEVEL] === SOL_SOCKET && words[at + CMSG_TYPE] === SO_TIMESTAMPNS;
      if (!isStamped || batchMs < mistrustUntilMs) return batchMs;
      return Math.min(batchMs, timespecMs(at + CMSG_DATA) + offsetMs);
    },
    dropsAt(slot) {
      const length = words[slot * MMSGHDR_WORDS + MSG_CONTROLLEN] as number;
      const at = (controlsAt + slot * CONTROL_BYTES) / 4 + DROPS_CMSG_WORD;
      if (length <= DROPS_CMSG_WORD * 4 || words[at + CMSG_TYPE] !== SO_RXQ_OVFL) return -1;
      return (words[at + CMSG_DATA] as number) >>> 0;
    },
  };
}
