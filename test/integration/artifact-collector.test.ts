// One node's files on their way to a store, with real files and stores: what is in the store afterwards, unpacked, is what was written, whether the files grew, were rotated,
// emptied, named strangely, or the process died in the middle of any of it. The store is a folder, and an S3 server that is at first not there.

import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { monotonicNowMs, wallNowMs } from '../../node/adapters/clock.ts';
import { createDirStore } from '../../node/adapters/dir-store.ts';
import { type Collector, type CollectorInit, startCollector } from '../../node/artifacts/collector.ts';
import type { ArtifactManifest } from '../../node/artifacts/manifest.ts';
import { writeManifest } from '../../node/artifacts/manifest-writer.ts';
import { openSegment } from '../../node/artifacts/pack.ts';
import { segmentKey } from '../../node/artifacts/rotation.ts';
import type { ArtifactStore, StoreProblem } from '../../node/artifacts/store.ts';
import { createRuntimeClock } from '../../node/runtime/runtime-clock.ts';
import { given, never } from '../compliance/artifact-store.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { openFauxqsLab } from '../support/store-labs.ts';
import { until } from '../support/until.ts';

const clock = createRuntimeClock(monotonicNowMs, wallNowMs);
const MEBIBYTE = 1024 * 1024;

describe('the artifacts of a node', { timeout: 60_000 }, () => {
  let root: string;
  let folder: string;
  let store: ArtifactStore;
  let notes: string[];
  let problems: StoreProblem[];
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'quilt-collector-'));
    folder = join(root, 'node');
    mkdirSync(folder);
    store = createDirStore({ path: join(root, 'store') });
    notes = [];
    problems = [];
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const start = (changes: Partial<CollectorInit> = {}): Promise<Collector> =>
    startCollector({
      ...{ folder, store, runId: 'run', node: 'n1', clock, random: () => 0, packing: 'zstd' },
      onProblem: (problem) => problems.push(problem),
      onNote: (note) => notes.push(note),
      ...changes,
      limits: { segmentBytes: MEBIBYTE, scanMs: 10, ageMsMax: 600_000, readBps: 1e12, ...changes.limits },
    });
  const manifest = async (roster = ['n1']): Promise<ArtifactManifest> =>
    given(await writeManifest({ store, runId: 'run', roster, signal: never }));
  /** All of a source as the store has it, unpacked in the order of the segments. */
  const stored = async (source: string, generation = 0): Promise<Buffer> => {
    const segments = (await manifest()).nodes.n1?.segments ?? [];
    const own = segments.filter((segment) => segment.source === source && segment.generation === generation);
    own.sort((one, other) => one.fromByte - other.fromByte);
    const parts: Buffer[] = [];
    for (const { key } of own) {
      const path = join(root, 'back');
      given(await store.getFile(`run/n1/${key}`, path, never));
      parts.push(key.endsWith('.gz') ? gunzipSync(readFileSync(path)) : zstdDecompressSync(readFileSync(path)));
    }
    return Buffer.concat(parts);
  };
  const finish = async (collector: Collector): Promise<void> => {
    const end = await collector.finish(never);
    expect(end.left).toEqual([]);
    expect(end.isWhole).toBe(true);
    expect(end.counters.waitingBytes).toBe(0);
  };
  const log = (sizeBytes: number): Buffer => Buffer.from(randomBytes(sizeBytes / 2).toString('hex'));

  it.each(['zstd', 'gzip'] as const)('are sent while they grow, and the rest at the end (%s)', async (packing) => {
    const collector = await start({ packing });
    const first = log(2 * MEBIBYTE + 1000);
    writeFileSync(join(folder, 'node.log'), first);
    await until('what is full is confirmed', () => collector.counters().confirmedFiles >= 2);
    const second = log(5000);
    appendFileSync(join(folder, 'node.log'), second);
    mkdirSync(join(folder, 'sim output'));
    writeFileSync(join(folder, 'sim output', 'ünï.log'), 'strange name');
    writeFileSync(join(folder, 'operator.key'), 'secret');
    await finish(collector);
    expect(notes).toEqual([]);
    expect((await stored('node.log')).equals(Buffer.concat([first, second]))).toBe(true);
    expect((await stored('sim output/ünï.log')).toString()).toBe('strange name');
    const { gaps, nodes } = await manifest();
    expect(gaps).toEqual([]);
    expect(nodes.n1?.segments.map(({ source }) => source)).not.toContain('operator.key');
    expect(existsSync(join(folder, 'node.log'))).toBe(true);
    expect(readdirSync(join(folder, '.artifacts', 'files')).filter((name) => !name.startsWith('sim'))).toEqual([]);
  });

  it('follow a file that its writer rotates away, delete it when it is sent, and never mix it with its successor', async () => {
    const collector = await start();
    const path = join(folder, 'out.log');
    const [first, second, third] = [log(MEBIBYTE + 500), log(700), log(900)];
    writeFileSync(path, first);
    await until('the first segment is confirmed', () => collector.counters().confirmedFiles >= 1);
    appendFileSync(path, second);
    renameSync(path, `${path}.1`);
    writeFileSync(path, third);
    await until('the rotated file is gone', () => !existsSync(`${path}.1`));
    await finish(collector);
    expect((await stored('out.log', 0)).equals(Buffer.concat([first, second]))).toBe(true);
    expect((await stored('out.log', 1)).equals(third)).toBe(true);
    expect((await manifest()).gaps).toEqual([]);
  });

  it('begin a new generation when a file was emptied', async () => {
    const collector = await start();
    const path = join(folder, 'out.log');
    const first = log(MEBIBYTE);
    writeFileSync(path, first);
    await until('the first is confirmed', () => collector.counters().confirmedFiles >= 1);
    truncateSync(path);
    appendFileSync(path, 'anew');
    await finish(collector);
    expect((await stored('out.log', 0)).equals(first)).toBe(true);
    expect((await stored('out.log', 1)).toString()).toBe('anew');
  });

  it('go on after a crash at any moment, with nothing sent twice and nothing missing', async () => {
    const bytes = log(3 * MEBIBYTE);
    writeFileSync(join(folder, 'node.log'), bytes);
    // The store is closed to it: everything is sealed, nothing confirmed. Then the process is gone without a word.
    const closed: ArtifactStore = { ...store, putFile: () => new Promise(() => {}) };
    const dead = await start({ store: closed });
    await until('all is sealed', () => dead.counters().waitingFiles === 3);
    const spool = join(folder, '.artifacts');
    const ledger = readFileSync(join(spool, 'ledger.jsonl'), 'utf8');
    const snapshot = join(root, 'snapshot');
    for (const cut of [ledger.length, ledger.length - 1, ledger.length - 100, 10, 0]) {
      // A crash between the sealing of a segment and its line in the ledger, or within that line.
      const other = join(snapshot, String(cut));
      mkdirSync(join(other, '.artifacts', 'files'), { recursive: true });
      writeFileSync(join(other, '.artifacts', 'ledger.jsonl'), ledger.slice(0, cut));
      for (const name of readdirSync(join(spool, 'files'))) {
        writeFileSync(join(other, '.artifacts', 'files', name), readFileSync(join(spool, 'files', name)));
      }
      writeFileSync(join(other, '.artifacts', 'files', '.half.zst.open'), 'half made');
      writeFileSync(join(other, 'node.log'), bytes);
      store = createDirStore({ path: join(root, `store-${cut}`) });
      await finish(await start({ folder: other, store }));
      const { gaps, nodes } = await manifest();
      expect(gaps).toEqual([]);
      const generations = new Set(nodes.n1?.segments.map(({ generation }) => generation));
      // The copy has another inode, so what the ledger knows is of a file that is gone, and the file is a new one.
      for (const generation of generations) {
        const part = await stored('node.log', generation);
        expect(bytes.subarray(0, part.length).equals(part)).toBe(true);
      }
      expect((await stored('node.log', Math.max(...generations))).equals(bytes)).toBe(true);
    }
    // Where the file is the same one, it is not even read again.
    store = createDirStore({ path: join(root, 'store') });
    const again = await start();
    await finish(again);
    expect((await manifest()).nodes.n1?.segments).toHaveLength(3);
    expect((await stored('node.log')).equals(bytes)).toBe(true);
  });

  it('of a sink are never on disk unpacked, and what a crash cut short is saved', async () => {
    const collector = await start();
    const sink = collector.sink('sim/ep1.out');
    const bytes = log(MEBIBYTE + 40_000);
    for (let offset = 0; offset < bytes.length; offset += 65_536) expect(sink.write(bytes.subarray(offset, offset + 65_536))).toBe(true);
    await finish(collector);
    expect((await stored('sim/ep1.out')).equals(bytes)).toBe(true);

    // A process that died with a segment half made, flushed but not sealed.
    const left = log(20_000);
    const path = join(folder, '.artifacts', 'sinks', segmentKey('sim/ep1.out', 0, bytes.length, 'zstd'));
    const half = await openSegment(path, 'zstd');
    await half.write(left);
    await half.flush();
    await until('the flushed bytes are in the file', () => readdirSync(join(folder, '.artifacts', 'sinks', 'sim')).length === 1);
    const next = await start();
    expect(notes.join()).toContain('are saved');
    expect(next.sink('sim/ep1.out').write(Buffer.from('and on'))).toBe(true);
    await finish(next);
    const all = await stored('sim/ep1.out');
    expect(all.subarray(0, bytes.length).equals(bytes)).toBe(true);
    expect(all.subarray(bytes.length).equals(Buffer.concat([left, Buffer.from('and on')]))).toBe(true);
  });

  it('wait in their files when the spool is full, and a sink drops and counts', async () => {
    let isOpen = false;
    const gated: ArtifactStore = {
      ...store,
      putFile: (...args) =>
        isOpen
          ? store.putFile(...args)
          : Promise.resolve({ ok: false, problems: [{ cause: 'unreachable', code: 'QUILT_STORE_UNREACHABLE', message: 'closed' }] }),
    };
    const bytes = log(4 * MEBIBYTE);
    writeFileSync(join(folder, 'node.log'), bytes);
    const collector = await start({ store: gated, limits: { spoolBytesMax: MEBIBYTE + 700_000 } });
    await until('the spool is full', () => collector.counters().heldBackBytes > 0);
    expect(collector.counters().waitingBytes).toBeLessThanOrEqual(MEBIBYTE + 700_000);
    expect(collector.sink('sim.out').write(Buffer.alloc(1000))).toBe(false);
    expect(problems.map(({ cause }) => cause)).toEqual(['unreachable']);
    isOpen = true;
    await finish(collector);
    expect((await stored('node.log')).equals(bytes)).toBe(true);
    expect((await manifest()).gaps.map(({ kind, what }) => [kind, what])).toEqual([['lost', 'sim.out']]);
  });

  it('stay on disk when the store does not come back in time, and say so', async () => {
    const closed: ArtifactStore = {
      ...store,
      putFile: () => Promise.resolve({ ok: false, problems: [{ cause: 'denied', code: 'QUILT_STORE_DENIED', message: 'no' }] }),
    };
    const bytes = log(10_000);
    writeFileSync(join(folder, 'node.log'), bytes);
    const collector = await start({ store: closed });
    const enough = new AbortController();
    const ending = collector.finish(enough.signal);
    await until('it was tried and denied', () => problems.length > 0);
    enough.abort();
    const end = await ending;
    expect(end.isWhole).toBe(false);
    expect(end.left.some(({ path }) => existsSync(path))).toBe(true);
    expect((await manifest()).gaps.map(({ kind }) => kind)).toEqual(['no-list']);
    await finish(await start());
    expect((await stored('node.log')).equals(bytes)).toBe(true);
  });

  it('reach an S3 store that fails, cuts and alters before it behaves', async () => {
    const lab = await openFauxqsLab();
    const proxy = await startFaultProxy(lab.url);
    const faults = [
      { kind: 'answer', status: 503 },
      { kind: 'cut', afterBytes: 1000 },
      { kind: 'alter' },
      { kind: 'lose-answer' },
    ] as const;
    proxy.choose = ({ method, count }) => (method === 'PUT' ? (faults[count - 1] ?? null) : null);
    store = lab.openWith({ AWS_ENDPOINT_URL_S3: proxy.url });
    const bytes = log(3 * MEBIBYTE);
    writeFileSync(join(folder, 'node.log'), bytes);
    const collector = await start({ limits: { segmentBytes: 2 * MEBIBYTE } });
    await finish(collector);
    expect(problems.map(({ cause }) => cause)).toEqual(['throttled', 'unreachable', 'corrupt', 'unreachable']);
    expect((await stored('node.log')).equals(bytes)).toBe(true);
    expect((await manifest(['n1', 'n2'])).gaps.map(({ kind, node }) => [kind, node])).toEqual([['no-list', 'n2']]);
    await proxy.close();
    await lab.close();
  });
});
