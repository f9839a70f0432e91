import { decode as decodeCbor, encode as encodeCbor } from '@ipld/dag-cbor';
import { describe, expect, it } from 'vitest';
import { makeIdentity, verifyByKey, verifyByNode } from '../../node/adapters/identity.ts';
import type { EntryDraft } from '../../node/core/messages.ts';
import { createEntryCodec, ENTRY_BYTES_MAX } from '../../node/wire/entry-codec.ts';
import { createMessageCodec } from '../../node/wire/message-codec.ts';
import { isSignedOrder, signOrder } from '../../node/wire/order-codec.ts';
import { author, entryCodec, operator, SWARM, sampleBodies, sampleEntries, sampleOrders } from '../support/wire-samples.ts';

const codeOf = (result: { ok: boolean; problems?: readonly { code: string }[] }): string =>
  result.ok ? 'ok' : (result.problems?.[0]?.code ?? '');
const [first, second] = sampleEntries();
if (first === undefined || second === undefined) throw new Error('no samples');

/** The entry with one part of its content, or the whole of it, replaced. */
function forged(change: (content: unknown[]) => unknown): Uint8Array {
  const [content, sig] = decodeCbor(entryCodec.encode(second as never)) as [Uint8Array, Uint8Array];
  const parts = decodeCbor(content) as unknown[];
  return encodeCbor([encodeCbor(change(parts)), sig]);
}

describe('an entry', () => {
  it('survives the wire and is signed by its author only', () => {
    for (const entry of sampleEntries()) {
      const decoded = entryCodec.decode(entryCodec.encode(entry));
      expect(decoded).toEqual({ ok: true, value: entry });
      expect(entryCodec.isSigned(entry, verifyByNode)).toBe(true);
      expect(entryCodec.isSigned({ ...entry, author: makeIdentity().nodeId }, verifyByNode)).toBe(false);
      expect(entryCodec.isSigned({ ...entry, hash: first.hash.replace(/^./, (digit) => (digit === '0' ? '1' : '0')) }, verifyByNode)).toBe(
        false,
      );
    }
  });

  it('encodes to the same bytes whether it was sealed here or received', () => {
    const received = entryCodec.decode(entryCodec.encode(first));
    expect(received.ok && Buffer.compare(entryCodec.encode({ ...received.value }), entryCodec.encode(first))).toBe(0);
  });

  it('of another swarm has another hash, so its signature does not verify', () => {
    const elsewhere = createEntryCodec('another-swarm').decode(entryCodec.encode(first));
    expect(elsewhere.ok && elsewhere.value.hash).not.toBe(first.hash);
    expect(elsewhere.ok && entryCodec.isSigned(elsewhere.value, verifyByNode)).toBe(false);
  });

  it.each([
    ['an unknown kind', (parts: unknown[]) => parts.with(4, 'coup'), 'QUILT_ENTRY_UNKNOWN_KIND'],
    ['the body of another kind', (parts: unknown[]) => parts.with(4, 'hello'), 'QUILT_ENTRY_MALFORMED'],
    ['an extra key', (parts: unknown[]) => parts.with(5, { ...sampleBodies.vote, extra: 1 }), 'QUILT_ENTRY_MALFORMED'],
    ['a missing key', (parts: unknown[]) => parts.with(5, { term: 3 }), 'QUILT_ENTRY_MALFORMED'],
    ['a wrong type', (parts: unknown[]) => parts.with(5, { ...sampleBodies.vote, term: '3' }), 'QUILT_ENTRY_MALFORMED'],
    ['a fraction for a count', (parts: unknown[]) => parts.with(5, { ...sampleBodies.vote, term: 3.5 }), 'QUILT_ENTRY_MALFORMED'],
    ['a negative term', (parts: unknown[]) => parts.with(5, { ...sampleBodies.vote, term: -1 }), 'QUILT_ENTRY_MALFORMED'],
    [
      'a term near the end of the numbers',
      (parts: unknown[]) => parts.with(5, { ...sampleBodies.vote, term: 2 ** 53 - 1 }),
      'QUILT_ENTRY_MALFORMED',
    ],
    ['a list for a body', (parts: unknown[]) => parts.with(5, []), 'QUILT_ENTRY_MALFORMED'],
    ['no predecessor', (parts: unknown[]) => parts.with(2, new Uint8Array(0)), 'QUILT_ENTRY_MALFORMED'],
    ['seq zero', (parts: unknown[]) => parts.with(1, 0), 'QUILT_ENTRY_MALFORMED'],
    ['a long author', (parts: unknown[]) => parts.with(0, 'x'.repeat(129)), 'QUILT_ENTRY_MALFORMED'],
    ['one part too many', (parts: unknown[]) => [...parts, 1], 'QUILT_ENTRY_MALFORMED'],
    ['a map for content', () => ({ author: 'x' }), 'QUILT_ENTRY_MALFORMED'],
  ])('with %s is refused', (_what, change, code) => {
    expect(codeOf(entryCodec.decode(forged(change)))).toBe(code);
  });

  it('in non-canonical spelling is refused, though it says the same', () => {
    const canonical = entryCodec.encode(second);
    // The outer list with its length in two bytes instead of one: 0x82 -> 0x98 0x02. The decoder of dag-cbor already refuses it.
    expect(codeOf(entryCodec.decode(Buffer.concat([Buffer.from([0x98, 2]), canonical.subarray(1)])))).toBe('QUILT_ENTRY_MALFORMED');
    // Map keys in another order: the decoder takes it, so the re-encoding has to notice.
    const [content, sig] = decodeCbor(canonical) as [Uint8Array, Uint8Array];
    const [termKey, candidateKey] = [Buffer.from('647465726d03', 'hex'), encodeCbor(['candidate', author.nodeId]).subarray(1)];
    const swapped = Buffer.concat([content.subarray(0, content.length - termKey.length - candidateKey.length), candidateKey, termKey]);
    expect(Buffer.compare(swapped, content)).not.toBe(0);
    expect(decodeCbor(swapped)).toEqual(decodeCbor(content));
    expect(codeOf(entryCodec.decode(encodeCbor([new Uint8Array(swapped), sig])))).toBe('QUILT_ENTRY_NOT_CANONICAL');
  });

  it('that is too large is refused, and one that would be cannot be sealed', () => {
    expect(codeOf(entryCodec.decode(new Uint8Array(ENTRY_BYTES_MAX + 1)))).toBe('QUILT_ENTRY_TOO_LARGE');
    const claims = Array.from({ length: 90_000 }, (_, shard) => ({ shard, epoch: 1 }));
    const draft = {
      author: 'a',
      seq: 1,
      prev: '',
      lamport: 1,
      kind: 'claim',
      body: { decision: { author: 'a', seq: 1 }, claims },
    } as EntryDraft;
    expect(() => entryCodec.seal(draft, author.sign)).toThrow(/in parts/);
    expect(() => entryCodec.seal({ ...draft, kind: 'bye', body: { reason: 7 } } as never, author.sign)).toThrow(/well formed/);
  });

  it('nested a hundred thousand times is refused, not a crash', () => {
    expect(codeOf(entryCodec.decode(new Uint8Array(100_000).fill(0x81)))).toBe('QUILT_ENTRY_MALFORMED');
  });

  it('with a key that would change a prototype is refused', () => {
    const withKey = (value: string) => JSON.parse(`{"__proto__": ${value}}`);
    const facts = forged((parts) => parts.with(4, 'meeting').with(5, { facts: [{ meeting: 1, values: withKey('"x"') }], torndown: [] }));
    expect(codeOf(entryCodec.decode(facts))).toBe('QUILT_ENTRY_MALFORMED');
    const fault = forged((parts) =>
      parts.with(4, 'fault').with(5, { order: { ...sampleOrders.fault, fault: withKey('{"x": 1}') }, signature: new Uint8Array(64) }),
    );
    expect(codeOf(entryCodec.decode(fault))).toBe('QUILT_ENTRY_MALFORMED');
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });
});

