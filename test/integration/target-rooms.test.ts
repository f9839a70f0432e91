// The target's signalling rooms over loopback with real ws clients: the door, presence, fan-out, the bounds that protect
// the server, and how meetings and the server end for those connected.

import { request } from 'node:http';
import { Pool } from 'undici';
import { afterEach, describe, expect, test } from 'vitest';
import { type ClientOptions, WebSocket } from 'ws';
import type { TargetOptions } from '../../tools/target/options.ts';
import { startTarget, type Target } from '../../tools/target/target.ts';

interface Message {
  type: string;
  [key: string]: unknown;
}

/** A client that keeps everything it heard. */
interface Listener {
  socket: WebSocket;
  heard: Message[];
  /** Resolves with the close code. */
  closed: Promise<number>;
  send(message: unknown): void;
  next(type: string, seen?: number): Promise<Message>;
}

interface Seat {
  participantId: string;
  token: string;
  roomUrl: string;
}

/** Waits for what is sure to come; the bound is for a busy machine, and only a failure ever reaches it. */
const eventually = <Value>(read: () => Value) => expect.poll(read, { timeout: 10_000, interval: 5 });

const cleanups: (() => Promise<unknown> | unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(options: Partial<TargetOptions> = {}) {
  const target = await startTarget({ serviceTimeMs: 0, serviceTimeJitterMs: 0, ...options });
  const pool = new Pool(target.url, { connections: 4 });
  cleanups.push(
    () => target.stop(),
    () => pool.destroy(),
  );
  async function call<Answer>(method: 'GET' | 'POST' | 'DELETE' | 'PATCH', path: string, body?: object): Promise<Answer> {
    const payload = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    const response = await pool.request({ method, path, ...payload });
    const text = await response.body.text();
    return (text === '' ? undefined : JSON.parse(text)) as Answer;
  }
  const meeting = await call<{ id: string; passcode: string; roomUrl: string }>('POST', '/api/meetings', { title: 'room' });
  const seat = (name: string) => call<Seat>('POST', `/api/meetings/${meeting.id}/participants`, { name, passcode: meeting.passcode });
  return { target, call, meeting, seat };
}

/** Connects without waiting; `next('welcome')` tells when the server has let it in. */
function listen(url: string, options: ClientOptions = {}): Listener {
  const socket = new WebSocket(url, options);
  const heard: Message[] = [];
  socket.on('error', () => {});
  socket.on('message', (raw) => heard.push(JSON.parse(String(raw))));
  cleanups.push(() => socket.terminate());
  return {
    socket,
    heard,
    closed: new Promise((resolve) => socket.once('close', resolve)),
    send: (message) => socket.send(typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message)),
    async next(type, seen = 0) {
      const find = () => heard.filter((message) => message.type === type)[seen];
      await eventually(find).toBeDefined();
      return find()!;
    },
  };
}

async function enter(seat: Seat, options: ClientOptions = {}): Promise<Listener> {
  const listener = listen(seat.roomUrl, options);
  await listener.next('welcome');
  return listener;
}

