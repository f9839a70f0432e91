// Bounds and refusals of the log, case by case; its order independence is a property (test/property/log.test.ts).

import { describe, expect, it } from 'vitest';
import { BOUNDS } from '../../node/core/config.ts';
import { appendOwn, createLog, heldSeq, ingest, nextHeader } from '../../node/core/log.ts';
import type { Entry, EntryDraft } from '../../node/core/messages.ts';
import { sealForTests } from '../support/story.ts';

const bye = (over: Partial<EntryDraft> = {}): Entry =>
  sealForTests({ author: 'ann', seq: 1, prev: '', lamport: 1, kind: 'bye', body: { reason: '' }, ...over } as EntryDraft);
const after = (entry: Entry, over: Partial<EntryDraft> = {}): Entry =>
  bye({ author: entry.author, seq: entry.seq + 1, prev: entry.hash, lamport: entry.lamport + 1, ...over });

describe('the log', () => {
  it.each<[string, Partial<EntryDraft>, string | null]>([
    ['the next entry', {}, null],
    ['another predecessor', { prev: 'f00d' }, 'broken-chain'],
    ['a clock that stands still', { lamport: 1 }, 'bad-lamport'],
    ['a clock out of all bounds', { lamport: Number.MAX_SAFE_INTEGER }, 'bad-lamport'],
    ['another version of what is held', { seq: 1, prev: '', lamport: 2 }, 'fork'],
    ['more than an author may write', { seq: BOUNDS.entriesPerAuthorMax + 1 }, 'too-many-entries'],
  ])('judges %s', (_, over, refusal) => {
    const log = createLog();
    const first = bye();
    ingest(log, first, []);
    expect(ingest(log, after(first, over), [])).toBe(refusal);
    expect(log.size).toBe(refusal === null ? 2 : 1);
  });

  it('holds a bounded number of entries that wait, and still takes those in order', () => {
    const log = createLog();
    let refusals = 0;
    for (let seq = 2; seq < BOUNDS.pendingEntriesMax + 12; seq++) {
      if (ingest(log, bye({ author: `author-${seq}`, seq: 2, prev: 'x' }), []) === 'pending-full') refusals += 1;
    }
    expect([log.pendingCount, refusals]).toEqual([BOUNDS.pendingEntriesMax, 10]);
    expect(ingest(log, bye(), [])).toBeNull();
    expect(heldSeq(log, 'ann')).toBe(1);
  });

  it('holds a bounded number of authors', () => {
    const log = createLog();
    for (let index = 0; index < BOUNDS.authorsMax; index++) expect(ingest(log, bye({ author: `author-${index}` }), [])).toBeNull();
    expect(ingest(log, bye({ author: 'one-more' }), [])).toBe('too-many-authors');
  });

  it('is not led by a wild clock of one author to where nobody could write any more', () => {
    const log = createLog();
    expect(ingest(log, bye({ author: 'wild', lamport: Math.floor(Number.MAX_SAFE_INTEGER / 2) }), [])).toBeNull();
    for (let turn = 0; turn < 3; turn++) {
      const own = sealForTests({ ...nextHeader(log, 'me'), kind: 'bye', body: { reason: '' } });
      appendOwn(log, own);
      expect(ingest(createLog(), bye({ author: 'me', lamport: own.lamport }), [])).toBeNull();
    }
    expect(heldSeq(log, 'me')).toBe(3);
  });

  it('asserts that own entries continue the own log', () => {
    const log = createLog();
    expect(() => appendOwn(log, bye({ seq: 2, prev: 'x' }))).toThrow('own entry does not continue own log');
  });
});
