// An owner's lease, from the owner's side (P3): when load may start, how long it may run, and what happens to a node that slept.

import { describe, expect, it } from 'vitest';
import { DEFAULT_TIMING } from '../../node/core/config.ts';
import { refOf } from '../../node/core/facts.ts';
import type { Entry, Message } from '../../node/core/messages.ts';
import { createOne, type OneNode, sentTo, VOTERS } from '../support/one-node.ts';
import { createScribe, type Scribe } from '../support/scribe.ts';
import { planOf, shardOf } from '../support/story.ts';

const { ownerLeaseMs } = DEFAULT_TIMING;
const PLAN = planOf(Array.from({ length: 10 }, (_, id) => shardOf(id, { needsMeetings: false })));

/** b owns shards, a coordinates, the run is on since `t0`; b has no lease yet. */
function ownerB(t0SwarmMs = 1000): { scribe: Scribe; one: OneNode; last: Entry } {
  const scribe = createScribe();
  const one = createOne('b');
  const hello = one.tick(0).persist;
  for (const node of VOTERS) if (node !== 'b') scribe.hello(node);
  one.learn([...scribe.entries, ...hello]);
  const manifest = scribe.manifest('a');
  scribe.elect(1, 'a', ['a', 'c', 'd']);
  const roster = scribe.roster('a', 1, null, manifest, VOTERS);
  one.learn(scribe.entries);
  const prepare = one.give({ type: 'plan-loaded', plan: PLAN }).start.find(({ what }) => what === 'prepare');
  if (prepare?.what !== 'prepare') throw new Error('b owns nothing');
  one.give({ type: 'prepared', claims: prepare.claims, problem: null });
  const last = scribe.phase('a', 1, roster, { phase: 'running', atSwarmMs: t0SwarmMs });
  return { scribe, one, last };
}

const ack = (last: Entry | null, pulseSentMs: number, over: Partial<Extract<Message, { type: 'pulse-ack' }>> = {}) =>
  ({
    type: 'pulse-ack',
    term: 1,
    beat: 1,
    pulseSentMs,
    swarmMs: pulseSentMs,
    windowsUpTo: 0,
    decision: last === null ? null : refOf(last),
    granted: true,
    settled: true,
    custody: {},
    ...over,
  }) as const;

const loads = (effects: ReturnType<OneNode['tick']>): number => effects.start.filter(({ what }) => what === 'load').length;

function running(): ReturnType<typeof ownerB> {
  const world = ownerB();
  world.one.learn(world.scribe.entries);
  world.one.at(1000);
  expect(loads(world.one.hear('a', ack(world.last, 1000)))).toBeGreaterThan(0);
  return world;
}

describe('load starts', () => {
  it.each<[string, Parameters<typeof ack>[2], boolean]>([
    ['a lease of a coordinator whose predecessors leases are over', {}, true],
    ['no lease', { granted: false }, false],
    ['a lease while leases of earlier terms may run', { settled: false }, false],
    ['a lease by another decision than the last it knows', { decision: { author: 'a', seq: 99 } }, false],
    ['an answer of another term', { term: 2 }, false],
    ['an answer to a pulse of the future', { pulseSentMs: 5000 }, false],
  ])('with %s: %s', (_, over, does) => {
    const { scribe, one, last } = ownerB();
    one.learn(scribe.entries);
    one.at(1000);
    expect(loads(one.hear('a', ack(last, 1000, over))) > 0).toBe(does);
  });

  it('not by the word of anybody but the coordinator', () => {
    const { scribe, one, last } = ownerB();
    one.learn(scribe.entries);
    one.at(1000);
    expect(loads(one.hear('c', ack(last, 1000)))).toBe(0);
  });

  it('at T0 in own time, whole; a late start comes back by the ramp', () => {
    const { scribe, one, last } = ownerB(8000);
    one.learn(scribe.entries);
    one.at(1000);
    expect(loads(one.hear('a', ack(last, 900, { swarmMs: 3000 })))).toBe(0);
    // Handed over half a second before T0, by the clock as it is known then: the shorter round trip counts.
    one.at(5390);
    expect(loads(one.hear('a', ack(last, 5390, { swarmMs: 7390 })))).toBe(0);
    const onTime = one.tick(5500).start.find(({ what }) => what === 'load');
    expect(onTime).toMatchObject({ t0Ms: 6000, fromMs: 0 });
    const late = ownerB(1000);
    late.one.learn(late.scribe.entries);
    late.one.at(5000);
    const start = late.one.hear('a', ack(late.last, 5000)).start.find(({ what }) => what === 'load');
    expect(start).toMatchObject({ t0Ms: 1000, fromMs: 4000, restartRatePerS: PLAN.restartRatePerS / VOTERS.length });
  });
});

