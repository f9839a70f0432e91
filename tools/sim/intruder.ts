// An author who holds the swarm key but was never invited into the roster: it seals well-formed entries as itself and gossips
// them, claiming everything, leading far terms, counting members out, sealing the run, and ordering without the operator's key.
// None of it may count (P7), and none of it may stop a node.

import type { Entry, EntryBodies, EntryDraft, EntryKind, Gossip, Order } from '../../node/core/messages.ts';
import { forgeOrder, seal } from './authority.ts';
import { isUp, type World } from './world.ts';

/** A new identity each time: an author that forks its own log is a broken node, which P2 leaves out. */
const nameOf = (world: World): string => `zz-intruder${world.counts.intruders}`;
/** Far beyond every term and clock that a run reaches; the highest lamport that the log accepts would end the swarm's own clocks. */
const FAR_TERM = 900_000;
const FAR_LAMPORT = Math.floor(Number.MAX_SAFE_INTEGER / 2);

type Draft = { [K in EntryKind]: { readonly kind: K; readonly body: EntryBodies[K] } }[EntryKind];

function drafts(world: World, name: string, saysHello: boolean): Draft[] {
  const victim = world.nodes[0]!.id;
  const capabilities = world.nodes[0]!.spec.capabilities;
  const self = { node: name, voter: true, load: true, capabilities };
  const claims = world.spec.plan.shards.map((shard) => ({ shard: shard.id, epoch: 9 }));
  const hello: Draft = { kind: 'hello', body: { incarnation: 1, voter: false, load: false, capabilities, addresses: [], version: 'sim' } };
  const first: Draft[] = saysHello ? [hello] : [];
  const { runId } = world.spec.manifest;
  return [
    ...first,
    { kind: 'vote', body: { term: FAR_TERM, candidate: name } },
    { kind: 'lead', body: { term: FAR_TERM, base: null } },
    {
      kind: 'roster',
      body: {
        term: FAR_TERM,
        previous: null,
        manifest: null,
        add: [self],
        regrant: [],
        movableFromMs: 0,
      } as unknown as EntryBodies['roster'],
    },
    { kind: 'down', body: { term: FAR_TERM, previous: null, node: victim, silentMs: 1 } },
    { kind: 'claim', body: { decision: { author: name, seq: 4 }, claims } },
    { kind: 'stop', body: forgeOrder({ order: 'stop', runId, mode: 'now', reason: 'intruder' }) },
    {
      kind: 'phase',
      body: {
        term: FAR_TERM,
        previous: null,
        phase: 'sealed',
        atSwarmMs: 0,
        reason: 'stopped',
        message: 'intruder',
        exit: 'pass',
      } as EntryBodies['phase'],
    },
  ];
}

function sealAll(world: World, name: string, all: readonly Draft[], lamport: number): Entry[] {
  const entries: Entry[] = [];
  for (const draft of all) {
    const seq = entries.length + 1;
    const entry = seal({
      author: name,
      seq,
      prev: entries[seq - 2]?.hash ?? '',
      lamport: lamport - all.length + seq,
      ...draft,
    } as EntryDraft);
    world.sealed.add(entry);
    entries.push(entry);
  }
  return entries;
}

/** `strength` (0..1) chooses between an author who says hello and one who does not, and between a near and a far lamport. */
export function intrude(world: World, strength: number): void {
  const name = nameOf(world);
  const entries = sealAll(world, name, drafts(world, name, strength > 0.5), strength % 0.5 > 0.25 ? FAR_LAMPORT : 1_000_000);
  const gossips: Gossip[] = [
    { type: 'entries', entries },
    { type: 'beat', term: FAR_TERM, beat: 1, swarmMs: 0 },
    { type: 'canvass', term: FAR_TERM, pre: false, chainTerm: FAR_TERM, chainLength: 1000 } as Gossip,
  ];
  for (const node of world.nodes) {
    if (!isUp(node)) continue;
    for (const gossip of gossips) world.deliver(node, { type: 'gossip', nowMs: 0, from: name, gossip });
    world.deliver(node, {
      type: 'message',
      nowMs: 0,
      from: name,
      message: { type: 'pulse', term: 1, beat: 1, sentMs: 0, windows: [], custody: {} } as never,
    });
    world.deliver(node, {
      type: 'message',
      nowMs: 0,
      from: name,
      message: { type: 'ballot', term: FAR_TERM, pre: false, granted: true, termMax: FAR_TERM } as never,
    });
  }
  world.counts.intruders += 1;
}

/** An order with a wrong signature, at one node's control socket. */
export function forgedOrderFor(world: World, amount: number): ReturnType<typeof forgeOrder> {
  const { manifest } = world.spec;
  const orders: Order[] = [
    { order: 'stop', runId: manifest.runId, mode: 'now', reason: 'forged' },
    { order: 'scale', runId: manifest.runId, scale: { group: '*', factor: 100, atMs: 0 } },
    { order: 'manifest', manifest: { ...manifest, runId: 'forged', targets: ['*:*'] } },
  ];
  return forgeOrder(orders[Math.min(2, Math.floor(amount * 3))]!);
}
