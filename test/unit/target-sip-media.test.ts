// The target's media over an in-memory network: echo, forwarding, tone, RTCP, what is refused, what the settings do to packets, and the pool of ports.

import { afterEach, describe, expect, test } from 'vitest';
import { drawAt, STREAMS } from '../../tools/target/chance.ts';
import { localHostToward } from '../../tools/target/sip/local-host.ts';
import { createMediaPorts } from '../../tools/target/sip/media-ports.ts';
import { createReception, recordPacket, takeReport } from '../../tools/target/sip/reception.ts';
import { readCompound } from '../../tools/target/sip/rtcp-answer.ts';
import { TONES } from '../../tools/target/sip/tone.ts';
import { answered, createLab, createLabNetwork, type Lab } from '../support/target-sip-lab.ts';
import { header, rtp, sdpText, senderReport, withSdp } from '../support/target-sip-messages.ts';

const labs: Lab[] = [];

afterEach(() => {
  for (const lab of labs.splice(0)) lab.close();
});

function lab(...init: Parameters<typeof createLab>): Lab {
  const made = createLab(...init);
  labs.push(made);
  return made;
}

/** A call from this port; `send` gives its packets to the bridge's port. */
async function call(a: Lab, port: number, sdp: Parameters<typeof sdpText>[0] = {}) {
  const toTag = await answered(a, `c${port}`, withSdp(sdpText({ port, ...sdp })));
  const ok = a.sent.findLast(
    ({ status, method, headers }) => status === 200 && method === 'INVITE' && headers.get('call-id')?.[0] === `c${port}`,
  )!;
  const bridgePort = Number(/m=audio (\d+)/.exec(ok.body)?.[1]);
  const from = a.network.address('127.0.0.1', port);
  return {
    toTag,
    bridgePort,
    send: (bytes: Uint8Array, fromPort = port, toPort = bridgePort) =>
      a.network.deliver(bytes, a.network.address('127.0.0.1', fromPort), toPort),
    heard: () => a.network.sent.filter(({ to }) => to === from).map(({ bytes }) => Buffer.from(bytes)),
  };
}

const media = ({ service }: Lab) => service.counters.sip.rtp;
const sequenceOf = (packet: Buffer): number => packet.readUInt16BE(2);

describe('echo', () => {
  test('a packet comes back as it is', async () => {
    const a = lab();
    const one = await call(a, 40_000);
    const packet = rtp({ sequence: 7, payload: Uint8Array.of(1, 2, 3) });
    one.send(packet);
    expect(one.heard()).toEqual([packet]);
    expect(a.network.sent[0]!.fromPort).toBe(one.bridgePort);
    expect(media(a)).toMatchObject({ in: 1, out: 1, rejected: {} });
  });

  test('refused and counted by kind: strangers, truncated, wrong version, other payload types, while on hold, RTCP where it is not expected', async () => {
    const a = lab();
    const one = await call(a, 40_000);
    one.send(rtp({ sequence: 1 }), 40_002);
    one.send(rtp({ sequence: 1 }).subarray(0, 11));
    one.send(Buffer.alloc(0));
    one.send(Buffer.from([0x8f, 0, ...new Uint8Array(40)]));
    one.send(Buffer.from([0x90, 0, ...new Uint8Array(12), 0xff, 0xff]));
    one.send(Buffer.from([0x40, 0, ...new Uint8Array(20)]));
    one.send(rtp({ sequence: 1, payloadType: 96 }));
    one.send(senderReport(1, 1, 1));
    await a.request('INVITE', { callId: 'c40000', toTag: one.toTag, cseq: 2, ...withSdp(sdpText({ audio: ['a=inactive'] })) });
    one.send(rtp({ sequence: 1 }));
    expect(media(a).rejected).toEqual({ stranger: 1, truncated: 4, version: 1, 'payload-type': 1, 'rtcp-port': 1, 'on-hold': 1 });
    expect(media(a)).toMatchObject({ in: 0, out: 0 });
  });

  test('nothing is heard on hold, after the call, or with sipMedia none', async () => {
    const a = lab();
    const one = await call(a, 40_000);
    await a.request('INVITE', { callId: 'c40000', toTag: one.toTag, cseq: 2, ...withSdp(sdpText({ audio: ['a=sendonly'] })) });
    await a.request('ACK', { callId: 'c40000', toTag: one.toTag, cseq: 2 });
    one.send(rtp({ sequence: 1 }));
    a.service.settings.sipMedia = 'none';
    one.send(rtp({ sequence: 2 }));
    await a.request('BYE', { callId: 'c40000', toTag: one.toTag, cseq: 3 });
    one.send(rtp({ sequence: 3 }));
    expect(one.heard()).toEqual([]);
    expect(media(a)).toMatchObject({ in: 2, rejected: { stranger: 1 } });
  });
});

