// Opening one UDP socket on Linux: made, given its buffers and options, bound, and asked for its address. Errors look like those of Node's own
// sockets, with the call that failed; a descriptor never leaks.

import { createArena } from './arena.ts';
import type { NetAddress } from './udp.ts';
import type { AddressTable } from './udp-addresses.ts';
import { type LinuxCalls, socketError } from './udp-linux-calls.ts';
import {
  AF_INET,
  AF_INET6,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_RXQ_OVFL,
  SO_SNDBUF,
  SO_SNDBUFFORCE,
  SO_TIMESTAMPNS,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCKADDR_BYTES,
  SOL_SOCKET,
} from './udp-linux-layout.ts';
import { readSockaddr, writeSockaddr } from './udp-linux-sockaddr.ts';

/**
 * What a socket's buffers may hold when nobody says otherwise. A packet of 200 bytes takes about 800 of it, so this is 50 ms of a core that receives
 * as fast as it can; the kernel uses memory only for what waits.
 */
export const BUFFER_BYTES = 8 * 1024 * 1024;

export interface DescriptorInit {
  readonly host: string;
  readonly port: number;
  readonly receiveBufferBytes?: number;
  readonly sendBufferBytes?: number;
}

/** Throws with `code` EADDRINUSE, EADDRNOTAVAIL, EACCES, EMFILE ... */
export function openDescriptor(calls: LinuxCalls, addresses: AddressTable, init: DescriptorInit): { fd: number; local: NetAddress } {
  const { host, port } = init;
  const wanted = addresses.intern(host, port);
  const fd = calls.socket(wanted.family === 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw socketError(calls, 'socket', host, port);
  const arena = createArena(calls, SOCKADDR_BYTES + 8);
  const valueAt = SOCKADDR_BYTES;
  const setOption = (level: number, option: number, value: number): boolean => {
    arena.view.setInt32(valueAt, value, true);
    return calls.setsockopt(fd, level, option, arena.addressOf(valueAt), 4) === 0;
  };
  try {
    if (wanted.family === 6) setOption(IPPROTO_IPV6, IPV6_V6ONLY, 1);
    // Root may go beyond the system's limit; anybody else gets what the limit allows.
    const receiveBytes = init.receiveBufferBytes ?? BUFFER_BYTES;
    const sendBytes = init.sendBufferBytes ?? BUFFER_BYTES;
    if (!setOption(SOL_SOCKET, SO_RCVBUFFORCE, receiveBytes)) setOption(SOL_SOCKET, SO_RCVBUF, receiveBytes);
    if (!setOption(SOL_SOCKET, SO_SNDBUFFORCE, sendBytes)) setOption(SOL_SOCKET, SO_SNDBUF, sendBytes);
    setOption(SOL_SOCKET, SO_TIMESTAMPNS, 1);
    setOption(SOL_SOCKET, SO_RXQ_OVFL, 1);
    const length = writeSockaddr(arena, 0, addresses, wanted.index);
    if (calls.bind(fd, arena.addressOf(0), length) < 0) throw socketError(calls, 'bind', host, port);
    arena.view.setUint32(valueAt, SOCKADDR_BYTES, true);
    if (calls.getsockname(fd, arena.addressOf(0), arena.addressOf(valueAt)) < 0) throw socketError(calls, 'getsockname', host, port);
    const local = readSockaddr(arena, 0, addresses.add);
    if (local < 0) throw new RangeError('the address table is full');
    return { fd, local: addresses.at(local) };
  } catch (error) {
    calls.close(fd);
    throw error;
  }
}
