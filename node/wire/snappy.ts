// Snappy's block format (https://github.com/google/snappy/blob/main/format_description.txt), as remote write asks for it: length, then literals and copies. The greedy search for
// repeats is that of the reference (a table of where four bytes were last seen, blocks of 64 kB, so an offset fits in two bytes), without its speed: the labels of a
// batch repeat from series to series, and traffic costs money. Writing only; nobody sends us any.

import { varintBytes } from './protobuf-writer.ts';

const BLOCK_BYTES = 65_536;
const HASH_BITS = 14;
/** A copy says 1 to 64 bytes; below four a literal is no longer. */
const COPY_BYTES_MAX = 64;
const MATCH_BYTES_MIN = 4;
const TAG_COPY_2 = 2;
const LITERAL_INLINE_MAX = 60;

interface Output {
  readonly bytes: Uint8Array;
  at: number;
}

function putLiteral(output: Output, input: Uint8Array, from: number, to: number): void {
  if (to === from) return;
  const less = to - from - 1;
  if (less < LITERAL_INLINE_MAX) output.bytes[output.at++] = less << 2;
  else if (less < 256) {
    output.bytes[output.at++] = 60 << 2;
    output.bytes[output.at++] = less;
  } else {
    output.bytes[output.at++] = 61 << 2;
    output.bytes[output.at++] = less & 0xff;
    output.bytes[output.at++] = less >> 8;
  }
  output.bytes.set(input.subarray(from, to), output.at);
  output.at += to - from;
}

function putCopy(output: Output, offset: number, lengthBytes: number): void {
  for (let rest = lengthBytes; rest > 0; ) {
    const part = Math.min(rest, COPY_BYTES_MAX);
    output.bytes[output.at++] = ((part - 1) << 2) | TAG_COPY_2;
    output.bytes[output.at++] = offset & 0xff;
    output.bytes[output.at++] = offset >> 8;
    rest -= part;
  }
}

function compressBlock(output: Output, input: Uint8Array, start: number, end: number, table: Int32Array): void {
  table.fill(-1);
  const wordAt = (at: number): number => (input[at]! | (input[at + 1]! << 8) | (input[at + 2]! << 16) | (input[at + 3]! << 24)) >>> 0;
  let literalFrom = start;
  for (let at = start; at + MATCH_BYTES_MIN <= end; ) {
    const word = wordAt(at);
    const slot = Math.imul(word, 0x1e35a7bd) >>> (32 - HASH_BITS);
    const seen = table[slot]!;
    table[slot] = at;
    if (seen < 0 || wordAt(seen) !== word) {
      at += 1;
      continue;
    }
    let length = MATCH_BYTES_MIN;
    while (at + length < end && input[seen + length] === input[at + length]) length += 1;
    putLiteral(output, input, literalFrom, at);
    putCopy(output, at - seen, length);
    at += length;
    literalFrom = at;
  }
  putLiteral(output, input, literalFrom, end);
}

export function snappyBlock(input: Uint8Array): Uint8Array {
  // The reference's bound for what cannot be compressed.
  const output: Output = { bytes: new Uint8Array(32 + input.length + Math.ceil(input.length / 6)), at: 0 };
  for (const byte of varintBytes(input.length)) output.bytes[output.at++] = byte;
  const table = new Int32Array(1 << HASH_BITS);
  for (let start = 0; start < input.length; start += BLOCK_BYTES) {
    compressBlock(output, input, start, Math.min(start + BLOCK_BYTES, input.length), table);
  }
  return output.bytes.slice(0, output.at);
}
