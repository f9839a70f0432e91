// The coordinator's lease and the leases that it gives: P1 and the coordinator's half of P3, on the coordinator's own clock.

import { describe, expect, it } from 'vitest';
import { DEFAULT_TIMING } from '../../node/core/config.ts';
import { actingUntilMs } from '../../node/core/leader.ts';
import type { Message, NodeId } from '../../node/core/messages.ts';
import { isActing } from '../../node/core/view.ts';
import { createOne, type OneNode, sentTo, VOTERS, written } from '../support/one-node.ts';
import { createScribe, type Scribe } from '../support/scribe.ts';
import { STORY_PLAN } from '../support/story.ts';

const { leaseMs, ownerLeaseMs, stopMs, downMarginMs, beatMs } = DEFAULT_TIMING;
/** Clocks may differ by a little: the coordinator trusts this share of what voters promise. */
const actsMs = leaseMs * 0.97;
const overdueMs = ownerLeaseMs + stopMs + downMarginMs;

/** a leads `term`, elected by c and d at `atMs`; with a manifest known, it has sealed the roster of all five. */
function leaderA(term: number, atMs: number, hasManifest: boolean): { scribe: Scribe; one: OneNode } {
  const scribe = createScribe();
  for (const node of VOTERS) if (node !== 'a') scribe.hello(node);
  const one = createOne('a');
  one.learn([...scribe.entries, ...(hasManifest ? [scribe.manifest('b')] : [])]);
  if (hasManifest) one.give({ type: 'plan-loaded', plan: STORY_PLAN });
  one.state.election.termMax = term - 1;
  one.state.election.canvassAtMs = atMs;
  one.tick(atMs);
  for (const from of ['c', 'd']) one.hear(from, { type: 'ballot', term, pre: true, granted: true, termMax: 0 });
  one.learn(['c', 'd'].map((voter) => scribe.write(voter, 'vote', { term, candidate: 'a' })));
  if (one.state.leader === null) throw new Error('a was not elected');
  return { scribe, one };
}

const pulse = (term: number, beat: number, over: Partial<Extract<Message, { type: 'pulse' }>> = {}) =>
  ({ type: 'pulse', term, beat, sentMs: 0, windows: [], custody: {}, ...over }) as const;
/** The beat that the leader sent last, echoed by this node; what the leader answers. */
const echo = (one: OneNode, from: NodeId, over: Parameters<typeof pulse>[2] = {}, beat = one.state.leader?.beat ?? 0) =>
  sentTo(one.hear(from, pulse(one.state.leader?.term ?? 0, beat, over)), from, 'pulse-ack')[0];

describe('a coordinator acts', () => {
  it('for a lease after it asked for the votes that made it one', () => {
    const { one } = leaderA(1, 1000, false);
    expect(isActing(one.state, 1000 + actsMs - 1)).toBe(true);
    expect(isActing(one.state, 1000 + actsMs)).toBe(false);
  });

  it.each<[string, Record<NodeId, number>, number]>([
    ['one other', { b: 5000 }, Number.NEGATIVE_INFINITY],
    ['two others', { b: 5000, c: 3000 }, 3000 + actsMs],
    ['three others', { b: 5000, c: 3000, d: 4000 }, 4000 + actsMs],
    ['all others, most of them only an old beat', { b: 5000, c: 1000, d: 1000, e: 1000 }, 1000 + actsMs],
    ['itself and one other', { a: 5000, b: 5000 }, Number.NEGATIVE_INFINITY],
    ['two others of whom one may not vote', { b: 5000, x: 5000, c: 2000 }, 2000 + actsMs],
  ])('for a lease after it sent the latest beat that a majority has echoed: %s', (_, echoes, untilMs) => {
    const { one } = leaderA(1, 1000, true);
    const { leader } = one.state;
    if (leader === null) throw new Error('a leads');
    leader.echoedMs.clear();
    for (const [node, sentMs] of Object.entries(echoes)) leader.echoedMs.set(node, sentMs);
    expect(actingUntilMs(one.state, leader)).toBe(untilMs);
  });

  it('until then and no longer: it resigns, says why, and answers no pulse', () => {
    const { one } = leaderA(1, 1000, false);
    expect(one.tick(1000 + actsMs - 1).report).toEqual([]);
    const effects = one.tick(1000 + actsMs);
    expect(effects.report).toContainEqual(expect.objectContaining({ event: 'lost-coordination', term: 1 }));
    expect(effects.publish).toEqual([]);
    expect(echo(one, 'b')).toBeUndefined();
    expect(isActing(one.state, 1000 + actsMs + 1)).toBe(false);
  });

  it('not by echoes of those who may not vote', () => {
    const { scribe, one } = leaderA(1, 1000, false);
    one.learn(['x', 'y', 'z'].map((node) => scribe.hello(node, { voter: false })));
    one.tick(2000);
    for (const node of ['x', 'y', 'z']) echo(one, node);
    expect(isActing(one.state, 1000 + actsMs)).toBe(false);
    for (const node of ['b', 'e']) echo(one, node);
    expect(isActing(one.state, 1000 + actsMs)).toBe(true);
  });

  it('not beyond a successor', () => {
    const { scribe, one } = leaderA(1, 1000, false);
    const effects = one.learn([scribe.elect(2, 'b', ['b', 'c', 'd']), ...scribe.entries]);
    expect(effects.report).toContainEqual(expect.objectContaining({ event: 'lost-coordination', term: 1 }));
  });
});