describe('what the settings do to packets', () => {
  test('loss, duplicates and reordering: the n-th packet has the fate that the seed gives it', async () => {
    const a = lab({ rtpLossRate: 0.2, rtpDuplicateRate: 0.2, rtpReorderRate: 0.2, seed: 3 });
    const one = await call(a, 40_000);
    const expected: number[] = [];
    const fates = { rtpLoss: 0, rtpDuplicate: 0, rtpReorder: 0 };
    let held: number | null = null;
    for (let sequence = 0; sequence < 200; sequence += 1) {
      const draw = drawAt(3, STREAMS.rtpFate, sequence);
      const before: number | null = held;
      held = null;
      if (draw < 0.2) fates.rtpLoss += 1;
      else if (draw < 0.4) {
        fates.rtpDuplicate += 1;
        expected.push(sequence, sequence);
      } else if (draw < 0.6 && before === null) {
        fates.rtpReorder += 1;
        held = sequence;
      } else expected.push(sequence);
      if (before !== null) expected.push(before);
      one.send(rtp({ sequence }));
    }
    expect(one.heard().map(sequenceOf)).toEqual(expected);
    expect(a.service.counters.sip.injected).toMatchObject(fates);
    for (const count of Object.values(fates)) expect(count).toBeGreaterThan(10);
  });

  test('delay: in order, that much later, and the content of then', async () => {
    const a = lab({ rtpDelayMs: 40 });
    const one = await call(a, 40_000);
    for (let sequence = 0; sequence < 3; sequence += 1) {
      one.send(rtp({ sequence, payload: Uint8Array.of(sequence) }));
      await a.clock.advance(10);
    }
    expect(one.heard()).toEqual([]);
    await a.clock.advance(10);
    expect(one.heard().map(sequenceOf)).toEqual([0]);
    await a.clock.advance(100);
    expect(one.heard().map((packet) => [sequenceOf(packet), packet[12]])).toEqual([
      [0, 0],
      [1, 1],
      [2, 2],
    ]);
  });
});

describe('forwarding', () => {
  test('to all others of the meeting, source kept, payload type theirs; not to those on hold or without the codec', async () => {
    const a = lab({ sipMedia: 'forward' });
    const one = await call(a, 40_000, { formats: '111', audio: ['a=rtpmap:111 opus/48000/2'] });
    const two = await call(a, 40_100, { formats: '96', audio: ['a=rtpmap:96 opus/48000/2'] });
    const held = await call(a, 40_200, { formats: '111', audio: ['a=rtpmap:111 opus/48000/2', 'a=sendonly'] });
    const other = await call(a, 40_300, { formats: '0' });
    one.send(rtp({ sequence: 5, ssrc: 77, payloadType: 111, marker: true }));
    expect(two.heard()).toEqual([rtp({ sequence: 5, ssrc: 77, payloadType: 96, marker: true })]);
    expect([one, held, other].map(({ heard }) => heard())).toEqual([[], [], []]);
  });

  test('three speakers at a time; a place is free again after a silence, or when its holder leaves', async () => {
    const a = lab({ sipMedia: 'forward' });
    const talkers = [];
    for (let index = 0; index < 5; index += 1) talkers.push(await call(a, 40_000 + 10 * index));
    const [first, second, third, fourth, listener] = talkers as [
      (typeof talkers)[0],
      (typeof talkers)[0],
      (typeof talkers)[0],
      (typeof talkers)[0],
      (typeof talkers)[0],
    ];
    const talk = (who: typeof first, ssrc: number): void => who!.send(rtp({ sequence: 1, ssrc }));
    for (const [index, who] of [first, second, third, fourth].entries()) talk(who, index + 1);
    const heard = () => listener!.heard().map((packet) => packet.readUInt32BE(8));
    expect(heard()).toEqual([1, 2, 3]);
    await a.clock.advance(300);
    talk(first, 1);
    talk(second, 2);
    await a.clock.advance(200);
    talk(fourth, 4);
    expect(heard()).toEqual([1, 2, 3, 1, 2, 4]);
    talk(third, 3);
    expect(heard()).toHaveLength(6);
    await a.request('BYE', { callId: 'c40000', toTag: first!.toTag, cseq: 2 });
    talk(third, 3);
    expect(heard()).toEqual([1, 2, 3, 1, 2, 4, 3]);
  });
});

