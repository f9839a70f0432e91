// The chain of decisions: who coordinates, which decisions count, and what follows from them.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AssignmentFold, assignmentOf, chainOf, coordinatorIn, electorateOf, majority } from '../../node/core/chain.ts';
import type { Facts } from '../../node/core/facts.ts';
import type { Entry, NodeLossPolicy } from '../../node/core/messages.ts';
import { SEED } from '../support/core-arbitraries.ts';
import { createScribe, factsOf, type Scribe } from '../support/scribe.ts';
import { configOf, planOf, shardOf } from '../support/story.ts';

const NODES = ['a', 'b', 'c', 'd', 'e'];
/** A node that expects five voters: three make a majority. */
const config = configOf('a', 5, { expectWitnesses: 0 });

function chainIn(facts: Facts) {
  const coordinator = coordinatorIn(facts, electorateOf(facts, config));
  return { coordinator, chain: chainOf(facts, coordinator) };
}

function sealedSwarm(): { scribe: Scribe; roster: Entry } {
  const scribe = createScribe();
  for (const node of NODES) scribe.hello(node);
  const manifest = scribe.manifest('a');
  scribe.elect(1, 'a', ['a', 'b', 'c']);
  return { scribe, roster: scribe.roster('a', 1, null, manifest, NODES) };
}

describe('a majority', () => {
  it.each([
    [1, 1],
    [2, 2],
    [3, 2],
    [4, 3],
    [5, 3],
    [700, 351],
  ])('of %i is %i', (size, votes) => {
    expect(majority(size)).toBe(votes);
  });
});

describe('the coordinator', () => {
  it('is nobody while votes for a lead are missing', () => {
    const { scribe } = sealedSwarm();
    const withoutVote = scribe.entries.filter((entry) => !(entry.kind === 'vote' && entry.author === 'c'));
    expect(chainIn(factsOf(withoutVote)).coordinator).toBeNull();
    expect(chainIn(factsOf(scribe.entries)).coordinator).toMatchObject({ node: 'a', term: 1 });
  });

  it('needs votes of voters: others, and second votes of one voter in a term, do not count', () => {
    const scribe = createScribe();
    for (const node of NODES) scribe.hello(node, { voter: node !== 'c' });
    scribe.elect(1, 'a', ['a', 'b', 'c']);
    expect(chainIn(factsOf(scribe.entries)).coordinator).toBeNull();
    scribe.write('d', 'vote', { term: 1, candidate: 'e' });
    scribe.write('d', 'vote', { term: 1, candidate: 'a' });
    expect(chainIn(factsOf(scribe.entries)).coordinator).toBeNull();
    scribe.write('e', 'vote', { term: 1, candidate: 'a' });
    expect(chainIn(factsOf(scribe.entries)).coordinator?.node).toBe('a');
  });

  it('is the one of the highest term that a majority backs, not of the highest term claimed', () => {
    const { scribe, roster } = sealedSwarm();
    scribe.elect(2, 'b', ['b', 'd', 'e'], roster);
    scribe.elect(9, 'c', ['c'], roster);
    expect(chainIn(factsOf(scribe.entries)).coordinator).toMatchObject({ node: 'b', term: 2 });
  });
});

describe('the electorate', () => {
  it('is the voters of the sealed roster, and anybody with a vote in its hello before there is one', () => {
    const { scribe } = sealedSwarm();
    const before = factsOf(scribe.entries.filter(({ kind }) => kind !== 'roster'));
    expect(electorateOf(before, config)).toEqual({ voters: null, quorum: 3 });
    expect(electorateOf(factsOf(scribe.entries), config)).toEqual({ voters: new Set(NODES), quorum: 3 });
  });

  it('is not changed by a roster of somebody whom nobody elected', () => {
    const { scribe } = sealedSwarm();
    const crowd = Array.from({ length: 50 }, (_, index) => `mine-${index}`);
    scribe.hello('intruder');
    scribe.roster('intruder', 1, null, null, crowd);
    scribe.elect(9, 'e', ['e']);
    scribe.roster('e', 9, null, null, crowd);
    expect(electorateOf(factsOf(scribe.entries), config)).toEqual({ voters: new Set(NODES), quorum: 3 });
    expect(chainIn(factsOf(scribe.entries))).toMatchObject({ coordinator: { node: 'a' }, chain: { phase: 'claiming' } });
  });
});

