// Stand-ins for keys. Sealing is a cheap content hash instead of sha-256 and Ed25519: the core only needs equal content to give
// equal hashes, and the simulator needs 20 clusters a second. A signature of the operator is right when it was made by
// `signOrder`; forging one means writing any other bytes, which is what the P7 faults do.

import type { Entry, EntryDraft, Order, SignedOrder } from '../../node/core/messages.ts';
import { hashString } from '../../node/core/rng.ts';

const NO_SIGNATURE = new Uint8Array(0);
const OPERATOR_KEY = 0x5eed;

/** Bytes and infinities would print as nothing or as null; neither may make two contents look alike. */
const canonical = (_key: string, value: unknown): unknown => {
  if (value instanceof Uint8Array) return `bytes:${value.join(',')}`;
  return typeof value === 'number' && !Number.isFinite(value) ? `number:${value}` : value;
};

const hex = (value: number): string => value.toString(16).padStart(8, '0');

/** NodeConfig.seal of every simulated node. */
export function seal(draft: EntryDraft): Entry {
  const text = JSON.stringify(draft, canonical);
  return { ...draft, hash: hex(hashString(text)) + hex(hashString(text, 1)), sig: NO_SIGNATURE } as Entry;
}

const signatureOf = (order: Order): number => hashString(JSON.stringify(order, canonical), OPERATOR_KEY);

export function signOrder(order: Order): SignedOrder {
  const value = signatureOf(order);
  return { order, signature: Uint8Array.of(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255) };
}

/** What somebody without the operator's key can make. */
export const forgeOrder = (order: Order): SignedOrder => ({ order, signature: Uint8Array.of(1, 2, 3, 4) });

/** NodeConfig.verifyOrder of every simulated node. */
export function verifyOrder(signed: SignedOrder): boolean {
  const [a = 0, b = 0, c = 0, d = 0] = signed.signature;
  return signed.signature.length === 4 && ((a << 24) | (b << 16) | (c << 8) | d) >>> 0 === signatureOf(signed.order);
}
