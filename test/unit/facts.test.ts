// Single rules of the fold that the properties cover only in passing.

import { describe, expect, it } from 'vitest';
import { hasLeft } from '../../node/core/leader.ts';
import { createOne } from '../support/one-node.ts';
import { createScribe, factsOf } from '../support/scribe.ts';

describe('facts', () => {
  it('let a node that gave its shards back have them again when it returns, and nobody else', () => {
    const scribe = createScribe();
    const claims = [{ shard: 3, epoch: 1 }];
    for (const node of ['a', 'b']) {
      scribe.hello(node);
      scribe.write(node, 'release', { claims, reason: 'leaves' });
      scribe.write(node, 'bye', { reason: 'leaves' });
    }
    expect([...factsOf(scribe.entries).releases]).toEqual(['3.1/a', '3.1/b']);
    scribe.hello('a', { incarnation: 2 });
    const facts = factsOf(scribe.entries);
    expect([...facts.releases]).toEqual(['3.1/b']);
    expect([facts.leaving, facts.byes].map((set) => [...set])).toEqual([['b'], ['b']]);
    const { state, learn } = createOne('z');
    learn(scribe.entries);
    expect(['a', 'b'].map((node) => hasLeft(state, node))).toEqual([false, true]);
  });

  it('ignore and count orders that the operator did not sign, or that pose as another kind', () => {
    const scribe = createScribe();
    const manifest = scribe.manifest('a');
    if (manifest.kind !== 'manifest') throw new Error('a manifest');
    scribe.write('a', 'stop', manifest.body);
    scribe.write('a', 'manifest', { ...manifest.body, signature: new Uint8Array([0]) });
    const facts = factsOf(scribe.entries);
    expect([facts.orders.length, facts.ignored]).toEqual([1, 2]);
  });
});