describe('the chain', () => {
  it('ends in the last decision of the coordinator, across terms', () => {
    const { scribe, roster } = sealedSwarm();
    const running = scribe.phase('a', 1, roster, { phase: 'running' });
    scribe.elect(2, 'b', ['b', 'c', 'd'], running);
    scribe.down('b', 2, running, 'a');
    const { chain } = chainIn(factsOf(scribe.entries));
    expect(chain).toMatchObject({ phase: 'running', t0SwarmMs: 1000, length: 3, tipTerm: 2 });
    expect([...(chain?.down ?? [])]).toEqual(['a']);
  });

  it('leaves out what a deposed coordinator decided and its successor never heard of, whenever it arrives', () => {
    const { scribe, roster } = sealedSwarm();
    const orphaned = scribe.phase('a', 1, roster, { phase: 'running' });
    scribe.elect(2, 'b', ['b', 'c', 'd'], roster);
    const late = scribe.down('a', 1, orphaned, 'b');
    const { chain } = chainIn(factsOf(scribe.entries));
    expect(chain).toMatchObject({ phase: 'claiming', t0SwarmMs: null, length: 1 });
    expect(chain?.down.size).toBe(0);
    expect(chain?.decisions).not.toContain(late);
  });

  it('is unknown while a part of it has not arrived', () => {
    const { scribe, roster } = sealedSwarm();
    const running = scribe.phase('a', 1, roster, { phase: 'running' });
    scribe.elect(2, 'b', ['b', 'c', 'd'], running);
    for (const missing of [roster, running, scribe.entries.find(({ kind }) => kind === 'manifest')]) {
      expect(chainIn(factsOf(scribe.entries.filter((entry) => entry !== missing))).chain).toBeNull();
    }
    expect(chainIn(factsOf(scribe.entries)).chain?.phase).toBe('running');
  });

  it('survives references in a circle', () => {
    const { scribe } = sealedSwarm();
    const first = scribe.phase('a', 1, null, { phase: 'running' });
    const facts = factsOf(scribe.entries);
    facts.decisions.set(`a/${first.seq}`, { ...first, body: { ...first.body, previous: { author: 'a', seq: first.seq } } });
    expect(chainIn(facts).chain).toBeNull();
  });

  it('carries why the run ended, and with which exit', () => {
    const { scribe, roster } = sealedSwarm();
    const draining = scribe.phase('a', 1, roster, { phase: 'draining', reason: 'wall-limit', message: 'late' });
    scribe.phase('a', 1, draining, { phase: 'sealed', exit: 'budgetReached' });
    const { chain } = chainIn(factsOf(scribe.entries));
    expect(chain).toMatchObject({ phase: 'sealed', endReason: 'wall-limit', exit: 'budgetReached' });
  });

  it('lets a node that was down return by a later roster', () => {
    const { scribe, roster } = sealedSwarm();
    const down = scribe.down('a', 1, roster, 'd');
    scribe.roster('a', 1, down, null, ['d']);
    expect(chainIn(factsOf(scribe.entries)).chain?.down.size).toBe(0);
  });
});

describe('the assignment', () => {
  const plan = planOf(Array.from({ length: 12 }, (_, id) => shardOf(id, { costMillicores: 100, startMs: id * 1000 })));

  /** Nodes lost and returning, as the draws say, each by a decision of its own. */
  function history(turns: readonly { node: number; back: boolean }[]): Scribe {
    const { scribe, roster } = sealedSwarm();
    let last: Entry = roster;
    const lost = new Set<string>();
    for (const { node, back } of turns) {
      const name = NODES[node] ?? 'a';
      if (back === lost.has(name)) last = back ? scribe.roster('a', 1, last, null, [name]) : scribe.down('a', 1, last, name);
      if (back) lost.delete(name);
      else lost.add(name);
    }
    return scribe;
  }

  const turns = fc.array(fc.record({ node: fc.integer({ min: 1, max: 4 }), back: fc.boolean() }), { maxLength: 12 });
  const policies: fc.Arbitrary<NodeLossPolicy> = fc.constantFrom({ kind: 'reassign' }, { kind: 'tolerate', percent: 50 }, { kind: 'fail' });

  it('computed decision by decision is the one computed at once, also after decisions were voided', () => {
    fc.assert(
      fc.property(turns, policies, fc.nat(12), (draws, policy, kept) => {
        const whole = chainIn(factsOf(history(draws).entries)).chain;
        if (whole === null) throw new Error('the history is complete');
        const { assignment } = assignmentOf(plan, whole, policy, null);
        let fold: AssignmentFold | null = null;
        for (let length = 1; length <= whole.length; length++) {
          fold = assignmentOf(plan, { ...whole, decisions: whole.decisions.slice(0, length), length }, policy, fold);
        }
        expect(fold?.assignment).toEqual(assignment);
        const shorter = { ...whole, decisions: whole.decisions.slice(0, Math.max(1, Math.min(kept, whole.length))) };
        expect(assignmentOf(plan, shorter, policy, fold).assignment).toEqual(assignmentOf(plan, shorter, policy, null).assignment);
      }),
      { seed: SEED, numRuns: 200 },
    );
  });

  it('remembers whose each epoch of a shard was', () => {
    const scribe = history([
      { node: 1, back: false },
      { node: 2, back: false },
    ]);
    const chain = chainIn(factsOf(scribe.entries)).chain;
    if (chain === null) throw new Error('the history is complete');
    const before = assignmentOf(plan, { ...chain, decisions: chain.decisions.slice(0, 1) }, { kind: 'reassign' }, null).assignment;
    const { assignment, holders } = assignmentOf(plan, chain, { kind: 'reassign' }, null);
    for (const { id } of plan.shards) {
      expect(holders.get(`${id}.1`)).toBe(before?.owners[id]);
      expect(holders.get(`${id}.${assignment?.epochs[id]}`)).toBe(assignment?.owners[id]);
    }
  });

  it.each([
    ['before load has started everything is placed again', false],
    ['once load runs the shards stay without owner', true],
  ])('a node lost under a tolerating policy: %s', (_, started) => {
    const { scribe, roster } = sealedSwarm();
    const last = started ? scribe.phase('a', 1, roster, {}) : roster;
    scribe.down('a', 1, last, 'b');
    const chain = chainIn(factsOf(scribe.entries)).chain;
    if (chain === null) throw new Error('the history is complete');
    const { assignment } = assignmentOf(plan, chain, { kind: 'tolerate', percent: 30 }, null);
    const whole = assignmentOf(plan, { ...chain, decisions: chain.decisions.slice(0, 1) }, { kind: 'reassign' }, null).assignment;
    const lost = whole?.owners.flatMap((owner, shard) => (owner === 'b' ? [shard] : [])) ?? [];
    expect(lost.length).toBeGreaterThan(0);
    for (const shard of lost) expect(assignment?.owners[shard] === null, `shard ${shard}`).toBe(started);
  });
});
