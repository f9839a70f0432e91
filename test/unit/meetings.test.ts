// Which meetings exist: only what nodes of the run wrote counts, whenever the roster that says so arrives.

import { describe, expect, it } from 'vitest';
import { meetingsIn } from '../../node/core/meetings.ts';
import { createNode, step } from '../../node/core/node.ts';
import type { NodeState } from '../../node/core/state.ts';
import { createScribe } from '../support/scribe.ts';
import { configOf } from '../support/story.ts';

const fact = (meeting: number, id: string) => ({ meeting, values: { id } });

/** A swarm of three whose roster is sealed, and what its members and a stranger wrote about meetings. */
function history() {
  const scribe = createScribe();
  for (const node of ['n0', 'n1', 'n2', 'stranger']) scribe.hello(node);
  const manifest = scribe.manifest('n0');
  scribe.elect(1, 'n0', ['n0', 'n1', 'n2']);
  scribe.roster('n0', 1, null, manifest, ['n0', 'n1', 'n2']);
  scribe.write('n1', 'meeting', { facts: [fact(0, 'first'), fact(1, 'one')], torndown: [] });
  scribe.write('n2', 'meeting', { facts: [fact(0, 'again')], torndown: [] });
  scribe.write('stranger', 'meeting', { facts: [fact(0, 'stolen'), fact(7, 'invented')], torndown: [1] });
  return scribe.entries;
}

function nodeWith(entries: readonly unknown[]): NodeState {
  const state = createNode(configOf('seed', 3, { expectWitnesses: 0 }), 0);
  for (const entry of entries)
    step(state, { type: 'message', nowMs: 1, from: 'n0', message: { type: 'entries', entries: [entry as never] } });
  return state;
}

describe('meetings', () => {
  it('are those that nodes in the roster wrote, the latest of each', () => {
    const { facts, torndown } = meetingsIn(nodeWith(history()));
    expect([...facts].map(([meeting, { facts: one, author }]) => [meeting, one.values.id, author])).toEqual([
      [0, 'again', 'n2'],
      [1, 'one', 'n1'],
    ]);
    expect([...torndown]).toEqual([]);
  });

  it('count from the moment the roster is known, also when they came first', () => {
    const entries = history();
    const isLate = (kind: string): boolean => kind === 'roster';
    const state = nodeWith(
      entries.filter(
        ({ kind, author, seq }) => !(author === 'n0' && entries.some((one) => isLate(one.kind) && one.seq <= seq)) && !isLate(kind),
      ),
    );
    expect(meetingsIn(state).facts.size).toBe(0);
    for (const entry of entries) step(state, { type: 'message', nowMs: 2, from: 'n0', message: { type: 'entries', entries: [entry] } });
    expect(meetingsIn(state).facts.size).toBe(2);
  });
});
