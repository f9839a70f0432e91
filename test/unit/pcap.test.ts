// Capture files made here byte by byte: both containers in all their byte orders and clocks, every link type, IPv4 and IPv6, and the RTP stream that
// is found in them - the right one, in order, once - or the reason why none is.

import { describe, expect, it } from 'vitest';
import { readPcap } from '../../node/wire/pcap.ts';
import { readRtpStream, type StreamChoice } from '../../node/wire/pcap-rtp.ts';
import { datagramOf } from '../../node/wire/pcap-udp.ts';

const concat = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts));
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const u16 = (value: number): Uint8Array => Uint8Array.of((value >> 8) & 0xff, value & 0xff);
const u32 = (value: number): Uint8Array => concat(u16(value >>> 16), u16(value));

interface RtpRecipe {
  readonly sequence: number;
  readonly timestamp?: number;
  readonly ssrc?: number;
  readonly type?: number;
  readonly body?: Uint8Array;
}
const rtp = ({ sequence, timestamp = sequence * 160, ssrc = 7, type = 0, body = Uint8Array.of(sequence) }: RtpRecipe): Uint8Array =>
  concat(Uint8Array.of(0x80, type), u16(sequence), u32(timestamp), u32(ssrc), body);
const udp = (payload: Uint8Array, source = 4000, destination = 5000): Uint8Array =>
  concat(u16(source), u16(destination), u16(8 + payload.length), u16(0), payload);
const ipv4 = (payload: Uint8Array, { fragment = 0x4000, protocol = 17 } = {}): Uint8Array =>
  concat(
    hex('4500'),
    u16(20 + payload.length),
    u16(1),
    u16(fragment),
    Uint8Array.of(64, protocol),
    u16(0),
    hex('7f000001 7f000001'),
    payload,
  );
const ipv6 = (payload: Uint8Array, next = 17): Uint8Array =>
  concat(hex('60000000'), u16(payload.length), Uint8Array.of(next, 64), new Uint8Array(32), payload);
const ethernet = (ip: Uint8Array, type = '0800'): Uint8Array => concat(new Uint8Array(12), hex(type), ip);

interface Frame {
  readonly seconds: number;
  readonly fraction: number;
  readonly bytes: Uint8Array;
}
function classic(frames: readonly Frame[], { magic = 0xa1b2c3d4, isLittle = true, linkType = 1, cut = 0 } = {}): Uint8Array {
  const word = (value: number): Uint8Array => (isLittle ? u32(value).reverse() : u32(value));
  const half = (value: number): Uint8Array => (isLittle ? u16(value).reverse() : u16(value));
  const header = concat(word(magic), half(2), half(4), new Uint8Array(8), word(65_535), word(linkType));
  return concat(
    header,
    ...frames.map(({ seconds, fraction, bytes }) =>
      concat(word(seconds), word(fraction), word(bytes.length), word(bytes.length + cut), bytes),
    ),
  );
}
function nextGeneration(frames: readonly Frame[], { isLittle = true, resolution = 6 } = {}): Uint8Array {
  const word = (value: number): Uint8Array => (isLittle ? u32(value).reverse() : u32(value));
  const half = (value: number): Uint8Array => (isLittle ? u16(value).reverse() : u16(value));
  const block = (type: number, body: Uint8Array): Uint8Array => {
    const padded = concat(body, new Uint8Array(-body.length & 3));
    return concat(word(type), word(12 + padded.length), padded, word(12 + padded.length));
  };
  const ticks = (seconds: number, fraction: number): bigint => BigInt(seconds) * 10n ** BigInt(resolution) + BigInt(fraction);
  return concat(
    block(0x0a0d0d0a, concat(word(0x1a2b3c4d), half(1), half(0), word(0xffff_ffff), word(0xffff_ffff))),
    block(
      1,
      concat(half(1), half(0), word(0), half(2), half(3), hex('61626300'), half(9), half(1), Uint8Array.of(resolution, 0, 0, 0), word(0)),
    ),
    block(5, new Uint8Array(12)),
    ...frames.map(({ seconds, fraction, bytes }) => {
      const time = ticks(seconds, fraction);
      const words = concat(word(0), word(Number(time >> 32n)), word(Number(time & 0xffff_ffffn)), word(bytes.length), word(bytes.length));
      return block(6, concat(words, bytes));
    }),
  );
}

