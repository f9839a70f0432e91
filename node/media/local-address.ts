// Which of this machine's addresses a peer sees: what SDP and Contact must say. Asks the kernel's routing table by connecting a UDP socket, which
// sends nothing.

import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';

/** The local IP literal that packets to `host` (an IP literal) leave from. Rejects when there is no route. */
export function localAddressToward(host: string, port: number): Promise<string> {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  return new Promise((resolve, reject) => {
    const finish = (error: Error | null): void => {
      const address = error === null ? socket.address().address : '';
      socket.close();
      if (error === null) resolve(address);
      else reject(error);
    };
    socket.once('error', finish);
    socket.connect(port, host, () => finish(null));
  });
}
