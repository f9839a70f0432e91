// WAV files as a source of telephone speech: RIFF with PCM of 16 or 8 bits or G.711, mono or stereo, at 8 kHz or any higher rate, turned into 8 kHz
// mono samples. Stereo is averaged, higher rates pass a windowed-sinc low-pass at 3.6 kHz before every n-th sample is taken. Recorders that were
// killed leave sizes of 0 or 4 GiB in the header: what bytes there are is what is played. Everything else is refused with what to do.

import { decodeG711 } from './g711.ts';

export type WavFailureKind = 'not-wav' | 'truncated' | 'encoding' | 'channels' | 'rate' | 'empty' | 'too-long';

export type WavResult =
  | { readonly ok: true; readonly samples: Int16Array; readonly sourceRateHz: number }
  | { readonly ok: false; readonly failure: { readonly kind: WavFailureKind; readonly detail: string } };

/** Sampling rate of the result. */
export const SPEECH_RATE_HZ = 8000;
/** A script keeps every packet in memory: 90,000 of 20 ms. */
const SECONDS_MAX = 1800;
const RATE_HZ_MAX = 192_000;
const HOW_TO_CONVERT = 'convert it: ffmpeg -i in.wav -ar 8000 -ac 1 -c:a pcm_s16le out.wav';

const FORMAT_PCM = 1;
const FORMAT_PCMA = 6;
const FORMAT_PCMU = 7;
/** The real format is the first word of the sub-format's GUID. */
const FORMAT_EXTENSIBLE = 0xfffe;

interface Format {
  readonly code: number;
  readonly channels: number;
  readonly rateHz: number;
  readonly bits: number;
}

const fail = (kind: WavFailureKind, detail: string): WavResult => ({ ok: false, failure: { kind, detail } });

const tagAt = (bytes: Uint8Array, at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));

/** Reads a WAV file as 8 kHz mono. Never throws. */
export function readWav(bytes: Uint8Array): WavResult {
  if (bytes.length < 12 || tagAt(bytes, 0) !== 'RIFF' || tagAt(bytes, 8) !== 'WAVE')
    return fail('not-wav', 'does not begin with RIFF and WAVE');
  const { format, data } = findChunks(bytes);
  if (format === null) return fail('truncated', 'no fmt chunk before the end');
  if (data === null) return fail('truncated', 'no data chunk before the end');
  const { code, channels, rateHz, bits } = format;
  if (channels !== 1 && channels !== 2) return fail('channels', `${channels} channels; mono or stereo is read; ${HOW_TO_CONVERT}`);
  if (rateHz < SPEECH_RATE_HZ || rateHz > RATE_HZ_MAX)
    return fail('rate', `${rateHz} Hz; ${SPEECH_RATE_HZ} to ${RATE_HZ_MAX} is read; ${HOW_TO_CONVERT}`);
  const decode = decoderOf(code, bits);
  if (decode === null)
    return fail('encoding', `format ${code} with ${bits} bits; PCM of 16 or 8 bits, mu-law or A-law is read; ${HOW_TO_CONVERT}`);
  const seconds = data.length / ((bits / 8) * channels * rateHz);
  if (seconds > SECONDS_MAX) return fail('too-long', `${Math.round(seconds)} s; at most ${SECONDS_MAX} are read`);
  const samples = decode(data);
  const mono = channels === 1 ? samples : averaged(samples);
  if (mono.length === 0) return fail('empty', 'no samples');
  return { ok: true, samples: rateHz === SPEECH_RATE_HZ ? mono : resample(mono, rateHz), sourceRateHz: rateHz };
}

function averaged(stereo: Int16Array): Int16Array {
  const mono = new Int16Array(stereo.length >> 1);
  for (let n = 0; n < mono.length; n++) mono[n] = ((stereo[2 * n] as number) + (stereo[2 * n + 1] as number)) >> 1;
  return mono;
}

