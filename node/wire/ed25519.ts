// Ed25519 (RFC 8032) verification with the public key as its 32 raw bytes, through node:crypto. Pure: same bytes, same answer; nothing throws,
// because keys and signatures come from tickets, log entries and peers. Making keys and signing needs secrets and is node/adapters/identity.ts'.

import { createPublicKey, type KeyObject, verify } from 'node:crypto';

export const PUBLIC_KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;
/** The fixed ASN.1 wrapping of a public key (RFC 8410, section 4). */
const SPKI_HEADER = Buffer.from('302a300506032b6570032100', 'hex');

/** Importing costs about a third of a verification: callers that verify often keep the object. Null when it is no key. */
export function publicKeyObject(publicKey: Uint8Array): KeyObject | null {
  if (publicKey.byteLength !== PUBLIC_KEY_BYTES) return null;
  try {
    return createPublicKey({ key: Buffer.concat([SPKI_HEADER, publicKey]), format: 'der', type: 'spki' });
  } catch {
    return null;
  }
}

export function isSignedWith(key: KeyObject | null, bytes: Uint8Array, signature: Uint8Array): boolean {
  if (key === null || signature.byteLength !== SIGNATURE_BYTES) return false;
  return verify(null, bytes, key, signature);
}