describe('tone', () => {
  test('50 packets a second of G.711, sequence and timestamps advancing, from the answer to the end', async () => {
    const a = lab({ sipMedia: 'tone' });
    const one = await call(a, 40_000, { formats: '8' });
    await a.clock.advance(1_010);
    const heard = one.heard();
    expect(heard).toHaveLength(50);
    const first = heard[0]!;
    expect([first[0], first[1], heard[1]![1]]).toEqual([0x80, 0x88, 0x08]);
    for (const [index, packet] of heard.entries()) {
      expect((packet.readUInt16BE(2) - sequenceOf(first)) & 0xffff).toBe(index);
      expect(packet.readUInt32BE(4)).toBe(160 * index);
      expect(packet.readUInt32BE(8)).toBe(first.readUInt32BE(8));
      expect(packet.subarray(12)).toEqual(Buffer.from(TONES.get('PCMA')!));
    }
    await a.request('BYE', { callId: 'c40000', toTag: one.toTag, cseq: 2 });
    await a.clock.advance(1_000);
    expect(one.heard()).toHaveLength(50);
  });
});

describe('RTCP', () => {
  test('a sender report is answered at once with what came, and its own time for the round trip', async () => {
    const a = lab();
    const one = await call(a, 40_000);
    for (const sequence of [65_534, 65_535, 1, 2]) one.send(rtp({ sequence, ssrc: 0xcafe }));
    one.send(senderReport(0xcafe, 0x11112222, 0x33334444), 40_001, one.bridgePort + 1);
    const [answer] = a.network.sent.filter(({ to }) => to.port === 40_001).map(({ bytes }) => Buffer.from(bytes));
    expect(readCompound(answer!)).toEqual({ reportTime: null, hasBye: false });
    expect([answer![0], answer![1]]).toEqual([0x81, 201]);
    expect(answer!.readUInt32BE(8)).toBe(0xcafe);
    expect(answer![12]).toBe(Math.floor(256 / 5));
    expect(answer!.readUIntBE(13, 3)).toBe(1);
    expect(answer!.readUInt32BE(16)).toBe(65_536 + 2);
    expect(answer!.readUInt32BE(24)).toBe(0x22223333);
    expect(answer!.readUInt32BE(28)).toBe(0);
    expect(media(a)).toMatchObject({ rtcpIn: 1, rtcpOut: 1 });
  });

  test('multiplexed on the RTP port where the offer says so; a BYE has no answer, rubbish is counted', async () => {
    const a = lab();
    const one = await call(a, 40_000, { audio: ['a=rtcp-mux'] });
    one.send(senderReport(1, 2, 3));
    expect(one.heard().map((packet) => packet[1])).toEqual([201]);
    one.send(Buffer.concat([senderReport(1, 2, 3), Buffer.from([0x81, 203, 0, 1, 0, 0, 0, 1])]));
    const rubbish = [
      senderReport(1, 2, 3).subarray(0, 20),
      Buffer.from([0x80, 202, 0, 0]),
      Buffer.from([0x80, 200, 0, 0]),
      Buffer.from([0x00, 200, 0, 0]),
    ];
    for (const bytes of rubbish) one.send(bytes);
    expect(one.heard()).toHaveLength(1);
    expect(media(a)).toMatchObject({ rtcpIn: 2, rtcpOut: 1, rejected: { rtcp: 4 } });
  });

  test('jitter and loss as RFC 3550 counts them; a jump starts again', () => {
    const reception = createReception();
    expect(takeReport(reception, 0)).toBeNull();
    for (let index = 0; index < 200; index += 1) recordPacket(reception, 9, index, index * 160, index * 160 + (index % 2 === 0 ? 0 : 80));
    const report = takeReport(reception, 0)!;
    // |D| is 80 for every packet, so J comes to 80 (A.8).
    expect(report).toMatchObject({ fractionLost: 0, cumulativeLost: 0, highestSequence: 199, jitter: 80 });
    recordPacket(reception, 9, 30_000, 0, 0);
    expect(takeReport(reception, 0)).toMatchObject({ cumulativeLost: 0, highestSequence: 30_000, jitter: 0 });
  });
});

