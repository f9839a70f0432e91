// Elections: when a node votes, when it refuses, and what it writes before it says anything. Times are the node's own clock.

import { describe, expect, it } from 'vitest';
import { DEFAULT_TIMING } from '../../node/core/config.ts';
import type { Canvass, NodeId } from '../../node/core/messages.ts';
import { createOne, type OneNode, sentTo, VOTERS, written } from '../support/one-node.ts';
import { createScribe, type Scribe } from '../support/scribe.ts';

const { leaseMs } = DEFAULT_TIMING;
/** The node under test is b; everybody's hello is known to it. */
function voterB(over: Parameters<typeof createOne>[1] = {}): { scribe: Scribe; one: OneNode } {
  const scribe = createScribe();
  for (const node of VOTERS) if (node !== 'b') scribe.hello(node);
  const one = createOne('b', over);
  one.learn(scribe.entries);
  return { scribe, one };
}

const canvass = (over: Partial<Canvass> = {}): Canvass => ({ type: 'canvass', term: 1, pre: false, chainTerm: 0, chainLength: 0, ...over });
const ballot = (one: OneNode, from: NodeId, over: Partial<Canvass> = {}) => sentTo(one.hear(from, canvass(over)), from, 'ballot')[0];

/** a is coordinator of term 1 and has sealed a roster. */
function withCoordinator(): { scribe: Scribe; one: OneNode } {
  const { scribe, one } = voterB();
  const manifest = scribe.manifest('a');
  scribe.elect(1, 'a', ['a', 'c', 'd']);
  scribe.roster('a', 1, null, manifest, VOTERS);
  one.learn(scribe.entries);
  return { scribe, one };
}

function beat(one: OneNode, from: NodeId, term: number): void {
  one.give({ type: 'gossip', from, gossip: { type: 'beat', term, beat: 1, swarmMs: 0 } });
}

function untilCanvass(one: OneNode): number {
  for (let ms = 0; ms < 10_000; ms += 10) {
    one.tick(ms);
    if (one.state.election.canvass !== null) return ms;
  }
  throw new Error('never canvassed');
}

describe('a voter', () => {
  it('votes at most once a term, durably before it answers, and sends the vote itself along', () => {
    const { one } = voterB();
    const effects = one.hear('a', canvass());
    expect(written(effects, 'vote').map(({ body }) => body)).toEqual([{ term: 1, candidate: 'a' }]);
    expect(sentTo(effects, 'a', 'ballot')[0]).toMatchObject({ granted: true, term: 1 });
    expect(sentTo(effects, 'a', 'entries')[0]?.entries.map(({ kind }) => kind)).toContain('vote');
    one.at(leaseMs + 1);
    expect(ballot(one, 'c')).toMatchObject({ granted: false, termMax: 1 });
    expect(ballot(one, 'a')).toMatchObject({ granted: false });
    expect(ballot(one, 'c', { term: 2 })).toMatchObject({ granted: true });
  });

  it('writes nothing and promises nothing when it is only asked whether it would', () => {
    const { one } = voterB();
    const effects = one.hear('a', canvass({ pre: true }));
    expect(effects.persist).toEqual([]);
    expect(sentTo(effects, 'a', 'ballot')[0]).toMatchObject({ granted: true, pre: true });
    expect(ballot(one, 'c', { pre: true })).toMatchObject({ granted: true });
    expect(ballot(one, 'd')).toMatchObject({ granted: true });
  });

  it('keeps its vote for one lease after it gave it, and for one lease after a beat', () => {
    const { one } = voterB();
    ballot(one, 'a');
    one.at(leaseMs - 1);
    expect(ballot(one, 'c', { term: 2 })).toMatchObject({ granted: false });
    one.at(leaseMs);
    expect(ballot(one, 'c', { term: 2 })).toMatchObject({ granted: true });
    const second = withCoordinator().one;
    second.at(1000);
    beat(second, 'a', 1);
    second.at(1000 + leaseMs - 1);
    expect(ballot(second, 'c', { term: 2, chainTerm: 1, chainLength: 1 })).toMatchObject({ granted: false });
    second.at(1000 + leaseMs);
    expect(ballot(second, 'c', { term: 2, chainTerm: 1, chainLength: 1 })).toMatchObject({ granted: true });
  });

  it('is not kept from voting by a beat of anybody but the coordinator', () => {
    const { one } = withCoordinator();
    one.at(1000);
    beat(one, 'c', 1);
    beat(one, 'a', 7);
    beat(one, 'c', 999_999);
    expect(one.state.refused.get('beat-of-no-coordinator')).toBe(3);
    expect(ballot(one, 'c', { term: 2, chainTerm: 1, chainLength: 1 })).toMatchObject({ granted: true });
  });

  it.each([
    ['a shorter chain of the same term', { chainTerm: 1, chainLength: 0 }, false],
    ['no chain', { chainTerm: 0, chainLength: 0 }, false],
    ['a longer chain of an earlier term', { chainTerm: 0, chainLength: 9 }, false],
    ['the same chain', { chainTerm: 1, chainLength: 1 }, true],
    ['a longer chain', { chainTerm: 1, chainLength: 2 }, true],
    ['a shorter chain of a later term', { chainTerm: 2, chainLength: 1 }, true],
  ])('who knows one decision of term 1 judges a candidate that knows %s', (_, chain, granted) => {
    const { one } = withCoordinator();
    expect(ballot(one, 'c', { term: 3, ...chain })).toMatchObject({ granted });
  });

  it.each([
    [1, false],
    [2, true],
    [1001, true],
    [1002, false],
    [999_999, false],
  ])('that knows of term 1 is asked for term %i: %s', (term, granted) => {
    const { one } = withCoordinator();
    expect(ballot(one, 'c', { term, chainTerm: 1, chainLength: 1 })).toMatchObject({ granted });
  });

  it('refuses who is no voter of the sealed roster', () => {
    const { scribe, one } = withCoordinator();
    one.learn([scribe.hello('stranger')]);
    expect(ballot(one, 'stranger', { term: 2, chainTerm: 1, chainLength: 1 })).toMatchObject({ granted: false });
  });

  it('that was restarted keeps still for a lease, because it may have promised, and knows what it voted', () => {
    const before = voterB().one;
    const effects = before.hear('a', canvass({ term: 4 }));
    const entries = [...before.state.log.authors.values()].flat();
    expect(written(effects, 'vote')).toHaveLength(1);
    const one = createOne('b', { incarnation: 2 }, { entries, windowLast: 0, held: {} });
    expect(ballot(one, 'c', { term: 5 })).toMatchObject({ granted: false });
    one.at(leaseMs);
    expect(ballot(one, 'c', { term: 4 })).toMatchObject({ granted: false });
    expect(ballot(one, 'c', { term: 5 })).toMatchObject({ granted: true });
  });
});

