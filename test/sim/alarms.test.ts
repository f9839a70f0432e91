// The checkers can fail: for each promise a bug that breaks it is put into an otherwise sound cluster, and exactly that alarm is
// expected; without the bug the same cluster is clean.

import { describe, expect, it } from 'vitest';
import type { NodeConfig } from '../../node/core/config.ts';
import type { NodeEvent } from '../../node/core/events.ts';
import type { Entry } from '../../node/core/messages.ts';
import { runSeed } from '../../tools/sim/run-seed.ts';
import type { SimSpec } from '../../tools/sim/spec.ts';
import type { Sabotage, SimNode, World } from '../../tools/sim/world.ts';
import { calmSpec, fault } from './calm-spec.ts';

interface Bug {
  readonly name: string;
  readonly spec: SimSpec;
  readonly sabotage: Sabotage;
  readonly alarm: RegExp;
}

const withTiming = (config: NodeConfig, timing: Partial<NodeConfig['timing']>): NodeConfig => ({
  ...config,
  timing: { ...config.timing, ...timing },
});
const isPast = (world: World, ms: number): boolean => world.agenda.nowMs > ms;

/** Same header and hash, other content: a fold that depends on more than the set of entries. */
function forget(entry: Entry, world: World): Entry {
  if (entry.kind !== 'claim') return entry;
  const changed = { ...entry, body: { ...entry.body, claims: [] } } as Entry;
  world.sealed.add(changed);
  return changed;
}

const crashed = calmSpec({ faults: [fault('crash-for-good', 12_000, 3)], healMs: 30_000 });
/** Its last seconds were recorded and reached nobody. */
const cutOffAndCrashed = calmSpec({ faults: [fault('isolate', 9_000, 3, 10_000), fault('crash-for-good', 12_500, 3)], healMs: 30_000 });
const stopped = calmSpec({ faults: [fault('sigstop', 12_000, 3, 20_000)], healMs: 34_000 });
const isolated = calmSpec({ faults: [fault('isolate', 12_000, 3, 20_000)], healMs: 34_000 });

/** A coordinator that takes silence for consent: on every tick somebody seems to have answered its last beat. */
function selfAssured(event: NodeEvent, node: SimNode, world: World): NodeEvent {
  const leader = node.state?.leader ?? null;
  if (event.type !== 'tick' || leader === null || !isPast(world, 12_000)) return event;
  const from = world.nodes[world.counts.steps % world.nodes.length]!.id;
  return {
    type: 'message',
    nowMs: 0,
    from,
    message: { type: 'pulse', term: leader.term, beat: leader.beat, sentMs: 0, windows: [], custody: {} },
  };
}

/** The last endpoint shard of the plan. */
const lastShard = (world: World): number => world.spec.plan.shards.length - 1;

