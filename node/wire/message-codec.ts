// Gossip and direct messages as bytes: a dag-cbor map {v, type, ...} with the fields of node/core/messages.ts, entries within as their own bytes
// (entry-codec.ts). Strict like the entries, with one difference: a bad entry among good ones is left out and counted instead of spoiling the
// message, so that one hostile author cannot stop anti-entropy between two honest nodes. Decoding never throws.

import { decode as decodeCbor, encode as encodeCbor } from '@ipld/dag-cbor';
import { fail, ok, type Problem, type Result } from '../core/errors.ts';
import { type Entry, type Gossip, type Message, WIRE_VERSION, type WindowFrame } from '../core/messages.ts';
import { ENTRY_BYTES_MAX, type EntryCodec } from './entry-codec.ts';
import { countShape, decisionShape, nodeShape } from './entry-shapes.ts';
import { bytesOf, fields, flagShape, listOf, nullOr, numberShape, oneOf, recordOf, type Shape } from './shape-check.ts';

/** Decoded, with the number of entries that were refused. Signatures are not checked yet. */
export interface Decoded<T> {
  readonly message: T;
  readonly refusedEntries: number;
}

export interface MessageCodec {
  encodeGossip(gossip: Gossip): Uint8Array;
  encodeMessage(message: Message): Uint8Array;
  /** Problems: QUILT_MESSAGE_MALFORMED, QUILT_WIRE_VERSION. */
  decodeGossip(bytes: Uint8Array): Result<Decoded<Gossip>>;
  decodeMessage(bytes: Uint8Array): Result<Decoded<Message>>;
  /** As many `entries` messages (gossip and direct look the same) as needed to keep each below `bytesMax`; a single entry always gets through. */
  encodeEntries(entries: readonly Entry[], bytesMax: number): Uint8Array[];
}

const entriesShape = listOf(bytesOf(1, ENTRY_BYTES_MAX), 10_000);
const vectorShape = recordOf(countShape, 10_000);
const windowsShape = listOf(fields<WindowFrame>({ number: countShape, payload: bytesOf(0, 4 * 1024 * 1024) }), 1000);
const version = oneOf(WIRE_VERSION);

/** The fields of one type, all of them: one added to messages.ts does not compile until its shape is written. */
type FieldsOf<U extends { type: string }, T extends U['type']> = {
  readonly [K in Exclude<keyof Extract<U, { type: T }>, 'type'>]-?: Shape;
};
const typed = (type: string, shapes: Readonly<Record<string, Shape>>): Shape => fields({ v: version, type: oneOf(type), ...shapes });
const gossip = <T extends Gossip['type']>(type: T, shapes: FieldsOf<Gossip, T>): Shape => typed(type, shapes);
const message = <T extends Message['type']>(type: T, shapes: FieldsOf<Message, T>): Shape => typed(type, shapes);

const canvass = gossip('canvass', { term: countShape, pre: flagShape, chainTerm: countShape, chainLength: countShape });
const gossipShapes: { readonly [T in Gossip['type']]: Shape } = {
  entries: gossip('entries', { entries: entriesShape }),
  beat: gossip('beat', { term: countShape, beat: countShape, swarmMs: numberShape }),
  canvass,
};
const messageShapes: { readonly [T in Message['type']]: Shape } = {
  have: message('have', { have: vectorShape, digest: numberShape, full: flagShape }),
  want: message('want', { after: vectorShape, full: flagShape }),
  entries: gossipShapes.entries,
  canvass,
  ballot: message('ballot', { term: countShape, pre: flagShape, granted: flagShape, termMax: countShape }),
  pulse: message('pulse', { term: countShape, beat: countShape, sentMs: numberShape, windows: windowsShape, custody: vectorShape }),
  'pulse-ack': message('pulse-ack', {
    term: countShape,
    beat: countShape,
    pulseSentMs: numberShape,
    swarmMs: numberShape,
    windowsUpTo: countShape,
    decision: nullOr(decisionShape),
    granted: flagShape,
    settled: flagShape,
    custody: vectorShape,
  }),
  custody: message('custody', { node: nodeShape, windows: windowsShape }),
};

export function createMessageCodec(entryCodec: EntryCodec): MessageCodec {
  const encode = (said: Gossip | Message): Uint8Array =>
    encodeCbor(said.type === 'entries' ? envelopeOf(said.entries.map(entryCodec.encode)) : { v: WIRE_VERSION, ...said });

  /** Entries' bytes become entries; what does not decode is counted. */
  const openEntries = (raw: readonly Uint8Array[]): Decoded<{ type: 'entries'; entries: Entry[] }> => {
    const entries: Entry[] = [];
    for (const bytes of raw) {
      const entry = entryCodec.decode(bytes);
      if (entry.ok) entries.push(entry.value);
    }
    return { message: { type: 'entries', entries }, refusedEntries: raw.length - entries.length };
  };

  const decode = <T extends Gossip | Message>(bytes: Uint8Array, shapes: { readonly [K in T['type']]: Shape }): Result<Decoded<T>> => {
    const envelope = decodeEnvelope(bytes);
    if (envelope === null) return fail(MALFORMED);
    if (envelope.v !== WIRE_VERSION) return fail(OTHER_VERSION);
    const shape = Object.hasOwn(shapes, String(envelope.type)) ? shapes[envelope.type as T['type']] : undefined;
    if (shape === undefined || !shape(envelope)) return fail(MALFORMED);
    if (envelope.type === 'entries') return ok(openEntries(envelope.entries as Uint8Array[]) as unknown as Decoded<T>);
    const { v: _v, ...rest } = envelope;
    return ok({ message: rest as unknown as T, refusedEntries: 0 });
  };

  return {
    encodeGossip: encode,
    encodeMessage: encode,
    decodeGossip: (bytes) => decode<Gossip>(bytes, gossipShapes),
    decodeMessage: (bytes) => decode<Message>(bytes, messageShapes),
    encodeEntries(entries, bytesMax) {
      const messages: Uint8Array[] = [];
      let part: Uint8Array[] = [];
      let partBytes = ENVELOPE_BYTES;
      for (const entry of entries) {
        const bytes = entryCodec.encode(entry);
        if (part.length > 0 && partBytes + bytes.byteLength + PREFIX_BYTES > bytesMax) {
          messages.push(encodeCbor(envelopeOf(part)));
          part = [];
          partBytes = ENVELOPE_BYTES;
        }
        part.push(bytes);
        partBytes += bytes.byteLength + PREFIX_BYTES;
      }
      if (part.length > 0) messages.push(encodeCbor(envelopeOf(part)));
      return messages;
    },
  };
}

/** What the envelope adds to its entries at most, and what each entry's length costs at most. */
const ENVELOPE_BYTES = 64;
const PREFIX_BYTES = 5;

function envelopeOf(entries: readonly Uint8Array[]): { v: number; type: string; entries: readonly Uint8Array[] } {
  return { v: WIRE_VERSION, type: 'entries', entries };
}

function decodeEnvelope(bytes: Uint8Array): Record<string, unknown> | null {
  try {
    const value: unknown = decodeCbor(bytes);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

const MALFORMED: Problem = {
  code: 'QUILT_MESSAGE_MALFORMED',
  message: 'a message is not what its type requires',
  hint: 'the peer is broken, hostile or of another version; the message was refused and counted',
};
const OTHER_VERSION: Problem = {
  code: 'QUILT_WIRE_VERSION',
  message: `a message is not of wire version ${WIRE_VERSION}`,
  hint: 'all nodes of a swarm must run the same version of quilt-swarm',
};
