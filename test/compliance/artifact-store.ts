// What every artifact store must keep (node/artifacts/store.ts), as a suite that runs over each: bytes come back as they went, with their hash; an object appears whole or
// not at all; lists are sorted and paged; what is not there is no error to delete; calls end when they are aborted. Faults of networks are in artifact-s3-faults.ts.

import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArtifactPage, ArtifactStore } from '../../node/artifacts/store.ts';
import type { StoreLab } from '../support/store-labs.ts';

export const never = new AbortController().signal;

/** The value of a result, or a failed test that shows the problems. */
export function given<T>(
  result: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problems: readonly unknown[] },
): T {
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.value;
}

export const causesOf = (result: { readonly ok: boolean; readonly problems?: readonly { readonly cause: string }[] }): string[] =>
  (result.problems ?? []).map(({ cause }) => cause);

export const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export function artifactStoreCompliance(title: string, openLab: () => Promise<StoreLab>): void {
  describe(title, { timeout: 60_000 }, () => {
    let lab: StoreLab;
    let store: ArtifactStore;
    let count = 0;
    beforeAll(async () => {
      lab = await openLab();
      store = lab.open();
    }, 120_000);
    afterAll(() => lab?.close());

    const fileOf = (bytes: Uint8Array): string => {
      count += 1;
      const path = join(lab.folder, `file-${count}`);
      writeFileSync(path, bytes);
      return path;
    };

    it('works, and says so', async () => {
      expect(await store.check(never)).toEqual([]);
      expect(given(await store.list('', '', never)).items).toEqual([]);
    });

    it.each([
      ['nothing', 0],
      ['a byte', 1],
      ['some', 70_000],
      ['exactly one part', 5 * 1024 * 1024],
      ['a part and a byte', 5 * 1024 * 1024 + 1],
      ['several parts', 17_000_000],
    ])('gives back what it got: %s', async (_title, sizeBytes) => {
      const bytes = randomBytes(sizeBytes);
      const path = fileOf(bytes);
      const key = `sizes/of-${sizeBytes}.bin`;
      const expected = { key, sizeBytes, sha256: hashOf(bytes) };
      expect(given(await store.putFile(key, path, { signal: never }))).toEqual({ ...expected, resumedBytes: 0 });
      expect(given(await store.head(key, never))).toEqual(expected);
      expect(given(await store.getFile(key, `${path}.back`, never))).toEqual(expected);
      expect(readFileSync(`${path}.back`).equals(bytes)).toBe(true);
      expect(existsSync(path)).toBe(true);
      expect(existsSync(`${path}.upload`)).toBe(false);
    });

    it('replaces an object', async () => {
      given(await store.putFile('twice', fileOf(Buffer.from('first')), { signal: never }));
      given(await store.putFile('twice', fileOf(Buffer.from('the second')), { signal: never }));
      const path = join(lab.folder, 'twice-back');
      given(await store.getFile('twice', path, never));
      expect(readFileSync(path, 'utf8')).toBe('the second');
    });

    it('lists by prefix, sorted, in pages, without what belongs to itself', async () => {
      const path = fileOf(Buffer.from('x'));
      const names = ['list/b', 'list/a/2', 'list/a/1', 'list/a=2B+c@d', 'listed'];
      for (const key of names) given(await store.putFile(key, path, { signal: never }));
      const page = given(await store.list('list/', '', never));
      expect(page).toEqual({
        items: ['list/a/1', 'list/a/2', 'list/a=2B+c@d', 'list/b'].map((key) => ({ key, sizeBytes: 1 })),
        next: null,
      });
      expect(given(await store.list('list/', 'list/a/2', never)).items.map(({ key }) => key)).toEqual(['list/a=2B+c@d', 'list/b']);
      expect(given(await store.list('no-such', '', never))).toEqual({ items: [], next: null });
    });

    it('goes on where a full page ended', async () => {
      const path = fileOf(Buffer.from('x'));
      const keys = Array.from({ length: 7 }, (_, index) => `pages/${index}`);
      for (const key of keys) given(await store.putFile(key, path, { signal: never }));
      const found: string[] = [];
      for (let after: string | null = ''; after !== null; ) {
        const page: ArtifactPage = given(await store.list('pages/', after, never, 3));
        expect(page.items.length).toBeLessThanOrEqual(3);
        found.push(...page.items.map(({ key }) => key));
        after = page.next;
      }
      expect(found).toEqual(keys);
    });

    it('deletes what is there and what is not', async () => {
      given(await store.putFile('gone', fileOf(Buffer.from('x')), { signal: never }));
      expect(given(await store.delete('gone', never))).toBeNull();
      expect(given(await store.head('gone', never))).toBeNull();
      expect(given(await store.delete('gone', never))).toBeNull();
    });

    it('says what it has not, and leaves no file', async () => {
      const path = join(lab.folder, 'not-there');
      expect(given(await store.head('missing/object', never))).toBeNull();
      expect(causesOf(await store.getFile('missing/object', path, never))).toEqual(['not-found']);
      expect(readdirSync(lab.folder).filter((name) => name.includes('not-there'))).toEqual([]);
    });

    it.each(['', '/absolute', 'a//b', '../up', 'a/../b', '.hidden', 'a/.hidden', 'spa ce', 'ünï', 'x'.repeat(800)])(
      'refuses the key %j',
      async (key) => {
        const path = fileOf(Buffer.from('x'));
        expect(causesOf(await store.putFile(key, path, { signal: never }))).toEqual(['invalid']);
        expect(causesOf(await store.getFile(key, path, never))).toEqual(['invalid']);
        expect(causesOf(await store.head(key, never))).toEqual(['invalid']);
        expect(causesOf(await store.delete(key, never))).toEqual(['invalid']);
      },
    );

    it('says so when the file to put is not there', async () => {
      const result = await store.putFile('from/nothing', join(lab.folder, 'no-such-file'), { signal: never });
      expect(causesOf(result)).toEqual(['local-file']);
      expect(given(await store.head('from/nothing', never))).toBeNull();
    });

    it('refuses a file that is not what it is said to be', async () => {
      const bytes = Buffer.from('these bytes');
      const put = await store.putFile('claimed', fileOf(bytes), { signal: never, sha256: hashOf(Buffer.from('other bytes')) });
      // A store either notices at the put, or the get does: the hash travels with the object.
      const got = put.ok ? await store.getFile('claimed', join(lab.folder, 'claimed-back'), never) : put;
      expect(causesOf(got)).toEqual(['corrupt']);
      expect(existsSync(join(lab.folder, 'claimed-back'))).toBe(false);
    });

    it('ends at once when aborted before and while it works', async () => {
      const path = fileOf(randomBytes(12_000_000));
      const aborted = AbortSignal.abort();
      expect(causesOf(await store.putFile('aborted', path, { signal: aborted }))).toEqual(['aborted']);
      const controller = new AbortController();
      const putting = store.putFile('aborted', path, { signal: controller.signal });
      controller.abort();
      expect(causesOf(await putting)).toEqual(['aborted']);
      expect(given(await store.head('aborted', never))).toBeNull();
      expect(given(await store.putFile('aborted', path, { signal: never })).sizeBytes).toBe(12_000_000);
    });
  });
}
