// G.711: 16-bit samples to and from the 8 bits of mu-law (PCMU) and A-law (PCMA). The Recommendation's 14 and 13 bits stand left-aligned in 16, so
// that its decoder values appear here times 4 and times 8. Decoding is exact; encoding takes the segment the sample lies in, as all encoders do
// that shift. Sampling rate and packets are the caller's.

export type G711Law = 'PCMU' | 'PCMA';

/** Added to a magnitude so that the segments of mu-law begin at powers of two. */
const MULAW_BIAS = 0x84;
const MULAW_CLIP = 32_635;
/** On the wire every second bit of A-law is inverted. */
const ALAW_MASK = 0x55;

function encodeMulaw(sample: number): number {
  const magnitude = Math.min(sample < 0 ? -sample : sample, MULAW_CLIP) + MULAW_BIAS;
  const segment = 24 - Math.clz32(magnitude);
  const code = (segment << 4) | ((magnitude >> (segment + 3)) & 0x0f);
  return ~(sample < 0 ? code | 0x80 : code) & 0xff;
}

function decodeMulaw(byte: number): number {
  const code = ~byte;
  const magnitude = ((((code & 0x0f) << 3) + MULAW_BIAS) << ((code & 0x70) >> 4)) - MULAW_BIAS;
  return (code & 0x80) !== 0 ? -magnitude : magnitude;
}

function encodeAlaw(sample: number): number {
  const magnitude = (sample < 0 ? ~sample : sample) >> 3;
  const segment = Math.max(0, 27 - Math.clz32(magnitude));
  const step = segment < 2 ? magnitude >> 1 : magnitude >> segment;
  return ((sample < 0 ? 0 : 0x80) | (segment << 4) | (step & 0x0f)) ^ ALAW_MASK;
}

function decodeAlaw(byte: number): number {
  const code = byte ^ ALAW_MASK;
  const segment = (code & 0x70) >> 4;
  const step = ((code & 0x0f) << 4) + 8;
  const magnitude = segment === 0 ? step : (step + 0x100) << (segment - 1);
  return (code & 0x80) !== 0 ? magnitude : -magnitude;
}

const DECODED: Readonly<Record<G711Law, Int16Array>> = {
  PCMU: Int16Array.from({ length: 256 }, (_, byte) => decodeMulaw(byte)),
  PCMA: Int16Array.from({ length: 256 }, (_, byte) => decodeAlaw(byte)),
};

export function encodeG711(law: G711Law, samples: Int16Array): Uint8Array {
  const encode = law === 'PCMU' ? encodeMulaw : encodeAlaw;
  const bytes = new Uint8Array(samples.length);
  for (let index = 0; index < bytes.length; index++) bytes[index] = encode(samples[index] as number);
  return bytes;
}

export function decodeG711(law: G711Law, bytes: Uint8Array): Int16Array {
  const decoded = DECODED[law];
  const samples = new Int16Array(bytes.length);
  for (let index = 0; index < samples.length; index++) samples[index] = decoded[bytes[index] as number] as number;
  return samples;
}
