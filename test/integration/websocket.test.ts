// The websocket endpoint type inside a real worker host: against the embedded target's rooms (with its meetings provisioned by the worker), and
// against servers that do everything wrong. What the target does ends as data, and every life ends in time.

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { startTarget } from '../../tools/target/target.ts';
import { counterOf, rateOf, startLab, trendOf, type WorkerLab } from '../support/worker-lab.ts';

const cleanups: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const hostOf = (url: string): string => new URL(url).host;
const causesOf = (lab: WorkerLab): string[] => [...new Set(lab.errors().map(({ side, cause }) => `${side} ${cause}`))].sort();

/** What a scenario says about the embedded target's rooms: nothing in the endpoint type knows them. */
const roomBehavior = (httpUrl: string, wsUrl: string) => ({
  before: [
    {
      name: 'join',
      url: `${httpUrl}/api/meetings/\${meeting.id}/participants`,
      json: { name: '${endpoint.id}', passcode: '${meeting.passcode}' },
      captures: { token: '$.token', participant: '$.participantId' },
    },
  ],
  url: `${wsUrl}/rooms/\${meeting.id}?token=\${captured.token}`,
  joinedWhen: { json: '$.type', equals: 'welcome' },
  send: { rate: 10, size: 300, json: { type: 'message', id: '${message.id}', sentAt: '${message.sentAtMs}', body: '${message.padding}' } },
  roundTrip: { when: { json: '$.type', equals: 'message' }, id: '$.id' },
  delivery: { when: { json: '$.type', equals: 'message' }, id: '$.id', sentAt: '$.sentAt' },
  ping: '300ms',
  after: [{ name: 'leave', method: 'DELETE', url: `${httpUrl}/api/meetings/\${meeting.id}/participants/\${captured.participant}` }],
});

async function startRooms(extra: object = {}, load: object = { endpoints: 6, shape: [{ step: 6, for: '1500ms' }] }) {
  const target = await startTarget({ serviceTimeMs: 1, serviceTimeJitterMs: 0 });
  cleanups.push(() => target.stop());
  const meetings = {
    count: 2,
    provision: {
      url: `${target.url}/api/meetings`,
      json: { title: 'room ${meeting.index}' },
      expect: 201,
      save: { id: '$.id', passcode: '$.passcode' },
    },
    teardown: { url: `${target.url}/api/meetings/\${meeting.id}` },
  };
  const group = {
    type: 'websocket',
    meetings: 'round-robin',
    load,
    gracefulStop: '1s',
    behavior: { ...roomBehavior(target.url, target.wsUrl), ...extra },
  };
  const scenario = JSON.stringify({ name: 'rooms', meetings, groups: { people: group } });
  const lab = await startLab({ scenario, targets: [hostOf(target.url)] });
  cleanups.push(() => lab.close());
  return { target, lab };
}

describe('rooms of the embedded target', () => {
  it('provisions meetings, joins, sends on schedule, measures echo and delivery, leaves, tears down', async () => {
    const { target, lab } = await startRooms();
    const shard = lab.shards.find(({ kind }) => kind === 'meetings');
    if (shard === undefined) throw new Error('no meeting shard');
    const running = lab.runAll();
    lab.host.handle({ type: 'provision', id: '0.1', shard, meetings: [0, 1] });
    const { facts } = await lab.said('provisioned');
    expect(facts.map(({ meeting }) => meeting).sort()).toEqual([0, 1]);
    expect(target.stats().meetings.active).toBe(2);
    lab.host.handle({ type: 'meetings', facts });
    await running;
    expect(causesOf(lab)).toEqual([]);
    const sent = counterOf(lab.metric('ws_msgs_sent'));
    expect(sent).toBeGreaterThan(6 * 10);
    expect(sent).toBeLessThan(6 * 17);
    const answered = rateOf(lab.metric('ws_rtt_answered'));
    expect(answered.total).toBe(sent);
    expect(answered.pass).toBeGreaterThan(sent * 0.8);
    // Three in a room: every message is delivered to two others, less what was on its way when somebody left.
    expect(trendOf(lab.metric('ws_delivery')).count).toBeGreaterThan(sent * 1.5);
    expect(trendOf(lab.metric('ws_delivery')).max).toBeLessThan(1500);
    expect(rateOf(lab.metric('ws_delivery_ratio'))).toMatchObject({ pass: rateOf(lab.metric('ws_delivery_ratio')).total });
    expect(trendOf(lab.metric('ws_ping')).count).toBeGreaterThan(6);
    expect(trendOf(lab.metric('ep_join_duration')).count).toBe(6);
    expect(counterOf(lab.metric('ws_sessions'))).toBe(6);
    expect(causesOf(lab)).toEqual([]);
    expect(lab.counts()).toEqual({ started: 6, finished: 6, failed: 0 });
    expect(target.stats().participants.active).toBe(0);
    lab.host.handle({ type: 'teardown', id: '0.1', shard, meetings: facts });
    expect(await lab.said('torn-down')).toMatchObject({ failures: 0, meetings: expect.arrayContaining([0, 1]) });
    expect(target.stats().meetings.active).toBe(0);
  });

  it('sends what was asked for: size and numbers that are numbers', async () => {
    const heard: string[] = [];
    const server = await startServer();
    server.on('connection', (socket) => socket.on('message', (data) => heard.push(String(data))));
    const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const send = {
      rate: 20,
      size: 120,
      json: { n: '${message.seq}', at: '${message.sentAtMs}', id: '${message.id}', pad: '${message.padding}' },
    };
    const lab = await runPlain({ url, hello: [{ text: 'hello ${endpoint.id}' }], goodbye: [{ text: 'bye' }], send }, url, '300ms');
    expect(heard[0]).toBe('hello people-0');
    expect(heard.at(-1)).toBe('bye');
    expect(Buffer.byteLength(heard[1] ?? '')).toBe(120);
    expect(JSON.parse(heard[1] ?? '')).toMatchObject({ n: 0, at: expect.any(Number), id: 'people-0.0.0.0' });
    expect(causesOf(lab)).toEqual([]);
  });
});

