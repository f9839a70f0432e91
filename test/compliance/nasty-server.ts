// A server that is everything a target may be: well-behaved (HTTP, WebSocket echo, SIP, or a plain echo, by what the client says first), silent, resetting,
// talking rubbish, stopping half way. It knows how many connections it holds, so a test can tell whether a client left any behind. On the same port it
// takes datagrams and echoes them, which is also where its SIP side wants media.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { WebSocketServer } from 'ws';
import { sipAnswer } from './nasty-sip.ts';

export const moods = ['well', 'silent', 'resetting', 'garbage', 'half'] as const;
export type Mood = (typeof moods)[number];

export interface NastyServer {
  readonly port: number;
  mood: Mood;
  /** Connections and datagrams accepted since the start, and connections open now. */
  readonly accepted: () => number;
  readonly open: () => number;
  readonly close: () => Promise<void>;
}

export async function startNastyServer(): Promise<NastyServer> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  const http = createHttpServer((request, response) => {
    request.resume();
    request.on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}'));
  });
  const rooms = new WebSocketServer({ server: http });
  rooms.on('connection', (socket) => socket.on('message', (data) => socket.send(String(data))));
  const server = createServer((socket) => {
    accepted++;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    if (self.mood !== 'silent') socket.once('data', (data) => answer(self.mood, socket, data));
  });
  const answer = (mood: Mood, socket: Socket, data: Buffer): void => {
    if (mood === 'resetting') socket.resetAndDestroy();
    else if (mood === 'garbage') socket.end(Buffer.from([0, 255, 10, 13, 10, 200, 201, 13, 10, 13, 10]));
    else if (mood === 'half') socket.end('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf');
    else if (/^[A-Z]+ \S+ HTTP\//.test(data.toString('latin1'))) {
      http.emit('connection', socket);
      socket.unshift(data);
    } else if (/^[A-Z]+ \S+ SIP\//.test(data.toString('latin1'))) {
      const answerSip = (text: Buffer): unknown => socket.write(sipAnswer(text.toString('latin1'), self.port));
      answerSip(data);
      socket.on('data', answerSip);
    } else {
      socket.write(data);
      socket.pipe(socket);
    }
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const datagrams = createSocket('udp4');
  datagrams.bind((server.address() as AddressInfo).port, '127.0.0.1');
  await once(datagrams, 'listening');
  datagrams.on('message', (bytes, from) => {
    accepted++;
    if (self.mood === 'well') datagrams.send(bytes, from.port, from.address);
    if (self.mood === 'garbage') datagrams.send(Buffer.from([0x80, 0, 255]), from.port, from.address);
  });
  const self: NastyServer = {
    port: (server.address() as AddressInfo).port,
    mood: 'well',
    accepted: () => accepted,
    open: () => sockets.size,
    async close() {
      for (const socket of sockets) socket.destroy();
      datagrams.close();
      rooms.close();
      http.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return self;
}
