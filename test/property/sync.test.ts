// P2 across the network: nodes that hold different parts of the log end up with the same whole, with a bounded number of messages, also where
// messages are lost, and then fall silent but for the idle digests.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BOUNDS, DEFAULT_TIMING } from '../../node/core/config.ts';
import type { Entry, NodeId } from '../../node/core/messages.ts';
import { createRng } from '../../node/core/rng.ts';
import { entrySetDigest, viewDigest } from '../../node/core/view.ts';
import { chains, SEED } from '../support/core-arbitraries.ts';
import { createScribe } from '../support/scribe.ts';
import { sealForTests } from '../support/story.ts';
import { createSyncNet, type SyncNet } from '../support/sync-net.ts';

const NAMES = ['ann', 'bob', 'cid', 'dan', 'eve'];
const IDLE_MS = DEFAULT_TIMING.syncIdleMs;
/** Those it chose (also where they do not exist), and those who chose it. */
const NEIGHBOURS = BOUNDS.neighboursMax + NAMES.length;
const bounded = { seed: SEED, numRuns: 100 };

const digestsOf = (net: SyncNet): string[] => [
  ...new Set([...net.states.values()].map((state) => `${entrySetDigest(state)} ${viewDigest(state)}`)),
];

/** What each of `nodes` holds at first: of every author's log a part from the beginning, the draw says how much. */
function parts(logs: readonly Entry[][], nodes: readonly NodeId[], draws: readonly number[]): Record<NodeId, Entry[]> {
  let draw = 0;
  return Object.fromEntries(
    nodes.map((node) => [node, logs.flatMap((log) => log.slice(0, (draws[draw++ % draws.length] ?? 0) % (log.length + 1)))]),
  );
}

const worlds = fc.record({
  logs: chains,
  draws: fc.array(fc.nat(40), { minLength: 8, maxLength: 24 }),
  size: fc.integer({ min: 2, max: 5 }),
});
/** Everybody knows the next one: connected, and no more than that. */
const line = (nodes: readonly NodeId[]) => (node: NodeId) => nodes.slice(nodes.indexOf(node) + 1, nodes.indexOf(node) + 2);

describe('anti-entropy', () => {
  it('makes connected nodes hold the same log and then falls silent', () => {
    fc.assert(
      fc.property(worlds, ({ logs, draws, size }) => {
        const nodes = NAMES.slice(0, size);
        const net = createSyncNet(parts(logs, nodes, draws), line(nodes));
        net.run(3 * IDLE_MS);
        expect(digestsOf(net)).toHaveLength(1);
        const { messages, entries } = net.counts;
        expect(entries).toBeLessThanOrEqual(logs.flat().length * size * 2);
        net.run(2 * IDLE_MS);
        expect(net.counts.entries).toBe(entries);
        expect(net.counts.messages - messages).toBeLessThanOrEqual(3 * size * NEIGHBOURS);
      }),
      bounded,
    );
  });

  it('does so after a time in which messages were lost', () => {
    fc.assert(
      fc.property(worlds, fc.integer(), fc.double({ min: 0.1, max: 1, noNaN: true }), ({ logs, draws, size }, seed, loss) => {
        const nodes = NAMES.slice(0, size);
        const net = createSyncNet(parts(logs, nodes, draws), line(nodes));
        const rng = createRng(seed);
        net.run(2 * IDLE_MS, () => rng.float() < loss);
        net.run(4 * IDLE_MS);
        expect(digestsOf(net)).toHaveLength(1);
      }),
      bounded,
    );
  });

  it('hands over logs that are larger than a message', () => {
    const scribe = createScribe();
    for (const author of ['x', 'y']) {
      scribe.hello(author);
      for (let index = 0; index < 700; index++) scribe.write(author, 'done', { windowLast: index, teardownFailures: 0 });
    }
    const net = createSyncNet({ ann: scribe.entries, bob: [] }, line(['ann', 'bob']));
    net.run(2000);
    expect(digestsOf(net)).toHaveLength(1);
    expect(net.counts.messages).toBeLessThan(40);
  });

  it('does not storm over an author whose log exists in two versions', () => {
    const entry = (seq: number, prev: Entry | undefined, windowLast: number): Entry =>
      sealForTests({ author: 'x', seq, prev: prev?.hash ?? '', lamport: seq, kind: 'done', body: { windowLast, teardownFailures: 0 } });
    const fork = (windowLast: number, length: number): Entry[] => {
      const log: Entry[] = [];
      for (let seq = 1; seq <= length; seq++) log.push(entry(seq, log[log.length - 1], windowLast));
      return log;
    };
    const net = createSyncNet({ ann: fork(1, 3), bob: fork(2, 9) }, line(['ann', 'bob']));
    net.run(2 * IDLE_MS);
    expect(net.states.get('ann')?.refused.get('broken-chain')).toBeGreaterThan(0);
    expect(net.counts.messages).toBeLessThan(60);
  });
});

describe('messages', () => {
  /** Each node starts with its own hello, knows only the first node, and everybody learns of everybody. */
  function messagesPerNode(size: number): { mean: number; busiest: number } {
    const scribe = createScribe();
    const nodes = Array.from({ length: size }, (_, index) => `node-${index}`);
    const logs = Object.fromEntries(nodes.map((node) => [node, [scribe.hello(node)]]));
    const net = createSyncNet(logs, (node) => (node === nodes[0] ? [] : nodes.slice(0, 1)));
    net.run(3 * IDLE_MS);
    expect(digestsOf(net)).toHaveLength(1);
    const ordinary = nodes.slice(1).map((node) => net.sent.get(node) ?? 0);
    return { mean: ordinary.reduce((a, b) => a + b, 0) / ordinary.length, busiest: Math.max(...ordinary) };
  }

  it('per node hardly depend on the size of the swarm', () => {
    const [small, middle, large] = [10, 40, 160].map(messagesPerNode);
    if (small === undefined || middle === undefined || large === undefined) throw new Error('three sizes');
    expect(large.mean / small.mean).toBeLessThan(1.5);
    expect(large.mean / middle.mean).toBeLessThan(1.3);
    expect(large.busiest / large.mean).toBeLessThan(5);
  });
});
