// Which UDP network a process gets: system calls in batches where the machine allows it, node:dgram anywhere else. One for a process, shared by
// signalling and media, because it owns the turns in which everything is sent and received.

import type { PacketNetwork } from './packet-batch.ts';
import { DgramNetwork } from './udp-dgram.ts';
import { LinuxNetwork } from './udp-linux.ts';
import { linuxCalls } from './udp-linux-calls.ts';

export interface UdpNetworkInit {
  /** The clock that receive times are told in, ms. */
  readonly nowMs: () => number;
  /** 'mmsg' throws where it cannot be had; 'auto' takes 'dgram' then. */
  readonly kind?: 'auto' | 'mmsg' | 'dgram';
}

export function createUdpNetwork({ nowMs, kind = 'auto' }: UdpNetworkInit): PacketNetwork {
  const calls = kind === 'dgram' ? null : linuxCalls();
  if (calls !== null) return new LinuxNetwork(calls, nowMs);
  if (kind === 'mmsg') throw new Error('batched system calls need Linux on a 64-bit machine, and koffi with its addon');
  return new DgramNetwork(nowMs);
}
