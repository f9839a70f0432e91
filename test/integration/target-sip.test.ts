// The target's SIP side on real sockets: calls over UDP and TCP with echoed media, its place in the API and the statistics, hostile bytes, and that
// nothing is left when it stops. Every case of the protocol is in test/unit/target-sip*.test.ts.

import { createSocket } from 'node:dgram';
import { type EventEmitter, once } from 'node:events';
import { createServer } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import type { TargetOptions } from '../../tools/target/options.ts';
import { startTarget, type Target } from '../../tools/target/target.ts';
import { callIn, mediaSocket, type SipClient, tcpClient, udpClient } from '../support/target-sip-client.ts';
import { header, requestText, rtp, sdpText, tagOf, withSdp } from '../support/target-sip-messages.ts';
import { until } from '../support/until.ts';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Started {
  target: Target;
  uri: string;
  meetingId: string;
  api: (method: string, path: string, body?: unknown) => Promise<Response>;
}

async function start(options: Partial<TargetOptions> = {}): Promise<Started> {
  const target = await startTarget({ serviceTimeMs: 0, serviceTimeJitterMs: 0, sipAnswerDelayMs: 0, ...options });
  cleanups.push(() => target.stop());
  const api = (method: string, path: string, body?: unknown): Promise<Response> => {
    const content = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    return fetch(`${target.url}${path}`, { method, ...content });
  };
  const meeting = (await (await api('POST', '/api/meetings', { title: 'x' })).json()) as { id: string; sipUri: string };
  return { target, uri: meeting.sipUri, meetingId: meeting.id, api };
}

async function client(kind: 'UDP' | 'TCP', { target }: Started): Promise<SipClient> {
  const made = await (kind === 'UDP' ? udpClient : tcpClient)(target.sipPort!);
  cleanups.push(() => {
    if (!made.isClosed()) made.close();
  });
  return made;
}

async function media() {
  const made = await mediaSocket();
  cleanups.push(() => made.socket.close());
  return made;
}

const answerOk = (request: string): string => `SIP/2.0 200 OK\r\n${request.split('\r\n').slice(1).join('\r\n')}`;

describe.each(['UDP', 'TCP'] as const)('over %s', (transport) => {
  test('a call with echoed media, seen in the API and the statistics, until the caller hangs up', async () => {
    const started = await start();
    const { target, uri, meetingId, api } = started;
    expect(uri).toBe(`sip:${meetingId}@127.0.0.1:${target.sipPort}`);
    const caller = await client(transport, started);
    const ear = await media();
    const { toTag, mediaPort } = await callIn(caller, uri, 'c1', ear.port);
    expect(await (await api('GET', `/api/meetings/${meetingId}`)).json()).toMatchObject({ participants: 1 });
    for (let sequence = 0; sequence < 20; sequence += 1) ear.socket.send(rtp({ sequence }), mediaPort, '127.0.0.1');
    await until('all is echoed', () => ear.received.length === 20);
    expect(ear.received.map((packet) => packet.readUInt16BE(2))).toEqual(Array.from({ length: 20 }, (_, index) => index));
    caller.request('BYE', { uri, callId: 'c1', toTag, cseq: 2 });
    await caller.status(200, 'BYE', 'c1');
    expect(target.stats().sip).toMatchObject({
      calls: { active: 0, peak: 1, total: 1, answered: 1, ended: { caller: 1 } },
      rtp: { in: 20, out: 20 },
      requests: { INVITE: 1, ACK: 1, BYE: 1 },
    });
    expect(target.stats().participants.active).toBe(0);
  });

  test('DELETE of the meeting or the participant, and the stop of the target, reach the caller as BYE', async () => {
    const started = await start();
    const { target, uri, meetingId, api } = started;
    const caller = await client(transport, started);
    await callIn(caller, uri, 'c1', 40_000);
    expect((await api('DELETE', `/api/meetings/${meetingId}/participants/p1`)).status).toBe(204);
    const bye = await caller.next('the BYE', ({ method }) => method === 'BYE');
    expect(header(bye, 'reason')).toContain('removed');
    caller.send(answerOk(bye.text));
    await callIn(caller, uri, 'c2', 40_000);
    expect((await api('DELETE', `/api/meetings/${meetingId}`)).status).toBe(204);
    const second = await caller.next('the BYE', (each) => each.method === 'BYE' && header(each, 'call-id') === 'c2');
    caller.send(answerOk(second.text));
    const other = (await (await api('POST', '/api/meetings', { title: 'y' })).json()) as { sipUri: string };
    await callIn(caller, other.sipUri, 'c3', 40_000);
    const stopped = target.stop();
    const third = await caller.next('the BYE', (each) => each.method === 'BYE' && header(each, 'call-id') === 'c3');
    expect(header(third, 'reason')).toContain('stopping');
    caller.send(answerOk(third.text));
    await stopped;
    expect(target.stats().sip.calls).toMatchObject({ active: 0, ended: { participant: 1, meeting: 1, stopped: 1 } });
  });

  test('settings can be changed while it runs: a bad one is refused, a good one tells', async () => {
    const started = await start();
    const { uri, api } = started;
    const caller = await client(transport, started);
    expect((await api('PATCH', '/api/settings', { sipMedia: 'opera', sipRejectRate: 2 })).status).toBe(400);
    expect((await api('PATCH', '/api/settings', { sipRejectRate: 1 })).status).toBe(200);
    caller.request('INVITE', { uri, callId: 'c1', ...withSdp(sdpText()) });
    const refused = await caller.status(503, 'INVITE', 'c1');
    expect(header(refused, 'retry-after')).toBe('1');
    caller.request('ACK', { uri, callId: 'c1', branch: 'z9hG4bK-c1-1-INVITE', toTag: tagOf(refused, 'to') });
  });
});