describe('a candidate', () => {
  it('asks first, votes for itself only when a majority would follow, and leads when their votes are in the log', () => {
    const { scribe, one } = voterB();
    untilCanvass(one);
    expect(one.state.election.canvass).toMatchObject({ pre: true, term: 1 });
    const yes = { type: 'ballot', term: 1, granted: true, termMax: 0 } as const;
    one.hear('a', { ...yes, pre: true });
    one.hear('a', { ...yes, pre: true });
    expect(one.state.election.canvass?.pre).toBe(true);
    const effects = one.hear('c', { ...yes, pre: true });
    expect(written(effects, 'vote')).toMatchObject([{ body: { term: 1, candidate: 'b' } }]);
    expect(effects.publish).toContainEqual(canvass());
    for (const voter of ['a', 'c']) one.hear(voter, { ...yes, pre: false });
    expect(one.state.leader, 'ballots are not votes').toBeNull();
    one.learn([scribe.write('a', 'vote', { term: 1, candidate: 'b' })]);
    expect(one.state.leader).toBeNull();
    const won = one.learn([scribe.write('c', 'vote', { term: 1, candidate: 'b' })]);
    expect(written(won, 'lead')).toMatchObject([{ body: { term: 1, base: null } }]);
    expect(won.report).toContainEqual({ event: 'became-coordinator', term: 1 });
  });

  it('does not count ballots of nodes that may not vote', () => {
    const { scribe, one } = voterB();
    one.learn(['w', 'x', 'y'].map((node) => scribe.hello(node, { voter: false })));
    untilCanvass(one);
    for (const from of ['w', 'x', 'y', 'unheard-of']) one.hear(from, { type: 'ballot', term: 1, pre: true, granted: true, termMax: 0 });
    expect(one.state.election.canvass?.pre).toBe(true);
  });

  it('that is refused for an old term asks for a later one, and does not follow a wild one', () => {
    const { one } = voterB();
    untilCanvass(one);
    one.hear('a', { type: 'ballot', term: 1, pre: true, granted: false, termMax: 41 });
    one.hear('c', { type: 'ballot', term: 1, pre: true, granted: false, termMax: 500_000 });
    one.state.election.canvass = null;
    for (let ms = 0; one.state.election.canvass === null && ms < 10_000; ms += 10) one.tick(ms);
    expect(one.state.election.canvass).toMatchObject({ term: 42 });
  });

  it('of a split vote asks again, for the next term', () => {
    const { scribe, one } = voterB();
    const atMs = untilCanvass(one);
    for (const from of ['a', 'c']) one.hear(from, { type: 'ballot', term: 1, pre: true, granted: true, termMax: 0 });
    one.learn([scribe.write('d', 'vote', { term: 1, candidate: 'd' }), scribe.write('e', 'vote', { term: 1, candidate: 'd' })]);
    for (let ms = atMs; ms < atMs + 10_000 && one.state.election.canvass?.pre !== true; ms += 10) one.tick(ms);
    expect(one.state.election.canvass).toMatchObject({ pre: true, term: 2 });
    expect(one.state.leader).toBeNull();
  });

  it('builds on the last decision that it knows', () => {
    const { scribe, one } = withCoordinator();
    one.tick(leaseMs + 5000);
    expect(one.state.election.canvass).toMatchObject({ pre: true, term: 2 });
    for (const from of ['c', 'd']) one.hear(from, { type: 'ballot', term: 2, pre: true, granted: true, termMax: 1 });
    const won = one.learn(['c', 'd'].map((voter) => scribe.write(voter, 'vote', { term: 2, candidate: 'b' })));
    const roster = scribe.entries.find(({ kind }) => kind === 'roster');
    expect(written(won, 'lead')[0]?.body).toEqual({ term: 2, base: { author: 'a', seq: roster?.seq } });
  });
});
