// Sizes, offsets and numbers of 64-bit little-endian Linux (x86-64, arm64, riscv64): struct msghdr, mmsghdr, iovec, sockaddr, cmsghdr, epoll_event,
// and the options the network sets. Offsets within a structure are in 32-bit words, sizes in bytes. One place, so that each reader and writer of an
// arena names the field it means.

/** struct mmsghdr: msghdr and the length of what was transferred. */
export const MMSGHDR_BYTES = 64;
export const MMSGHDR_WORDS = 16;
export const MSG_NAME = 0;
export const MSG_NAMELEN = 2;
export const MSG_IOV = 4;
export const MSG_IOVLEN = 6;
export const MSG_CONTROL = 8;
export const MSG_CONTROLLEN = 10;
export const MSG_FLAGS = 12;
export const MSG_LEN = 14;

/** struct iovec. */
export const IOVEC_BYTES = 16;
export const IOV_BASE = 0;
export const IOV_LEN = 2;

/** sockaddr_in has 16 bytes, sockaddr_in6 28; a slot holds either. */
export const SOCKADDR_BYTES = 32;
export const SOCKADDR_IN_BYTES = 16;
export const SOCKADDR_IN6_BYTES = 28;

/** Received control data: cmsghdr (16) + timespec (16), then cmsghdr (16) + drop count (4) when there ever were drops. */
export const CONTROL_BYTES = 64;
export const TIMESTAMP_CMSG_WORD = 0;
export const DROPS_CMSG_WORD = 8;
export const CMSG_TYPE = 3;
export const CMSG_DATA = 4;
/** cmsg_level and cmsg_type are checked as one: level SOL_SOCKET (1) at word 2. */
export const CMSG_LEVEL = 2;

export const AF_INET = 2;
export const AF_INET6 = 10;
export const SOCK_DGRAM = 2;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;
export const IPPROTO_IPV6 = 41;
export const IPV6_V6ONLY = 26;

export const SOL_SOCKET = 1;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
export const SO_SNDBUFFORCE = 32;
export const SO_RCVBUFFORCE = 33;
export const SO_TIMESTAMPNS = 35;
export const SO_RXQ_OVFL = 40;

export const MSG_TRUNC = 0x20;
export const MSG_DONTWAIT = 0x40;

export const EPOLL_CLOEXEC = 0o2000000;
export const EPOLL_CTL_ADD = 1;
export const EPOLLIN = 1;
/** Packed on x86-64 only: events (4), data (8). */
export const EPOLL_EVENT_BYTES = process.arch === 'x64' ? 12 : 16;
export const EPOLL_DATA_BYTE = process.arch === 'x64' ? 4 : 8;

export const CLOCK_REALTIME = 0;