describe('a lease', () => {
  it('runs from when the answered pulse was sent, however late the answer comes', () => {
    const { one, last } = running();
    one.at(4000);
    one.hear('a', ack(last, 2000));
    expect(one.tick(2000 + ownerLeaseMs - 1).stop).toEqual([]);
    const effects = one.tick(2000 + ownerLeaseMs);
    expect(effects.stop).toMatchObject([{ what: 'load', graceMs: 0 }]);
    expect(effects.report).toContainEqual(expect.objectContaining({ event: 'lapsed' }));
  });

  it('that lapsed while the node slept ends the load before anything is believed, even a fresh answer', () => {
    const { one, last } = running();
    one.at(60_000);
    const effects = one.hear('a', ack(last, 59_999));
    expect(effects.stop).toMatchObject([{ what: 'load' }]);
    expect(loads(effects), 'what is still stopping does not start').toBe(0);
    const claims = effects.stop[0]?.claims ?? [];
    const restarted = one.give({ type: 'load-stopped', claims, finished: false });
    expect(loads(restarted)).toBe(claims.length);
  });

  it('is not won by an answer that is older than a lease', () => {
    const { one, last } = running();
    one.at(60_000);
    const effects = one.hear('a', ack(last, 50_000));
    expect(effects.start.filter(({ what }) => what === 'grant')).toEqual([]);
    expect(one.state.owner.lapsed).toBe(true);
  });

  it('is handed to the workers, once a beat and not once an event', () => {
    const { one, last } = running();
    const grants: number[] = [];
    for (let ms = 1000; ms <= 3000; ms += 100) {
      one.at(ms);
      for (const start of one.hear('a', ack(last, ms)).start) if (start.what === 'grant') grants.push(start.untilMs);
    }
    expect(grants.length).toBeLessThanOrEqual(5);
    expect(Math.max(...grants)).toBeGreaterThan(3000 + ownerLeaseMs - 500);
  });

  it('is not renewed for a node that missed a decision; it asks for what it misses', () => {
    const { scribe, one, last } = running();
    const unheard = scribe.phase('a', 1, last, { phase: 'draining', reason: 'stopped' });
    one.at(2000);
    const effects = one.hear('a', ack(unheard, 2000));
    expect(effects.start).toEqual([]);
    expect(sentTo(effects, 'a', 'want')).toMatchObject([{ after: { a: unheard.seq - 1 } }]);
    expect(one.tick(1000 + ownerLeaseMs).stop).toHaveLength(1);
  });
});

describe('load stops', () => {
  it('when its shard moves, and when the run drains, with the grace of the plan', () => {
    const { scribe, one, last } = running();
    one.at(2000);
    const moved = one.learn([scribe.down('a', 1, last, 'b')]);
    expect(moved.stop).toMatchObject([{ graceMs: 0, reason: 'the shard moved to another node' }]);
    const drained = running();
    drained.one.at(2000);
    const effects = drained.one.learn([drained.scribe.phase('a', 1, drained.last, { phase: 'draining', reason: 'stopped' })]);
    expect(effects.stop).toMatchObject([{ graceMs: PLAN.gracefulStopMs }]);
  });

  it('when a new coordinator never heard of the decision that started it', () => {
    const { scribe, one } = running();
    const roster = scribe.entries.find(({ kind }) => kind === 'roster') ?? null;
    one.at(2000);
    scribe.elect(2, 'c', ['c', 'd', 'e'], roster);
    one.learn(scribe.entries);
    expect(one.state.chain.phase).toBe('claiming');
    expect(one.state.coordinator).toMatchObject({ node: 'c', term: 2 });
    expect([...one.state.owner.owned.values()].some(({ stage }) => stage === 'running')).toBe(false);
  });

  it('and starts again when a new coordinator decided another T0', () => {
    const { scribe, one } = running();
    const roster = scribe.entries.find(({ kind }) => kind === 'roster') ?? null;
    one.at(2000);
    scribe.elect(2, 'c', ['c', 'd', 'e'], roster);
    const again = scribe.phase('c', 2, roster, { phase: 'running', atSwarmMs: 9000 });
    const effects = one.learn(scribe.entries);
    expect(effects.stop).toMatchObject([{ what: 'load' }]);
    one.give({ type: 'load-stopped', claims: effects.stop[0]?.claims ?? [], finished: false });
    expect(loads(one.hear('c', ack(again, 2000, { term: 2 })))).toBe(0);
    one.at(8500);
    const start = one.hear('c', ack(again, 8500, { term: 2 })).start.find(({ what }) => what === 'load');
    expect(start).toMatchObject({ t0Ms: 9000, fromMs: 0 });
  });
});
