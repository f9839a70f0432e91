// Packet scripts: that the profiles have the rate their names promise, that every script keeps the engine's contract (packet-script.ts), and that
// files become the packets they should.

import { describe, expect, it } from 'vitest';
import { type PacketScript, scriptBitsPerSecond, scriptPacketsPerSecond } from '../../node/media/packet-script.ts';
import { PROFILES, patternScript, profileScript, videoScript } from '../../node/media/sources.ts';
import { pcapScript, wavScript } from '../../node/media/sources-files.ts';
import { decodeG711 } from '../../node/wire/g711.ts';

const videos = (['H264', 'VP8'] as const).flatMap((codec) =>
  [64_000, 150_000, 1_500_000].flatMap((bitsPerSecond) =>
    [15, 29.97, 30].map((framesPerSecond) => ({ codec, bitsPerSecond, framesPerSecond, gop: 45, packetBytesMax: 1200 })),
  ),
);
const opus = [10, 20, 30, 60, 120].map((ptimeMs) => patternScript({ codec: 'opus', ptimeMs }));

function unwrap(result: ReturnType<typeof wavScript>): PacketScript {
  if (!result.ok) throw new Error(`${result.failure.kind}: ${result.failure.detail}`);
  return result.script;
}

function wav(samples: number): Uint8Array {
  const header = Buffer.from('RIFF____WAVEfmt ____\x01\0\x01\0____________data____', 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt32LE(8000, 24);
  header.writeUInt16LE(16, 34);
  header.writeUInt32LE(samples * 2, 40);
  return Uint8Array.from(Buffer.concat([header, new Uint8Array(Int16Array.from({ length: samples }, (_, n) => n).buffer)]));
}

interface Captured {
  readonly atMs: number;
  readonly timestamp: number;
  readonly bytes?: number;
}
function capture(packets: readonly Captured[], type = 0): Uint8Array {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt32LE(101, 20);
  const records = packets.map(({ atMs, timestamp, bytes = 160 }, sequence) => {
    const packet = Buffer.alloc(16 + 40 + bytes);
    packet.writeUInt32LE(Math.floor(atMs / 1000), 0);
    packet.writeUInt32LE((atMs % 1000) * 1000, 4);
    packet.writeUInt32LE(40 + bytes, 8);
    packet.writeUInt32LE(40 + bytes, 12);
    packet.set([0x45, 0, (40 + bytes) >> 8, (40 + bytes) & 0xff], 16);
    packet[25] = 17;
    packet.writeUInt16BE(4000, 36);
    packet.writeUInt16BE(5000, 38);
    packet.writeUInt16BE(20 + bytes, 40);
    packet.set([0x80, type], 44);
    packet.writeUInt16BE(sequence, 46);
    packet.writeUInt32BE(timestamp >>> 0, 48);
    packet.writeUInt32BE(1, 52);
    return packet;
  });
  return Uint8Array.from(Buffer.concat([header, ...records]));
}

describe('profiles', () => {
  it('audio-80k is PCMU at 20 ms: 200 bytes, fifty times a second', () => {
    const script = profileScript('audio-80k');
    expect([script.codec, scriptBitsPerSecond(script), scriptPacketsPerSecond(script)]).toEqual(['PCMU', 80_000, 50]);
    expect(script).toMatchObject({ kind: 'audio', clockRateHz: 8000, cycleMs: 20, cycleTicks: 160 });
  });

  it('video-150k is 150 kbit/s within 1 %, 15 frames a second, a larger keyframe in two seconds', () => {
    const script = profileScript('video-150k');
    expect(scriptBitsPerSecond(script) / 150_000).toBeCloseTo(1, 2);
    expect(script.packets.filter(({ marker }) => marker)).toHaveLength(30);
    const bytes = Map.groupBy(script.packets, ({ timestamp }) => timestamp);
    const sizes = [...bytes.values()].map((packets) => packets.reduce((sum, { payload }) => sum + payload.length, 0));
    expect(sizes[0]).toBeGreaterThan(3 * Math.max(...sizes.slice(1)));
    expect([...bytes.keys()].slice(0, 3)).toEqual([0, 6000, 12_000]);
  });
});

describe('tones', () => {
  it.each(['PCMU', 'PCMA'] as const)('%s has no seam where the cycle begins again, and the level of speech', (codec) => {
    const { packets } = patternScript({ codec, ptimeMs: 20 });
    const samples = decodeG711(codec, (packets[0] as (typeof packets)[0]).payload);
    expect(samples).toHaveLength(160);
    for (let n = 0; n < 140; n++) expect(samples[n + 20]).toBe(samples[n]);
    expect(Math.max(...samples)).toBeGreaterThan(3000);
    expect(Math.max(...samples)).toBeLessThan(3400);
  });

  it.each([
    [10, 40, '70'],
    [20, 80, '78'],
    [30, 119, '7303'],
    [60, 239, '7b03'],
    [120, 476, '7b06'],
  ])('Opus of %i ms has %i bytes and says how many frames they are', (ptimeMs, bytes, beginning) => {
    const { packets, cycleTicks } = patternScript({ codec: 'opus', ptimeMs });
    const payload = Buffer.from((packets[0] as (typeof packets)[0]).payload);
    expect([payload.length, payload.subarray(0, beginning.length / 2).toString('hex'), cycleTicks]).toEqual([
      bytes,
      beginning,
      ptimeMs * 48,
    ]);
  });
});

describe('video', () => {
  it.each(videos)('$codec at $bitsPerSecond bit/s and $framesPerSecond frames a second has that rate within 1 %', (init) => {
    expect(scriptBitsPerSecond(videoScript(init)) / init.bitsPerSecond).toBeCloseTo(1, 2);
  });

  it('spreads the packets of a frame over most of its interval', () => {
    const { packets } = videoScript({ codec: 'VP8', bitsPerSecond: 3_000_000, framesPerSecond: 25, gop: 50, packetBytesMax: 1200 });
    const second = packets.filter(({ timestamp }) => timestamp === 3600).map(({ dueMs }) => dueMs - 40);
    expect(second.length).toBeGreaterThan(8);
    expect(second[0]).toBe(0);
    expect(second.at(-1)).toBeGreaterThan(24);
    expect(second.at(-1)).toBeLessThan(32);
    const steps = second.slice(1).map((due, index) => due - (second[index] as number));
    expect(Math.max(...steps) - Math.min(...steps)).toBeLessThan(1e-6);
  });

  it('gives VP8 frames picture ids only where they can go on from cycle to cycle', () => {
    const idsOf = (gop: number): (number | null)[] =>
      videoScript({ codec: 'VP8', bitsPerSecond: 100_000, framesPerSecond: 30, gop, packetBytesMax: 1200 }).packets.map(({ payload }) =>
        (payload[0] as number) >= 0x80 ? (payload[2] as number) : null,
      );
    expect(new Set(idsOf(30))).toEqual(new Set([null]));
    expect(new Set(idsOf(128)).size).toBe(128);
  });
});

describe('files', () => {
  it('plays a WAV in packets, the last filled up with silence', () => {
    const script = unwrap(wavScript({ bytes: wav(400), codec: 'PCMA', ptimeMs: 20 }));
    expect(script).toMatchObject({ codec: 'PCMA', cycleMs: 60, cycleTicks: 480 });
    expect(script.packets.map(({ dueMs, timestamp, marker }) => [dueMs, timestamp, marker])).toEqual([
      [0, 0, true],
      [20, 160, false],
      [40, 320, false],
    ]);
    const last = decodeG711('PCMA', (script.packets[2] as (typeof script.packets)[0]).payload);
    expect(Math.abs((last[79] as number) - 399)).toBeLessThan(16);
    expect(Math.abs(last[80] as number)).toBeLessThanOrEqual(8);
    expect(wavScript({ bytes: new Uint8Array(9), codec: 'PCMU', ptimeMs: 20 })).toMatchObject({ ok: false, failure: { kind: 'not-wav' } });
  });

  it('replays a capture with its timing, over the wrap of its timestamps, one step beyond its end', () => {
    const bytes = capture([5000, 5021, 5039, 5060].map((atMs, index) => ({ atMs, timestamp: 0xffff_ff00 + index * 160 })));
    const script = unwrap(pcapScript({ bytes, kind: 'audio' }));
    expect(script.packets.map(({ dueMs, timestamp }) => [dueMs, timestamp])).toEqual([
      [0, 0],
      [21, 160],
      [39, 320],
      [60, 480],
    ]);
    expect(script).toMatchObject({ codec: 'PCMU', clockRateHz: 8000, cycleMs: 80, cycleTicks: 640 });
  });

  it.each([
    [
      'codec',
      capture(
        [
          { atMs: 0, timestamp: 0 },
          { atMs: 20, timestamp: 160 },
        ],
        96,
      ),
      {},
    ],
    [
      'clock-rate',
      capture(
        [
          { atMs: 0, timestamp: 0 },
          { atMs: 20, timestamp: 160 },
        ],
        96,
      ),
      { codec: 'iLBC' },
    ],
    [
      'too-large',
      capture([
        { atMs: 0, timestamp: 0 },
        { atMs: 20, timestamp: 160, bytes: 1401 },
      ]),
      {},
    ],
    [
      'stands-still',
      capture([
        { atMs: 0, timestamp: 5 },
        { atMs: 20, timestamp: 5 },
      ]),
      {},
    ],
    [
      'stands-still',
      capture([
        { atMs: 0, timestamp: 0 },
        { atMs: 20, timestamp: 1e9 },
      ]),
      {},
    ],
    [
      'no-rtp',
      capture([
        { atMs: 0, timestamp: 0 },
        { atMs: 20, timestamp: 160 },
      ]),
      { choice: { port: 1 } },
    ],
  ])('says %s when a capture cannot be replayed', (kind, bytes, options) => {
    expect(pcapScript({ bytes, kind: 'audio', ...options })).toMatchObject({ ok: false, failure: { kind } });
  });
});

describe('every script', () => {
  const all: [string, PacketScript][] = [
    ...PROFILES.map((profile): [string, PacketScript] => [profile, profileScript(profile)]),
    ...opus.map((script): [string, PacketScript] => [`opus ${script.cycleMs}`, script]),
    ...videos.map((init): [string, PacketScript] => [`${init.codec} ${init.bitsPerSecond} ${init.framesPerSecond}`, videoScript(init)]),
    ['a WAV', unwrap(wavScript({ bytes: wav(8000), codec: 'PCMU', ptimeMs: 30 }))],
    [
      'a capture',
      unwrap(
        pcapScript({
          bytes: capture(
            [
              { atMs: 7, timestamp: 0 },
              { atMs: 9, timestamp: 3000 },
            ],
            96,
          ),
          kind: 'video',
          codec: 'VP8',
        }),
      ),
    ],
  ];
  it.each(all)('%s keeps the contract', (_, { packets, cycleMs, cycleTicks, clockRateHz }) => {
    let due = 0;
    for (const { dueMs, payload } of packets) {
      expect(dueMs).toBeGreaterThanOrEqual(due);
      expect(payload.length).toBeLessThanOrEqual(1400);
      due = dueMs;
    }
    expect(due).toBeLessThan(cycleMs);
    expect(Number.isInteger(cycleTicks) && packets.every(({ timestamp }) => Number.isInteger(timestamp))).toBe(true);
    // Timestamps advance as time does: no drift from cycle to cycle.
    expect(Math.abs((cycleTicks * 1000) / clockRateHz - cycleMs)).toBeLessThan(0.01);
  });
});
