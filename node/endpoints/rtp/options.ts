// What a person writes under `behavior:` of a group with `type: rtp`: bare streams to and from addresses that the scenario or a meeting's entry gives,
// for media servers that are told by an API where media comes from, and for testing networks with nothing but RTP.

import { z } from 'zod';
import { durationShape } from '../../core/option-shapes.ts';
import { audioShape, videoShape } from '../../media/stream-options.ts';

const keyShape = z.string().regex(/^(\$\{[\w.-]+\}|[A-Za-z0-9+/]{40})$/, 'expected 30 bytes as base64 (40 characters), or ${...}');

const streamShape = z
  .strictObject({
    to: z.string().min(1).describe("host:port, e.g. 10.0.0.6:40000 or '${meeting.host}:${meeting.port}'."),
    rtcpTo: z.string().optional().describe('Where RTCP goes, host:port; default: with RTP where multiplexed, else the next port.'),
    audio: audioShape.optional(),
    video: videoShape.optional(),
    receive: z.boolean().default(true).describe('Something comes back and is measured.'),
    payloadType: z.int().min(0).max(127).optional().describe('Default: 0 PCMU, 8 PCMA, 111 opus, 96 VP8, 97 H264.'),
    srtp: z.strictObject({ send: keyShape, receive: keyShape }).optional().describe('AES_CM_128_HMAC_SHA1_80 master keys and salts.'),
  })
  .refine(({ audio, video }) => (audio === undefined || audio === false) !== (video === undefined || video === false), {
    message: 'a stream is audio or video',
  });

export const optionsShape = z.strictObject({
  streams: z.array(streamShape).min(1).max(4),
  ports: z.enum(['shared', 'own']).default('shared').describe('One local port for all endpoints of a worker, or one for each stream.'),
  rtcpMux: z.boolean().default(true),
  joinedWhen: z
    .enum(['sending', 'media'])
    .default('sending')
    .describe('The endpoint is in: at once, or with the first packet that came back.'),
  firstPacketWithin: durationShape.default(5000).describe('A stream that receives nothing for this long is the failure media-silent.'),
  silenceMax: durationShape.default(10_000).describe('Nothing for this long later on is the failure media-lost.'),
});

export type RtpOptions = z.output<typeof optionsShape>;
export type StreamOptions = RtpOptions['streams'][number];
