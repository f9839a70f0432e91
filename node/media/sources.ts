// Scripts that need no file: tones and opaque audio, and synthetic video at a bit rate, as payload profiles by name or free. Rates count what is on the
// wire (IPv4, UDP and RTP headers with it, see packet-script.ts). Everything is the same on every run: what differs between streams - SSRC, first
// sequence number and timestamp - is the engine's. Scripts from files are sources-files.ts.

import { encodeG711, type G711Law } from '../wire/g711.ts';
import { h264Frame, h264Payloads } from '../wire/h264.ts';
import { vp8Frame, vp8Payloads } from '../wire/vp8.ts';
import { type PacketScript, type ScriptPacket, WIRE_OVERHEAD_BYTES } from './packet-script.ts';

export interface PatternInit {
  readonly codec: G711Law | 'opus';
  /** Opus: a multiple of 10, at most 120. G.711: at most 175, or the payload is more than the engine's packets hold. */
  readonly ptimeMs: number;
  /** About the payload of each Opus packet; default that of 32 kbit/s. G.711 has 8 bytes a millisecond. */
  readonly bytes?: number;
}

export interface VideoInit {
  readonly codec: 'H264' | 'VP8';
  /** On the wire. */
  readonly bitsPerSecond: number;
  readonly framesPerSecond: number;
  /** Frames from one keyframe to the next. */
  readonly gop: number;
  /** RTP payload of a packet, 64 to 1,400. */
  readonly packetBytesMax: number;
}

export const PROFILES = ['audio-80k', 'video-150k'] as const;
export type Profile = (typeof PROFILES)[number];

const VIDEO_CLOCK_HZ = 90_000;
/** Divides every packet time, so that each packet is whole periods and the tone has no seams. */
const TONE_HZ = 400;
/** About -20 dBm0, the level of speech. */
const TONE_AMPLITUDE = 3200;
/** Opus configurations: fullband speech in frames of 10 and 20 ms (RFC 6716, 3.1). */
const OPUS_10_MS = 14 << 3;
const OPUS_20_MS = 15 << 3;
/** "Several frames of one size" (RFC 6716, 3.2.5). */
const OPUS_CODE_3 = 3;
/** A keyframe is about so many times as large as the frames between. */
const KEYFRAME_WEIGHT = 4;
/** The packets of a frame are spread over this part of its interval: an encoder's pacer leaves room before the next. */
const SPREAD_SHARE = 0.8;

/** One packet for ever: a 400 Hz tone in G.711, or Opus packets whose content is a pattern. `audio-80k` is PCMU at 20 ms: 200 bytes, 50 a second. */
export function patternScript({ codec, ptimeMs, bytes }: PatternInit): PacketScript {
  const clockRateHz = codec === 'opus' ? 48_000 : 8000;
  const ticks = (clockRateHz * ptimeMs) / 1000;
  const payload = codec === 'opus' ? opusPattern(ptimeMs, bytes ?? ptimeMs * 4) : tone(codec, ticks);
  return {
    kind: 'audio',
    codec,
    clockRateHz,
    packets: [{ dueMs: 0, timestamp: 0, marker: false, payload }],
    cycleMs: ptimeMs,
    cycleTicks: ticks,
  };
}

function tone(law: G711Law, samples: number): Uint8Array {
  const wave = Int16Array.from({ length: samples }, (_, n) => Math.round(TONE_AMPLITUDE * Math.sin((2 * Math.PI * TONE_HZ * n) / 8000)));
  return encodeG711(law, wave);
}

/** A packet that every parser takes apart as RFC 6716, 3 has it; what a decoder would make of the frames is noise. */
function opusPattern(ptimeMs: number, bytes: number): Uint8Array {
  const [config, frameMs] = ptimeMs % 20 === 0 ? [OPUS_20_MS, 20] : [OPUS_10_MS, 10];
  const frames = Math.max(1, Math.round(ptimeMs / frameMs));
  const header = frames === 1 ? [config] : [config | OPUS_CODE_3, frames];
  const frameBytes = Math.max(1, Math.floor((bytes - header.length) / frames));
  return Uint8Array.from({ length: header.length + frames * frameBytes }, (_, index) => header[index] ?? (index * 73) & 0xff);
}

/**
 * Synthetic video, one group of pictures a cycle: the first frame a keyframe, four times as large as the others. Bytes that a frame has too many or
 * too few are made good by the next, so the rate of a cycle is right to a few bytes.
 */
export function videoScript({ codec, bitsPerSecond, framesPerSecond, gop, packetBytesMax }: VideoInit): PacketScript {
  const share = (bitsPerSecond * gop) / (8 * framesPerSecond * (gop - 1 + KEYFRAME_WEIGHT));
  const packets: ScriptPacket[] = [];
  let owed = 0;
  for (let frame = 0; frame < gop; frame++) {
    const isKeyframe = frame === 0;
    owed += share * (isKeyframe ? KEYFRAME_WEIGHT : 1);
    const payloads = fitFrame(owed, (bytes) => {
      if (codec === 'H264') return h264Payloads(h264Frame({ isKeyframe, frameNumber: frame, bytes }), packetBytesMax);
      // Picture ids are 7 bits and may not jump where the cycle begins again.
      return vp8Payloads(vp8Frame({ isKeyframe, bytes }), packetBytesMax, gop % 128 === 0 ? frame & 0x7f : null);
    });
    owed -= wireBytes(payloads);
    for (const [index, payload] of payloads.entries()) {
      packets.push({
        dueMs: ((frame + (SPREAD_SHARE * index) / payloads.length) * 1000) / framesPerSecond,
        timestamp: Math.round((frame * VIDEO_CLOCK_HZ) / framesPerSecond),
        marker: index === payloads.length - 1,
        payload,
      });
    }
  }
  const cycleTicks = Math.round((gop * VIDEO_CLOCK_HZ) / framesPerSecond);
  return { kind: 'video', codec, clockRateHz: VIDEO_CLOCK_HZ, packets, cycleMs: (gop * 1000) / framesPerSecond, cycleTicks };
}

const wireBytes = (payloads: readonly Uint8Array[]): number => payloads.reduce((sum, { length }) => sum + length + WIRE_OVERHEAD_BYTES, 0);

/** The packets of a frame that has about `wanted` bytes on the wire: made once to see what headers take, and again without that. */
function fitFrame(wanted: number, packetsOf: (bytes: number) => Uint8Array[]): Uint8Array[] {
  const whole = Math.max(1, Math.round(wanted));
  const headers = wireBytes(packetsOf(whole)) - whole;
  return packetsOf(whole - headers);
}

/** A profile by name: 80 kbit/s of PCMU, or 150 kbit/s of VP8 at 15 frames a second. */
export function profileScript(profile: Profile): PacketScript {
  if (profile === 'audio-80k') return patternScript({ codec: 'PCMU', ptimeMs: 20 });
  return videoScript({ codec: 'VP8', bitsPerSecond: 150_000, framesPerSecond: 15, gop: 30, packetBytesMax: 1200 });
}
