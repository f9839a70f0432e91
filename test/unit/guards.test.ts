// The ends that a node reaches alone (P5): nobody tells it anything any more, and it leaves all the same, with the right exit, within the stated bound.

import { describe, expect, it } from 'vitest';
import { DEFAULT_TIMING } from '../../node/core/config.ts';
import type { Entry, Manifest } from '../../node/core/messages.ts';
import { createOne, type OneNode, VOTERS } from '../support/one-node.ts';
import { createScribe, type Scribe } from '../support/scribe.ts';
import { createStory, manifestOf, STORY_PLAN, signedForTests } from '../support/story.ts';

const { graceMs, formMsMax, leaseMs, stopMs, flushMs } = DEFAULT_TIMING;
const STEP_MS = 50;
const drainMsMax = STORY_PLAN.gracefulStopMs + stopMs + flushMs + graceMs;

interface World {
  readonly scribe: Scribe;
  readonly one: OneNode;
  readonly roster: Entry;
}

/** b in a swarm of five that has sealed a roster; a coordinates, and beats as long as the test says. */
function member(over: Partial<Manifest> = {}): World {
  const scribe = createScribe();
  const one = createOne('b');
  const hello = one.tick(0).persist;
  for (const node of VOTERS) if (node !== 'b') scribe.hello(node);
  one.learn(hello);
  const manifest = scribe.manifest('a', over);
  scribe.elect(1, 'a', ['a', 'c', 'd']);
  const roster = scribe.roster('a', 1, null, manifest, VOTERS);
  one.learn(scribe.entries);
  one.give({ type: 'plan-loaded', plan: STORY_PLAN });
  return { scribe, one, roster };
}

/** Runs until the node leaves; beats of its coordinator arrive until `beatsUntilMs`. */
function exitOf(one: OneNode, beatsUntilMs: number, untilMs = 400_000): { atMs: number; exit: string; message: string } {
  for (let ms = STEP_MS; ms <= untilMs; ms += STEP_MS) {
    one.at(ms);
    const beat = { type: 'beat', term: 1, beat: ms, swarmMs: ms } as const;
    const heard = ms <= beatsUntilMs && ms % 1000 === 0 ? one.give({ type: 'gossip', from: 'a', gossip: beat }).exit : null;
    const exit = heard ?? one.tick(ms).exit;
    if (exit !== null) return { atMs: ms, ...exit };
  }
  throw new Error('the node never left');
}

const phase = ({ scribe, one, roster }: World, over: Parameters<Scribe['phase']>[3]): Entry => {
  const entry = scribe.phase('a', 1, roster, over);
  one.learn([entry]);
  return entry;
};

describe('a node leaves by itself', () => {
  it('when it has heard no coordinator for the grace period', () => {
    const world = member();
    phase(world, { phase: 'running' });
    const { atMs, exit } = exitOf(world.one, 20_000);
    expect(exit).toBe('quorumLost');
    expect(atMs).toBeGreaterThan(20_000 + graceMs);
    expect(atMs).toBeLessThanOrEqual(20_000 + leaseMs + graceMs + STEP_MS);
  });

  it('with the reason of the end when the coordinator is lost in the middle of it', () => {
    const world = member();
    phase(world, { phase: 'draining', reason: 'wall-limit' });
    expect(exitOf(world.one, 2000).exit).toBe('budgetReached');
    const completed = member();
    phase(completed, { phase: 'draining', reason: 'completed' });
    expect(exitOf(completed.one, 2000).exit, 'nobody judged it').toBe('quorumLost');
  });

  it('when the swarm never formed', () => {
    const one = createOne('b');
    const { atMs, exit } = exitOf(one, 0);
    expect(exit).toBe('capacityNeverReached');
    expect(atMs).toBe(Math.ceil((formMsMax + graceMs + 1) / STEP_MS) * STEP_MS);
  });

  it('when the limit of the run has passed, although its coordinator goes on and on', () => {
    const world = member({ wallMsMax: 30_000 });
    phase(world, { phase: 'running' });
    const { atMs, exit } = exitOf(world.one, 400_000);
    expect(exit).toBe('budgetReached');
    expect(atMs).toBeLessThanOrEqual(30_000 + drainMsMax + STEP_MS);
  });

  it('when a drain is never sealed, although its coordinator goes on and on', () => {
    const world = member({ wallMsMax: 300_000 });
    phase(world, { phase: 'draining', reason: 'stopped' });
    const { atMs, exit } = exitOf(world.one, 400_000);
    expect(exit).toBe('stoppedByOperator');
    expect(atMs).toBeLessThanOrEqual(drainMsMax + 2 * STEP_MS);
  });

  it('when the run is sealed, with the exit of the seal, after its word is out', () => {
    const world = member();
    const draining = phase(world, { phase: 'draining', reason: 'completed' });
    const sealed = world.scribe.phase('a', 1, draining, { phase: 'sealed', exit: 'thresholdFailed', message: 'p95' });
    expect(world.one.learn([sealed]).persist.map(({ kind }) => kind)).toContain('bye');
    const { atMs, exit } = exitOf(world.one, 0, 1000);
    expect(exit).toBe('thresholdFailed');
    expect(atMs).toBeGreaterThan(STEP_MS);
  });

  it.each<[string, Parameters<OneNode['give']>[0], string]>([
    ['a second signal', { type: 'signal', mode: 'now' }, 'stoppedByOperator'],
    ['a disk that fails', { type: 'storage-failed', message: 'no space' }, 'internalFault'],
  ])('at once on %s', (_, event, exit) => {
    const { one } = member();
    one.at(100);
    expect(one.give(event).exit).toMatchObject({ exit });
    expect(one.tick(200).exit, 'once').toBeNull();
  });

  it('in any case after a signal to leave, also when nobody takes its last windows', () => {
    const world = member();
    phase(world, { phase: 'running' });
    world.one.at(10);
    world.one.give({ type: 'signal', mode: 'leave' });
    const { atMs, exit } = exitOf(world.one, 60_000, 60_000);
    expect(exit).toBe('stoppedByOperator');
    expect(atMs).toBeLessThanOrEqual(flushMs + 3 * STEP_MS);
  });
});

describe('the coordinator', () => {
  it('leaves last, after everybody who still answers, and within half a grace period', () => {
    const story = createStory(3);
    story.until(100);
    story.give('seed', { type: 'order', order: signedForTests({ order: 'manifest', manifest: manifestOf() }) });
    story.until(22_300);
    story.cut('n0', 'seed', true);
    story.until(60_000);
    const left = story.lines.filter((line) => / exits /.test(line)).map((line) => line.trim().split(/ +/));
    expect(left.map(([, node]) => node)).toEqual(['n1', 'n2', 'seed', 'n0']);
    expect(story.alive.size).toBe(0);
  });
});
