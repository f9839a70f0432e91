// Every way in which a run ends, as the coordinator decides it: the reason and the exit with which the whole swarm leaves.

import { describe, expect, it } from 'vitest';
import { DEFAULT_TIMING } from '../../node/core/config.ts';
import { nextHeader } from '../../node/core/log.ts';
import type { EndReason, EntryOf, Manifest, NodeId } from '../../node/core/messages.ts';
import type { Plan } from '../../node/core/plan-types.ts';
import { createStory, manifestOf, planOf, STORY_PLAN, type Story, sealForTests, shardOf, signedForTests } from '../support/story.ts';

function submit(story: Story, over: Partial<Manifest> = {}): void {
  story.until(100);
  story.give('seed', { type: 'order', order: signedForTests({ order: 'manifest', manifest: manifestOf(over) }) });
}

function started(over: Partial<Manifest> = {}, nodes = 3, plan: Plan = STORY_PLAN): Story {
  const story = createStory(nodes, plan);
  submit(story, over);
  story.until(5000);
  return story;
}

const chainIn = (story: Story, node: NodeId) => story.nodes.get(node)?.chain;
const exits = (story: Story): Record<string, string> =>
  Object.fromEntries(
    story.lines.flatMap((line) => {
      const [, node, exit] = /^ *\d+ (\S+) +exits (\w+)/.exec(line) ?? [];
      return node === undefined || exit === undefined ? [] : [[node, exit]];
    }),
  );
const phasesOf = (story: Story, node: NodeId): EntryOf<'phase'>[] =>
  (chainIn(story, node)?.decisions ?? []).filter((entry): entry is EntryOf<'phase'> => entry.kind === 'phase');

/** The decision that ended the run: later ones only carry its reason on. */
function endingOf(story: Story): { reason: EndReason | null; message: string } {
  const { reason, message } = phasesOf(story, 'seed').find(({ body }) => body.reason !== null)?.body ?? { reason: null, message: '' };
  return { reason, message };
}

/** Runs to the end and tells how it was ended and with what everybody left. */
function endOf(story: Story): { reason: EndReason | null; message: string; exits: string[] } {
  story.until(150_000);
  expect(story.alive.size, 'everybody has left').toBe(0);
  const { reason, message } = endingOf(story);
  return { reason, message, exits: [...new Set(Object.values(exits(story)))] };
}

describe('a run ends', () => {
  it('when the plan has been carried out', () => {
    expect(endOf(started())).toMatchObject({ reason: 'completed', exits: ['pass'] });
  });

  it('when the expected nodes never came', () => {
    const story = createStory(3);
    story.kill('n2');
    submit(story);
    const message = '2 of 3 expected nodes joined';
    expect(endOf(story)).toEqual({ reason: 'capacity-never-reached', message, exits: ['capacityNeverReached'] });
    expect(story.nowMs()).toBeLessThan(DEFAULT_TIMING.formMsMax + DEFAULT_TIMING.graceMs);
  });

  it('when nobody submitted a scenario', () => {
    const story = createStory(2);
    expect(endOf(story)).toMatchObject({ reason: 'capacity-never-reached', message: 'no scenario was submitted' });
  });

  it('before it starts when a shard has no place', () => {
    const plan = planOf([shardOf(0, { needsMeetings: false }), shardOf(1, { costMillicores: 9999, needsMeetings: false })]);
    const story = started({}, 2, plan);
    const message = expect.stringContaining('shard 1 cannot be placed: needs 9999 millicores');
    expect(endOf(story)).toMatchObject({ reason: 'unplaceable', message });
    expect(phasesOf(story, 'seed').map(({ body }) => body.phase)).toEqual(['draining', 'sealed']);
    expect(story.lines.some((line) => /starts load \d/.test(line))).toBe(false);
  });

  it.each(['prepare', 'provision'] as const)('when setting up takes too long: no answer to %s', (what) => {
    const story = createStory(3, STORY_PLAN, [what]);
    submit(story, { setupMsMax: 5000 });
    expect(endOf(story)).toMatchObject({ reason: 'setup-failed', message: 'not everything was ready within 5 s' });
  });

  it('not because the scenario waited longer for its nodes than setting up may take', () => {
    const story = createStory(3);
    story.kill('n2');
    submit(story, { setupMsMax: 5000 });
    story.until(20_000);
    story.join('n3');
    expect(endOf(story)).toMatchObject({ reason: 'completed', exits: ['pass'] });
  });

  it.each<[string, Parameters<Story['give']>[1], string]>([
    ['a plan that cannot be loaded', { type: 'plan-failed', message: 'no such bundle' }, 'no such bundle'],
    ['a meeting that cannot be made', { type: 'provision-failed', claim: { shard: 0, epoch: 1 }, message: 'HTTP 503' }, 'HTTP 503'],
    ['workers that cannot run it', { type: 'prepared', claims: [], problem: 'no sipp here' }, 'no sipp here'],
  ])('when setting up fails: %s', (_, event, message) => {
    const story = createStory(3, STORY_PLAN, ['prepare', 'provision']);
    submit(story);
    story.until(2000);
    story.give('n1', event);
    story.until(4000);
    expect(endingOf(story)).toEqual({ reason: 'setup-failed', message });
  });

  it('when its limit has passed', () => {
    const story = started({ wallMsMax: 9000 });
    expect(endOf(story)).toMatchObject({ reason: 'wall-limit' });
    expect(phasesOf(story, 'seed').find(({ body }) => body.phase === 'draining')?.body.atSwarmMs).toBeLessThan(9200);
  });

  it('when a threshold or the scenario aborts it', () => {
    const story = started();
    story.give('seed', { type: 'abort-wanted', reason: 'aborted-by-threshold', message: 'p95 over 1 s' });
    expect(endOf(story)).toMatchObject({ reason: 'aborted-by-threshold', message: 'p95 over 1 s' });
  });

  it.each(['drain', 'now'] as const)('when the operator says so: %s', (mode) => {
    const story = started();
    story.give('n1', { type: 'order', order: signedForTests({ order: 'stop', runId: 'run', mode, reason: 'enough' }) });
    expect(endOf(story)).toMatchObject({ reason: 'stopped' });
  });

  it('not when the operator stops another run, or somebody else stops this one', () => {
    const story = started();
    story.give('n1', { type: 'order', order: signedForTests({ order: 'stop', runId: 'other', mode: 'now', reason: 'enough' }) });
    const forged = { ...signedForTests({ order: 'stop', runId: 'run', mode: 'now', reason: 'enough' }), signature: new Uint8Array([0]) };
    story.give('n1', { type: 'order', order: forged });
    expect(story.nodes.get('n1')?.refused.get('order-without-operator-signature')).toBe(1);
    expect(endOf(story)).toMatchObject({ reason: 'completed' });
  });
});

