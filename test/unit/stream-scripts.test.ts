// From a stream's options to codecs, scripts, rates and complaints: what is offered in which order, and that no option makes packets that cannot be sent.

import { describe, expect, it } from 'vitest';
import { scriptBitsPerSecond } from '../../node/media/packet-script.ts';
import { audioShape, type StreamOptions, videoShape } from '../../node/media/stream-options.ts';
import { checkStreamFiles, codecsOf, scriptsOf, streamPacketsPerSecond } from '../../node/media/stream-scripts.ts';

type Written = Exclude<StreamOptions, false>;
const audio = (options: object): Written => audioShape.parse(options) as Written;
const video = (options: object): Written => videoShape.parse(options) as Written;
const noFiles = (path: string): Uint8Array => {
  throw new Error(`unexpected file ${path}`);
};
const everything = { fileExists: () => true };

/** 8 kHz, mono, 16 bits. */
function wavOf(samples: number): Uint8Array {
  const bytes = Buffer.alloc(44 + 2 * samples);
  bytes.write('RIFF\0\0\0\0WAVEfmt ', 'latin1');
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(8000, 24);
  bytes.writeUInt16LE(16, 34);
  bytes.write('data', 36, 'latin1');
  bytes.writeUInt32LE(2 * samples, 40);
  return bytes;
}

describe('codecs', () => {
  it.each([
    ['audio-80k', [['PCMU', 0, 8000]]],
    ['video-150k', [['VP8', 96, 90_000]]],
    [video({ codec: 'H264' }), [['H264', 97, 90_000]]],
    [
      audio({ codec: 'opus', accept: ['PCMA', 'opus', 'PCMU'] }),
      [
        ['opus', 111, 48_000],
        ['PCMA', 8, 8000],
        ['PCMU', 0, 8000],
      ],
    ],
  ] as const)('of %j', (written, expected) => {
    expect(codecsOf(written).map(({ name, payloadType, clockRateHz }) => [name, payloadType, clockRateHz])).toEqual(expected);
  });

  it('say what receivers need to know', () => {
    expect(codecsOf(audio({ codec: 'opus' }))[0]?.channels).toBe(2);
    expect(codecsOf(video({ codec: 'H264' }))[0]?.fmtp).toBe('packetization-mode=1;profile-level-id=42e01f');
  });
});

describe('scripts', () => {
  it('are there for every codec, by upper-case name, with the packet time and bit rate that were written', () => {
    const scripts = scriptsOf(audio({ codec: 'opus', accept: ['PCMU'], packetTime: '40ms', bitrate: '24k' }), noFiles);
    expect([...scripts].map(([name, { codec, cycleMs, packets }]) => [name, codec, cycleMs, packets[0]?.payload.length])).toEqual([
      ['OPUS', 'opus', 40, 120],
      ['PCMU', 'PCMU', 40, 320],
    ]);
  });

  it('of video have the bit rate on the wire', () => {
    const script = scriptsOf(video({ codec: 'H264', bitrate: '1.5M', framesPerSecond: 30, keyframeEvery: '1s' }), noFiles).get('H264');
    expect(script && scriptBitsPerSecond(script) / 1.5e6).toBeCloseTo(1, 2);
    expect(script?.cycleMs).toBe(1000);
  });

  it('play a WAV in every G.711 codec', () => {
    const scripts = scriptsOf(audio({ codec: 'PCMA', accept: ['PCMU'], file: 'talk.wav' }), (path) => {
      expect(path).toBe('talk.wav');
      return wavOf(400);
    });
    expect([...scripts].map(([name, { packets }]) => [name, packets.length])).toEqual([
      ['PCMA', 3],
      ['PCMU', 3],
    ]);
  });

  it.each([{ file: 'talk.wav' }, { pcap: 'talk.wav' }])('name the file that cannot be read: %j', (source) => {
    expect(() => scriptsOf(audio(source), () => new Uint8Array(9))).toThrow(/^talk\.wav: .+ \(not-(wav|pcap)\)$/);
  });
});

it.each([
  [false, 0],
  ['audio-80k', 50],
  [audio({ packetTime: '10ms' }), 100],
  [audio({ pcap: 'call.pcap' }), 50],
] as const)('%j is %d packets a second', (written, expected) => {
  expect(streamPacketsPerSecond(written)).toBe(expected);
});

it('counts the packets of video by its script', () => {
  const written = video({ bitrate: '1M' });
  const [script] = scriptsOf(written, noFiles).values();
  expect(streamPacketsPerSecond(written)).toBe((script?.packets.length ?? Number.NaN) / 2);
});

describe('complaints', () => {
  it('name the missing file and its place', () => {
    expect(checkStreamFiles(audio({ file: 'a.wav' }), 'media.audio', { fileExists: (path) => path !== 'a.wav' })).toEqual([
      {
        code: 'QUILT_MEDIA_FILE',
        message: 'there is no file a.wav',
        key: 'media.audio.file',
        hint: 'paths are relative to the scenario file',
      },
    ]);
    expect(checkStreamFiles(video({ pcap: 'v.pcap' }), 'media.video', { fileExists: () => false })).toMatchObject([
      { key: 'media.video.pcap' },
    ]);
  });

  it.each([
    ['file', audio({ codec: 'opus', file: 'a.wav' })],
    ['file', audio({ codec: 'PCMU', accept: ['opus'], file: 'a.wav' })],
    ['pcap', audio({ file: 'a.wav', pcap: 'a.pcap' })],
    ['packetTime', audio({ codec: 'opus', packetTime: '15ms' })],
    ['packetTime', audio({ codec: 'opus', packetTime: '130ms' })],
    ['packetTime', audio({ packetTime: '176ms' })],
    ['packetTime', audio({ packetTime: '0ms' })],
    ['bitrate', audio({ codec: 'opus', bitrate: '600k' })],
    ['bitrate', video({ bitrate: '20k', framesPerSecond: 120 })],
  ])('%s of %j', (name, written) => {
    expect(checkStreamFiles(written, 'k', everything).map(({ key }) => key)).toEqual([`k.${name}`]);
  });

  it.each([
    false,
    'audio-80k',
    'video-150k',
    audio({ packetTime: '175ms' }),
    audio({ codec: 'opus', packetTime: '120ms' }),
    audio({ file: 'a.wav', accept: ['PCMA'] }),
    video({ codec: 'H264', bitrate: '20k' }),
    video({ pcap: 'v.pcap', bitrate: '20k', framesPerSecond: 120 }),
  ] as StreamOptions[])('none of %j', (written) => {
    expect(checkStreamFiles(written, 'k', everything)).toEqual([]);
  });
});