describe('the address that descriptions name when the target listens on all', () => {
  const address = (text: string, internal = false) => ({ address: text.split('/')[0]!, family: 'IPv4' as const, internal, cidr: text });
  const machine = [address('127.0.0.1/8', true), address('10.1.0.5/16'), address('192.0.2.7/24')];

  test.each([
    ['in the network of the caller', '192.0.2.200', '192.0.2.7'],
    ['loopback for one on this machine', '127.0.0.9', '127.0.0.1'],
    ['the first that is not loopback for one far away', '203.0.113.1', '10.1.0.5'],
    ['loopback where there is no other of the family', '2001:db8::1', '::1'],
  ])('%s', (_name, peer, expected) => {
    expect(localHostToward(peer, machine)).toBe(expected);
  });
});

describe('ports', () => {
  test('of their own, used again; above sipPortsMax shared by streams from different addresses', async () => {
    const a = lab({ sipPortsMax: 2 });
    const one = await call(a, 40_000);
    const two = await call(a, 40_100);
    expect([one.bridgePort % 2, two.bridgePort - one.bridgePort]).toEqual([0, 2]);
    const three = await call(a, 40_200);
    const four = await call(a, 40_300);
    expect(a.network.openPorts()).toHaveLength(4);
    expect(new Set([three.bridgePort, four.bridgePort])).toEqual(new Set([one.bridgePort, two.bridgePort]));
    for (const each of [one, two, three, four]) each.send(rtp({ sequence: each.bridgePort }));
    for (const each of [one, two, three, four]) expect(each.heard().map(sequenceOf)).toEqual([each.bridgePort]);
    await a.request('BYE', { callId: 'c40000', toTag: one.toTag, cseq: 2 });
    one.send(rtp({ sequence: 1 }));
    expect(media(a).rejected).toEqual({ stranger: 1 });
    three.send(rtp({ sequence: 2 }));
    expect(three.heard()).toHaveLength(2);
  });

  test('one address, one stream on a shared port: the third call from it is refused with 503', async () => {
    const a = lab({ sipPortsMax: 2 });
    for (const callId of ['c1', 'c2', 'c3']) await a.request('INVITE', { callId, ...withSdp(sdpText()) });
    const finals = a.sent.filter(({ status }) => status >= 200);
    expect(finals.map(({ status }) => status)).toEqual([200, 200, 503]);
    expect(header(finals[2]!, 'warning')).toContain('every media port');
    expect(a.service.counters.participants.active).toBe(2);
  });

  test('a port taken beside a free one: another pair is looked for; taken while closing: nothing stays open', async () => {
    const network = createLabNetwork();
    await network.open({ host: '127.0.0.1', port: 20_001, onPacket: () => {} });
    const ports = createMediaPorts<string>({ network, host: '127.0.0.1', portsMax: 4, onPacket: () => {} });
    const [pair, other] = await Promise.all([ports.take('a', null), ports.take('b', null)]);
    expect(pair!.rtp.local.port % 2).toBe(0);
    expect(pair!.rtcp.local.port).toBe(pair!.rtp.local.port + 1);
    expect(other!.rtp.local.port).not.toBe(pair!.rtp.local.port);
    const late = ports.take('c', null);
    ports.close();
    expect(await late).toBeNull();
    expect(network.openPorts()).toEqual([20_001]);
  });
});
