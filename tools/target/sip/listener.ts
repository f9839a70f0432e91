// The SIP port: UDP and TCP under one number (RFC 3261, 18.2.1). Bytes become messages here, and what is no message is counted by kind and answered where
// its sender is owed an answer. Connections are bounded in number, in what they may leave unread, and in how long they may stay in the middle of a
// message. What messages mean is agent.ts's part.

import { createServer, type Server, type Socket } from 'node:net';
import type { NetAddress, UdpNetwork, UdpSocket } from '../../../node/media/udp.ts';
import { createSipFramer } from '../../../node/wire/sip/framing.ts';
import type { SipMessage, SipParseFailure } from '../../../node/wire/sip/message.ts';
import { parseSip } from '../../../node/wire/sip/parse.ts';
import { writeResponse } from '../../../node/wire/sip/write.ts';
import { tick } from '../counters.ts';
import type { Service } from '../service.ts';
import type { Flow, Flows } from './flow.ts';
import { createLocalHosts } from './local-host.ts';

export interface Listener extends Flows {
  readonly port: number;
  close(): void;
}

export interface ListenerInit {
  readonly service: Service;
  readonly network: UdpNetwork;
  /** IP literal to listen on. */
  readonly host: string;
  readonly onMessage: (message: SipMessage, from: Flow) => void;
}

/** A burst of calls waits here while this process does something else: 5,000 messages or so. */
const BUFFER_BYTES = 4_194_304;
const UNSENT_BYTES_MAX = 1_048_576;
/** In the middle of a message, and silent for longer: half open (RFC 3261 has no bound; 64 T1 is its patience elsewhere). */
const HALF_MESSAGE_MS = 32_000;
const BIND_ATTEMPTS = 20;

function refuseMalformed(service: Service, failure: SipParseFailure, from: Flow): void {
  tick(service.counters.sip.malformed, failure.kind);
  const { answer, partial, detail } = failure;
  // Nobody answers an ACK, and a request without a From or a Call-ID would not know its answer.
  if (answer === null || partial === null || partial.method === 'ACK') return;
  const reason = `${failure.kind} ${detail}`.replace(/[^\x20-\x7e]/g, ' ').slice(0, 80);
  from.send(writeResponse(partial, { status: answer, reason, toTag: 'malformed', receivedHost: from.host, rport: from.port }));
}

/** One connection: a flow and its framer. */
function serve({ service, onMessage }: ListenerInit, socket: Socket, port: number): void {
  const { remoteAddress, remotePort, localAddress } = socket;
  if (remoteAddress === undefined || remotePort === undefined || localAddress === undefined) return void socket.destroy();
  const plain = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/, '');
  const flow: Flow = {
    transport: 'TCP',
    host: plain(remoteAddress),
    port: remotePort,
    localHost: plain(localAddress),
    localPort: port,
    send(bytes) {
      if (socket.destroyed || !socket.writable) return false;
      socket.write(bytes);
      if (socket.writableLength > UNSENT_BYTES_MAX) socket.destroy();
      return !socket.destroyed;
    },
  };
  const framer = createSipFramer({
    onMessage: (message) => onMessage(message, flow),
    onFailure(failure, isDead) {
      refuseMalformed(service, failure, flow);
      if (isDead) socket.end();
    },
    onPing: () => socket.write('\r\n'),
  });
  socket.setNoDelay(true);
  socket.setTimeout(HALF_MESSAGE_MS, () => {
    if (framer.pendingBytes() > 0) socket.destroy();
  });
  socket.on('data', (bytes: Buffer) => framer.push(bytes));
  // A peer may reset at any moment; `close` follows and is enough.
  socket.on('error', () => {});
  socket.on('close', () => {
    if (framer.pendingBytes() > 0) tick(service.counters.sip.malformed, 'cut-off');
  });
}

function createUdpFlows(network: UdpNetwork, socket: () => UdpSocket, localHostFor: (peer: string) => string): (peer: NetAddress) => Flow {
  const flows = new Map<number, Flow>();
  return (peer) => {
    const known = flows.get(peer.index);
    if (known !== undefined) return known;
    const { host, port } = peer;
    const flow: Flow = {
      transport: 'UDP',
      host,
      port,
      localHost: localHostFor(host),
      localPort: socket().local.port,
      send(bytes) {
        socket().send(bytes, network.address(host, port));
        return true;
      },
    };
    flows.set(peer.index, flow);
    return flow;
  };
}

function listenTcp(init: ListenerInit, port: number, sockets: Set<Socket>): Promise<Server> {
  const { host, service } = init;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    serve(init, socket, (server.address() as { port: number }).port);
  });
  server.maxConnections = service.options.connectionsMax;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => resolve(server));
  });
}

/** Rejects with the system's error when the port is taken. */
export async function openListener(init: ListenerInit): Promise<Listener> {
  const { service, network, host, onMessage } = init;
  const { sipPort } = service.options;
  const sockets = new Set<Socket>();
  let udp: UdpSocket | undefined;
  const flowOf = createUdpFlows(network, () => udp!, createLocalHosts(host));

  function onPacket(bytes: Uint8Array, peer: NetAddress): void {
    // Keep-alives (RFC 5626: line ends; some phones: four zero bytes) are no messages.
    if (bytes.length <= 4) return;
    const parsed = parseSip(bytes);
    if (parsed.ok) onMessage(parsed.message, flowOf(peer));
    else refuseMalformed(service, parsed.failure, flowOf(peer));
  }

  async function bind(): Promise<Server> {
    for (let attempt = 1; ; attempt += 1) {
      const server = await listenTcp(init, sipPort, sockets);
      const { port } = server.address() as { port: number };
      try {
        udp = await network.open({ host, port, receiveBufferBytes: BUFFER_BYTES, sendBufferBytes: BUFFER_BYTES, onPacket });
        return server;
      } catch (error) {
        server.close();
        if (sipPort !== 0 || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || attempt === BIND_ATTEMPTS) throw error;
      }
    }
  }

  const server = await bind();
  return {
    port: (server.address() as { port: number }).port,
    udpTo(toHost, toPort) {
      try {
        return flowOf(network.address(toHost, toPort));
      } catch {
        return null;
      }
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
      udp?.close();
    },
  };
}
