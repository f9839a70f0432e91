// Randomness of the embedded target as arithmetic: the n-th draw of a stream is a pure function of (seed, stream, n).
// So the fate of the n-th request is known before the run, whatever arrives in between, and a test can count injected
// errors exactly. The target shares no code with the generator on purpose: one bug must not be able to cancel out in both.

/** Each purpose has its own stream, so that one more draw for one purpose does not shift the others. */
export const STREAMS = { fate: 1, jitter: 2, passcode: 3, token: 4, messageDrop: 5, sipFate: 6, sipTag: 7, rtpFate: 8, ssrc: 9 } as const;
export type Stream = (typeof STREAMS)[keyof typeof STREAMS];

/** The finaliser of MurmurHash3 (Appleby, 32 bit): every input bit reaches every output bit. */
function mix(input: number): number {
  let hash = input | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** 32 random-looking bits for draw `index` of `stream`. */
export function bitsAt(seed: number, stream: Stream, index: number): number {
  return mix(mix(mix(seed + 0x9e3779b9) + stream) + Math.imul(index, 0x9e3779b1));
}

/** A number in [0, 1) for draw `index` of `stream`. */
export function drawAt(seed: number, stream: Stream, index: number): number {
  return bitsAt(seed, stream, index) / 2 ** 32;
}
