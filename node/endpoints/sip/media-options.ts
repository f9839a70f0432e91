// The `media:` part of a `sip` behaviour: what a participant offers, sends and expects, and on which ports.

import { z } from 'zod';
import { durationShape } from '../../core/option-shapes.ts';
import { audioShape, videoShape } from '../../media/stream-options.ts';

export const mediaShape = z.strictObject({
  audio: audioShape.default('audio-80k'),
  video: videoShape.default(false),
  ports: z.enum(['shared', 'own']).default('shared').describe('One local port for all endpoints of a worker, or a pair for each.'),
  rtcpMux: z.boolean().default(true).describe('Offer RTCP on the RTP port (RFC 5761).'),
  srtp: z.enum(['off', 'sdes']).default('off').describe('sdes: RTP/SAVP with AES_CM_128_HMAC_SHA1_80 (RFC 4568).'),
  firstPacketWithin: durationShape.default(5000).describe('No packet for this long after the answer is the failure media-silent.'),
  silenceMax: durationShape.default(10_000).describe('Nothing received for this long during a call is the failure media-lost.'),
});

export type MediaOptions = z.output<typeof mediaShape>;