function statusOfUpgrade(url: string): Promise<number | string> {
  const socket = new WebSocket(url);
  cleanups.push(() => socket.terminate());
  return new Promise((resolve) => {
    socket.once('unexpected-response', (_request, response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode ?? 0));
    });
    socket.once('open', () => resolve(101));
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

async function fullRoom(count: number, options: Partial<TargetOptions> = {}) {
  const parts = await start(options);
  const seats: Seat[] = [];
  const listeners: Listener[] = [];
  for (let index = 0; index < count; index += 1) {
    const seat = await parts.seat(`n${index}`);
    seats.push(seat);
    listeners.push(await enter(seat));
  }
  return { ...parts, seats, listeners };
}

describe('the door', () => {
  test('only a token of this meeting opens it', async () => {
    const { target, call, meeting, seat } = await start();
    const other = await call<{ id: string; passcode: string }>('POST', '/api/meetings', { title: 'other' });
    const stranger = await call<Seat>('POST', `/api/meetings/${other.id}/participants`, { name: 's', passcode: other.passcode });
    const { token, roomUrl } = await seat('a');
    expect(await statusOfUpgrade(roomUrl)).toBe(101);
    expect(await statusOfUpgrade(meeting.roomUrl)).toBe(401);
    expect(await statusOfUpgrade(`${meeting.roomUrl}?token=${stranger.token}`)).toBe(401);
    expect(await statusOfUpgrade(`${target.wsUrl}/rooms/1?token=${token}`)).toBe(404);
    expect(await statusOfUpgrade(`${target.wsUrl}/elsewhere?token=${token}`)).toBe(404);
    expect(target.stats().requests.byRoute['GET /rooms/:meetingId']).toEqual({ 101: 1, 401: 2, 404: 2 });
  });

  test('a broken handshake is a 400 and is accounted for', async () => {
    const { target, seat } = await start();
    const { roomUrl } = await seat('a');
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const withoutKey = request(roomUrl.replace('ws:', 'http:'), { headers: { connection: 'upgrade', upgrade: 'websocket' } });
      withoutKey.once('response', (response) => resolve(response.resume().statusCode));
      withoutKey.once('error', reject);
      withoutKey.end();
    });
    expect(status).toBe(400);
    expect(target.stats().requests).toMatchObject({ active: 0, byRoute: { 'GET /rooms/:meetingId': { 400: 1 } } });
  });

  test('upgrades meet the injected faults too', async () => {
    const { target, call, seat } = await start();
    const { roomUrl } = await seat('a');
    await call('PATCH', '/api/settings', { errorRate: 1 });
    expect(await statusOfUpgrade(roomUrl)).toBe(503);
    await call('PATCH', '/api/settings', { errorRate: 0, resetRate: 1 });
    expect(await statusOfUpgrade(roomUrl)).toBe('ECONNRESET');
    await call('PATCH', '/api/settings', { resetRate: 0, garbageRate: 1 });
    expect(await statusOfUpgrade(roomUrl)).toBe(200);
    await call('PATCH', '/api/settings', { garbageRate: 0, hangRate: 1 });
    const hung = listen(roomUrl);
    await eventually(() => target.stats().injected.hang).toBe(1);
    hung.socket.terminate();
    const route = () => target.stats().requests.byRoute['GET /rooms/:meetingId'];
    await eventually(route).toEqual({ 503: 1, 200: 1, reset: 1, hung: 1 });
  });
});

