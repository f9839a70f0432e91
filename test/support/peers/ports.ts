// Free ports for foreign programs that want to be told one, and whether a UDP port is taken, from the kernel's own table.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

/** A UDP port of 127.0.0.1 that was free a moment ago; even, with the next ones usually free too. */
export async function freePort(): Promise<number> {
  for (;;) {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const { port } = socket.address();
    socket.close();
    if (port % 2 === 0 && port < 65_000) return port;
  }
}

export const isUdpPortTaken = (port: number): boolean =>
  readFileSync('/proc/net/udp', 'latin1')
    .toUpperCase()
    .includes(`:${port.toString(16).toUpperCase().padStart(4, '0')} `);
