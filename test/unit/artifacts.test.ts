// The decisions behind artifacts, as tables and properties: addresses and keys, when a segment is due, what a resumed upload may skip, what the ledger of a dead node
// says, how a pace spreads bytes, and what a manifest finds missing.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyComplaint, keyOfPath, parseStoreAddress } from '../../node/artifacts/address.ts';
import { isSegment, type LedgerLine, ledgerLine, readLedger, type SealedSegment } from '../../node/artifacts/ledger.ts';
import { buildManifest, type HeldArtifact, manifestText, type NodeList, nodePrefix } from '../../node/artifacts/manifest.ts';
import { createPace, spend } from '../../node/artifacts/pace.ts';
import {
  mismatchOf,
  PARTS_MAX,
  parseUploadState,
  partBytesFor,
  planResume,
  tagOfSent,
  type UploadState,
} from '../../node/artifacts/resume.ts';
import { backOffMs, bytesDue, isEvidence, isRotatedAway, segmentKey } from '../../node/artifacts/rotation.ts';

describe('addresses and keys', () => {
  it.each([
    ['dir:artifacts', { kind: 'dir', path: 'artifacts' }],
    ['dir:/var/lib/x', { kind: 'dir', path: '/var/lib/x' }],
    ['s3://bucket', { kind: 's3', bucket: 'bucket', prefix: '' }],
    ['s3://bucket/', { kind: 's3', bucket: 'bucket', prefix: '' }],
    ['s3://my-bucket.x/a/b/', { kind: 's3', bucket: 'my-bucket.x', prefix: 'a/b/' }],
  ])('reads %s', (text, value) => {
    expect(parseStoreAddress(text)).toEqual({ ok: true, value });
  });

  it.each([
    '',
    'dir:',
    'artifacts',
    's3://',
    's3://B',
    's3://Upper',
    's3://10.0.0.1',
    's3://a..b',
    's3://bucket/../up',
    's3://bucket//x',
    'gs://bucket',
    `s3://bucket/${'x'.repeat(250)}`,
  ])('refuses %j with what to write', (text) => {
    const result = parseStoreAddress(text);
    expect(result).toMatchObject({ ok: false, problems: [{ code: 'QUILT_STORE_ADDRESS' }] });
    expect(result.ok ? '' : result.problems[0]?.hint).not.toBe('');
  });

  it('makes a key of any file name, and of no two the same', () => {
    const segment = fc
      .string({ minLength: 1, maxLength: 20, unit: 'binary' })
      .filter((text) => !/[/\0]/.test(text) && text !== '.' && text !== '..');
    fc.assert(
      fc.property(segment, segment, (one, other) => {
        expect(keyComplaint(keyOfPath(`folder/${one}`))).toBeNull();
        if (Buffer.from(one).compare(Buffer.from(other)) !== 0) expect(keyOfPath(one)).not.toBe(keyOfPath(other));
      }),
    );
  });
});

describe('segments', () => {
  const rules = { segmentBytes: 100, ageMsMax: 1000 };
  it.each([
    ['nothing new', { sizeBytes: 50, takenBytes: 50, waitingSinceMs: 0, isClosed: true }, 0],
    ['too little, too young', { sizeBytes: 149, takenBytes: 50, waitingSinceMs: 1, isClosed: false }, 0],
    ['old enough', { sizeBytes: 60, takenBytes: 50, waitingSinceMs: 0, isClosed: false }, 10],
    ['closed', { sizeBytes: 60, takenBytes: 50, waitingSinceMs: 999, isClosed: true }, 10],
    ['full', { sizeBytes: 1000, takenBytes: 50, waitingSinceMs: 999, isClosed: false }, 100],
    ['emptied', { sizeBytes: 10, takenBytes: 50, waitingSinceMs: 0, isClosed: true }, 0],
  ])('%s', (_title, source, due) => {
    expect(bytesDue(rules, source, 1000)).toBe(due);
  });

  it('are named so that they sort by their place', () => {
    const keys = [0, 9, 10, 123_456_789_012].map((fromByte) => segmentKey('a b/node.log', 0, fromByte, 'zstd'));
    expect([...keys].sort()).toEqual(keys);
    expect(keys[3]).toBe('a=20b/node.log.0000123456789012.zst');
    expect(segmentKey('node.log', 2, 0, 'gzip')).toBe('node.log.g2.0000000000000000.gz');
  });

  it('are made of evidence and never of secrets', () => {
    expect(['node.log', 'sim/ep1.out', 'x.pcap', 'windows.bin', 'node.log.3'].filter(isEvidence)).toHaveLength(5);
    const secrets = [
      'operator.key',
      'ticket',
      'identity',
      'x/run.ticket',
      '.artifacts/a.log',
      '.env.txt',
      'x/.aws/a.json',
      'program',
      'node.pem.log.key',
    ];
    expect(secrets.filter(isEvidence)).toEqual([]);
    expect(['node.log.1', 'node.log', 'data.2024', 'data.log.2024'].map(isRotatedAway)).toEqual([true, false, false, false]);
  });

  it('wait longer after each failure, and never longer than a minute', () => {
    expect([1, 2, 3].map((failures) => backOffMs(failures, 0.999999))).toEqual([500, 1000, 2000].map((ms) => expect.closeTo(ms, 0)));
    expect(backOffMs(50, 1)).toBe(60_000);
    expect(backOffMs(50, 0)).toBe(30_000);
  });
});

