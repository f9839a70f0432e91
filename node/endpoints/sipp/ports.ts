// Free ports for a SIPp process. Left to itself SIPp takes 5060, which a target on the same machine may want, and the first free control port from 8888
// on, which nobody else would know. Between our closing and SIPp's opening somebody else may come: SIPp then fails, and says so.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** A port that was free a moment ago. Rejects when `host` is no address of this machine. */
export async function freePort(kind: 'udp' | 'tcp', host?: string): Promise<number> {
  if (kind === 'tcp') {
    const server = createServer().listen(0, host);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    return port;
  }
  const socket = createSocket(host?.includes(':') ? 'udp6' : 'udp4').bind(0, host);
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}