function stream(bytes: Uint8Array, choice?: StreamChoice) {
  const result = readRtpStream(bytes, choice);
  if (!result.ok) throw new Error(`${result.failure.kind}: ${result.failure.detail}`);
  return result.stream;
}
const failureOf = (bytes: Uint8Array, choice?: StreamChoice): string => {
  const result = readRtpStream(bytes, choice);
  return result.ok ? 'read' : result.failure.kind;
};

/** So many packets of 20 ms, beginning at 1,000 s. */
const call = (sequences: readonly number[], wrap = (packet: Uint8Array) => ethernet(ipv4(udp(packet))), unit = 1000): Frame[] =>
  sequences.map((sequence, index) => ({ seconds: 1000, fraction: index * 20 * unit, bytes: wrap(rtp({ sequence })) }));

describe('containers', () => {
  it.each([
    ['pcap, little-endian, us', classic(call([1, 2, 3]))],
    ['pcap, big-endian, us', classic(call([1, 2, 3]), { isLittle: false })],
    ['pcap, little-endian, ns', classic(call([1, 2, 3], undefined, 1_000_000), { magic: 0xa1b23c4d })],
    ['pcap, big-endian, ns', classic(call([1, 2, 3], undefined, 1_000_000), { magic: 0xa1b23c4d, isLittle: false })],
    ['pcapng, little-endian, us', nextGeneration(call([1, 2, 3]))],
    ['pcapng, big-endian, ns', nextGeneration(call([1, 2, 3], undefined, 1_000_000), { isLittle: false, resolution: 9 })],
  ])('%s', (_, bytes) => {
    const { packets } = stream(bytes);
    expect(packets.map(({ atMs, ticks, payload }) => [Math.round(atMs * 1000) / 1000, ticks, ...payload])).toEqual([
      [0, 0, 1],
      [20, 160, 2],
      [40, 320, 3],
    ]);
  });

  it.each([classic(call([1, 2, 3])), nextGeneration(call([1, 2, 3]))])('gives what came before the file breaks off', (bytes) => {
    expect(stream(bytes.subarray(0, bytes.length - 5)).packets).toHaveLength(2);
  });

  it.each([
    ['not-pcap', new Uint8Array(0)],
    ['not-pcap', new Uint8Array(100)],
    ['version', concat(classic([]).subarray(0, 4), Uint8Array.of(9, 0), classic([]).subarray(6))],
    ['snapped', classic(call([1, 2]), { cut: 1 })],
    ['garbage', concat(classic([]), new Uint8Array(8), hex('ffffff7f ffffff7f'))],
    ['garbage', concat(nextGeneration([]), hex('06000000 01000000 00000000'))],
    ['garbage', concat(nextGeneration([]).subarray(0, 28), hex('06000000 0c000000 0c000000'))],
    ['no-udp', classic([])],
    ['no-udp', classic(call([1, 2], (packet) => ethernet(ipv4(udp(packet), { protocol: 6 }))))],
    ['link-type', classic(call([1, 2]), { linkType: 105 })],
    ['no-rtp', classic(call([1]))],
    ['no-rtp', classic(call([1, 2], () => ethernet(ipv4(udp(new Uint8Array(50))))))],
  ])('refuses with %s', (kind, bytes) => {
    expect(failureOf(bytes)).toBe(kind);
  });
});

