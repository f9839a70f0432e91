// Ed25519 keys: a node's (its name is the libp2p PeerId of the public key) and the operator's. Kept as PKCS#8 PEM in a file that only its owner can
// read, made whole or not at all. Signing and verifying go through node:crypto synchronously, because the core is synchronous and asks often:
// measured on the 2-core machine of FACTS.md, sign 22 µs and verify 64 µs with a cached KeyObject, against 84 µs when the key is imported each
// time (which is what libp2p does). A malformed name, key or signature verifies as false and never throws.

import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { publicKeyFromRaw } from '@libp2p/crypto/keys';
import { peerIdFromPublicKey, peerIdFromString } from '@libp2p/peer-id';
import { fail, ok, type Result } from '../core/errors.ts';
import type { NodeId } from '../core/messages.ts';
import { isSignedWith, publicKeyObject } from '../wire/ed25519.ts';

export interface Identity {
  /** The PeerId of the public key; for an operator's key merely a readable name of it. */
  readonly nodeId: NodeId;
  /** The 32-byte secret; what createMesh takes as `privateKey`. Never log it. */
  readonly seed: Uint8Array;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** 64 bytes. */
  sign(bytes: Uint8Array): Uint8Array;
}

/** A fresh identity that is nowhere on disk. */
export function makeIdentity(): Identity {
  return identityOf(generateKeyPairSync('ed25519').privateKey);
}

/** Deterministic: for tests and benchmarks that need the same names every time. `seed` has 32 bytes. */
export function identityFromSeed(seed: Uint8Array): Identity {
  const pkcs8 = Buffer.concat([PKCS8_HEADER, seed]);
  return identityOf(createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }));
}

/** Loads the key at `path`, or makes it there (folder included). Problems: QUILT_KEY_UNREADABLE, QUILT_KEY_EXPOSED, QUILT_KEY_INVALID, QUILT_KEY_UNWRITABLE. */
export function loadOrMakeIdentity(path: string): Result<Identity> {
  const loaded = loadIdentity(path);
  if (loaded.ok || loaded.problems[0]?.code !== 'QUILT_KEY_MISSING') return loaded;
  const identity = makeIdentity();
  const written = saveIdentity(path, identity);
  return written.ok ? ok(identity) : written;
}

/** QUILT_KEY_MISSING when there is no such file. */
export function loadIdentity(path: string): Result<Identity> {
  let pem: string;
  try {
    if ((statSync(path).mode & 0o077) !== 0) {
      return fail({
        code: 'QUILT_KEY_EXPOSED',
        message: `others on this machine can read the key ${path}`,
        hint: `chmod 600 ${path}; if somebody may have read it, delete it and start a new swarm`,
      });
    }
    pem = readFileSync(path, 'utf8');
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return fail({
      code: missing ? 'QUILT_KEY_MISSING' : 'QUILT_KEY_UNREADABLE',
      message: `cannot read the key ${path}: ${(error as Error).message}`,
      hint: missing
        ? 'it is made by seed, run and launch; name the right file'
        : 'run as the user that made it, or give another data folder',
    });
  }
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType !== 'ed25519') throw new Error('not an Ed25519 key');
    return ok(identityOf(key));
  } catch {
    return fail({
      code: 'QUILT_KEY_INVALID',
      message: `${path} is not an Ed25519 private key in PEM form`,
      hint: 'restore it from a copy, or remove it: a new one is made, and the node is a new node',
    });
  }
}

/** Written beside its place and linked into it, so that a crash leaves no half key and nobody's key is overwritten. */
export function saveIdentity(path: string, identity: Identity): Result<null> {
  const beside = `${path}.${randomBytes(6).toString('hex')}`;
  let hasFolder = false;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    hasFolder = true;
    const pem = createPrivateKey({ key: Buffer.concat([PKCS8_HEADER, identity.seed]), format: 'der', type: 'pkcs8' }).export({
      format: 'pem',
      type: 'pkcs8',
    });
    writeFileSync(beside, pem, { mode: 0o600, flag: 'wx', flush: true });
    linkSync(beside, path);
    return ok(null);
  } catch (error) {
    return fail({
      code: 'QUILT_KEY_UNWRITABLE',
      message: `cannot write the key ${path}: ${(error as Error).message}`,
      hint: 'the folder must be writable and have space; a key that is there already is never overwritten',
    });
  } finally {
    if (hasFolder) rmSync(beside, { force: true });
  }
}

/** The name that belongs to a public key of 32 bytes. */
export function nodeIdOf(publicKey: Uint8Array): NodeId {
  return peerIdFromPublicKey(publicKeyFromRaw(publicKey)).toString();
}

/** Whether the node of that name signed these bytes. */
export function verifyByNode(node: NodeId, bytes: Uint8Array, signature: Uint8Array): boolean {
  const key = cached(node, () => {
    const raw = peerIdFromString(node).publicKey?.raw;
    return raw === undefined ? null : publicKeyObject(raw);
  });
  return isSignedWith(key, bytes, signature);
}

/** Whether the holder of this 32-byte public key (the operator) signed these bytes. */
export function verifyByKey(publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
  const key = cached(Buffer.from(publicKey).toString('latin1'), () => publicKeyObject(publicKey));
  return isSignedWith(key, bytes, signature);
}

/** The fixed ASN.1 wrapping of an Ed25519 seed (RFC 8410, section 7). */
const PKCS8_HEADER = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Names come from the network: beyond this many the cache starts anew. Each KeyObject holds about 1 KB outside the heap. */
const CACHED_KEYS_MAX = 8192;
const keys = new Map<string, KeyObject | null>();

function cached(name: string, make: () => KeyObject | null): KeyObject | null {
  const known = keys.get(name);
  if (known !== undefined) return known;
  let made: KeyObject | null = null;
  try {
    made = make();
  } catch {
    // Not the name of an Ed25519 key; remembered as such.
  }
  if (keys.size >= CACHED_KEYS_MAX) keys.clear();
  keys.set(name, made);
  return made;
}

function identityOf(privateKey: KeyObject): Identity {
  const jwk = privateKey.export({ format: 'jwk' });
  const publicKey = new Uint8Array(Buffer.from(jwk.x ?? '', 'base64url'));
  return {
    nodeId: nodeIdOf(publicKey),
    seed: new Uint8Array(Buffer.from(jwk.d ?? '', 'base64url')),
    publicKey,
    sign: (bytes) => new Uint8Array(sign(null, bytes, privateKey)),
  };
}
