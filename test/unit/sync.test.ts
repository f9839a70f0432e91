// Neighbours and words of anti-entropy, one node at a time; that it converges is a property (test/property/sync.test.ts).

import { describe, expect, it } from 'vitest';
import { BOUNDS, DEFAULT_TIMING } from '../../node/core/config.ts';
import type { Entry, NodeId } from '../../node/core/messages.ts';
import { createOne, type OneNode, sentTo, VOTERS } from '../support/one-node.ts';
import { createScribe, type Scribe } from '../support/scribe.ts';

const { syncMs, syncIdleMs } = DEFAULT_TIMING;

/** b, who knows of this many others. */
function nodeB(others: number): { scribe: Scribe; one: OneNode; nodes: NodeId[] } {
  const scribe = createScribe();
  const nodes = Array.from({ length: others }, (_, index) => `node-${String(index).padStart(3, '0')}`);
  for (const node of nodes) scribe.hello(node, { voter: false });
  const one = createOne('b');
  one.learn(scribe.entries);
  one.tick(syncMs + 1);
  return { scribe, one, nodes };
}

const chosenBy = (one: OneNode): NodeId[] => [...one.state.sync.peers].filter(([, peer]) => peer.chosen).map(([node]) => node);

describe('neighbours', () => {
  it.each([0, 1, 3, 4, 40, 400])('are few, whatever the size of the swarm: %i others', (others) => {
    expect(chosenBy(nodeB(others).one)).toHaveLength(Math.min(others, BOUNDS.neighboursMax));
  });

  it('connect the whole swarm: everybody has its successor on the ring', () => {
    const nodes = Array.from({ length: 30 }, (_, index) => `node-${index}`).sort();
    const scribe = createScribe();
    for (const node of nodes) scribe.hello(node, { voter: false });
    nodes.forEach((node, index) => {
      const one = createOne(node, { incarnation: 1 });
      one.learn(scribe.entries.filter((entry) => entry.author !== node));
      one.tick(syncMs + 1);
      expect(chosenBy(one)).toContain(nodes[(index + 1) % nodes.length]);
    });
  });

  it('are replaced when they say bye or are counted out', () => {
    const { scribe, one } = nodeB(40);
    const [gone = '', lost = ''] = chosenBy(one);
    const manifest = scribe.manifest('node-000');
    const voters = ['node-000', ...VOTERS.filter((node) => node !== 'b')];
    for (const voter of voters.slice(1)) scribe.hello(voter);
    scribe.hello('node-000');
    scribe.elect(1, 'node-000', voters);
    const roster = scribe.roster('node-000', 1, null, manifest, voters);
    scribe.down('node-000', 1, roster, lost);
    scribe.write(gone, 'bye', { reason: 'leaves' });
    one.at(1000);
    one.learn(scribe.entries);
    one.tick(1000 + syncMs + 1);
    expect(one.state.chain.down.has(lost)).toBe(true);
    expect(chosenBy(one)).toHaveLength(BOUNDS.neighboursMax);
    expect(chosenBy(one)).not.toContain(gone);
    expect(chosenBy(one)).not.toContain(lost);
  });

  it('are dialled until they are connected', () => {
    const { one } = nodeB(1);
    const dialled = (ms: number): boolean => one.tick(ms).dial.some(({ peer, connect }) => connect && peer === 'node-000');
    expect([dialled(syncIdleMs + 1), dialled(syncIdleMs * 2 + 2)]).toEqual([true, true]);
    one.give({ type: 'peer-up', peer: 'node-000' });
    expect([dialled(syncIdleMs * 3 + 3), dialled(syncIdleMs * 4 + 4)]).toEqual([false, false]);
  });

  it('that nobody chose are forgotten when they fall silent', () => {
    const { one, nodes } = nodeB(40);
    const other = nodes.find((node) => !chosenBy(one).includes(node)) ?? '';
    one.hear(other, { type: 'have', have: {}, digest: one.state.log.digest, full: false });
    expect(one.state.sync.peers.has(other)).toBe(true);
    for (let ms = 1000; ms <= syncIdleMs * 6; ms += 1000) one.tick(ms);
    expect(one.state.sync.peers.has(other)).toBe(false);
    expect(chosenBy(one)).toHaveLength(BOUNDS.neighboursMax);
  });
});

describe('words', () => {
  const done = (scribe: Scribe, node: NodeId): Entry => scribe.write(node, 'done', { windowLast: 0, teardownFailures: 0 });

  it('ask one neighbour at a time for the same thing', () => {
    const { one, nodes } = nodeB(2);
    const [first = '', second = ''] = nodes;
    const have = { type: 'have', have: { unknown: 3 }, digest: 1, full: false } as const;
    expect(sentTo(one.hear(first, have), first, 'want')).toMatchObject([{ after: { unknown: 0 } }]);
    expect(sentTo(one.hear(second, have), second, 'want')).toEqual([]);
    one.at(2000);
    expect(sentTo(one.hear(second, have), second, 'want')).toHaveLength(1);
  });

  it('do not tell a neighbour what it told itself', () => {
    const { scribe, one, nodes } = nodeB(2);
    const [first = '', second = ''] = nodes;
    one.tick(200);
    one.at(300);
    one.hear(first, { type: 'entries', entries: [done(scribe, first)] });
    const effects = one.tick(300 + syncMs);
    expect(sentTo(effects, second, 'have')).toMatchObject([{ have: { [first]: 2 } }]);
    expect(sentTo(effects, first, 'have')).toEqual([]);
  });

  it('give at most a message full of entries', () => {
    const { scribe, one, nodes } = nodeB(1);
    const [first = ''] = nodes;
    for (let turn = 0; turn < BOUNDS.entriesPerMessageMax + 50; turn++) done(scribe, first);
    one.learn(scribe.entries);
    const effects = one.hear('stranger', { type: 'want', after: { [first]: 0, nobody: 7 }, full: false });
    expect(sentTo(effects, 'stranger', 'entries').map(({ entries }) => entries.length)).toEqual([BOUNDS.entriesPerMessageMax]);
  });
});
