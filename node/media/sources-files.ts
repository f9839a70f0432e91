// Scripts from files: a WAV as G.711, and the RTP of a capture with its own timing. The caller reads the files - these take bytes, and give either a
// script or why there is none, in words that name what to do. A file is one cycle: it is played again from its beginning for as long as the
// stream lasts, in the same count of RTP timestamps.

import { encodeG711, type G711Law } from '../wire/g711.ts';
import { type CapturedRtp, type CapturedStream, readRtpStream, type StreamChoice } from '../wire/pcap-rtp.ts';
import { readWav, SPEECH_RATE_HZ } from '../wire/wav.ts';
import type { PacketScript } from './packet-script.ts';

export type ScriptResult =
  | { readonly ok: true; readonly script: PacketScript }
  /** `kind` is a stable word: those of WavFailureKind, CaptureFailureKind, and 'codec', 'clock-rate', 'too-large', 'stands-still'. */
  | { readonly ok: false; readonly failure: { readonly kind: string; readonly detail: string } };

/** What the engine's packets hold (packet-script.ts). */
const PAYLOAD_BYTES_MAX = 1400;

const fail = (kind: string, detail: string): ScriptResult => ({ ok: false, failure: { kind, detail } });

/** A WAV file in packets of `ptimeMs`; the last is filled up with silence. */
export function wavScript({ bytes, codec, ptimeMs }: { bytes: Uint8Array; codec: G711Law; ptimeMs: number }): ScriptResult {
  const wav = readWav(bytes);
  if (!wav.ok) return wav;
  const ticks = Math.round((SPEECH_RATE_HZ * ptimeMs) / 1000);
  const count = Math.ceil(wav.samples.length / ticks);
  const whole = new Int16Array(count * ticks);
  whole.set(wav.samples);
  const encoded = encodeG711(codec, whole);
  const packets = Array.from({ length: count }, (_, index) => ({
    dueMs: index * ptimeMs,
    timestamp: index * ticks,
    // A talkspurt begins with each cycle (RFC 3551, 4.1).
    marker: index === 0,
    payload: encoded.subarray(index * ticks, (index + 1) * ticks),
  }));
  const cycle = { cycleMs: count * ptimeMs, cycleTicks: count * ticks };
  return { ok: true, script: { kind: 'audio', codec, clockRateHz: SPEECH_RATE_HZ, packets, ...cycle } };
}

export interface PcapScriptInit {
  readonly bytes: Uint8Array;
  readonly kind: 'audio' | 'video';
  /** As in SDP; a capture does not tell. Absent: by the static payload type (PCMU, PCMA). */
  readonly codec?: string;
  readonly clockRateHz?: number;
  /** Which stream; of those that fit, the one with the most packets. */
  readonly choice?: StreamChoice;
}

const STATIC_CODECS: ReadonlyMap<number, string> = new Map([
  [0, 'PCMU'],
  [8, 'PCMA'],
]);
/** Of what the engine's users offer in SDP. */
const CLOCK_RATES: ReadonlyMap<string, number> = new Map([
  ['PCMU', 8000],
  ['PCMA', 8000],
  ['OPUS', 48_000],
  ['H264', 90_000],
  ['VP8', 90_000],
]);

/** The RTP of a capture, due as it was captured. Packets that the capture lacks are not sent, and leave no hole in the sequence numbers. */
export function pcapScript({ bytes, kind, codec, clockRateHz, choice }: PcapScriptInit): ScriptResult {
  const read = readRtpStream(bytes, choice);
  if (!read.ok) return read;
  const { payloadType, packets } = read.stream;
  const name = codec ?? STATIC_CODECS.get(payloadType);
  if (name === undefined) return fail('codec', `payload type ${payloadType} is dynamic: say which codec it was`);
  const rateHz = clockRateHz ?? CLOCK_RATES.get(name.toUpperCase());
  if (rateHz === undefined) return fail('clock-rate', `say the clock rate of ${name}`);
  const large = packets.find(({ payload }) => payload.length > PAYLOAD_BYTES_MAX);
  if (large !== undefined) return fail('too-large', `a payload of ${large.payload.length} bytes; at most ${PAYLOAD_BYTES_MAX} are sent`);
  const cycle = cycleOf(read.stream, rateHz);
  if (cycle === null) return fail('stands-still', 'timestamps that do not advance, or by more than the capture lasts');
  const script = packets.map(({ atMs, ticks, marker, payload }) => ({ dueMs: atMs, timestamp: ticks, marker, payload }));
  return { ok: true, script: { kind, codec: name, clockRateHz: rateHz, packets: script, ...cycle } };
}

/** A capture's clock and its timestamps may differ by so much, ms, before they cannot belong together. */
const DISAGREEMENT_MS_MAX = 60_000;

/**
 * The cycle ends one usual step after the last packet. Its length follows the timestamps, so that a receiver sees no drift from cycle to cycle,
 * unless packets are due beyond that.
 */
function cycleOf({ packets }: CapturedStream, clockRateHz: number): Pick<PacketScript, 'cycleMs' | 'cycleTicks'> | null {
  const last = packets.at(-1) as CapturedRtp;
  const steps = packets.map(({ ticks }, index) => ticks - (packets[index - 1]?.ticks ?? ticks)).filter((step) => step > 0);
  const usual = steps.sort((a, b) => a - b)[steps.length >> 1];
  if (usual === undefined) return null;
  const cycleTicks = Math.max(last.ticks, 0) + usual;
  const ticksMs = (cycleTicks * 1000) / clockRateHz;
  if (Math.abs(ticksMs - last.atMs) > DISAGREEMENT_MS_MAX) return null;
  return { cycleMs: Math.max(ticksMs, last.atMs + 1), cycleTicks };
}