describe('a lease for load', () => {
  it('is given to members that echo a beat of the last lease', () => {
    const { one } = leaderA(1, 1000, true);
    expect(one.state.chain.phase).toBe('claiming');
    one.tick(2000);
    expect(echo(one, 'b', { sentMs: 77 })).toMatchObject({ granted: true, settled: true, pulseSentMs: 77, decision: one.state.chain.tip });
  });

  it('is not given to strangers, nor to who echoes a beat older than a lease, although it is heard', () => {
    const { scribe, one } = leaderA(1, 1000, true);
    one.learn([scribe.hello('stranger')]);
    for (let ms = 2000; ms <= 5000; ms += 500) {
      one.tick(ms);
      for (const node of ['c', 'd']) echo(one, node);
    }
    expect(echo(one, 'stranger')?.granted).toBe(false);
    expect(echo(one, 'b', {}, 1)?.granted, 'beat 1 went out at 1000').toBe(false);
    expect(echo(one, 'b')?.granted).toBe(true);
  });

  it('ends in down when a node no longer hears its coordinator, although the coordinator hears the node', () => {
    const { one } = leaderA(1, 1000, true);
    const downs: string[] = [];
    for (let ms = 1100; ms <= 20_000; ms += 100) {
      const effects = one.tick(ms);
      downs.push(...written(effects, 'down').map(({ body }) => `${body.node} at ${ms}`));
      for (const node of ['c', 'd', 'e']) echo(one, node);
      const isDown = one.state.chain.down.has('b');
      const answer = echo(one, 'b', {}, Math.min(4, one.state.leader?.beat ?? 0));
      if (isDown) expect(answer?.granted).toBe(false);
    }
    // Beat 4 went out at 4 s: its echo earns a lease until 6.5 s, and nothing after.
    expect(downs).toEqual([`b at ${Math.ceil((4000 + leaseMs + overdueMs) / 100) * 100}`]);
  });

  it('is not settled, and nobody is counted out, before all leases of earlier terms have run out', () => {
    const { one } = leaderA(2, 1000, true);
    const downs: number[] = [];
    for (let ms = 1100; ms <= 1000 + overdueMs + 200; ms += 100) {
      downs.push(...written(one.tick(ms), 'down').map(() => ms));
      for (const node of ['c', 'd']) expect(echo(one, node)?.settled).toBe(ms >= 1000 + overdueMs);
    }
    expect(downs.length).toBeGreaterThan(0);
    expect(Math.min(...downs)).toBeGreaterThanOrEqual(1000 + overdueMs);
  });

  it('leaves at once who gave its claims back', () => {
    const { scribe, one } = leaderA(1, 1000, true);
    one.tick(1500);
    one.at(1600);
    const effects = one.learn([scribe.write('e', 'release', { claims: [], reason: 'leaves' })]);
    expect(written(effects, 'down')).toMatchObject([{ body: { node: 'e' } }]);
  });
});

describe('windows', () => {
  const window = (number: number) => ({ number, payload: new Uint8Array() });

  it('are taken without gaps, each once, and acknowledged as far as they go', () => {
    const { one } = leaderA(1, 1000, true);
    one.tick(1000 + beatMs);
    const stored: number[] = [];
    const send = (...numbers: number[]): number => {
      const effects = one.hear('b', pulse(1, one.state.leader?.beat ?? 0, { windows: numbers.map(window) }));
      for (const { node, windows } of effects.store) if (node === 'b') stored.push(...windows.map(({ number }) => number));
      return sentTo(effects, 'b', 'pulse-ack')[0]?.windowsUpTo ?? -1;
    };
    expect([send(1, 2), send(2, 3), send(5), send(4, 5), send()]).toEqual([2, 3, 3, 5, 5]);
    expect(stored).toEqual([1, 2, 3, 4, 5]);
  });

  it('of a node that is there are taken from nobody else', () => {
    const { one } = leaderA(1, 1000, true);
    one.at(1100);
    const effects = one.hear('c', { type: 'custody', node: 'b', windows: [window(1)] });
    expect(effects.store).toEqual([]);
    expect(one.state.refused.get('custody-of-a-live-node')).toBe(1);
  });
});
