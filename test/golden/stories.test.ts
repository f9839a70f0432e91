// Protocol stories as text: each transcript beside this file is the expected output, line by line, and reads as documentation of the protocol.
// After a deliberate change: `npx vitest run --config test/vitest.config.ts test/golden/stories.test.ts -u`, then read the difference.

import { describe, expect, it } from 'vitest';
import { createStory, manifestOf, type Story, signedForTests } from '../support/story.ts';

function submit(story: Story, over: Parameters<typeof manifestOf>[0] = {}): void {
  story.until(100);
  story.give('seed', { type: 'order', order: signedForTests({ order: 'manifest', manifest: manifestOf(over) }) });
}

const STORIES: Record<string, () => Story> = {
  'form-run-seal': () => {
    const story = createStory(3);
    submit(story);
    story.until(60_000);
    return story;
  },
  'ordinary-node-lost': () => {
    const story = createStory(3);
    submit(story);
    story.until(8000);
    story.kill('n1');
    story.until(60_000);
    return story;
  },
  'coordinator-lost-terminate': () => {
    const story = createStory(3);
    submit(story);
    story.until(8000);
    story.kill('seed');
    story.until(60_000);
    return story;
  },
  'coordinator-lost-reelect': () => {
    const story = createStory(3);
    submit(story, { onCoordinatorLoss: 'reelect' });
    story.until(8000);
    story.kill('seed');
    story.until(60_000);
    return story;
  },
  'owner-cut-off-returns': () => {
    const story = createStory(3);
    submit(story);
    story.until(5000);
    for (const other of ['seed', 'n1', 'n2']) story.cut('n0', other, true);
    story.until(14_000);
    for (const other of ['seed', 'n1', 'n2']) story.cut('n0', other, false);
    story.until(60_000);
    return story;
  },
  'joiner-while-running': () => {
    const story = createStory(2);
    submit(story);
    story.until(6000);
    story.join('n9');
    story.until(60_000);
    return story;
  },
  'node-told-to-leave': () => {
    const story = createStory(3);
    submit(story);
    story.until(6000);
    story.give('n2', { type: 'signal', mode: 'leave' });
    story.until(60_000);
    return story;
  },
  'more-nodes-than-announced': () => {
    const story = createStory(2);
    for (const node of ['x0', 'x1', 'x2', 'x3']) story.join(node);
    submit(story);
    story.until(60_000);
    return story;
  },
  'coordinator-lost-while-claiming': () => {
    const story = createStory(3);
    submit(story);
    story.until(430);
    story.kill('seed');
    story.until(60_000);
    return story;
  },
  'even-split': () => {
    const story = createStory(3);
    submit(story, { onCoordinatorLoss: 'reelect' });
    story.until(6000);
    for (const [one, other] of [
      ['seed', 'n1'],
      ['seed', 'n2'],
      ['n0', 'n1'],
      ['n0', 'n2'],
    ] as const)
      story.cut(one, other, true);
    story.until(60_000);
    return story;
  },
  'deposed-coordinator-returns': () => {
    const story = createStory(3);
    submit(story, { onCoordinatorLoss: 'reelect' });
    story.until(6000);
    for (const other of ['n0', 'n1', 'n2']) story.cut('seed', other, true);
    story.until(13_000);
    for (const other of ['n0', 'n1', 'n2']) story.cut('seed', other, false);
    story.until(60_000);
    return story;
  },
  'coordinator-leaves': () => {
    const story = createStory(4);
    submit(story, { onCoordinatorLoss: 'reelect' });
    story.until(5000);
    story.kill('seed');
    story.until(13_000);
    const coordinator = story.nodes.get('n1')?.coordinator?.node ?? '';
    story.give(coordinator, { type: 'signal', mode: 'leave' });
    story.until(60_000);
    return story;
  },
  'stopped-while-forming': () => {
    const story = createStory(3);
    story.kill('n2');
    submit(story);
    story.until(3000);
    story.give('n0', { type: 'order', order: signedForTests({ order: 'stop', runId: 'run', mode: 'drain', reason: 'enough' }) });
    story.until(60_000);
    return story;
  },
  'stopped-by-the-operator': () => {
    const story = createStory(2);
    submit(story);
    story.until(6000);
    story.give('n0', { type: 'order', order: signedForTests({ order: 'stop', runId: 'run', mode: 'drain', reason: 'enough' }) });
    story.until(60_000);
    return story;
  },
};

describe('protocol stories', () => {
  for (const [name, tell] of Object.entries(STORIES)) {
    it(name, async () => {
      const story = tell();
      expect(story.alive.size, 'every node has left in the end').toBe(0);
      await expect(`${story.lines.join('\n')}\n`).toMatchFileSnapshot(`./stories/${name}.txt`);
    });
  }
});
