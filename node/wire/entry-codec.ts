// Log entries as bytes (DESIGN.md section 5, "Assignment log"). On the wire an entry is the dag-cbor of [content, sig], where content is itself the
// dag-cbor of [author, seq, prev, lamport, kind, body]; the hash is the sha-256 of a domain line with wire version and swarm id, then content; the
// signature is over the hash. So an entry of another swarm or version never verifies, and nothing is re-encoded to check a hash. Decoding is
// strict, canonical form included: two nodes that hold one entry must relay the same bytes. Decoding never throws; sealing an entry that breaks
// the bounds is a programmer error and does. Whether the signature is the author's is asked separately, because it costs 64 µs and a
// caller that knows the hash already need not ask.

import { createHash } from 'node:crypto';
import { decode as decodeCbor, encode as encodeCbor } from '@ipld/dag-cbor';
import { assert } from '../core/assert.ts';
import { fail, ok, type Problem, type Result } from '../core/errors.ts';
import { type Entry, type EntryDraft, type EntryHash, WIRE_VERSION } from '../core/messages.ts';
import { bodyShapes, countShape, isEntryKind, nodeShape } from './entry-shapes.ts';

/** A roster of 4,000 nodes fits. It also bounds what one author can make others store: core BOUNDS.entriesPerAuthorMax times this. */
export const ENTRY_BYTES_MAX = 1024 * 1024;
/** Decoded entries kept to be recognised, and how large one may be: 16 MB of a flood of strangers' entries at most. */
const RECENT_MAX = 4096;
const RECENT_BYTES_MAX = 4096;
const HASH_BYTES = 32;
const SIGNATURE_BYTES = 64;

export interface EntryCodec {
  /** Hashes and signs; `sign` gets the 32 bytes of the hash. Same draft, same entry. */
  seal(draft: EntryDraft, sign: (hash: Uint8Array) => Uint8Array): Entry;
  encode(entry: Entry): Uint8Array;
  /** Problems: QUILT_ENTRY_TOO_LARGE, _MALFORMED, _UNKNOWN_KIND, _NOT_CANONICAL. The signature's length is checked, not the signature. */
  decode(bytes: Uint8Array): Result<Entry>;
  /** Whether its author signed it, by the given check (identity.ts: verifyByNode). */
  isSigned(entry: Entry, verify: (author: string, hash: Uint8Array, signature: Uint8Array) => boolean): boolean;
}

export function createEntryCodec(swarmId: string): EntryCodec {
  const domain = Buffer.from(`quilt entry ${WIRE_VERSION} ${swarmId}\n`);
  // Entries are relayed several times and stored: their bytes are kept for as long as the entry is.
  const encodedOf = new WeakMap<Entry, Uint8Array>();
  // Copies come from several neighbours: the same bytes are the same entry, and finding it again costs a fiftieth of decoding it.
  const recent = new Map<string, Entry>();
  const hashOf = (content: Uint8Array): Uint8Array => createHash('sha256').update(domain).update(content).digest();

  const encode = (entry: Entry): Uint8Array => {
    const known = encodedOf.get(entry);
    if (known !== undefined) return known;
    const bytes = encodeCbor([encodeContent(entry), entry.sig]);
    encodedOf.set(entry, bytes);
    return bytes;
  };

  return {
    seal(draft, sign) {
      const content = encodeContent(draft);
      const hash = hashOf(content);
      const sealed = { ...draft, hash: Buffer.from(hash).toString('hex'), sig: sign(hash) };
      const bytes = encode(sealed);
      assert(bytes.byteLength <= ENTRY_BYTES_MAX, `an entry of kind ${draft.kind} has ${bytes.byteLength} bytes; write it in parts`);
      // What would be refused by everybody else must not enter our own log either.
      assert(decodeOuter(bytes).ok, `an entry of kind ${draft.kind} is not well formed`);
      return sealed;
    },
    encode,
    decode(bytes) {
      if (bytes.byteLength > ENTRY_BYTES_MAX) return fail(TOO_LARGE);
      const key = Buffer.from(bytes.subarray(-SIGNATURE_BYTES)).toString('latin1');
      const copy = recent.get(key);
      if (copy !== undefined && sameBytes(encode(copy), bytes)) return ok(copy);
      // A copy: a view would keep the network chunk it came in alive for as long as the entry.
      const own = new Uint8Array(bytes);
      const decoded = decodeOuter(own);
      if (!decoded.ok) return decoded;
      const { content, sig, parts } = decoded.value;
      const [author, seq, prev, lamport, kind, body] = parts;
      const hash: EntryHash = Buffer.from(hashOf(content)).toString('hex');
      const entry = { author, seq, prev: Buffer.from(prev).toString('hex'), lamport, kind, body, hash, sig } as Entry;
      encodedOf.set(entry, own);
      if (own.byteLength <= RECENT_BYTES_MAX) {
        if (recent.size >= RECENT_MAX) recent.clear();
        recent.set(key, entry);
      }
      return ok(entry);
    },
    isSigned: (entry, verify) => verify(entry.author, Buffer.from(entry.hash, 'hex'), entry.sig),
  };
}

