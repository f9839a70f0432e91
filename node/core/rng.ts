// Seeded randomness as a pure value: xoshiro128** (Blackman, Vigna 2018) seeded by splitmix32, and a stateless hash for
// addressing random numbers by key, so that endpoint 17 draws the same think time on whichever node it runs.

export interface Rng {
  /** Uniform integer in [0, 2^32). */
  uint32(): number;
  /** Uniform float in [0, 1). */
  float(): number;
  /** Uniform integer in [0, below). */
  below(below: number): number;
}

/** Finaliser of MurmurHash3: a bijection on 32-bit integers that spreads every input bit over every output bit. */
export function mix32(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** 32-bit FNV-1a over UTF-16 code units, finalised by mix32. Not cryptographic: for placement and seeding only. */
export function hashString(text: string, seed = 0): number {
  let h = (0x811c9dc5 ^ seed) | 0;
  for (let index = 0; index < text.length; index++) h = Math.imul(h ^ text.charCodeAt(index), 0x01000193);
  return mix32(h);
}

/** Combines integers into one 32-bit hash; order matters. */
export function hashInts(...values: number[]): number {
  let h = 0x9e3779b9;
  for (const value of values) h = mix32((Math.imul(h, 0x01000193) ^ value) | 0);
  return h;
}

/** A generator that owns its state; the same seed gives the same sequence on every machine. */
export function createRng(seed: number): Rng {
  let s = seed >>> 0;
  const splitmix = (): number => {
    s = (s + 0x9e3779b9) >>> 0;
    return mix32(s);
  };
  let a = splitmix();
  let b = splitmix();
  let c = splitmix();
  let d = splitmix() | 1;
  const uint32 = (): number => {
    const x = Math.imul(b, 5);
    const result = Math.imul((x << 7) | (x >>> 25), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = (d << 11) | (d >>> 21);
    return result;
  };
  const float = (): number => uint32() / 4294967296;
  return { uint32, float, below: (below) => Math.floor(float() * below) };
}

/** The generator of one keyed thing, e.g. keyedRng(plan.seed, groupIndex, endpointIndex). */
export const keyedRng = (...key: number[]): Rng => createRng(hashInts(...key));
