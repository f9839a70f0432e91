// The system calls of the Linux UDP network, by way of koffi: a call costs about 30 ns beside the kernel's own time, because only numbers pass.
// Memory is one ArrayBuffer outside the JavaScript heap, which never moves, so that its address stays good for as long as somebody holds it.
// Layouts are those of 64-bit little-endian Linux; anything else gets null from `linuxCalls` and uses node:dgram.

import { createRequire } from 'node:module';
import { constants, endianness } from 'node:os';
import type Koffi from 'koffi';

export interface PollHandle {
  start(options: { readable: boolean }, callback: () => void): void;
  stop(): void;
  close(): void;
}

/** All take and return plain numbers; addresses fit a double exactly (47 bits). A result of -1 means `errnoName()`. */
export interface LinuxCalls {
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: number, length: number): number;
  getsockname(fd: number, address: number, lengthAt: number): number;
  setsockopt(fd: number, level: number, option: number, valueAt: number, length: number): number;
  close(fd: number): number;
  sendmmsg(fd: number, messages: number, count: number, flags: number): number;
  recvmmsg(fd: number, messages: number, count: number, flags: number, timeout: number): number;
  epollCreate(flags: number): number;
  epollCtl(epollFd: number, operation: number, fd: number, event: number): number;
  epollWait(epollFd: number, events: number, count: number, timeoutMs: number): number;
  clockGettime(clock: number, timespec: number): number;
  errnoName(): string;
  /** Address of an ArrayBuffer. */
  addressOf(buffer: ArrayBuffer): number;
  /** Watches a descriptor with the process's own event loop. */
  poll(fd: number, callback: () => void): PollHandle;
}

const architectures = new Set(['x64', 'arm64', 'riscv64', 'loong64']);
let known: LinuxCalls | null | undefined;

/** Null where koffi has no addon for this machine, or it is no Linux whose layouts we know. */
export function linuxCalls(): LinuxCalls | null {
  if (known === undefined) known = isKnownLayout() ? load() : null;
  return known;
}

const isKnownLayout = (): boolean => process.platform === 'linux' && architectures.has(process.arch) && endianness() === 'LE';

function load(): LinuxCalls | null {
  let koffi: typeof Koffi;
  try {
    // Not an import: where the addon is missing, importing it would end the process; and a bundle finds the package beside itself.
    koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
  } catch {
    return null;
  }
  const libc = koffi.load(null);
  const names = new Map(Object.entries(constants.errno).map(([name, number]) => [number as number, name]));
  return {
    socket: libc.func('socket', 'int', ['int', 'int', 'int']),
    bind: libc.func('bind', 'int', ['int', 'int64', 'uint32']),
    getsockname: libc.func('getsockname', 'int', ['int', 'int64', 'int64']),
    setsockopt: libc.func('setsockopt', 'int', ['int', 'int', 'int', 'int64', 'uint32']),
    close: libc.func('close', 'int', ['int']),
    sendmmsg: libc.func('sendmmsg', 'int', ['int', 'int64', 'uint32', 'int']),
    recvmmsg: libc.func('recvmmsg', 'int', ['int', 'int64', 'uint32', 'int', 'int64']),
    epollCreate: libc.func('epoll_create1', 'int', ['int']),
    epollCtl: libc.func('epoll_ctl', 'int', ['int', 'int', 'int', 'int64']),
    epollWait: libc.func('epoll_wait', 'int', ['int', 'int64', 'int', 'int']),
    clockGettime: libc.func('clock_gettime', 'int', ['int', 'int64']),
    errnoName: () => names.get(koffi.errno()) ?? `errno ${koffi.errno()}`,
    addressOf: (buffer) => Number(koffi.address(buffer)),
    poll: (fd, callback) => koffi.node.poll(fd, { readable: true }, callback),
  };
}

/** An error as Node's own sockets throw it: `code`, `syscall`, and the address in the message. */
export function socketError(calls: LinuxCalls, syscall: string, host: string, port: number): Error {
  const code = calls.errnoName();
  return Object.assign(new Error(`${syscall} ${code} ${host}:${port}`), { code, syscall, address: host, port });
}
