// Read-only questions about a node's picture of the swarm, for the runtime, the scoreboard and the simulator's checkers. Nothing here changes state.
// The two digests are how P2 is checked: nodes with equal sets of entries must give equal views.

import { isActingLeader } from './leader.ts';
import { meetingsIn } from './meetings.ts';
import type { Capabilities, Manifest, MeetingFacts, NodeId, Phase } from './messages.ts';
import type { ShardId } from './plan-types.ts';
import type { NodeState } from './state.ts';

export const coordinatorOf = (state: NodeState): { node: NodeId; term: number } | null => state.coordinator;

/** P1: whether this node may act as coordinator at `nowMs` of its own clock. */
export function isActing(state: NodeState, nowMs: number): boolean {
  const remembered = state.nowMs;
  state.nowMs = Math.max(remembered, nowMs);
  const acting = isActingLeader(state);
  state.nowMs = remembered;
  return acting;
}

export const phaseOf = (state: NodeState): Phase => state.chain.phase;
export const manifestOf = (state: NodeState): Manifest | null => state.chain.manifest;

/** Owners by shard under the effective chain; empty until the plan is loaded and the roster sealed. */
export function ownersOf(state: NodeState): Map<ShardId, { owner: NodeId; epoch: number }> {
  const owners = new Map<ShardId, { owner: NodeId; epoch: number }>();
  state.assignment?.owners.forEach((owner, shard) => {
    if (owner !== null) owners.set(shard, { owner, epoch: state.assignment?.epochs[shard] ?? 0 });
  });
  return owners;
}

export interface NodeView {
  readonly node: NodeId;
  readonly load: boolean;
  readonly voter: boolean;
  readonly inRoster: boolean;
  readonly down: boolean;
  readonly left: boolean;
  readonly shards: number;
  readonly capabilities: Capabilities;
}

/** Every node that ever said hello, by id. */
export function nodesOf(state: NodeState): NodeView[] {
  const shards = new Map<NodeId, number>();
  for (const owner of state.assignment?.owners ?? []) if (owner !== null) shards.set(owner, (shards.get(owner) ?? 0) + 1);
  return [...state.facts.hellos.values()]
    .map((hello): NodeView => {
      const node = hello.author;
      return {
        node,
        load: hello.body.load,
        voter: hello.body.voter,
        inRoster: state.chain.roster.has(node),
        down: state.chain.down.has(node),
        left: state.facts.byes.has(node),
        shards: shards.get(node) ?? 0,
        capabilities: hello.body.capabilities,
      };
    })
    .sort((a, b) => (a.node < b.node ? -1 : 1));
}

export const meetingFactsOf = (state: NodeState): MeetingFacts[] => [...meetingsIn(state).facts.values()].map(({ facts }) => facts);

/** Canonical text of everything that follows from the log. */
export function viewDigest(state: NodeState): string {
  const { chain, coordinator, facts } = state;
  const meetings = meetingsIn(state);
  return JSON.stringify([
    coordinator,
    state.chainComplete ? chain.decisions.map((entry) => entry.hash) : null,
    state.chainComplete
      ? [chain.phase, chain.t0SwarmMs, chain.endReason, chain.exit, [...chain.down].sort(), [...chain.roster.keys()].sort()]
      : null,
    [...facts.claims].map(([key, authors]) => `${key}:${[...authors].sort().join('+')}`).sort(),
    [...facts.releases].sort(),
    [...meetings.facts].map(([meeting, { author, lamport }]) => `${meeting}:${author}:${lamport}`).sort(),
    [...meetings.torndown].sort(),
    [...facts.done].map(([node, done]) => `${node}:${done.windowLast}`).sort(),
    [...facts.leaving].sort(),
    [...facts.byes].sort(),
    facts.orders.map(({ entry }) => entry.hash),
    facts.ignored,
  ]);
}

/** Equal sets of entries give equal text. */
export const entrySetDigest = (state: NodeState): string => `${state.log.size}:${state.log.digest >>> 0}`;