describe('TCP', () => {
  test('messages in pieces and many at once; keep-alives are answered', async () => {
    const started = await start();
    const { uri } = started;
    const caller = await client('TCP', started);
    const text = requestText('OPTIONS', { uri, callId: 'o1', transport: 'TCP' });
    for (const at of [0, 10, 60]) {
      caller.send(text.slice(at, at === 60 ? undefined : at === 0 ? 10 : 60));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await caller.status(200, 'OPTIONS', 'o1');
    caller.send(['o2', 'o3', 'o4'].map((callId) => `\r\n\r\n${requestText('OPTIONS', { uri, callId, transport: 'TCP' })}`).join(''));
    for (const callId of ['o2', 'o3', 'o4']) await caller.status(200, 'OPTIONS', callId);
  });

  test('a stream that cannot be read is answered where it can be, counted and closed; others go on', async () => {
    const started = await start();
    const { target, uri } = started;
    const bad = await client('TCP', started);
    bad.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await until('it is closed', () => bad.isClosed());
    const half = await client('TCP', started);
    half.send('INVITE sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP');
    half.close();
    const lengthless = await client('TCP', started);
    lengthless.send(requestText('OPTIONS', { uri, callId: 'o1', transport: 'TCP' }).replace(/Content-Length.*\r\n/, ''));
    await lengthless.status(400, 'OPTIONS', 'o1');
    await until('it is closed', () => lengthless.isClosed());
    await until('all is counted', () => Object.values(target.stats().sip.malformed).reduce((sum, count) => sum + count, 0) === 3);
    const good = await client('TCP', started);
    await callIn(good, uri, 'c1', 40_000);
    expect(target.stats().sip.malformed).toMatchObject({ 'cut-off': 1, 'content-length': 1 });
  });
});

describe('hostile', () => {
  test('mutated messages, rubbish and stray media: nothing falls over, all is counted, and a call goes through', async () => {
    const started = await start({ sipPin: 'required', sipPinMs: 600_000 });
    const { target, uri } = started;
    const attacker = await client('UDP', started);
    const samples = ['INVITE', 'REGISTER', 'BYE', 'ACK', 'CANCEL', 'UPDATE', 'PRACK', 'INFO', 'OPTIONS'].map((method, index) =>
      Buffer.from(requestText(method, { uri, callId: `h${index}`, ...withSdp(sdpText()) })),
    );
    const mutation = fc.tuple(
      fc.nat(samples.length - 1),
      fc.array(fc.tuple(fc.nat(700), fc.nat(255)), { minLength: 1, maxLength: 8 }),
      fc.nat(60),
    );
    const mutants = fc.sample(mutation, { numRuns: 2_000, seed: 11 }).map(([index, changes, cut]) => {
      const bytes = Buffer.from(samples[index]!);
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
      return bytes.subarray(0, bytes.length - (cut > 50 ? cut : 0));
    });
    for (const [index, bytes] of mutants.entries()) {
      attacker.send(bytes);
      if (index % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    attacker.send(Buffer.alloc(60_000, 0xff));
    attacker.send('\r\n\r\n');
    const caller = await client('UDP', started);
    const ear = await media();
    const { mediaPort } = await callIn(caller, uri, 'good', ear.port);
    const stranger = await media();
    for (const bytes of [Buffer.alloc(1), rtp({ sequence: 1 }), Buffer.alloc(1_500, 0x55)]) {
      stranger.socket.send(bytes, mediaPort, '127.0.0.1');
      ear.socket.send(bytes.subarray(0, 11), mediaPort, '127.0.0.1');
    }
    await until('the media is counted', () => Object.values(target.stats().sip.rtp.rejected).reduce((sum, count) => sum + count, 0) === 6);
    expect(target.stats().sip.rtp.rejected).toMatchObject({ stranger: 3 });
    expect(target.stats().sip.malformed.garbage).toBeGreaterThan(0);
    expect(Object.keys(target.stats().sip.malformed).length).toBeLessThan(30);
    caller.request('OPTIONS', { uri, callId: 'alive' });
    await caller.status(200, 'OPTIONS', 'alive');
  });

  test('what is no request but says who sent it is answered 400', async () => {
    const started = await start();
    const caller = await client('UDP', started);
    caller.send(
      requestText('OPTIONS', { uri: started.uri, callId: 'o1' })
        .replace('CSeq: 1 OPTIONS', 'CSeq: one OPTIONS')
        .replace('192.0.2.9:5060', caller.local),
    );
    const refused = await caller.next('the 400', ({ status }) => status === 400);
    expect(header(refused, 'call-id')).toBe('o1');
    expect(started.target.stats().sip.malformed).toEqual({ cseq: 1 });
  });
});

describe('ports', () => {
  const isFree = (server: EventEmitter, close: () => void): Promise<boolean> =>
    new Promise((resolve) => {
      server.once('error', () => resolve(false));
      server.once('listening', () => {
        close();
        resolve(true);
      });
    });
  const isUdpFree = (port: number): Promise<boolean> => {
    const socket = createSocket('udp4').bind(port, '127.0.0.1');
    return isFree(socket, () => socket.close());
  };
  const isTcpFree = (port: number): Promise<boolean> => {
    const server = createServer().listen(port, '127.0.0.1');
    return isFree(server, () => server.close());
  };

  test('UDP and TCP under one number; after the stop it and the media ports are free, though a caller never answers its BYE', async () => {
    const started = await start({ drainMsMax: 100 });
    const { target, uri } = started;
    const caller = await client('UDP', started);
    await client('TCP', started);
    const { mediaPort } = await callIn(caller, uri, 'c1', 40_000);
    expect([await isUdpFree(target.sipPort!), await isTcpFree(target.sipPort!), await isUdpFree(mediaPort)]).toEqual([false, false, false]);
    await target.stop();
    expect([await isUdpFree(target.sipPort!), await isTcpFree(target.sipPort!)]).toEqual([true, true]);
    expect([await isUdpFree(mediaPort), await isUdpFree(mediaPort + 1)]).toEqual([true, true]);
  });

  test('a port in use is an error that says so, and leaves nothing open; sip: off opens none', async () => {
    const squatter = createServer().listen(0, '127.0.0.1');
    await once(squatter, 'listening');
    cleanups.push(() => squatter.close());
    const { port } = squatter.address() as { port: number };
    await expect(startTarget({ sipPort: port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    const { target, uri } = await start({ sip: 'off' });
    expect([target.sipPort, uri]).toEqual([null, undefined]);
  });
});
