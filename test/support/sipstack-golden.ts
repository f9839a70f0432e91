// Reads and compares transcripts: a title at the margin, its lines below, an empty line between stories. The files are written by hand: a change of the
// stack that changes one has to be defended there, line by line.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Stories } from './sipstack-stories.ts';

export function itTells(file: string, stories: Stories): void {
  const text = readFileSync(new URL(`../golden/sip/${file}.txt`, import.meta.url), 'utf8');
  const expected = new Map(
    text
      .trimEnd()
      .split('\n\n')
      .map((story) => [story.slice(0, story.indexOf('\n')), story.slice(story.indexOf('\n') + 1)]),
  );
  describe(file, () => {
    it.each(Object.keys(stories))('%s', async (title) => {
      expect((await stories[title]?.())?.join('\n')).toBe(expected.get(title));
    });
    it('has no transcript that nothing tells', () => {
      expect([...expected.keys()]).toEqual(Object.keys(stories));
    });
  });
}
