// P2 one floor up: equal sets of entries give equal views, whoever's entries came first.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { refreshDerived } from '../../node/core/append.ts';
import { absorb } from '../../node/core/facts.ts';
import { ingest } from '../../node/core/log.ts';
import type { Entry } from '../../node/core/messages.ts';
import { createNode } from '../../node/core/node.ts';
import type { NodeState } from '../../node/core/state.ts';
import { entrySetDigest, viewDigest } from '../../node/core/view.ts';
import { chains, interleave, SEED } from '../support/core-arbitraries.ts';
import { configOf, STORY_PLAN } from '../support/story.ts';

/** `every`: the picture is derived after each n-th entry, as a node that gets them in batches of that size would. */
function fold(entries: readonly Entry[], every: number): NodeState {
  const state = createNode(configOf('zed', 1), 0);
  state.plan = STORY_PLAN;
  entries.forEach((entry, index) => {
    const accepted: Entry[] = [];
    ingest(state.log, entry, accepted);
    for (const one of accepted) absorb(state.facts, one, state.config.verifyOrder);
    if (index % every === 0) refreshDerived(state);
  });
  refreshDerived(state);
  return state;
}

const pictureOf = (state: NodeState) => [
  entrySetDigest(state),
  viewDigest(state),
  state.chainComplete ? state.assignment : null,
  [...state.facts.hellos].map(([node, hello]) => `${node} ${hello.seq}`).sort(),
];

describe('facts', () => {
  it('give the same view for every interleaving of authors and every batch size', () => {
    const draws = fc.array(fc.nat(3), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(chains, draws, draws, fc.integer({ min: 1, max: 9 }), (logs, one, other, every) => {
        expect(pictureOf(fold(interleave(logs, one), every))).toEqual(pictureOf(fold(interleave(logs, other), 1)));
      }),
      { seed: SEED, numRuns: 400 },
    );
  });
});