describe('messages', () => {
  const messageCodec = createMessageCodec(entryCodec);

  it('leave a bad entry out and count it', () => {
    const bytes = encodeCbor({
      v: 1,
      type: 'entries',
      entries: [entryCodec.encode(first), forged((parts) => parts.with(4, 'coup')), entryCodec.encode(second)],
    });
    const decoded = messageCodec.decodeMessage(bytes);
    expect(decoded).toEqual({ ok: true, value: { message: { type: 'entries', entries: [first, second] }, refusedEntries: 1 } });
  });

  it.each([
    ['another version', { v: 2, type: 'have', have: {}, digest: 1, full: true }, 'QUILT_WIRE_VERSION'],
    ['an unknown type', { v: 1, type: 'toString' }, 'QUILT_MESSAGE_MALFORMED'],
    ['a missing field', { v: 1, type: 'have', have: {}, digest: 1 }, 'QUILT_MESSAGE_MALFORMED'],
    ['an extra field', { v: 1, type: 'have', have: {}, digest: 1, full: true, more: 1 }, 'QUILT_MESSAGE_MALFORMED'],
    ['a gossip type on a direct stream', { v: 1, type: 'beat', term: 1, beat: 1, swarmMs: 1 }, 'QUILT_MESSAGE_MALFORMED'],
    ['a list', [1], 'QUILT_MESSAGE_MALFORMED'],
    ['nothing', null, 'QUILT_MESSAGE_MALFORMED'],
  ])('of %s are refused', (_what, message, code) => {
    expect(codeOf(messageCodec.decodeMessage(encodeCbor(message)))).toBe(code);
  });

  it('with many entries are split to fit, each entry in one of them', () => {
    const entries = sampleEntries();
    const parts = messageCodec.encodeEntries(entries, 1500);
    expect(parts.length).toBeGreaterThan(2);
    expect(parts.every((part) => part.byteLength <= 1500)).toBe(true);
    const back = parts.flatMap((part) => {
      const decoded = messageCodec.decodeGossip(part);
      return decoded.ok && decoded.value.message.type === 'entries' ? decoded.value.message.entries : [];
    });
    expect(back).toEqual(entries);
    expect(messageCodec.encodeEntries([], 1500)).toEqual([]);
    expect(messageCodec.encodeEntries(entries, 1).length).toBe(entries.length);
  });
});

describe('orders', () => {
  const verify = (bytes: Uint8Array, signature: Uint8Array): boolean => verifyByKey(operator.publicKey, bytes, signature);

  it.each(Object.values(sampleOrders))('of kind $order count only when the operator of this swarm signed them', (order) => {
    const signed = signOrder(SWARM, order, operator.sign);
    expect(isSignedOrder(SWARM, signed, verify)).toBe(true);
    expect(isSignedOrder('another-swarm', signed, verify)).toBe(false);
    expect(isSignedOrder(SWARM, { ...signed, order: { ...order, runId: 'run-2' } as never }, verify)).toBe(false);
    expect(isSignedOrder(SWARM, signOrder(SWARM, order, author.sign), verify)).toBe(false);
    expect(isSignedOrder(SWARM, { order: undefined as never, signature: signed.signature }, verify)).toBe(false);
  });
});