const BUGS: readonly Bug[] = [
  {
    name: 'every node is its own majority',
    spec: calmSpec(),
    sabotage: { config: (config) => ({ ...config, expectNodes: 1, expectWitnesses: 0 }) },
    alarm: /^P1: .*acknowledgements within the lease/,
  },
  {
    name: 'a coordinator trusts its lease ten times too long',
    spec: calmSpec({ faults: [fault('isolate', 12_000, 'coordinator', 20_000)], healMs: 34_000 }),
    sabotage: { config: (config) => withTiming(config, { leaseMs: 25_000, graceMs: 60_000 }) },
    alarm: /^P1: .*acknowledgements within the lease/,
  },
  {
    name: 'a coordinator takes silence for consent',
    spec: calmSpec({ faults: [fault('isolate', 12_000, 'coordinator', 20_000)], healMs: 34_000 }),
    sabotage: { event: selfAssured },
    alarm: /^P1: .* act at the same time/,
  },
  {
    name: 'one node folds an entry differently',
    spec: calmSpec(),
    sabotage: {
      event: (event, node, world) => {
        if (node.index !== 2) return event;
        if (event.type === 'gossip' && event.gossip.type === 'entries')
          return { ...event, gossip: { ...event.gossip, entries: event.gossip.entries.map((entry) => forget(entry, world)) } };
        if (event.type === 'message' && event.message.type === 'entries')
          return { ...event, message: { ...event.message, entries: event.message.entries.map((entry) => forget(entry, world)) } };
        return event;
      },
    },
    alarm: /^P2: .*differ in their view/,
  },
  {
    name: "one node loses another's later entries for ever",
    spec: calmSpec({ healMs: 5_000 }),
    sabotage: {
      event: (event, node) => {
        const strip = (entries: readonly Entry[]): Entry[] => entries.filter((entry) => entry.author !== 'n03' || entry.seq < 3);
        if (node.index !== 2) return event;
        if (event.type === 'gossip' && event.gossip.type === 'entries')
          return { ...event, gossip: { ...event.gossip, entries: strip(event.gossip.entries) } };
        if (event.type === 'message' && event.message.type === 'entries')
          return { ...event, message: { ...event.message, entries: strip(event.message.entries) } };
        return event;
      },
    },
    alarm: /^P2: .*holds n03's entries up to/,
  },
  {
    name: 'an owner takes its lease for longer than it is',
    spec: isolated,
    sabotage: { config: (config, node) => (node.index === 3 ? withTiming(config, { ownerLeaseMs: 9_000 }) : config) },
    alarm: /^P3: shard \d+ runs on n03 .* and on /,
  },
  {
    name: 'workers of a stopped node ignore that their lease has passed',
    spec: stopped,
    sabotage: { workersIgnoreGrant: true },
    alarm: /^P3: shard \d+ runs on n03 .* and on /,
  },
  {
    name: 'a shard is claimed twice',
    spec: calmSpec(),
    sabotage: {
      effects: (effects, _event, node) => {
        const claim = effects.persist.find((entry) => entry.kind === 'claim');
        if (node.index === 1 && claim?.kind === 'claim')
          (claim.body as { claims: unknown }).claims = [...claim.body.claims, ...claim.body.claims];
        return effects;
      },
    },
    alarm: /^P3: shard \d+ was claimed 2 times/,
  },
  {
    name: 'one shard is silently never started',
    spec: calmSpec(),
    sabotage: {
      effects: (effects, _event, _node, world) => ({
        ...effects,
        start: effects.start.filter((start) => start.what !== 'load' || start.claim.shard !== lastShard(world)),
      }),
    },
    alarm: /^P4: shard \d+ ran 0 times/,
  },
  {
    name: 'a run starts three seconds early on one node',
    spec: calmSpec(),
    sabotage: {
      effects: (effects, _event, node) => {
        for (const start of effects.start) if (start.what === 'load' && node.index === 1) (start as { t0Ms: number }).t0Ms -= 3_000;
        return effects;
      },
    },
    alarm: /^P4: shard \d+ began -/,
  },
  {
    name: 'a node never exits',
    spec: calmSpec(),
    sabotage: {
      effects: (effects, _event, node) => {
        if (node.index !== 2 || node.state === null || !node.state.exited) return effects;
        node.state.wakeAtMs = Number.POSITIVE_INFINITY;
        return { ...effects, exit: null };
      },
    },
    alarm: /^P5: n02 is still there \d+ ms after the run was sealed/,
  },
  {
    name: 'nobody gives up without a coordinator',
    spec: calmSpec({ faults: [fault('isolate', 12_000, 3, 80_000)], healMs: 90_000 }),
    sabotage: { config: (config) => withTiming(config, { graceMs: 300_000 }) },
    alarm: /^P5: n03 is still there \d+ ms after it last heard a coordinator/,
  },
  {
    name: 'load goes on with nobody there to stop it',
    spec: { ...stopped, manifest: { ...stopped.manifest, onNodeLoss: { kind: 'tolerate', percent: 100 } } },
    sabotage: { workersIgnoreGrant: true },
    alarm: /^P5: load of n03 runs/,
  },
  {
    name: 'nobody waits for the verdict',
    spec: calmSpec({ healMs: 5_000 }),
    sabotage: { event: (event) => (event.type === 'judged' ? null : event) },
    alarm: /^P5: .*the run ended without a verdict/,
  },
  {
    name: 'workers outlive their node',
    spec: crashed,
    sabotage: { workersOutliveNode: true },
    alarm: /^P5: load of n03 runs \d+ ms after its node died/,
  },
  {
    name: 'windows are acknowledged and not stored',
    spec: calmSpec(),
    sabotage: { effects: (effects, _event, _node, world) => (isPast(world, 12_000) ? { ...effects, store: [] } : effects) },
    alarm: /^P6: .* acknowledges .* but has stored them up to/,
  },
  {
    name: 'windows are stored and not counted',
    spec: calmSpec(),
    sabotage: { effects: (effects) => ({ ...effects, store: effects.store.map((store) => ({ ...store, merge: false })) }) },
    alarm: /^P6: window \d+ of .* neither in the report/,
  },
  {
    name: 'the gap of a lost node is not told',
    spec: cutOffAndCrashed,
    sabotage: {
      effects: (effects) => {
        for (const start of effects.start) if (start.what === 'judge') (start as { missing: unknown }).missing = [];
        return effects;
      },
    },
    alarm: /^P6: window \d+ of n03 is neither in the report of .* nor listed as missing/,
  },
  {
    name: 'anybody may give orders',
    spec: calmSpec({ faults: [fault('forged-order', 12_000, 2)], healMs: 20_000 }),
    sabotage: { config: (config) => ({ ...config, verifyOrder: () => true }) },
    alarm: /^P7: n02 took an order that the operator did not sign/,
  },
  {
    name: 'entries are taken under a name that did not write them',
    spec: calmSpec(),
    sabotage: {
      event: (event, node) => {
        if (node.index !== 2 || event.type !== 'message' || event.message.type !== 'entries') return event;
        return { ...event, message: { ...event.message, entries: event.message.entries.map((entry) => ({ ...entry })) } };
      },
    },
    alarm: /^P7: n02 keeps .*which its author never sealed/,
  },
];

describe('checkers raise the alarm', () => {
  it.each(BUGS)('$name', ({ spec, sabotage, alarm }) => {
    expect(runSeed(spec.seed, { spec, sabotage }).failure?.message ?? 'no alarm').toMatch(alarm);
  });
});

describe('and only then', () => {
  it.each(BUGS)('is clean without: $name', ({ spec }) => {
    expect(runSeed(spec.seed, { spec }).failure?.message ?? 'clean').toBe('clean');
  });
});
