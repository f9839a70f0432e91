// Guards the trap of FACTS.md: with the defaults of libp2p and gossipsub, 15 nodes on one IP deliver nothing, and no call reports an error.

import { describe, expect, it } from 'vitest';
import { startMesh, text } from '../support/mesh-kit.ts';
import { until } from '../support/until.ts';

const NODES = 20;

describe('20 nodes on one IP', () => {
  it('all join through one seed at once and every message reaches every other node', async () => {
    const seed = await startMesh({ relay: true });
    const seedAddress = seed.mesh.addresses()[0] ?? '';
    const others = await Promise.all(Array.from({ length: NODES - 1 }, () => startMesh({ seeds: [seedAddress] })));
    const all = [seed, ...others];
    await until('all are connected to the seed', () => seed.mesh.peers().length === NODES - 1);
    // A ring with chords: every node dials three more, as the core's neighbour choice does.
    await Promise.all(
      others.flatMap((node, index) =>
        [1, 5, 9].map((step) => {
          const target = others[(index + step) % others.length];
          return target === undefined ? null : node.mesh.dial(target.mesh.self, target.mesh.addresses());
        }),
      ),
    );
    expect(all.reduce((sum, node) => sum + node.mesh.counters().dialsFailed, 0)).toBe(0);

    // Settled: a probe of each node has reached everybody. Before a few heartbeats gossip is lossy, hence the repetition.
    let round = 0;
    const heard = (node: (typeof all)[number], word: string) =>
      new Set(node.gossip.filter((item) => item.text.startsWith(word)).map((item) => item.from));
    await until('probes of all nodes reach all nodes', async () => {
      if (round++ % 100 === 0) await Promise.all(all.map((node) => node.mesh.publish('beats', text(`probe ${round}`))));
      return all.every((node) => heard(node, 'probe').size === NODES - 1);
    });

    await Promise.all(all.map((node) => node.mesh.publish('entries', text(`entry of ${node.mesh.self}`))));
    await until('every entry has reached every other node', () => all.every((node) => heard(node, 'entry').size === NODES - 1));
    for (const node of all) {
      const entries = node.gossip.filter((item) => item.topic === 'entries');
      expect(entries.length, 'each exactly once').toBe(NODES - 1);
      expect(
        entries.every((item) => item.text === `entry of ${item.from}`),
        'under its author',
      ).toBe(true);
    }
  }, 60_000);
});
