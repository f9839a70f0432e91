import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  identityFromSeed,
  loadIdentity,
  loadOrMakeIdentity,
  makeIdentity,
  nodeIdOf,
  saveIdentity,
  verifyByKey,
  verifyByNode,
} from '../../node/adapters/identity.ts';

const bytes = new TextEncoder().encode('what was signed');
const codeOf = (result: { ok: boolean; problems?: readonly { code: string }[] }): string =>
  result.ok ? 'ok' : (result.problems?.[0]?.code ?? '');

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quilt-identity-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a key in a file', () => {
  it('is made once, readable by its owner only, and loads as the same node', () => {
    const path = join(folder, 'deep', 'node.key');
    const made = loadOrMakeIdentity(path);
    const loaded = loadOrMakeIdentity(path);
    expect(made.ok && loaded.ok && made.value.nodeId === loaded.value.nodeId).toBe(true);
    expect(made.ok && loaded.ok && Buffer.compare(made.value.seed, loaded.value.seed)).toBe(0);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(folder, 'deep'))).toEqual(['node.key']);
  });

  it('is never overwritten', () => {
    const path = join(folder, 'node.key');
    loadOrMakeIdentity(path);
    const before = readFileSync(path, 'utf8');
    expect(codeOf(saveIdentity(path, makeIdentity()))).toBe('QUILT_KEY_UNWRITABLE');
    expect(readFileSync(path, 'utf8')).toBe(before);
  });

  it('that is missing, exposed, damaged or of another type is refused with its own code', () => {
    expect(codeOf(loadIdentity(join(folder, 'none')))).toBe('QUILT_KEY_MISSING');
    expect(codeOf(loadIdentity(join(folder, 'none', 'deeper')))).toBe('QUILT_KEY_MISSING');
    const path = join(folder, 'node.key');
    loadOrMakeIdentity(path);
    chmodSync(path, 0o644);
    expect(codeOf(loadOrMakeIdentity(path))).toBe('QUILT_KEY_EXPOSED');
    chmodSync(path, 0o600);
    writeFileSync(path, readFileSync(path, 'utf8').slice(0, 40));
    expect(codeOf(loadOrMakeIdentity(path))).toBe('QUILT_KEY_INVALID');
    writeFileSync(path, generateKeyPairSync('ed448').privateKey.export({ format: 'pem', type: 'pkcs8' }));
    expect(codeOf(loadOrMakeIdentity(path))).toBe('QUILT_KEY_INVALID');
    expect(codeOf(loadOrMakeIdentity(folder))).toBe('QUILT_KEY_UNREADABLE');
    // Below a file no folder can be made. (Below /proc, Node 24's recursive mkdir never returns.)
    expect(codeOf(saveIdentity(join(path, 'below-a-file', 'node.key'), makeIdentity()))).toBe('QUILT_KEY_UNWRITABLE');
  });
});

describe('names and signatures', () => {
  it('name the key as libp2p does', async () => {
    const identity = identityFromSeed(new Uint8Array(32).fill(9));
    const libp2p = peerIdFromPrivateKey(await generateKeyPairFromSeed('Ed25519', new Uint8Array(32).fill(9)));
    expect(identity.nodeId).toBe(libp2p.toString());
    expect(nodeIdOf(identity.publicKey)).toBe(identity.nodeId);
  });

  it('verify what the node signed, by name and by key, and nothing else', () => {
    const [a, b] = [makeIdentity(), makeIdentity()];
    const signature = a.sign(bytes);
    expect(verifyByNode(a.nodeId, bytes, signature)).toBe(true);
    expect(verifyByKey(a.publicKey, bytes, signature)).toBe(true);
    expect(verifyByNode(b.nodeId, bytes, signature)).toBe(false);
    expect(verifyByKey(b.publicKey, bytes, signature)).toBe(false);
    expect(verifyByNode(a.nodeId, bytes.subarray(1), signature)).toBe(false);
    signature[3] = (signature[3] ?? 0) ^ 1;
    expect(verifyByNode(a.nodeId, bytes, signature)).toBe(false);
  });

  it('of malformed names, keys and signatures are false, not exceptions', () => {
    const a = makeIdentity();
    for (const name of ['', 'x', '12D3KooW', 'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N', '\u0000']) {
      expect(verifyByNode(name, bytes, a.sign(bytes)), name).toBe(false);
    }
    for (const size of [0, 31, 33]) expect(verifyByKey(new Uint8Array(size), bytes, a.sign(bytes))).toBe(false);
    for (const size of [0, 63, 65]) expect(verifyByNode(a.nodeId, bytes, new Uint8Array(size))).toBe(false);
  });
});
