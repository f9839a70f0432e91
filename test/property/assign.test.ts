// assign.ts: every shard that has room somewhere has exactly one owner that may run it, nobody is overfilled, and a change of the roster moves no more
// than it has to (P3, P4).

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Assignment, assign, emptyAssignment, place } from '../../node/core/assign.ts';
import type { NodeId, RosterMember } from '../../node/core/messages.ts';
import type { Plan, ShardId } from '../../node/core/plan-types.ts';
import { memberOf, plan, roster, SEED } from '../support/core-arbitraries.ts';
import { planOf, shardOf } from '../support/story.ts';

const bounded = { seed: SEED, numRuns: 300 };

function filledOf(world: Plan, { owners }: Assignment): Map<NodeId, number> {
  const filled = new Map<NodeId, number>();
  for (const shard of world.shards) {
    const owner = owners[shard.id];
    if (owner != null) filled.set(owner, (filled.get(owner) ?? 0) + shard.costMillicores);
  }
  return filled;
}

function expectSound(world: Plan, nodes: readonly RosterMember[], assignment: Assignment): void {
  const byId = new Map(nodes.map((member) => [member.node, member]));
  const misfits = assignment.unplaceable.map(({ shard }) => shard).sort((a, b) => a - b);
  const ownerless = world.shards.filter(({ id }) => assignment.owners[id] === null).map(({ id }) => id);
  expect(misfits, 'a shard without owner is reported, once').toEqual(ownerless);
  for (const shard of world.shards) {
    const owner = assignment.owners[shard.id];
    if (owner == null) continue;
    const { types, labels } = byId.get(owner)?.capabilities ?? { types: [], labels: {} };
    expect(types).toContain(shard.type);
    expect(labels).toMatchObject(shard.constraints);
  }
  for (const [node, filled] of filledOf(world, assignment))
    expect(filled).toBeLessThanOrEqual(byId.get(node)?.capabilities.capacityMillicores ?? 0);
}

const ids = (world: Plan, wanted: (id: ShardId) => boolean): Set<ShardId> =>
  new Set(world.shards.map(({ id }) => id).filter((id) => wanted(id)));

describe('assign', () => {
  it('gives every shard that fits somewhere one owner that may run it, and never exceeds a capacity', () => {
    fc.assert(
      fc.property(plan, roster, (world, nodes) => {
        const assignment = assign(world, nodes);
        expectSound(world, nodes, assignment);
        const filled = filledOf(world, assignment);
        for (const { shard } of assignment.unplaceable) {
          const wanted = world.shards[shard];
          for (const { node, capabilities } of nodes) {
            const fits = wanted !== undefined && (filled.get(node) ?? 0) + wanted.costMillicores <= capabilities.capacityMillicores;
            const may = capabilities.types.includes(wanted?.type ?? '');
            const isHere = Object.entries(wanted?.constraints ?? {}).every(([label, value]) => capabilities.labels[label] === value);
            expect(fits && may && isHere, `shard ${shard} would fit on ${node}`).toBe(false);
          }
        }
      }),
      bounded,
    );
  });

  it('does not depend on the order of the roster', () => {
    fc.assert(
      fc.property(plan, roster, fc.nat(), (world, nodes, turn) => {
        const turned = [...nodes.slice(turn % nodes.length), ...nodes.slice(0, turn % nodes.length)].reverse();
        expect(assign(world, turned)).toEqual(assign(world, nodes));
      }),
      bounded,
    );
  });

  it('fills nobody beyond the even share by more than a tenth, or by one shard', () => {
    const even = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 60 });
    const capacities = fc.array(fc.integer({ min: 1000, max: 8000 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(even, capacities, (costs, sizes) => {
        const world = planOf(costs.map((costMillicores, id) => shardOf(id, { costMillicores })));
        const nodes = sizes.map((size, index) => memberOf(`node-${index}`, size));
        const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
        if (sum(costs) > sum(sizes) / 2) return;
        const share = sum(costs) / sum(sizes);
        const averageSize = sum(sizes) / sizes.length;
        const filled = filledOf(world, assign(world, nodes));
        for (const { node, capabilities } of nodes) {
          const fill = (filled.get(node) ?? 0) / capabilities.capacityMillicores;
          const oneShard = Math.max(...costs) / Math.min(averageSize, capabilities.capacityMillicores);
          expect(fill).toBeLessThanOrEqual(Math.max(share * 1.1, share + oneShard) + 1e-9);
        }
      }),
      bounded,
    );
  });

  it('gives a node of twice the size about twice the load', () => {
    const world = planOf(Array.from({ length: 4000 }, (_, id) => shardOf(id, { costMillicores: 1 })));
    const nodes = Array.from({ length: 20 }, (_, index) => memberOf(`node-${index}`, index < 10 ? 2000 : 4000));
    const filled = filledOf(world, assign(world, nodes));
    const small = nodes.slice(0, 10).reduce((sum, { node }) => sum + (filled.get(node) ?? 0), 0);
    expect(small / 4000).toBeGreaterThan(0.28);
    expect(small / 4000).toBeLessThan(0.38);
  });
});