function findChunks(bytes: Uint8Array): { format: Format | null; data: Uint8Array | null } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let format: Format | null = null;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const tag = tagAt(bytes, at);
    const size = view.getUint32(at + 4, true);
    const start = at + 8;
    if (tag === 'fmt ' && size >= 16 && start + 16 <= bytes.length) {
      const code = view.getUint16(start, true);
      const isExtensible = code === FORMAT_EXTENSIBLE && size >= 26 && start + 26 <= bytes.length;
      format = {
        code: isExtensible ? view.getUint16(start + 24, true) : code,
        channels: view.getUint16(start + 2, true),
        rateHz: view.getUint32(start + 4, true),
        bits: view.getUint16(start + 14, true),
      };
    }
    if (tag === 'data') return { format, data: bytes.subarray(start, size === 0 ? bytes.length : start + size) };
    // Chunks are padded to even lengths.
    at = start + size + (size & 1);
  }
  return { format, data: null };
}

/** Null for what is not read. A half sample at the end is left out. */
function decoderOf(code: number, bits: number): ((data: Uint8Array) => Int16Array) | null {
  if (code === FORMAT_PCMU && bits === 8) return (data) => decodeG711('PCMU', data);
  if (code === FORMAT_PCMA && bits === 8) return (data) => decodeG711('PCMA', data);
  if (code !== FORMAT_PCM || (bits !== 16 && bits !== 8)) return null;
  const sampleBytes = bits / 8;
  return (data) => {
    const samples = new Int16Array(Math.floor(data.length / sampleBytes));
    for (let n = 0; n < samples.length; n++) {
      samples[n] = bits === 8 ? ((data[n] as number) - 128) << 8 : ((data[2 * n + 1] as number) << 8) | (data[2 * n] as number);
    }
    return samples;
  };
}

/** Below the 4 kHz that 8,000 samples a second can carry, with room for the filter's slope. */
const CUTOFF_HZ = 3600;
/** Length of the filter to each side, in samples of the result. */
const FILTER_SAMPLES = 16;

/**
 * Each result sample: the low-passed source at that moment, by a sinc under a Hann window. Source and result meet again after at most 8,000 results
 * (1 for 16 kHz, 80 for 44.1), so the filter is computed once for each place between two source samples.
 */
function resample(source: Int16Array, rateHz: number): Int16Array {
  const reach = Math.ceil((FILTER_SAMPLES * rateHz) / SPEECH_RATE_HZ);
  const filters = new Map<number, Float64Array>();
  const result = new Int16Array(Math.floor((source.length * SPEECH_RATE_HZ) / rateHz));
  for (let n = 0; n < result.length; n++) {
    const phase = (n * rateHz) % SPEECH_RATE_HZ;
    const filter = filters.get(phase) ?? lowPass(reach, phase / SPEECH_RATE_HZ, rateHz);
    filters.set(phase, filter);
    const first = (n * rateHz - phase) / SPEECH_RATE_HZ - reach;
    let sum = 0;
    for (let tap = Math.max(0, -first); tap < filter.length && first + tap < source.length; tap++) {
      sum += (source[first + tap] as number) * (filter[tap] as number);
    }
    result[n] = Math.max(-32_768, Math.min(32_767, Math.round(sum)));
  }
  return result;
}

/** Weights of the source samples from `reach` before to `reach` after a moment that lies `offset` of a sample behind the middle one. */
function lowPass(reach: number, offset: number, rateHz: number): Float64Array {
  const bandwidth = (2 * CUTOFF_HZ) / rateHz;
  return Float64Array.from({ length: 2 * reach + 1 }, (_, tap) => {
    const distance = tap - reach - offset;
    if (Math.abs(distance) >= reach) return 0;
    const x = Math.PI * bandwidth * distance;
    return bandwidth * (x === 0 ? 1 : Math.sin(x) / x) * (0.5 + 0.5 * Math.cos((Math.PI * distance) / reach));
  });
}