describe('the pace', () => {
  it('lets no more through than its rate and one burst, whatever is asked when', () => {
    const asks = fc.array(fc.record({ bytes: fc.integer({ min: 1, max: 100_000 }), idleMs: fc.integer({ min: 0, max: 50 }) }), {
      minLength: 1,
    });
    fc.assert(
      fc.property(asks, (all) => {
        const rateBps = 8_000_000;
        let pace = createPace(rateBps);
        let nowMs = 1000;
        let bytes = 0;
        for (const ask of all) {
          nowMs += ask.idleMs;
          const spent = spend(pace, ask.bytes, nowMs);
          pace = spent.pace;
          nowMs += spent.waitMs;
          bytes += ask.bytes;
          // 1000 bytes a millisecond; 100 ms of burst.
          expect(bytes).toBeLessThanOrEqual((nowMs - 1000 + 100) * 1000 + 1);
        }
      }),
    );
  });
});

describe('a resumed upload', () => {
  const md5 = 'd41d8cd98f00b204e9800998ecf8427e';
  const state: UploadState = {
    ...{ version: 1, store: 's', key: 'k', sizeBytes: 25, sha256: 'a'.repeat(64), partBytes: 10, uploadId: 'u' },
    parts: [{ number: 1, tag: '"encrypted-1"', sizeBytes: 10 }],
  };
  const { version: _version, uploadId: _uploadId, parts: _parts, ...order } = state;

  it('needs the same file, place and parts', () => {
    expect(mismatchOf(state, order)).toBeNull();
    expect(mismatchOf(state, { ...order, key: 'other' })).toContain('another place');
    expect(mismatchOf(state, { ...order, sizeBytes: 26 })).toContain('changed');
    expect(mismatchOf(state, { ...order, sha256: 'b'.repeat(64) })).toContain('changed');
    expect(mismatchOf(state, { ...order, partBytes: 11 })).toContain('another size');
  });

  it('begins again where the store forgot it or cannot list, and cleans up what it may', () => {
    expect(planResume(state, { kind: 'gone' })).toMatchObject({ kind: 'fresh', abandonedUploadId: null });
    expect(planResume(state, { kind: 'unlisted', why: 'NotImplemented' })).toMatchObject({ kind: 'fresh', abandonedUploadId: 'u' });
  });

  it.each([
    ['listed under its MD5', [{ number: 1, tag: `"${md5}"`, sizeBytes: 10 }], `"${md5}"`],
    ['listed under the tag that we recorded, which is no MD5', [{ number: 1, tag: '"encrypted-1"', sizeBytes: 10 }], '"encrypted-1"'],
    ['listed under another MD5', [{ number: 1, tag: `"${'0'.repeat(32)}"`, sizeBytes: 10 }], null],
    ['listed under another tag', [{ number: 1, tag: '"encrypted-2"', sizeBytes: 10 }], null],
    ['listed with another size', [{ number: 1, tag: `"${md5}"`, sizeBytes: 9 }], null],
    ['not listed, though recorded', [], null],
  ])('skips a part only when the store has these bytes: %s', (_title, parts, tag) => {
    const plan = planResume(state, { kind: 'listed', parts });
    expect(tagOfSent(plan, { number: 1, sizeBytes: 10, md5 })).toBe(tag);
  });

  it('reads only state files that are whole', () => {
    const text = JSON.stringify(state);
    expect(parseUploadState(text)).toEqual(state);
    for (let cut = 0; cut < text.length; cut++) expect(parseUploadState(text.slice(0, cut))).toBeNull();
    for (const bad of [
      'null',
      '[]',
      '{"version":2}',
      JSON.stringify({ ...state, parts: [{}] }),
      JSON.stringify({ ...state, uploadId: '' }),
    ]) {
      expect(parseUploadState(bad)).toBeNull();
    }
  });

  it('cuts any file into as many parts as S3 takes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 5 * 1024 ** 4 }), (sizeBytes) => {
        const partBytes = partBytesFor(sizeBytes, 8 * 1024 * 1024);
        expect(partBytes).toBeGreaterThanOrEqual(8 * 1024 * 1024);
        expect(Math.ceil(sizeBytes / partBytes)).toBeLessThanOrEqual(PARTS_MAX);
      }),
    );
  });
});

