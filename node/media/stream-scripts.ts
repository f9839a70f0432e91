// From what a scenario says of a stream (stream-options.ts) to what is offered in SDP and what is sent: codecs with their payload types, and a script for
// each codec that may be agreed on. Files are read through the caller; what is wrong with one is said with its name.

import type { Problem } from '../core/errors.ts';
import type { SdpCodec } from '../wire/sdp.ts';
import { type PacketScript, scriptBitsPerSecond, scriptPacketsPerSecond, WIRE_OVERHEAD_BYTES } from './packet-script.ts';
import { patternScript, profileScript, videoScript } from './sources.ts';
import { pcapScript, type ScriptResult, wavScript } from './sources-files.ts';
import type { AudioOptions, StreamOptions, VideoOptions } from './stream-options.ts';

/** Static types as RFC 3551 has them; dynamic ones as most browsers and phones offer them. */
const CODECS: Readonly<Record<AudioOptions['codec'] | VideoOptions['codec'], SdpCodec>> = {
  PCMU: { payloadType: 0, name: 'PCMU', clockRateHz: 8000 },
  PCMA: { payloadType: 8, name: 'PCMA', clockRateHz: 8000 },
  opus: { payloadType: 111, name: 'opus', clockRateHz: 48_000, channels: 2, fmtp: 'useinbandfec=1' },
  VP8: { payloadType: 96, name: 'VP8', clockRateHz: 90_000 },
  H264: { payloadType: 97, name: 'H264', clockRateHz: 90_000, fmtp: 'packetization-mode=1;profile-level-id=42e01f' },
};

const PROFILE_CODEC = { 'audio-80k': CODECS.PCMU, 'video-150k': CODECS.VP8 } as const;
const OPUS_BPS = 32_000;
/** RTP payload of a video packet: with all headers below the 1,280 bytes that every IPv6 path carries. */
const VIDEO_PACKET_BYTES = 1_200;
/** What the engine's packets hold (packet-script.ts). */
const PAYLOAD_BYTES_MAX = 1400;
const G711_BYTES_PER_MS = 8;
/** Of the rate that was written; beyond it, the smallest frames there are say more than that. */
const BITRATE_EXCESS_MAX = 0.01;
/** A capture's rate is known when it is read; until then, that of 20 ms audio. */
const CAPTURE_PACKETS_PER_S = 50;

type Written = Exclude<StreamOptions, false>;
const isVideo = (written: AudioOptions | VideoOptions): written is VideoOptions => written.codec === 'VP8' || written.codec === 'H264';

/** By preference, each once. */
export function codecsOf(written: Written): readonly SdpCodec[] {
  if (typeof written === 'string') return [PROFILE_CODEC[written]];
  const names = isVideo(written) ? [written.codec] : [written.codec, ...(written.accept ?? [])];
  return [...new Set(names)].map((name) => CODECS[name]);
}

/** A script for each codec of `codecsOf`, by upper-case name; fewer where only a capture of one codec is there. Throws in words for a bad file. */
export function scriptsOf(written: Written, readFile: (path: string) => Uint8Array): ReadonlyMap<string, PacketScript> {
  const scripts = new Map<string, PacketScript>();
  for (const { name } of codecsOf(written)) {
    const script = typeof written === 'string' ? profileScript(written) : scriptOf(written, name as keyof typeof CODECS, readFile);
    if (script !== null) scripts.set(name.toUpperCase(), script);
  }
  return scripts;
}

function scriptOf(
  written: AudioOptions | VideoOptions,
  name: keyof typeof CODECS,
  readFile: (path: string) => Uint8Array,
): PacketScript | null {
  if (written.pcap !== undefined) {
    if (name !== written.codec) return null;
    const kind = isVideo(written) ? 'video' : 'audio';
    const { clockRateHz } = CODECS[name];
    return scriptIn(written.pcap, pcapScript({ bytes: readFile(written.pcap), kind, codec: name, clockRateHz }));
  }
  if (isVideo(written)) return syntheticVideo(written);
  if (name === 'PCMU' || name === 'PCMA') {
    if (written.file === undefined) return patternScript({ codec: name, ptimeMs: written.packetTime });
    return scriptIn(written.file, wavScript({ bytes: readFile(written.file), codec: name, ptimeMs: written.packetTime }));
  }
  return patternScript({ codec: 'opus', ptimeMs: written.packetTime, bytes: opusBytes(written) });
}

const opusBytes = ({ bitrate, packetTime }: AudioOptions): number => Math.round(((bitrate ?? OPUS_BPS) * packetTime) / 8000);

const syntheticVideo = ({ codec, bitrate, framesPerSecond, keyframeEvery }: VideoOptions): PacketScript =>
  videoScript({
    codec,
    bitsPerSecond: bitrate,
    framesPerSecond,
    gop: Math.max(1, Math.round((framesPerSecond * keyframeEvery) / 1000)),
    packetBytesMax: VIDEO_PACKET_BYTES,
  });