describe('in the room', () => {
  test('presence tells the others who comes, mutes, and goes', async () => {
    const { listeners, seats, target } = await fullRoom(2);
    const [first, second] = listeners as [Listener, Listener];
    const secondId = seats[1]!.participantId;
    expect(first.heard[0]).toEqual({ type: 'welcome', participantId: seats[0]!.participantId, participants: 1 });
    expect(second.heard[0]).toEqual({ type: 'welcome', participantId: secondId, participants: 2 });
    expect(await first.next('joined')).toEqual({ type: 'joined', participantId: secondId, participants: 2 });
    second.send({ type: 'mute' });
    expect(await first.next('muted')).toEqual({ type: 'muted', participantId: secondId, participants: 2 });
    second.send({ type: 'unmute' });
    expect(await second.next('unmuted')).toMatchObject({ participantId: secondId });
    second.socket.close();
    expect(await first.next('left')).toEqual({ type: 'left', participantId: secondId, participants: 1 });
    expect(second.heard.map((message) => message.type)).toEqual(['welcome', 'muted', 'unmuted']);
    await eventually(() => target.stats().sockets).toMatchObject({ active: 1, peak: 2, total: 2 });
  });

  test('every message reaches everyone once, in the sender order, and the server counts agree', async () => {
    const { listeners, seats, target } = await fullRoom(5);
    for (let index = 0; index < 20; index += 1) {
      for (const listener of listeners)
        listener.send({ type: 'message', id: index, sentAt: index + 0.5, body: { text: `héllo ${index}` } });
    }
    for (const listener of listeners) await listener.next('message', 99);
    for (const listener of listeners) {
      const messages = listener.heard.filter((message) => message.type === 'message');
      expect(messages).toHaveLength(100);
      for (const { participantId } of seats) {
        const ofOne = messages.filter((message) => message.from === participantId);
        expect(ofOne.map((message) => message.id)).toEqual(Array.from({ length: 20 }, (_, index) => index));
        expect(ofOne[3]).toEqual({ type: 'message', id: 3, from: participantId, sentAt: 3.5, body: { text: 'héllo 3' } });
      }
    }
    expect(target.stats().messages).toMatchObject({ in: 100, out: 500, presenceOut: 4 + 3 + 2 + 1, refused: 0 });
  });

  test('rooms do not hear each other, and a ping is answered to its sender only', async () => {
    const { call, listeners } = await fullRoom(2);
    const other = await call<{ id: string; passcode: string }>('POST', '/api/meetings', { title: 'other' });
    const outsider = await enter(
      await call<Seat>('POST', `/api/meetings/${other.id}/participants`, { name: 'o', passcode: other.passcode }),
    );
    listeners[0]!.send({ type: 'message', id: 'm', body: 1 });
    listeners[0]!.send({ type: 'ping', id: 'p' });
    expect(await listeners[0]!.next('pong')).toEqual({ type: 'pong', id: 'p' });
    await listeners[1]!.next('message');
    expect(listeners[1]!.heard.some((message) => message.type === 'pong')).toBe(false);
    outsider.send({ type: 'ping', id: 1 });
    await outsider.next('pong');
    expect(outsider.heard.map((message) => message.type)).toEqual(['welcome', 'pong']);
  });

  test('a second connection of one participant replaces the first, without presence', async () => {
    const { listeners, seats, target } = await fullRoom(2);
    const again = await enter(seats[1]!);
    expect(await listeners[1]!.closed).toBe(4001);
    again.send({ type: 'message', id: 1, body: null });
    await listeners[0]!.next('message');
    expect(listeners[0]!.heard.map((message) => message.type)).toEqual(['welcome', 'joined', 'message']);
    expect(target.stats().sockets).toMatchObject({ active: 2, replaced: 1, total: 3 });
  });

  test('lost messages and slow rooms can be injected', async () => {
    const { call, listeners, target } = await fullRoom(2, { messageDropRate: 1 });
    listeners[0]!.send({ type: 'message', id: 'lost', body: null });
    await eventually(() => target.stats().injected.messageDrop).toBe(1);
    await call('PATCH', '/api/settings', { messageDropRate: 0, roomDelayMs: 100 });
    listeners[0]!.send({ type: 'message', id: 'late', body: null });
    await eventually(() => target.stats().messages.in).toBe(2);
    expect(target.stats().messages.out, 'delivery waits for its delay').toBe(0);
    expect(await listeners[1]!.next('message')).toMatchObject({ id: 'late' });
  });
});

