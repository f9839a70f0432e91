// The packet engine over real sockets on loopback, on each network: what streams send is what their peers measure.

import { afterEach, describe, expect, it } from 'vitest';
import { monotonicNowMs } from '../../node/adapters/clock.ts';
import type { SrtpKey } from '../../node/media/engine-types.ts';
import { createMediaLab, type MediaLab, networkKinds } from '../support/media-lab.ts';
import { until } from '../support/until.ts';

const HOST = '127.0.0.1';
const SENDER_REPORT = 200;
const key = (byte: number): SrtpKey => ({ suite: 'AES_CM_128_HMAC_SHA1_80', keyAndSalt: new Uint8Array(30).fill(byte) });

describe.each(networkKinds)('the packet engine over %s', (kind) => {
  let lab: MediaLab;
  afterEach(() => lab.close());
  const start = (): MediaLab => {
    lab = createMediaLab({ kind });
    return lab;
  };

  it('carries a call both ways, with its quality measured and reported', async () => {
    const { engine, stream, series } = start();
    const [a, b] = [await engine.openPort({ host: HOST, isMuxed: true }), await engine.openPort({ host: HOST, isMuxed: true })];
    const firsts: number[] = [];
    const beganMs = monotonicNowMs();
    const onFirstPacket = (atMs: number): void => void firsts.push(atMs);
    const streams = [stream(a, b.rtp, { onFirstPacket }), stream(b, a.rtp, { onFirstPacket })];
    await until('both measured three intervals', () => series.values.mos.length >= 6 && series.values.roundTripMs.length >= 4);
    const totals = streams.map((each) => each.close());
    engine.flush();
    expect(engine.streamCount()).toBe(0);
    for (const each of totals) {
      expect(each.packetsSent).toBeGreaterThan(25);
      expect(each).toMatchObject({ lost: 0, reordered: 0, duplicates: 0 });
      expect(each.mosMin).toBeGreaterThan(4);
      expect(each.roundTripMs).toBeLessThan(1_000);
    }
    expect(firsts).toHaveLength(2);
    for (const firstMs of firsts) expect(firstMs).toBeGreaterThanOrEqual(beganMs);
    expect(series.losses.lost).toBe(0);
    expect(series.losses.kept).toBeGreaterThan(20);
    expect(series.sums.packetsReceived).toBe(totals.reduce((sum, each) => sum + each.packetsReceived, 0));
    expect(series.sums.bytesSent).toBe(series.sums.packetsSent * 200);
    expect([...series.rejections]).toEqual([]);
  });

  it('tells streams apart that share ports and addresses, by the SSRC told or by their own come back', async () => {
    const { engine, stream, network } = start();
    const [a, b] = [await engine.openPort({ host: HOST, isMuxed: true }), await engine.openPort({ host: HOST, isMuxed: true })];
    const told = [0, 1, 2].map((index) => {
      const remote = (port: number, ssrc: number) => ({ host: HOST, port, rtcpPort: null, ssrc });
      return [
        stream(a, b.rtp, { ssrc: 100 + index, remote: remote(b.rtp.port, 200 + index) }),
        stream(b, a.rtp, { ssrc: 200 + index, remote: remote(a.rtp.port, 100 + index) }),
      ];
    });
    const echo = await network.open({ host: HOST, port: 0, onPacket: (bytes, from) => echo.send(bytes, from) });
    const echoed = [0, 1, 2].map(() => stream(a, echo.local));
    const all = [...told.flat(), ...echoed];
    await until('all have received', () => all.every((each) => each.totals().packetsReceived >= 10));
    for (const each of all) expect(each.totals()).toMatchObject({ lost: 0, duplicates: 0 });
    await until('echoed reports tell the round trip', () => echoed.every((each) => each.totals().roundTripMs !== null));
  });

  it('opens pairs of an even port for RTP and the next for RTCP', async () => {
    const { engine, stream, series } = start();
    const open = () => engine.openPort({ host: HOST, isMuxed: false });
    const [a, b] = [await open(), await open()];
    for (const { rtp, rtcp } of [a, b]) {
      expect(rtp.port % 2).toBe(0);
      expect(rtcp.port).toBe(rtp.port + 1);
    }
    const remote = (port: typeof a) => ({ remote: { host: HOST, port: port.rtp.port, rtcpPort: port.rtcp.port, ssrc: null } });
    stream(a, b.rtp, remote(b));
    stream(b, a.rtp, remote(a));
    await until('round trips are known', () => series.values.roundTripMs.length >= 2);
    expect([...series.rejections]).toEqual([]);
  });

  it('protects and opens SRTP, and refuses what is not authentic', async () => {
    const { engine, stream, series } = start();
    const [a, b] = [await engine.openPort({ host: HOST, isMuxed: true }), await engine.openPort({ host: HOST, isMuxed: true })];
    const one = stream(a, b.rtp, { firstSequence: 5, srtp: { send: key(1), receive: key(2) } });
    const two = stream(b, a.rtp, { firstSequence: 5, srtp: { send: key(2), receive: key(1) } });
    await until('both received, and reports came through', () => series.values.roundTripMs.length >= 2);
    expect(one.totals()).toMatchObject({ lost: 0 });
    expect(two.totals().packetsReceived).toBeGreaterThan(2);
    engine.flush();
    expect([...series.rejections]).toEqual([]);
    one.close();
    stream(a, b.rtp, { srtp: { send: key(3), receive: key(2) } });
    await until('the wrong key is noticed', () => {
      engine.flush();
      return (series.rejections.get('auth') ?? 0) > 3;
    });
  });

  it('sends digits in place of audio, and hears them once each', async () => {
    const { engine, stream } = start();
    const [a, b] = [await engine.openPort({ host: HOST, isMuxed: true }), await engine.openPort({ host: HOST, isMuxed: true })];
    const heard: string[] = [];
    const one = stream(a, b.rtp, { dtmfPayloadType: 101 });
    const two = stream(b, a.rtp, {
      dtmfPayloadType: 101,
      onDtmf: (digit, durationMs) => heard.push(`${digit} ${Math.round(durationMs)}`),
    });
    await until('audio flows', () => two.totals().packetsReceived > 3);
    const endMs = one.sendDtmf('42#', { durationMs: 60, gapMs: 40 });
    expect(one.sendDtmf('1', { durationMs: 60, gapMs: 40 })).toBeCloseTo(endMs + 100, 5);
    await until('all are heard', () => heard.length === 4);
    expect(heard).toEqual(['4 60', '2 60', '# 60', '1 60']);
    await until('audio flows again', () => monotonicNowMs() > endMs + 300);
    expect(two.totals()).toMatchObject({ lost: 0, duplicates: 0 });
    expect(two.totals().jitterMs).toBeLessThan(20);
  });

  it('holds, resumes, mutes and moves to another address without calling any of it loss', async () => {
    const { engine, stream } = start();
    const open = () => engine.openPort({ host: HOST, isMuxed: true });
    const [a, b, c] = [await open(), await open(), await open()];
    const one = stream(a, b.rtp);
    const two = stream(b, a.rtp);
    const three = stream(c, a.rtp);
    await until('audio flows', () => two.totals().packetsReceived > 3);
    two.setReceiving(false);
    const held = two.totals().packetsReceived;
    const sentBefore = one.totals().packetsSent;
    await until('the other side goes on', () => one.totals().packetsSent > sentBefore + 5);
    expect(two.totals().packetsReceived).toBe(held);
    two.setReceiving(true);
    await until('audio flows again', () => two.totals().packetsReceived > held + 3);
    one.setSending(false);
    const muted = one.totals().packetsSent;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(one.totals().packetsSent).toBe(muted);
    one.setSending(true);
    await until('it goes on', () => one.totals().packetsSent > muted + 3);
    one.retarget({ host: HOST, port: c.rtp.port, rtcpPort: null, ssrc: null });
    await until('it arrives at the new place', () => three.totals().packetsReceived > 3);
    expect(two.totals().lost).toBe(0);
    expect(three.totals().lost).toBe(0);
  });

  it('counts strangers and rubbish by kind, and measures on', async () => {
    const { engine, stream, series, network } = start();
    const b = await engine.openPort({ host: HOST, isMuxed: true });
    const peer = await network.open({ host: HOST, port: 0, onPacket() {} });
    stream(b, peer.local, { script: null });
    const stranger = await network.open({ host: HOST, port: 0, onPacket() {} });
    const rtp = (sequence: number, ssrc: number, payloadType = 0, first = 0x80): Buffer => {
      const packet = Buffer.alloc(172);
      packet.set([first, payloadType, sequence >> 8, sequence]);
      packet.writeUInt32BE(ssrc, 8);
      return packet;
    };
    const sendAll = (...packets: Buffer[]): void => {
      for (const packet of packets) peer.send(packet, b.rtp);
    };
    sendAll(rtp(1, 7), rtp(2, 7), rtp(2, 7), rtp(4, 7), rtp(3, 7), rtp(5, 7, 9), rtp(6, 7, 0, 0x40), rtp(7, 7).subarray(0, 11));
    sendAll(rtp(8, 7, 0, 0x9f).subarray(0, 20), rtp(9, 7, 0, 0xa0), rtp(20_000, 7), rtp(20_001, 7), rtp(1, 8));
    sendAll(Buffer.from([0x80, 200, 0, 9, 1, 2, 3, 4]), Buffer.alloc(3_000));
    stranger.send(rtp(1, 7), b.rtp);
    const expected = new Map(
      Object.entries({
        ...{ 'payload-type': 1, version: 1, truncated: 3, padding: 1, sequence: 1, restart: 1 },
        ...{ ssrc: 1, rtcp: 1, stranger: 1 },
      }),
    );
    await until('everything is counted', () => {
      engine.flush();
      return series.rejections.get('stranger') === 1 && series.rejections.get('truncated') === 3;
    });
    expect(new Map([...series.rejections].sort())).toEqual(new Map([...expected].sort()));
    expect(series.sums).toMatchObject({ duplicates: 1, reordered: 1, packetsReceived: 5 });
  });

  it('keeps to one source while it lives, however many a bridge forwards, and takes another when it has gone silent', async () => {
    const { engine, stream, series } = start();
    const [a, b] = [await engine.openPort({ host: HOST, isMuxed: true }), await engine.openPort({ host: HOST, isMuxed: true })];
    const receiver = stream(b, a.rtp, { script: null });
    const first = stream(a, b.rtp);
    await until('one is heard', () => receiver.totals().packetsReceived > 3);
    const second = stream(a, b.rtp);
    await until('both speak', () => second.totals().packetsSent > 20);
    engine.flush();
    expect(series.rejections.get('ssrc')).toBeGreaterThan(10);
    expect(series.rejections.has('ssrc-change')).toBe(false);
    const heard = receiver.totals().packetsReceived;
    first.setSending(false);
    await until('the other is heard', () => {
      engine.flush();
      return series.rejections.get('ssrc-change') === 1 && receiver.totals().packetsReceived > heard + 3;
    });
    expect(receiver.totals()).toMatchObject({ lost: 0, duplicates: 0 });
  });

  it('sends nothing after its RTCP BYE, and measures what comes in until it is closed', async () => {
    const { engine, stream, network } = start();
    const a = await engine.openPort({ host: HOST, isMuxed: true });
    const came: number[] = [];
    const peer = await network.open({ host: HOST, port: 0, onPacket: (bytes) => void came.push(bytes[1] as number) });
    const leaving = stream(a, peer.local);
    await until('audio flows', () => came.length > 5);
    leaving.sendBye();
    leaving.sendBye();
    const { packetsSent } = leaving.totals();
    await until('the report with BYE came', () => came.at(-1) === SENDER_REPORT);
    const count = came.length;
    for (const sequence of [1, 2]) peer.send(Buffer.from([0x80, 0, 0, sequence, 0, 0, 0, 0, 0, 0, 0, 9]), a.rtp);
    await until('the rest is received', () => leaving.totals().packetsReceived === 2);
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(leaving.close().packetsSent).toBe(packetsSent);
    expect(came.length).toBe(count);
  });
});