describe('place, when a node is lost', () => {
  it('moves the shards of that node only, each one epoch up, and overfills nobody', () => {
    fc.assert(
      fc.property(plan, roster, fc.nat(), (world, nodes, pick) => {
        const lost = nodes[pick % nodes.length]?.node ?? '';
        const rest = nodes.filter(({ node }) => node !== lost);
        const previous = assign(world, nodes);
        const after = place({
          plan: world,
          previous,
          nodes: rest,
          movable: ids(world, (id) => previous.owners[id] === lost),
          onlyTo: null,
        });
        expectSound(world, rest, after);
        for (const { id } of world.shards) {
          if (previous.owners[id] !== lost)
            expect([after.owners[id], after.epochs[id]]).toEqual([previous.owners[id], previous.epochs[id]]);
          else if (after.owners[id] != null) expect(after.epochs[id]).toBe((previous.epochs[id] ?? 0) + 1);
        }
      }),
      bounded,
    );
  });

  it('still reports what an earlier change could not place', () => {
    const world = planOf([shardOf(0, { costMillicores: 900 }), shardOf(1, { costMillicores: 10 })]);
    const nodes = [memberOf('a', 1000), memberOf('b', 50), memberOf('c', 50)];
    const first = assign(world, nodes);
    expect(first.owners[0]).toBe('a');
    const onA = new Set([0, 1].filter((id) => first.owners[id] === 'a'));
    const second = place({ plan: world, previous: first, nodes: nodes.slice(1), movable: onA, onlyTo: null });
    expect(second.unplaceable.map(({ shard }) => shard)).toEqual([0]);
    const onB = new Set([1].filter((id) => second.owners[id] === 'b'));
    const third = place({ plan: world, previous: second, nodes: nodes.slice(2), movable: onB, onlyTo: null });
    expect(third.unplaceable.map(({ shard }) => shard)).toEqual([0]);
  });
});

describe('place, when nodes join', () => {
  it('lets a shard that stays keep its room, although a dearer one without owner wants it', () => {
    const world = planOf([700, 600, 300].map((costMillicores, id) => shardOf(id, { costMillicores })));
    const nodes = [memberOf('a', 1000), memberOf('tiny', 10)];
    const previous: Assignment = { owners: [null, 'a', 'a'], epochs: [0, 1, 1], unplaceable: [{ shard: 0, reason: 'no room' }] };
    const after = place({ plan: world, previous, nodes, movable: new Set([0, 1, 2]), onlyTo: new Set(['tiny']) });
    expect(after.owners).toEqual([null, 'a', 'a']);
    expectSound(world, nodes, after);
  });

  it('moves movable shards to joiners only, leaves all others where they are, and overfills nobody', () => {
    fc.assert(
      fc.property(plan, roster, fc.nat(), fc.integer({ min: 0, max: 60_000 }), (world, nodes, pick, fromMs) => {
        const joiners = new Set(nodes.filter((_, index) => (pick >> index) % 2 === 1).map(({ node }) => node));
        const before = nodes.filter(({ node }) => !joiners.has(node));
        const previous = before.length === 0 ? emptyAssignment(world) : assign(world, before);
        const notStarted = (id: ShardId): boolean => world.shards[id]?.kind === 'endpoints' && (world.shards[id]?.startMs ?? 0) >= fromMs;
        const movable = ids(world, (id) => notStarted(id) || previous.owners[id] === null);
        const after = place({ plan: world, previous, nodes, movable, onlyTo: joiners });
        expectSound(world, nodes, after);
        for (const { id } of world.shards) {
          const [from, to] = [previous.owners[id], after.owners[id]];
          if (from === to) expect(after.epochs[id]).toBe(previous.epochs[id]);
          else if (from !== null) expect(to !== null && to !== undefined && joiners.has(to) && movable.has(id)).toBe(true);
        }
      }),
      bounded,
    );
  });
});