describe('a node whose machine is taken back', () => {
  const why = { reason: 'the vendor takes the machine back', graceMsMax: 1000 };

  it.each<Partial<Manifest>>([{}, { onNodeLoss: { kind: 'fail' } }, { onNodeLoss: { kind: 'tolerate', percent: 1 } }])(
    'hands over under any policy, and the run goes on: %j',
    (over) => {
      const story = started(over);
      const own = (story.nodes.get('n1')?.assignment?.owners ?? []).filter((owner) => owner === 'n1').length;
      expect(own).toBeGreaterThan(0);
      story.give('n1', { type: 'signal', mode: 'leave', why });
      story.until(15_000);
      expect(story.lines.some((line) => line.includes(`{event:left,node:n1,claims:${own},reason:${why.reason}}`))).toBe(true);
      // Nobody waited for a silence, and every shard has somebody.
      expect(story.lines.some((line) => line.includes('event:down,node:n1'))).toBe(false);
      expect(story.nodes.get('n0')?.assignment?.owners.every((owner) => owner !== null && owner !== 'n1')).toBe(true);
      story.until(150_000);
      expect(endingOf(story).reason).toBe('completed');
      expect(exits(story)).toMatchObject({ n0: 'pass', n1: 'stoppedByOperator', n2: 'pass', seed: 'pass' });
    },
  );

  it('is no loss either once it says hello again, before it is admitted again', () => {
    const story = started({ onNodeLoss: { kind: 'fail' } });
    story.give('n1', { type: 'signal', mode: 'leave', why });
    // Counted out within a beat, and its node ended.
    story.until(15_000);
    const { log, config } = story.nodes.get('n1')!;
    const { voter, load, capabilities, addresses, version } = config;
    const body = { incarnation: 2, voter, load, capabilities, addresses, version };
    const hello = sealForTests({ ...nextHeader(log, 'n1'), kind: 'hello', body });
    story.give('seed', { type: 'message', from: 'n1', message: { type: 'entries', entries: [hello] } });
    expect(story.nodes.get('seed')?.facts.leaving.has('n1')).toBe(false);
    story.until(150_000);
    expect(endingOf(story).reason).toBe('completed');
  });

  it('ends the run when there is no other', () => {
    const story = started({}, 1);
    story.give('n0', { type: 'signal', mode: 'leave', why });
    story.until(150_000);
    expect(endingOf(story)).toMatchObject({ reason: 'node-lost', message: 'every load node was lost' });
  });
});

describe('a lost node', () => {
  it.each<[string, Partial<Manifest>, EndReason]>([
    ['goes on elsewhere', {}, 'completed'],
    ['ends the run', { onNodeLoss: { kind: 'fail' } }, 'node-lost'],
    ['is tolerated up to a share of the load', { onNodeLoss: { kind: 'tolerate', percent: 90 } }, 'completed'],
    ['is not tolerated beyond that share', { onNodeLoss: { kind: 'tolerate', percent: 1 } }, 'node-lost'],
  ])('by its policy %s', (_, over, reason) => {
    const story = started(over);
    story.kill('n1');
    expect(endOf(story)).toMatchObject({ reason });
    const moved = story.lines.some((line) => /starts load \d+\.2 /.test(line));
    expect(moved).toBe(over.onNodeLoss === undefined);
  });

  it('whose shards fit nowhere else leaves a hole that the coordinator tells, once', () => {
    const plan = planOf([0, 1].map((id) => shardOf(id, { costMillicores: 1200, needsMeetings: false })));
    const story = started({}, 2, plan);
    story.kill('n1');
    story.until(20_000);
    const told = story.lines.filter((line) => line.includes('has no place any more: needs 1200 millicores'));
    expect(told.map((line) => line.trim().split(/ +/)[1])).toEqual(['seed']);
  });

  it('ends the run, whatever the policy, when it was the last one', () => {
    const story = started({}, 2);
    // The swarm of seed and two nodes keeps its majority for the first loss only: the second node leaves in good order.
    story.kill('n0');
    story.until(15_000);
    story.give('n1', { type: 'signal', mode: 'leave' });
    story.until(20_000);
    expect(endingOf(story)).toEqual({ reason: 'node-lost', message: 'every load node was lost' });
  });
});