function scriptIn(path: string, result: ScriptResult): PacketScript {
  if (result.ok) return result.script;
  throw new Error(`${path}: ${result.failure.detail} (${result.failure.kind})`);
}

/** What one stream of this kind sends; 0 for none. */
export function streamPacketsPerSecond(written: StreamOptions): number {
  if (written === false) return 0;
  if (typeof written === 'string') return scriptPacketsPerSecond(profileScript(written));
  if (written.pcap !== undefined) return CAPTURE_PACKETS_PER_S;
  return isVideo(written) ? scriptPacketsPerSecond(syntheticVideo(written)) : 1000 / written.packetTime;
}

/** The same in bits, with RTP, UDP and IP headers; captures are taken for full-size packets. */
export function streamBitsPerSecond(written: StreamOptions): number {
  if (written === false) return 0;
  if (typeof written === 'string') return scriptBitsPerSecond(profileScript(written));
  if (written.pcap !== undefined) return CAPTURE_PACKETS_PER_S * VIDEO_PACKET_BYTES * 8;
  if (isVideo(written)) return written.bitrate;
  const isOpus = codecsOf(written)[0]?.name === 'opus';
  const payloadBytes = isOpus ? opusBytes(written) : G711_BYTES_PER_MS * written.packetTime;
  return ((payloadBytes + WIRE_OVERHEAD_BYTES) * 8 * 1000) / written.packetTime;
}

/** Files that are not there, sources that contradict the codec, and numbers that make no packets. `key` is the stream's own place. */
export function checkStreamFiles(written: StreamOptions, key: string, facts: { fileExists(path: string): boolean }): Problem[] {
  if (written === false || typeof written === 'string') return [];
  const problems: Problem[] = [];
  const complain = (name: string, message: string, hint: string): void => {
    problems.push({ code: 'QUILT_MEDIA_FILE', message, key: `${key}.${name}`, hint });
  };
  const file = isVideo(written) ? undefined : written.file;
  for (const [name, path] of Object.entries({ file, pcap: written.pcap })) {
    if (path !== undefined && !facts.fileExists(path))
      complain(name, `there is no file ${path}`, 'paths are relative to the scenario file');
  }
  if (file !== undefined && written.pcap !== undefined) complain('pcap', 'a stream plays one source', 'leave file or pcap out');
  if (file !== undefined && codecsOf(written).some(({ name }) => name === 'opus'))
    complain('file', 'WAV files are played with PCMU and PCMA only', 'take another codec, or a pcap of opus');
  if (written.pcap === undefined) {
    const numbers = isVideo(written) ? videoProblems(written) : audioProblems(written);
    problems.push(...numbers.map((problem) => ({ ...problem, key: `${key}.${problem.key}` })));
  }
  return problems;
}

function audioProblems(written: AudioOptions): Problem[] {
  const { packetTime } = written;
  const problems: Problem[] = [];
  const complain = (key: string, message: string, hint: string): void => {
    problems.push({ code: 'QUILT_MEDIA_STREAM', message, key, hint });
  };
  const names = codecsOf(written).map(({ name }) => name);
  const hasOpus = names.includes('opus');
  if (hasOpus && (packetTime % 10 !== 0 || packetTime < 10 || packetTime > 120))
    complain('packetTime', `opus has no packets of ${packetTime} ms`, 'take a multiple of 10 ms, at most 120 ms');
  if (hasOpus && opusBytes(written) > PAYLOAD_BYTES_MAX)
    complain(
      'bitrate',
      `opus packets of ${opusBytes(written)} bytes; at most ${PAYLOAD_BYTES_MAX} are sent`,
      'lower bitrate or packetTime',
    );
  const g711Bytes = packetTime * G711_BYTES_PER_MS;
  if (names.some((name) => name !== 'opus') && (!Number.isInteger(g711Bytes) || g711Bytes < 1 || g711Bytes > PAYLOAD_BYTES_MAX))
    complain(
      'packetTime',
      `G.711 packets of ${g711Bytes} bytes; 1 to ${PAYLOAD_BYTES_MAX} are sent`,
      'take whole milliseconds, at most 175 ms',
    );
  return problems;
}

function videoProblems(written: VideoOptions): Problem[] {
  const least = Math.ceil(scriptBitsPerSecond(syntheticVideo(written)));
  if (least <= written.bitrate * (1 + BITRATE_EXCESS_MAX)) return [];
  const message = `the smallest ${written.codec} frames at ${written.framesPerSecond} frames/s take ${least} bit/s`;
  return [{ code: 'QUILT_MEDIA_STREAM', message, key: 'bitrate', hint: 'raise bitrate or lower framesPerSecond' }];
}
