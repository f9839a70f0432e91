import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { identityFromSeed, verifyByNode } from '../../node/adapters/identity.ts';
import { openStore, type Store } from '../../node/adapters/store.ts';
import type { Entry } from '../../node/core/messages.ts';
import { author, entryCodec, sampleEntries } from '../support/wire-samples.ts';

let folder = '';
const open = new Set<Store>();
const mounts: string[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quilt-store-'));
});
afterEach(async () => {
  await closeAll();
  for (const mount of mounts.splice(0)) execFileSync('umount', [mount]);
  rmSync(folder, { recursive: true, force: true });
});

const openAt = (at: string) =>
  openStore({ folder: at, codec: entryCodec, verifyEntry: (entry) => entryCodec.isSigned(entry, verifyByNode) });

async function opened(at = folder): Promise<Store> {
  const result = await openAt(at);
  if (!result.ok) throw new Error(result.problems[0]?.message);
  open.add(result.value);
  return result.value;
}

async function closeAll(): Promise<void> {
  await Promise.all([...open].map((store) => store.close()));
  open.clear();
}

const codeOf = (result: { ok: boolean; problems?: readonly { code: string }[] }): string =>
  result.ok ? 'ok' : (result.problems?.[0]?.code ?? '');
const frames = (...numbers: number[]) => numbers.map((number) => ({ number, payload: new Uint8Array([number, number]) }));
const other = identityFromSeed(new Uint8Array(32).fill(8));
const byOther = (seq: number): Entry =>
  entryCodec.seal(
    { author: other.nodeId, seq, prev: seq === 1 ? '' : 'ab'.repeat(32), lamport: seq, kind: 'bye', body: { reason: 'x' } },
    other.sign,
  );

describe('entries', () => {
  it('own and of others come back as they were after reopening', async () => {
    const store = await opened();
    const own = sampleEntries();
    await store.appendOwn(own);
    await store.keep([byOther(10), byOther(9)]);
    await store.appendOwn([]);
    await closeAll();
    const { entries } = await (await opened()).restore(author.nodeId);
    expect(entries.filter((entry) => entry.author === author.nodeId)).toEqual(own);
    expect(entries.filter((entry) => entry.author === other.nodeId)).toEqual([byOther(9), byOther(10)]);
  });

  it('that no longer verify are left out', async () => {
    const store = await opened();
    const [first, second] = sampleEntries();
    if (first === undefined || second === undefined) throw new Error('no samples');
    await store.appendOwn([first, { ...second, sig: new Uint8Array(64) }]);
    expect((await store.restore(author.nodeId)).entries).toEqual([first]);
  });

  it('under impossible names or numbers are a programmer error', async () => {
    const store = await opened();
    expect(() => store.keep([{ ...byOther(1), author: 'a/b' }])).toThrow(/name/);
    expect(() => store.keep([{ ...byOther(1), seq: 1.5 }])).toThrow(/number/);
  });
});

describe('windows', () => {
  it('are held by node and number; what a restart needs to know is counted', async () => {
    const store = await opened();
    await store.putWindows(author.nodeId, frames(1, 2, 4));
    await store.putWindows('ant', frames(1, 2, 3, 5, 12));
    await store.putWindows('ant2', frames(2));
    expect(await store.windows('ant', 2, 11)).toEqual(frames(2, 3, 5));
    expect(await store.windows('nobody', 1, 9)).toEqual([]);
    expect(await store.windowNodes()).toEqual([author.nodeId, 'ant', 'ant2']);
    await closeAll();
    expect(await (await opened()).restore(author.nodeId)).toEqual({ entries: [], windowLast: 4, held: { ant: 3, ant2: 0 } });
  });

  it('stored twice are held once', async () => {
    const store = await opened();
    await store.putWindows('ant', frames(1, 2));
    await store.putWindows('ant', frames(2));
    expect(await store.windows('ant', 0, Number.MAX_SAFE_INTEGER)).toEqual(frames(1, 2));
  });
});

describe('a folder that does not serve', () => {
  it('because another store holds it is locked', async () => {
    await opened();
    expect(codeOf(await openAt(folder))).toBe('QUILT_STORE_LOCKED');
  });

  it('because it is a file is not writable', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    expect(codeOf(await openAt(file))).toBe('QUILT_STORE_READONLY');
    expect(codeOf(await openAt(join(file, 'deeper')))).toBe('QUILT_STORE_READONLY');
  });

  it('because its database is damaged is corrupt', async () => {
    const store = await opened();
    await store.putWindows('ant', frames(1));
    await closeAll();
    const manifest = readdirSync(join(folder, 'level')).find((name) => name.startsWith('MANIFEST')) ?? '';
    writeFileSync(join(folder, 'level', manifest), 'rubbish');
    expect(codeOf(await openAt(folder))).toBe('QUILT_STORE_CORRUPT');
  });

  it('because its disk is mounted read-only is not writable', async (context) => {
    const at = mountTmpfs('size=4m', context);
    execFileSync('mount', ['-o', 'remount,ro', at]);
    expect(codeOf(await openAt(at))).toBe('QUILT_STORE_READONLY');
  });

  it('because its disk is full says so, at open and in the middle of work', async (context) => {
    const at = mountTmpfs('size=3m', context);
    const store = await opened(at);
    const fill = async (): Promise<void> => {
      // Random, because LevelDB compresses.
      for (let number = 1; number <= 200; number++) await store.putWindows('ant', [{ number, payload: randomBytes(64 * 1024) }]);
    };
    await expect(fill()).rejects.toThrow(/QUILT_STORE_FULL/);
    await closeAll();
    const full = mountTmpfs('size=64k', context);
    writeFileSync(join(full, 'filler'), new Uint8Array(64 * 1024));
    expect(codeOf(await openAt(full))).toBe('QUILT_STORE_FULL');
  });
});

/** A small file system of its own; only root can mount one. */
function mountTmpfs(options: string, context: { skip: (reason: string) => never }): string {
  const at = join(folder, `disk-${mounts.length}`);
  mkdirSync(at);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', at], { stdio: 'pipe' });
  } catch {
    context.skip('mounting a small file system needs root');
  }
  mounts.push(at);
  return at;
}
