// The tone that callers hear with sipMedia 'tone': 400 Hz as G.711 (ITU-T), 20 ms a packet. 160 samples at 8,000 a second are eight whole periods,
// so one payload, sent again and again, is a tone without a click.

const SAMPLES = 160;
const PEAK = 8_000;

/** One sample of 16 bits as mu-law, G.711 table 2. */
function muLaw(sample: number): number {
  const sign = sample < 0 ? 0x80 : 0;
  const magnitude = Math.min(Math.abs(sample), 32_635) + 132;
  const exponent = Math.floor(Math.log2(magnitude)) - 7;
  return ~(sign | (exponent << 4) | ((magnitude >> (exponent + 3)) & 15)) & 0xff;
}

/** One sample of 16 bits as A-law, G.711 table 1. */
function aLaw(sample: number): number {
  const sign = sample < 0 ? 0 : 0x80;
  const magnitude = Math.min(Math.abs(sample), 32_767) >> 3;
  const exponent = magnitude < 32 ? 0 : Math.floor(Math.log2(magnitude)) - 4;
  const mantissa = (magnitude >> Math.max(1, exponent)) & 15;
  return (sign | (exponent << 4) | mantissa) ^ 0x55;
}

const payloadOf = (encode: (sample: number) => number): Uint8Array =>
  Uint8Array.from({ length: SAMPLES }, (_, index) => encode(Math.round(PEAK * Math.sin((2 * Math.PI * 400 * index) / 8_000))));

/** By the codec's name in SDP; other codecs play nothing. */
export const TONES: ReadonlyMap<string, Uint8Array> = new Map([
  ['PCMU', payloadOf(muLaw)],
  ['PCMA', payloadOf(aLaw)],
]);