const segmentOf = (fromByte: number, toByte: number, changes: Partial<SealedSegment> = {}): SealedSegment => ({
  ...{
    key: segmentKey('node.log', 0, fromByte, 'zstd'),
    sizeBytes: 10,
    sha256: 'c'.repeat(64),
    source: 'node.log',
    generation: 0,
    fromByte,
    toByte,
  },
  ...changes,
});

describe('the ledger', () => {
  it('says after a crash what is confirmed and where each file goes on, whatever the last line lost', () => {
    const lines: LedgerLine[] = [
      { kind: 'sealed', inode: '7-1', ...segmentOf(0, 100) },
      { kind: 'sealed', inode: '7-1', ...segmentOf(100, 150) },
      { kind: 'confirmed', key: segmentOf(0, 100).key },
    ];
    const text = lines.map(ledgerLine).join('');
    const ledger = readLedger(text);
    expect([...ledger.segments.values()]).toEqual([segmentOf(0, 100), segmentOf(100, 150)]);
    expect([...ledger.confirmed]).toEqual([segmentOf(0, 100).key]);
    expect(ledger.sources.get('7-1')).toEqual({ source: 'node.log', generation: 0, takenBytes: 150 });
    const whole = lines.slice(0, 2).map(ledgerLine).join('').length;
    for (let cut = whole; cut < text.length; cut++) {
      const shorter = readLedger(text.slice(0, cut));
      expect(shorter.segments).toEqual(ledger.segments);
      expect(shorter.confirmed.size + shorter.brokenLines).toBeLessThanOrEqual(1);
    }
  });

  it('believes no line that is not whole', () => {
    const bad = [
      'x',
      '{}',
      '[]',
      'null',
      '{"kind":"sealed"}',
      '{"kind":"confirmed"}',
      JSON.stringify({ kind: 'sealed', inode: '1', ...segmentOf(0, 1, { sha256: 'no' }) }),
    ];
    expect(readLedger(bad.join('\n'))).toMatchObject({ segments: new Map(), brokenLines: bad.length });
    expect([null, 5, {}, segmentOf(0, 1, { fromByte: -1 })].some(isSegment)).toBe(false);
  });
});

describe('the manifest', () => {
  const list: NodeList = { version: 1, node: 'n1', isFinal: true, segments: [segmentOf(0, 100), segmentOf(100, 150)], lostBytes: {} };
  const keyOf = (segment: SealedSegment): string => `${nodePrefix('run', 'n1')}${segment.key}`;
  const held: ReadonlyMap<string, HeldArtifact> = new Map(
    list.segments.map((segment) => [keyOf(segment), { sizeBytes: segment.sizeBytes, sha256: segment.sha256 }]),
  );
  const facts = { runId: 'run', roster: ['n1'], lists: new Map([['n1', list]]), held };
  const kinds = (changes: Partial<typeof facts>): string[] => buildManifest({ ...facts, ...changes }).gaps.map(({ kind }) => kind);
  const withList = (changes: Partial<NodeList>): Partial<typeof facts> => ({ lists: new Map([['n1', { ...list, ...changes }]]) });

  it('finds nothing missing when all is there, and is the same text for the same facts', () => {
    expect(buildManifest(facts)).toMatchObject({ fileCount: 2, totalBytes: 20, gaps: [], gapsLeftOut: 0 });
    const turned = {
      ...list,
      segments: list.segments.map((segment) => Object.fromEntries(Object.entries(segment).reverse()) as unknown as SealedSegment),
    };
    expect(manifestText(buildManifest({ ...facts, lists: new Map([['n1', turned]]) }))).toBe(manifestText(buildManifest(facts)));
  });

  it('names what is missing', () => {
    const first = keyOf(segmentOf(0, 100));
    expect(kinds({ roster: ['n1', 'n2'] })).toEqual(['no-list']);
    expect(kinds({ held: new Map([...held].slice(1)) })).toEqual(['absent']);
    expect(kinds({ held: new Map([...held, [first, { sizeBytes: 9, sha256: null }]]) })).toEqual(['wrong-size']);
    expect(kinds({ held: new Map([...held, [first, { sizeBytes: 10, sha256: 'd'.repeat(64) }]]) })).toEqual(['wrong-hash']);
    expect(kinds({ held: new Map([...held, [first, { sizeBytes: 10, sha256: null }]]) })).toEqual(['wrong-hash']);
    expect(kinds(withList({ isFinal: false }))).toEqual(['not-final']);
    expect(kinds(withList({ lostBytes: { 'sim.out': 5, other: 0 } }))).toEqual(['lost']);
    expect(kinds(withList({ segments: [segmentOf(100, 150)] }))).toEqual(['hole']);
  });
});
