// A SIP client on real sockets for the tests of the embedded target: it sends text, keeps what comes, and waits for what is sure to come.

import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type Parts, type Received, readMessage, requestText, sdpText, tagOf, withSdp } from './target-sip-messages.ts';
import { until } from './until.ts';

export interface SipClient {
  readonly transport: 'UDP' | 'TCP';
  /** As Via and Contact say it. */
  readonly local: string;
  readonly received: Received[];
  send(bytes: string | Uint8Array): void;
  request(method: string, parts: Parts): void;
  /** The first message that fits, waited for. */
  next(what: string, isIt: (message: Received) => boolean): Promise<Received>;
  status(status: number, method: string, callId: string): Promise<Received>;
  isClosed(): boolean;
  close(): void;
}

const stateOf = (transport: 'UDP' | 'TCP', local: string, send: SipClient['send']) => {
  const received: Received[] = [];
  async function next(what: string, isIt: (message: Received) => boolean): Promise<Received> {
    await until(`${what} comes`, () => received.some(isIt));
    return received.find(isIt)!;
  }
  return {
    transport,
    local,
    received,
    send,
    request: (method: string, parts: Parts) => send(requestText(method, { via: local, transport, ...parts })),
    next,
    status: (status: number, method: string, callId: string) =>
      next(
        `${status} for ${method}`,
        (message) => message.status === status && message.method === method && message.headers.get('call-id')?.[0] === callId,
      ),
  };
};

export async function udpClient(sipPort: number): Promise<SipClient> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  let isClosed = false;
  socket.on('close', () => {
    isClosed = true;
  });
  const state = stateOf('UDP', `127.0.0.1:${socket.address().port}`, (bytes) => socket.send(bytes, sipPort, '127.0.0.1'));
  socket.on('message', (bytes) => state.received.push(readMessage(bytes.toString('utf8'))));
  return { ...state, isClosed: () => isClosed, close: () => socket.close() };
}

export async function tcpClient(sipPort: number): Promise<SipClient> {
  const socket = connect(sipPort, '127.0.0.1');
  await once(socket, 'connect');
  let isClosed = false;
  socket.on('close', () => {
    isClosed = true;
  });
  socket.on('error', () => {});
  const state = stateOf('TCP', `127.0.0.1:${socket.localPort}`, (bytes) => void socket.write(bytes));
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
    for (;;) {
      text = text.replace(/^(\r\n)+/, '');
      const end = text.indexOf('\r\n\r\n');
      const length = Number(/^content-length: *(\d+)/im.exec(text.slice(0, Math.max(end, 0)))?.[1] ?? Number.NaN);
      if (end < 0 || text.length < end + 4 + length) return;
      state.received.push(readMessage(text.slice(0, end + 4 + length)));
      text = text.slice(end + 4 + length);
    }
  });
  return { ...state, isClosed: () => isClosed, close: () => socket.destroy() };
}

export interface MediaSocket {
  readonly port: number;
  readonly socket: UdpSocket;
  readonly received: Buffer[];
}

export async function mediaSocket(): Promise<MediaSocket> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const received: Buffer[] = [];
  socket.on('message', (bytes) => received.push(bytes));
  return { port: socket.address().port, socket, received };
}

/** A call that is up; `mediaPort` is the bridge's. */
export async function callIn(
  client: SipClient,
  uri: string,
  callId: string,
  rtpPort: number,
): Promise<{ toTag: string; mediaPort: number }> {
  const { headers = [], body } = withSdp(sdpText({ port: rtpPort }));
  const contact = `Contact: <sip:caller@${client.local}${client.transport === 'TCP' ? ';transport=tcp' : ''}>`;
  client.request('INVITE', { uri, callId, headers: [contact, ...headers.slice(1)], body: body! });
  const ok = await client.status(200, 'INVITE', callId);
  const toTag = tagOf(ok, 'to');
  client.request('ACK', { uri, callId, toTag });
  return { toTag, mediaPort: Number(/m=audio (\d+)/.exec(ok.body)?.[1]) };
}