type Content = readonly [author: string, seq: number, prev: Uint8Array, lamport: number, kind: Entry['kind'], body: unknown];

function encodeContent(draft: EntryDraft): Uint8Array {
  return encodeCbor([draft.author, draft.seq, new Uint8Array(Buffer.from(draft.prev, 'hex')), draft.lamport, draft.kind, draft.body]);
}

function decodeOuter(bytes: Uint8Array): Result<{ content: Uint8Array; sig: Uint8Array; parts: Content }> {
  try {
    const outer: unknown = decodeCbor(bytes);
    if (!Array.isArray(outer) || outer.length !== 2) return fail(MALFORMED);
    const [content, sig] = outer as unknown[];
    if (!(content instanceof Uint8Array) || !(sig instanceof Uint8Array) || sig.byteLength !== SIGNATURE_BYTES) return fail(MALFORMED);
    const parts: unknown = decodeCbor(content);
    if (!isWellFormed(parts)) return fail(hasUnknownKind(parts) ? UNKNOWN_KIND : MALFORMED);
    // The decoder takes any spelling of a value (key order, number width); the encoder has one.
    const isCanonical = bytes.byteLength === outerBytes(content.byteLength) && sameBytes(encodeCbor(parts), content);
    return isCanonical ? ok({ content, sig, parts }) : fail(NOT_CANONICAL);
  } catch {
    // The decoder throws on truncated, oversized or too deeply nested input.
    return fail(MALFORMED);
  }
}

/** Length of the canonical dag-cbor of [content, sig]: no other spelling of two byte strings is as short. */
function outerBytes(contentBytes: number): number {
  const headBytes = contentBytes < 24 ? 1 : contentBytes < 256 ? 2 : contentBytes < 65_536 ? 3 : 5;
  return 1 + headBytes + contentBytes + 2 + SIGNATURE_BYTES;
}

function isWellFormed(parts: unknown): parts is Content {
  if (!Array.isArray(parts) || parts.length !== 6) return false;
  const [author, seq, prev, lamport, kind, body] = parts as unknown[];
  if (!nodeShape(author) || !countShape(seq) || !countShape(lamport) || seq === 0) return false;
  // The first entry of an author has no predecessor, every other has one.
  if (!(prev instanceof Uint8Array) || prev.byteLength !== (seq === 1 ? 0 : HASH_BYTES)) return false;
  return isEntryKind(kind) && bodyShapes[kind](body);
}

function hasUnknownKind(parts: unknown): boolean {
  return Array.isArray(parts) && parts.length === 6 && typeof parts[4] === 'string' && !isEntryKind(parts[4]);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

const problem = (code: Problem['code'], message: string): Problem => ({
  code,
  message,
  hint: 'the peer is broken, hostile or of another version; the entry was refused and counted',
});
const TOO_LARGE = problem('QUILT_ENTRY_TOO_LARGE', `a log entry is larger than ${ENTRY_BYTES_MAX} bytes`);
const MALFORMED = problem('QUILT_ENTRY_MALFORMED', 'a log entry is not what its kind requires');
const UNKNOWN_KIND = problem('QUILT_ENTRY_UNKNOWN_KIND', 'a log entry is of a kind that this version does not know');
const NOT_CANONICAL = problem('QUILT_ENTRY_NOT_CANONICAL', 'a log entry is not in canonical dag-cbor');
