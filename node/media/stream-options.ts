// What a person writes about one stream: a profile of the deck (audio-80k, video-150k), or codec, packet time, bit rate and source written out.
// Shared by every endpoint type with media; stream-scripts.ts turns it into packets.

import { z } from 'zod';
import { durationShape } from '../core/option-shapes.ts';

/** '150k', '1.5M' or bits a second. */
export const bitrateShape = z
  .union([z.int().positive(), z.string().regex(/^\d+(\.\d+)?[kM]?$/, 'expected bits per second such as 150k or 1.5M')])
  .transform((written) => {
    const text = String(written);
    const factor = text.endsWith('k') ? 1e3 : text.endsWith('M') ? 1e6 : 1;
    return Math.round(Number.parseFloat(text) * factor);
  })
  .meta({ description: 'Bits per second: 150k, 1.5M, 64000.' });

const AUDIO_CODECS = ['PCMU', 'PCMA', 'opus'] as const;
const VIDEO_CODECS = ['VP8', 'H264'] as const;

export const audioShape = z.union([
  z.literal(false).describe('No audio.'),
  z.literal('audio-80k').describe('PCMU, 20 ms: 80 kbit/s on the wire.'),
  z.strictObject({
    codec: z.enum(AUDIO_CODECS).default('PCMU'),
    accept: z.array(z.enum(AUDIO_CODECS)).max(3).optional().describe('Further codecs offered, in order of preference.'),
    packetTime: durationShape.default(20),
    file: z.string().optional().describe('A WAV file beside the scenario, played in a loop (G.711 codecs); default: a tone.'),
    pcap: z.string().optional().describe('A capture beside the scenario whose RTP is replayed with its own timing.'),
    bitrate: bitrateShape.optional().describe('opus only: bits per second of payload, default 32k.'),
  }),
]);

export const videoShape = z.union([
  z.literal(false).describe('No video.'),
  z.literal('video-150k').describe('VP8, 15 frames/s, 150 kbit/s on the wire.'),
  z.strictObject({
    codec: z.enum(VIDEO_CODECS).default('VP8'),
    bitrate: bitrateShape.default(150_000).describe('On the wire, headers included.'),
    framesPerSecond: z.number().min(1).max(120).default(15),
    keyframeEvery: durationShape.default(2000),
    pcap: z.string().optional(),
  }),
]);

export type AudioOptions = Exclude<z.output<typeof audioShape>, false | string>;
export type VideoOptions = Exclude<z.output<typeof videoShape>, false | string>;
export type StreamOptions = z.output<typeof audioShape> | z.output<typeof videoShape>;