async function startServer(): Promise<WebSocketServer> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  cleanups.push(() => closeServer(server));
  return server;
}

async function closeServer(server: WebSocketServer): Promise<void> {
  for (const client of server.clients) client.terminate();
  await new Promise((resolve) => server.close(resolve));
}

async function runPlain(behavior: object, url: string, forMs: string): Promise<WorkerLab> {
  const group = { type: 'websocket', load: { endpoints: 1, shape: [{ step: 1, for: forMs }] }, gracefulStop: '500ms', behavior };
  const lab = await startLab({ scenario: JSON.stringify({ name: 'plain', groups: { people: group } }), targets: [hostOf(url)] });
  cleanups.push(() => lab.close());
  await lab.runAll();
  return lab;
}

describe('a target that does wrong', () => {
  async function rawServer(answer: (server: Server) => void): Promise<string> {
    const server = createServer();
    answer(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => server.close());
    return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  }

  it.each([
    [
      'answers 503',
      (server: Server) =>
        server.on('connection', (socket) => socket.once('data', () => socket.end('HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n'))),
      'target status-503',
    ],
    [
      'resets',
      (server: Server) => server.on('connection', (socket) => socket.once('data', () => socket.resetAndDestroy())),
      'target reset',
    ],
    [
      'answers garbage',
      (server: Server) => server.on('connection', (socket) => socket.once('data', () => socket.end('what?\r\n\r\n'))),
      'target garbage',
    ],
    ['does not answer', (server: Server) => server.on('connection', (socket) => socket.on('error', () => {})), 'target connect-timeout'],
  ])('%s', async (_name, answer, cause) => {
    const url = await rawServer(answer);
    const lab = await runPlain({ url, connectTimeout: '200ms' }, url, '2s');
    expect(causesOf(lab)).toEqual([cause]);
    expect(lab.counts()).toEqual({ started: 1, finished: 0, failed: 1 });
  });

  it('reconnects as said after a lost connection, with messages that differ from those of the session before', async () => {
    const ids: string[] = [];
    const server = await startServer();
    server.on('connection', (socket: WebSocket) =>
      socket.once('message', (data) => {
        ids.push(String(data));
        socket.terminate();
      }),
    );
    const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const lab = await runPlain(
      { url, send: { rate: 100, text: '${message.id}' }, reconnect: { attempts: 2, wait: '20ms', factor: 1 } },
      url,
      '3s',
    );
    expect(ids).toEqual(['people-0.0.0.0', 'people-0.0.1.0', 'people-0.0.2.0']);
    expect(counterOf(lab.metric('ws_sessions'))).toBe(3);
    expect(causesOf(lab)).toEqual(['target closed-1006']);
  });

  it('counts what is not answered, and a join that never comes', async () => {
    const server = await startServer();
    const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const roundTrip = { when: { contains: 'echo' }, id: '$.id', timeout: '50ms' };
    const lab = await runPlain({ url, send: { rate: 50, text: '${message.id}' }, roundTrip }, url, '400ms');
    expect(rateOf(lab.metric('ws_rtt_answered'))).toMatchObject({ pass: 0, total: counterOf(lab.metric('ws_msgs_sent')) });
    expect(causesOf(lab)).toEqual(['target no-answer']);
    const unjoined = await runPlain({ url, joinedWhen: { contains: 'welcome' }, joinTimeout: '100ms' }, url, '3s');
    expect(causesOf(unjoined)).toEqual(['target join-timeout']);
    expect(unjoined.counts()).toEqual({ started: 1, finished: 0, failed: 1 });
  });
});