describe('bounds', () => {
  test('refused messages are answered, and the tenth ends the connection', async () => {
    const { listeners, target } = await fullRoom(2, { messageBytesMax: 1_000 });
    const [bad, good] = listeners as [Listener, Listener];
    bad.send('not json');
    bad.send(Buffer.from([1, 2, 3]));
    bad.send({ type: 'message', id: 1, body: 'x'.repeat(1_000) });
    expect((await bad.next('error', 2)).reason).toMatch(/at most 1000/);
    bad.send({ type: 'ping', id: 'still here' });
    await bad.next('pong');
    for (let index = 0; index < 7; index += 1) bad.send({ type: 'dance' });
    expect(await bad.closed).toBe(1008);
    expect(bad.heard.filter((message) => message.type === 'error')).toHaveLength(10);
    await good.next('left');
    expect(target.stats().messages).toMatchObject({ refused: 10, in: 0, out: 0 });
    expect(target.stats().sockets.closedForErrors).toBe(1);
  });

  test('a frame far beyond the limit ends only its own connection', async () => {
    const { listeners } = await fullRoom(2);
    listeners[0]!.send('x'.repeat(3 * 1_048_576));
    expect(await listeners[0]!.closed).toBe(1009);
    await listeners[1]!.next('left');
  });

  test('a socket that does not read is dropped, the others lose nothing', async () => {
    const { listeners, target } = await fullRoom(3, { bufferedBytesMax: 65_536 });
    const [slow, sender, reader] = listeners as [Listener, Listener, Listener];
    slow.socket.pause();
    const body = 'x'.repeat(60_000);
    let sent = 0;
    // The kernel's own buffers take some megabytes before the server sees any backlog.
    while (target.stats().sockets.slowDropped === 0 && sent < 2_000) {
      sender.send({ type: 'message', id: sent, body });
      await sender.next('message', sent);
      sent += 1;
    }
    expect(target.stats().sockets.slowDropped).toBe(1);
    await reader.next('message', sent - 1);
    expect(reader.heard.filter((message) => message.type === 'message')).toHaveLength(sent);
    await reader.next('left');
    expect(target.stats().sockets.active).toBe(2);
  });

  test('a socket that no longer answers pings is dropped, one that does stays', async () => {
    const { target, seat } = await start({ heartbeatMs: 50 });
    const alive = await enter(await seat('alive'));
    const dead = await enter(await seat('dead'), { autoPong: false });
    expect(await dead.closed).toBe(1006);
    await alive.next('left');
    expect(target.stats().sockets).toMatchObject({ active: 1, silentDropped: 1 });
  });

  test('large rooms stop presence, not messages', async () => {
    const { listeners, target } = await fullRoom(4, { presenceMembersMax: 2 });
    listeners[3]!.send({ type: 'message', id: 1, body: null });
    for (const listener of listeners) await listener.next('message');
    expect(listeners[0]!.heard.map((message) => message.type)).toEqual(['welcome', 'joined', 'message']);
    expect(target.stats().messages).toMatchObject({ presenceOut: 1, presenceSuppressed: 2, out: 4 });
  });
});

describe('endings', () => {
  test('deleting a meeting tells and closes everyone in it, and its tokens are worth nothing', async () => {
    const { call, meeting, listeners, seats, target } = await fullRoom(2);
    await call('DELETE', `/api/meetings/${meeting.id}`);
    for (const listener of listeners) {
      expect(await listener.closed).toBe(1000);
      expect(listener.heard.at(-1)).toEqual({ type: 'ended' });
    }
    expect(await statusOfUpgrade(seats[0]!.roomUrl)).toBe(404);
    const { meetings, participants, sockets } = target.stats();
    expect([meetings.active, participants.active]).toEqual([0, 0]);
    expect(sockets).toMatchObject({ total: 2, peak: 2 });
    await eventually(() => target.stats().sockets.active).toBe(0);
  });

  test('removing a participant closes its socket and the room hears it', async () => {
    const { call, meeting, listeners, seats } = await fullRoom(2);
    await call('DELETE', `/api/meetings/${meeting.id}/participants/${seats[1]!.participantId}`);
    expect(await listeners[1]!.closed).toBe(1000);
    expect(await listeners[0]!.next('left')).toMatchObject({ participantId: seats[1]!.participantId, participants: 1 });
    expect(await statusOfUpgrade(seats[1]!.roomUrl)).toBe(401);
  });

  test('stopping closes rooms politely, and cuts who does not listen', async () => {
    const { listeners, target } = await fullRoom(3, { drainMsMax: 200 });
    listeners[2]!.socket.pause();
    expect(await (target as Target).stop()).toEqual({ requestsCut: 0, socketsCut: 1 });
    expect(await listeners[0]!.closed).toBe(1001);
    expect(await listeners[1]!.closed).toBe(1001);
  });
});
