// Hostile bytes: whatever is done to an entry or message, decoding gives a value or a problem, never an exception; and what still decodes is what
// its bytes say, so that no forgery passes for the original.

import { encode as encodeCbor } from '@ipld/dag-cbor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { verifyByNode } from '../../node/adapters/identity.ts';
import { createFrameDecoder, encodeFrame } from '../../node/adapters/mesh/frames.ts';
import type { EntryDraft } from '../../node/core/messages.ts';
import { createMessageCodec } from '../../node/wire/message-codec.ts';
import { author, entryCodec, sampleEntries, sampleGossip, sampleMessages } from '../support/wire-samples.ts';

const messageCodec = createMessageCodec(entryCodec);
const entries = sampleEntries();
const encodedEntries = entries.map(entryCodec.encode);
const encodedMessages = [
  ...Object.values(sampleGossip()).map(messageCodec.encodeGossip),
  ...Object.values(sampleMessages()).map(messageCodec.encodeMessage),
];

/** Bytes with some bits flipped, a piece cut out, or something inserted. */
const damaged = (originals: readonly Uint8Array[]) =>
  fc
    .tuple(
      fc.constantFrom(...originals),
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { maxLength: 4 }),
      fc.tuple(fc.nat(), fc.nat({ max: 40 }), fc.uint8Array({ maxLength: 20 })),
    )
    .map(([original, flips, [at, cut, inserted]]) => {
      const start = at % (original.length + 1);
      const bytes = Buffer.concat([original.subarray(0, start), inserted, original.subarray(start + cut)]);
      for (const [index, mask] of flips) if (bytes.length > 0) bytes[index % bytes.length]! ^= mask;
      return { original, bytes: new Uint8Array(bytes) };
    });

describe('damaged entries', () => {
  it('never throw, and never pass for signed', () => {
    fc.assert(
      fc.property(damaged(encodedEntries), ({ original, bytes }) => {
        const decoded = entryCodec.decode(bytes);
        if (!decoded.ok || Buffer.compare(original, bytes) === 0) return;
        expect(Buffer.compare(entryCodec.encode({ ...decoded.value }), bytes), 'one spelling only').toBe(0);
        expect(entryCodec.isSigned(decoded.value, verifyByNode)).toBe(false);
      }),
      { numRuns: 3000 },
    );
  });

  it('with every single bit of one flipped are refused or unsigned', () => {
    const original = encodedEntries[1] ?? new Uint8Array();
    for (let bit = 0; bit < original.length * 8; bit++) {
      const bytes = new Uint8Array(original);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      const decoded = entryCodec.decode(bytes);
      expect(decoded.ok && entryCodec.isSigned(decoded.value, verifyByNode), `bit ${bit}`).toBe(false);
    }
  });

  it('cut at any byte are refused', () => {
    for (const original of encodedEntries) {
      for (let length = 0; length < original.length; length++) expect(entryCodec.decode(original.subarray(0, length)).ok).toBe(false);
    }
  });
});

describe('damaged messages', () => {
  it('never throw', () => {
    fc.assert(
      fc.property(damaged(encodedMessages), ({ bytes }) => {
        messageCodec.decodeGossip(bytes);
        messageCodec.decodeMessage(bytes);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('any bytes and any data', () => {
  it('never throw', () => {
    const data = fc.anything({ withNullPrototype: false, withTypedArray: false, maxDepth: 4 });
    const asCbor = data.map((value) => {
      try {
        return encodeCbor(value);
      } catch {
        return new Uint8Array([0xf6]);
      }
    });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), asCbor), (bytes) => {
        entryCodec.decode(bytes);
        entryCodec.decode(encodeCbor([bytes, new Uint8Array(64)]));
        messageCodec.decodeGossip(bytes);
        messageCodec.decodeMessage(bytes);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('well-formed entries', () => {
  const count = fc.integer({ min: 0, max: 2 ** 52 });
  const word = fc.string({ maxLength: 50, unit: 'binary' });
  const bodies = fc.oneof(
    fc.record({ kind: fc.constant('vote'), body: fc.record({ term: count, candidate: word }) }),
    fc.record({ kind: fc.constant('bye'), body: fc.record({ reason: word }) }),
    fc.record({
      kind: fc.constant('claim'),
      body: fc.record({ decision: fc.record({ author: word, seq: count }), claims: fc.array(fc.record({ shard: count, epoch: count })) }),
    }),
    fc.record({
      kind: fc.constant('meeting'),
      body: fc.record({ facts: fc.array(fc.record({ meeting: count, values: fc.dictionary(word, word) })), torndown: fc.array(count) }),
    }),
    fc.record({
      kind: fc.constant('down'),
      body: fc.record({
        term: count,
        previous: fc.constant(null),
        node: word,
        silentMs: fc.double({ noNaN: true, noDefaultInfinity: true }),
      }),
    }),
  );

  it('survive the wire, and the same draft gives the same entry', () => {
    fc.assert(
      fc.property(bodies, fc.integer({ min: 2, max: 2 ** 40 }), count, ({ kind, body }, seq, lamport) => {
        const draft = { author: author.nodeId, seq, prev: 'ab'.repeat(32), lamport, kind, body } as EntryDraft;
        fc.pre(!JSON.stringify(body).includes('__proto__'));
        const entry = entryCodec.seal(draft, author.sign);
        expect(entryCodec.seal({ ...draft }, author.sign)).toEqual(entry);
        const decoded = entryCodec.decode(entryCodec.encode(entry));
        expect(decoded.ok).toBe(true);
        if (!decoded.ok) return;
        expect(decoded.value.hash).toBe(entry.hash);
        expect(Buffer.compare(entryCodec.encode({ ...decoded.value }), entryCodec.encode(entry))).toBe(0);
      }),
    );
  });
});

describe('frames', () => {
  it('come out whole and in order, however the stream was cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 10 }),
        fc.array(fc.integer({ min: 1, max: 50 })),
        (messages, cuts) => {
          const stream = Buffer.concat(messages.map(encodeFrame));
          const decoder = createFrameDecoder(200);
          const out: Uint8Array[] = [];
          let at = 0;
          for (let index = 0; at < stream.length; index++) {
            const size = cuts[index % Math.max(1, cuts.length)] ?? stream.length;
            out.push(...decoder.push(new Uint8Array(stream.subarray(at, at + size))));
            at += size;
          }
          expect(out.map((frame) => [...frame])).toEqual(messages.map((message) => [...message]));
          expect(decoder.heldBytes).toBe(0);
          expect(decoder.malformed).toBe(false);
        },
      ),
    );
  });

  it('of any bytes hold at most one frame, and stop at the first that is too large', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 100 })), (chunks) => {
        const decoder = createFrameDecoder(64);
        for (const chunk of chunks) {
          for (const frame of decoder.push(chunk)) expect(frame.byteLength).toBeLessThanOrEqual(64);
          expect(decoder.heldBytes).toBeLessThan(4 + 64);
        }
        if (decoder.malformed) expect(decoder.push(encodeFrame(new Uint8Array(1)))).toEqual([]);
      }),
    );
  });
});
