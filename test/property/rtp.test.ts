// RTP and RTCP gone wrong, 100,000 packets of each kind of reader: the parsers refuse or read within what they were given and write back what they read;
// the engine's receive path counts every packet as something, never throws, remembers no more for it, and its figures stay possible.

import { describe, expect, it } from 'vitest';
import { createRng } from '../../node/core/rng.ts';
import { createMediaEngine } from '../../node/media/engine.ts';
import type { MediaStreamInit } from '../../node/media/engine-types.ts';
import { profileScript } from '../../node/media/sources.ts';
import { parseRtcp, type RtcpPacket, writeRtcp } from '../../node/wire/rtcp.ts';
import { parseRtp, writeRtp } from '../../node/wire/rtp.ts';
import { keepSeries } from '../support/media-series.ts';
import { mutated } from '../support/sip-mutations.ts';
import { createStillNetwork } from '../support/still-network.ts';

const PACKETS = 100_000;
const SSRC = 0x0102_0304;
const OWN_SSRC = 0x0a0b_0c0d;

const rtpOf = (sequence: number, changes: object = {}): Buffer =>
  Buffer.from(
    writeRtp({
      ...{ marker: false, payloadType: 0, sequence, timestamp: sequence * 160, ssrc: SSRC, csrcs: [], extension: null },
      ...{ payload: new Uint8Array(160).fill(0x55), paddingBytes: 0, ...changes },
    }),
  );
const report = {
  ...{ ssrc: OWN_SSRC, fractionLost: 1, cumulativeLost: 2, highestSequence: 3 },
  ...{ jitter: 4, lastSenderReport: 5, delaySinceLastSenderReport: 6 },
};
const sdes: RtcpPacket = { type: 'sdes', chunks: [{ ssrc: SSRC, items: [{ type: 1, text: 'somebody@somewhere' }] }] };
const sr: RtcpPacket = {
  ...{ type: 'sr', ssrc: SSRC, ntpSeconds: 1, ntpFraction: 2, rtpTimestamp: 3, packetCount: 4, octetCount: 5, reports: [report] },
};
const rtcpCorpus = [
  [sr, sdes],
  [{ type: 'rr', ssrc: SSRC, reports: [report, report] } as RtcpPacket, sdes, { type: 'bye', ssrcs: [SSRC], reason: 'gone' } as RtcpPacket],
  [
    { type: 'rr', ssrc: SSRC, reports: [] } as RtcpPacket,
    { type: 'app', subtype: 1, ssrc: SSRC, name: 'quil', data: new Uint8Array(8) } as RtcpPacket,
  ],
].map((packets) => Buffer.from(writeRtcp(packets)));
const rtpCorpus = [
  rtpOf(1),
  rtpOf(2, { csrcs: [1, 2, 3], marker: true }),
  rtpOf(3, { extension: { profile: 0xbede, bytes: new Uint8Array(8) } }),
  rtpOf(4, { paddingBytes: 7 }),
  rtpOf(5, { payloadType: 101, payload: Uint8Array.of(5, 0x8a, 0, 160) }),
];

