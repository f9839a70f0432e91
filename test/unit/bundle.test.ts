// Bundles come from other machines: what leaves their folder, is too large or is not what its hash says is refused; what was packed is unpacked
// byte for byte.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encode } from '@ipld/dag-cbor';
import { afterAll, describe, expect, it } from 'vitest';
import { fail, ok } from '../../node/core/errors.ts';
import { createBlobs } from '../../node/runtime/blobs.ts';
import { type Bundle, decodeBundle, encodeBundle, hashOf, packBundle, unpackBundle } from '../../node/runtime/bundle.ts';

const folder = mkdtempSync(join(tmpdir(), 'quilt-bundle-'));
afterAll(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, 'data'));
writeFileSync(join(folder, 'data', 'rows.csv'), 'a,b\n1,2\n');
writeFileSync(join(folder, 'run.sh'), '#!/bin/sh\n', { mode: 0o700 });
const pack = (...paths: string[]) =>
  packBundle({ scenarioPath: join(folder, 's.yaml'), scenarioText: 'name: s\n', variables: { v: '1' }, tags: { t: '2' }, paths });

describe('a bundle', () => {
  it('brings the files of a scenario along', () => {
    const packed = pack('run.sh', './data/rows.csv');
    if (!packed.ok) throw new Error('not packed');
    const bytes = encodeBundle(packed.value);
    const decoded = decodeBundle(bytes);
    if (!decoded.ok) throw new Error('not decoded');
    expect(decoded.value).toEqual(packed.value);
    const unpacked = unpackBundle(decoded.value, hashOf(bytes), join(folder, 'bundles'));
    expect(readFileSync(join(unpacked, 'data', 'rows.csv'), 'utf8')).toBe('a,b\n1,2\n');
    expect(statSync(join(unpacked, 'run.sh')).mode & 0o100).toBe(0o100);
    expect(unpackBundle(decoded.value, hashOf(bytes), join(folder, 'bundles'))).toBe(unpacked);
  });

  it('has the same bytes whatever the order of its files', () => {
    const [one, other] = [pack('run.sh', 'data/rows.csv'), pack('data/rows.csv', 'run.sh')];
    if (!one.ok || !other.ok) throw new Error('not packed');
    expect(hashOf(encodeBundle(one.value))).toBe(hashOf(encodeBundle(other.value)));
  });

  it('tells every file that it cannot take', () => {
    const packed = pack('../outside', '/etc/hostname', 'missing.csv');
    expect(packed.ok ? [] : packed.problems.map(({ code }) => code)).toEqual([
      'QUILT_BUNDLE_OUTSIDE',
      'QUILT_BUNDLE_OUTSIDE',
      'QUILT_BUNDLE_FILE',
    ]);
  });

  const sound: Bundle = { scenarioFile: 's.yaml', scenarioText: '', variables: {}, tags: {}, files: [] };
  const file = (path: string) => ({ path, bytes: new Uint8Array(), executable: false });
  it.each([
    ['no bundle at all', [1, 2]],
    ['a scenario elsewhere', { ...sound, scenarioFile: '../s.yaml' }],
    ['a file elsewhere', { ...sound, files: [file('../../x')] }],
    ['an absolute file', { ...sound, files: [file('/x')] }],
    ['a file without content', { ...sound, files: [{ path: 'x' }] }],
    ['a variable that is no text', { ...sound, variables: { x: 1 } }],
  ])('is refused: %s', (_what, value) => {
    expect(decodeBundle(encode(value))).toMatchObject({ ok: false, problems: [{ code: 'QUILT_BUNDLE_BAD' }] });
  });

  it('is refused when it is rubbish', () => {
    expect(decodeBundle(new Uint8Array(1000).fill(0xff)).ok).toBe(false);
  });
});

describe('blobs', () => {
  it('are asked for from peer to peer until one has what the hash says', async () => {
    const bytes = new Uint8Array([1, 2, 3]);
    const asked: string[] = [];
    const blobs = createBlobs(join(folder, 'blobs'), async (peer) => {
      asked.push(peer);
      if (peer === 'away') return fail({ code: 'QUILT_X', message: '' });
      return ok(peer === 'liar' ? new Uint8Array([9]) : bytes);
    });
    const hash = hashOf(bytes);
    expect(await blobs.fetch(hash, ['away', 'liar'])).toMatchObject({
      ok: false,
      problems: [{ code: 'QUILT_BLOB_MISSING' }, {}, { code: 'QUILT_BLOB_MISMATCH' }],
    });
    expect(await blobs.fetch(hash, ['liar', 'honest', 'unasked'])).toEqual(ok(bytes));
    expect(asked).toEqual(['away', 'liar', 'liar', 'honest']);
    expect(blobs.serve(new TextEncoder().encode(hash))).toEqual(bytes);
    for (const request of ['../node.key', 'f'.repeat(64), ''])
      expect(() => blobs.serve(new TextEncoder().encode(request))).toThrow('no such blob');
  });
});
