// Messages gone wrong, from a seed: bits flipped, parts cut, doubled and swapped for those of another message, numbers and separators blown up, whole
// runs of random bytes. What comes out is mostly almost SIP, which is what finds faults.

import type { Rng } from '../../node/core/rng.ts';

/** Larger results are cut: a mutation that doubles may follow another. */
const BYTES_MAX = 8192;

/** What parsers stumble over. */
const stumbles = [
  '\r\n',
  '\r\n\r\n',
  '\r\n ',
  '\n',
  '\r',
  '\0',
  '"',
  '\\',
  '<',
  '>',
  ';',
  ',',
  ';;',
  '%',
  '%0',
  '[',
  ']',
  ':',
  '@',
  '=',
  '*',
  ' ',
  '\t',
  '/',
  '?',
  '-1',
  '4294967296',
  '99999999999999999999',
  'é',
  '\ufeff',
  'sip:',
  'SIP/2.0',
  'Via: ',
  'l: 0\r\n',
  'Content-Length: 10\r\n',
  'Digest ',
].map((text) => Buffer.from(text));

type Mutation = (bytes: Buffer, rng: Rng, corpus: readonly Buffer[]) => Buffer;

function spliced(bytes: Buffer, from: number, to: number, middle: Uint8Array): Buffer {
  return Buffer.concat([bytes.subarray(0, from), middle, bytes.subarray(to)]);
}

const randomBytes = (rng: Rng, length: number): Buffer => Buffer.from(Array.from({ length }, () => rng.below(256)));
const spot = (bytes: Buffer, rng: Rng): number => rng.below(bytes.length + 1);

/** A part of at most `most` bytes. */
function part(bytes: Buffer, rng: Rng, most: number): readonly [number, number] {
  const from = spot(bytes, rng);
  return [from, Math.min(bytes.length, from + rng.below(most + 1))];
}

const pick = (corpus: readonly Buffer[], rng: Rng): Buffer => corpus[rng.below(corpus.length)] as Buffer;

const mutations: readonly Mutation[] = [
  function flip(bytes, rng) {
    const flipped = Buffer.from(bytes);
    for (let turn = rng.below(4); turn >= 0 && flipped.length > 0; turn--) {
      const at = rng.below(flipped.length);
      flipped[at] = (flipped[at] as number) ^ (1 << rng.below(8));
    }
    return flipped;
  },
  (bytes, rng) => bytes.subarray(0, spot(bytes, rng)),
  function cut(bytes, rng) {
    const [from, to] = part(bytes, rng, 40);
    return spliced(bytes, from, to, Buffer.alloc(0));
  },
  function double(bytes, rng) {
    const [from, to] = part(bytes, rng, 200);
    return spliced(bytes, from, from, bytes.subarray(from, to));
  },
  function stumble(bytes, rng) {
    const [from, to] = part(bytes, rng, 2);
    return spliced(bytes, from, to, pick(stumbles, rng));
  },
  function borrow(bytes, rng, corpus) {
    const other = pick(corpus, rng);
    const [from, to] = part(bytes, rng, 60);
    const [otherFrom, otherTo] = part(other, rng, 200);
    return spliced(bytes, from, to, other.subarray(otherFrom, otherTo));
  },
  (bytes, rng, corpus) => Buffer.concat([bytes, pick(corpus, rng)]),
  function noise(bytes, rng) {
    const [from, to] = part(bytes, rng, 20);
    return spliced(bytes, from, to, randomBytes(rng, rng.below(20)));
  },
];

/** One to three mutations of a message of the corpus; one in fifty is noise alone. */
export function mutated(rng: Rng, corpus: readonly Buffer[]): Buffer {
  if (rng.below(50) === 0) return randomBytes(rng, rng.below(300));
  let bytes = pick(corpus, rng);
  for (let turn = rng.below(3); turn >= 0; turn--) bytes = (mutations[rng.below(mutations.length)] as Mutation)(bytes, rng, corpus);
  return bytes.length > BYTES_MAX ? bytes.subarray(0, BYTES_MAX) : bytes;
}