describe(`${PACKETS} packets gone wrong`, () => {
  it('are no RTP with a reason, or RTP that is written back as it was read', () => {
    const rng = createRng(11);
    const outcomes = new Map<string, number>();
    for (let count = 0; count < PACKETS; count++) {
      const bytes = mutated(rng, rtpCorpus);
      const parsed = parseRtp(bytes);
      outcomes.set(typeof parsed === 'string' ? parsed : 'read', (outcomes.get(typeof parsed === 'string' ? parsed : 'read') ?? 0) + 1);
      if (typeof parsed === 'string') continue;
      const again = writeRtp(parsed);
      // What padding is filled with is lost, nothing else.
      const end = bytes.length - parsed.paddingBytes;
      if (again.length !== bytes.length || Buffer.compare(again.subarray(0, end), bytes.subarray(0, end)) !== 0)
        throw new Error(`read from ${bytes.toString('hex')}, written ${Buffer.from(again).toString('hex')}`);
    }
    expect([...outcomes.keys()].sort()).toEqual(['padding', 'read', 'truncated', 'version']);
    expect(outcomes.get('read')).toBeGreaterThan(PACKETS / 10);
  });

  it('are no RTCP with a reason, or a compound that means the same when it is written again', () => {
    const rng = createRng(12);
    let read = 0;
    for (let count = 0; count < PACKETS; count++) {
      const bytes = mutated(rng, rtcpCorpus);
      const parsed = parseRtcp(bytes);
      if (!parsed.ok) continue;
      read += 1;
      const again = parseRtcp(writeRtcp(parsed.packets));
      // Text that was no UTF-8 is longer when it is written again, and may not fit its count any more.
      if (bytes.every((byte) => byte < 0x80 || byte > 0xbf) && JSON.stringify(again) !== JSON.stringify(parsed)) {
        const isText = JSON.stringify(parsed).includes('\ufffd');
        if (!isText) throw new Error(`read from ${bytes.toString('hex')}: ${JSON.stringify(parsed)} became ${JSON.stringify(again)}`);
      }
    }
    expect(read).toBeGreaterThan(PACKETS / 100);
  });

  it('reach the engine, which counts each as something and measures on', async () => {
    const rng = createRng(13);
    let nowMs = 1_000;
    const network = createStillNetwork();
    const health = { taint() {}, socketDrops() {} };
    const engine = createMediaEngine({ nowMs: () => nowMs, network, random: rng.float, qualityIntervalMs: 5_000, health });
    const series = keepSeries();
    const port = await engine.openPort({ host: '127.0.0.1', isMuxed: true });
    const peer = network.address('127.0.0.1', 4_000);
    const digits: string[] = [];
    const init: MediaStreamInit = {
      ...{ port, remote: { host: peer.host, port: peer.port, rtcpPort: null, ssrc: null } },
      ...{ ssrc: OWN_SSRC, firstSequence: 0, firstTimestamp: 0, cname: 'x', script: profileScript('audio-80k'), sendPayloadType: 0 },
      startAtMs: nowMs,
      receive: { payloadTypes: [0], clockRateHz: 8_000, codec: 'PCMU', expectedBitsPerSecond: 80_000 },
      ...{ dtmfPayloadType: 101, srtp: null, series, onDtmf: (digit: string) => void digits.push(digit) },
    };
    const stream = engine.openStream(init);
    const secure = { suite: 'AES_CM_128_HMAC_SHA1_80' as const, keyAndSalt: new Uint8Array(30) };
    const securePort = await engine.openPort({ host: '127.0.0.1', isMuxed: true });
    const protectedStream = engine.openStream({ ...init, port: securePort, ssrc: OWN_SSRC + 1, srtp: { send: secure, receive: secure } });
    const strangers = [peer, network.address('127.0.0.1', 4_001)];
    let sound = 0;
    for (let count = 0; count < PACKETS; count++) {
      nowMs += rng.float() * 2;
      if (count % 64 === 0) network.pass(nowMs);
      // A sound packet now and then, so that there is something to spoil.
      if (count % 4 === 0) network.receive(port.rtp.port, rtpOf(sound++ & 0xffff), peer, nowMs);
      const bytes = mutated(rng, rng.below(4) === 0 ? rtcpCorpus : rtpCorpus);
      network.receive(rng.below(8) === 0 ? securePort.rtp.port : port.rtp.port, bytes, strangers[rng.below(10) === 0 ? 1 : 0]!, nowMs);
    }
    engine.flush();
    const { packetsReceived, packetsExpected, jitterMs, duplicates, reordered } = stream.totals();
    expect(packetsReceived).toBeGreaterThan(0);
    expect(packetsReceived).toBeLessThanOrEqual(packetsExpected);
    expect(series.sums.packetsReceived).toBe(packetsReceived + protectedStream.totals().packetsReceived);
    expect(protectedStream.totals().packetsReceived).toBe(0);
    // These tell something of a packet that was received all the same.
    const notes = ['restart', 'ssrc-change', 'event'];
    const rejected = [...series.rejections].reduce((sum, [kind, count]) => sum + (notes.includes(kind) ? 0 : count), 0);
    expect(rejected + packetsReceived + duplicates).toBeLessThanOrEqual(PACKETS + sound);
    expect(rejected + packetsReceived + duplicates).toBeGreaterThan((PACKETS + sound) * 0.97);
    expect(Number.isFinite(jitterMs) && jitterMs >= 0 && reordered >= 0).toBe(true);
    for (const share of series.values.lossShare) expect(share >= 0 && share <= 1).toBe(true);
    for (const mos of series.values.mos) expect(mos >= 1 && mos <= 5).toBe(true);
    // Kinds are ours, not the sender's.
    const kinds = ['auth', 'event', 'late', 'padding', 'payload-type', 'probation', 'restart', 'rtcp', 'rtcp-stranger', 'sequence'];
    expect([...kinds, 'ssrc', 'ssrc-change', 'stranger', 'truncated', 'version']).toEqual(
      expect.arrayContaining([...series.rejections.keys()]),
    );
    expect(series.rejections.size).toBeGreaterThan(10);
    expect(engine.streamCount()).toBe(2);
    engine.close();
    expect(engine.streamCount()).toBe(0);
  });
});