describe('frames', () => {
  const packet = udp(Uint8Array.of(42));
  it.each([
    ['Ethernet', 1, ethernet(ipv4(packet))],
    ['two VLAN tags', 1, ethernet(concat(hex('0001 8100 0002 0800'), ipv4(packet)), '88a8')],
    ['BSD loopback', 0, concat(hex('02000000'), ipv4(packet))],
    ['raw IP', 101, ipv4(packet)],
    ['raw IPv6', 229, ipv6(packet)],
    ['IPv6 with options', 101, ipv6(concat(hex('3c00 0104 0000 0000 1100 0104 0000 0000'), packet), 0)],
    ['Linux cooked', 113, concat(new Uint8Array(14), hex('0800'), ipv4(packet))],
    ['Linux cooked 2', 276, concat(hex('86dd'), new Uint8Array(18), ipv6(packet))],
    ['Ethernet padding', 1, concat(ethernet(ipv4(packet)), new Uint8Array(17))],
  ])('%s', (_, linkType, bytes) => {
    const datagram = datagramOf({ atMs: 1, linkType, bytes });
    expect(datagram).toEqual({ atMs: 1, sourcePort: 4000, destinationPort: 5000, payload: Uint8Array.of(42) });
    for (let length = 0; length < 28; length++) expect(datagramOf({ atMs: 1, linkType, bytes: bytes.subarray(0, length) })).toBeNull();
  });

  it.each([
    ['a first fragment', ipv4(packet, { fragment: 0x2000 })],
    ['a later fragment', ipv4(packet, { fragment: 0x0010 })],
    ['TCP', ipv4(packet, { protocol: 6 })],
    ['IPv6 fragments', ipv6(concat(hex('1100 0001 0000 0000'), packet), 44)],
    ['a UDP length beyond the packet', ipv4(concat(u16(1), u16(2), u16(50), u16(0)))],
    ['a UDP length below its header', ipv4(concat(u16(1), u16(2), u16(7), u16(0)))],
  ])('%s is none', (_, bytes) => {
    expect(datagramOf({ atMs: 0, linkType: 101, bytes })).toBeNull();
  });
});

describe('the stream', () => {
  const frames = (packets: readonly Uint8Array[], ports: readonly [number, number] = [4000, 5000]): Frame[] =>
    packets.map((packet, index) => ({ seconds: 5, fraction: index * 20_000, bytes: ethernet(ipv4(udp(packet, ...ports))) }));

  it('comes in the order of its sequence numbers, each packet once, over the wrap', () => {
    const order = [65_534, 0, 65_535, 65_535, 2, 1];
    const packets = order.map((sequence) => rtp({ sequence, timestamp: 160 * (sequence < 1000 ? sequence + 65_536 : sequence) }));
    const { packets: read } = stream(classic(frames(packets)));
    expect(read.map(({ ticks }) => ticks / 160)).toEqual([0, 1, 2, 3, 4]);
    expect(read.map(({ atMs }) => atMs)).toEqual(read.map(({ atMs }) => atMs).toSorted((a, b) => a - b));
  });

  it('is the one with the most packets, or the one that was asked for', () => {
    const few = frames(
      [1, 2].map((sequence) => rtp({ sequence, ssrc: 8, type: 96 })),
      [6000, 6002],
    );
    const many = frames([1, 2, 3].map((sequence) => rtp({ sequence })));
    const bytes = classic([...few, ...many, ...frames([rtp({ sequence: 9, type: 101 }), rtp({ sequence: 10, type: 101 })])]);
    expect(stream(bytes)).toMatchObject({ ssrc: 7, payloadType: 0 });
    expect(stream(bytes, { ssrc: 8 })).toMatchObject({ ssrc: 8, payloadType: 96 });
    expect(stream(bytes, { port: 6002 })).toMatchObject({ ssrc: 8 });
    expect(stream(bytes, { payloadType: 101 })).toMatchObject({ ssrc: 7, payloadType: 101 });
    expect(failureOf(bytes, { port: 7000 })).toBe('no-rtp');
  });

  it('has payloads without CSRCs, extension and padding, and no RTCP', () => {
    const dressed = (sequence: number) =>
      concat(hex('b1e0'), u16(sequence), u32(0), u32(7), u32(99), hex('bede0001 11223344'), hex('aabb 00 02'));
    const report = concat(hex('80c80006'), new Uint8Array(24));
    const { packets, payloadType } = stream(classic(frames([report, dressed(1), report, dressed(2), report])));
    expect([payloadType, packets.map(({ payload, marker }) => [Buffer.from(payload).toString('hex'), marker])]).toEqual([
      96,
      [
        ['aabb', true],
        ['aabb', true],
      ],
    ]);
  });

  it('passes over RTP whose extension or padding is longer than the packet', () => {
    const bad = [
      concat(hex('90000001'), u32(0), u32(7), hex('bede00ff')),
      concat(hex('a0000001'), u32(0), u32(7), hex('ff')),
      hex('80000001 00'),
    ];
    expect(failureOf(classic(frames([...bad, ...bad])))).toBe('no-rtp');
  });

  it('is told by the container as a result, too', () => {
    expect(readPcap(classic(call([1, 2])))).toMatchObject({ ok: true, frames: [{ linkType: 1, atMs: 1_000_000 }, { atMs: 1_000_020 }] });
  });
});
