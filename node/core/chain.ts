// The coordinator's decisions as one chain across terms. Decisions (roster, down, phase) name their predecessor; a new coordinator's `lead` names the last
// decision it builds on. The effective chain is the one that ends in the highest effective term, so a decision that a deposed coordinator
// made and its successor never heard of is void for everybody, whenever it arrives. A lead is effective once a majority of votes for it is in the log.
// From the chain follow roster, phase, and - with the plan - the assignment.

import { unreachable } from './assert.ts';
import { type Assignment, assign, place } from './assign.ts';
import type { NodeConfig } from './config.ts';
import type { ExitName } from './errors.ts';
import { claimKey, type DecisionEntry, type Facts, refKey, refOf } from './facts.ts';
import {
  type DecisionRef,
  type EndReason,
  type EntryOf,
  GAVE_BACK,
  type Manifest,
  type NodeId,
  type NodeLossPolicy,
  type Phase,
  type RosterMember,
} from './messages.ts';
import type { Plan, ShardId } from './plan-types.ts';

export interface Coordinator {
  readonly node: NodeId;
  readonly term: number;
  readonly base: DecisionRef | null;
}

export interface ChainView {
  /** Last decision, null before the first. */
  readonly tip: DecisionRef | null;
  readonly tipTerm: number;
  readonly length: number;
  readonly decisions: readonly DecisionEntry[];
  readonly roster: ReadonlyMap<NodeId, RosterMember>;
  readonly voters: ReadonlySet<NodeId>;
  readonly down: ReadonlySet<NodeId>;
  readonly phase: Phase;
  /** T0 in swarm time once `running` was decided. */
  readonly t0SwarmMs: number | null;
  readonly endReason: EndReason | null;
  readonly endMessage: string;
  readonly exit: ExitName | null;
  readonly manifest: Manifest | null;
}

export const majority = (voters: number): number => Math.floor(voters / 2) + 1;

export interface Electorate {
  /** Who may vote and lead; null = everybody whose hello says so (no roster is known yet). */
  readonly voters: ReadonlySet<NodeId> | null;
  /** Votes needed to lead: a majority of the expected size and of any sealed roster's voters, so that majorities overlap whoever knows what. */
  readonly quorum: number;
}

/** Whether `author` won `term` by the votes of `electorate`. */
const hasWon = (facts: Facts, electorate: Electorate, term: number, author: NodeId): boolean =>
  (facts.leads.get(term) ?? []).some((lead) => lead.author === author) && votesFor(facts, electorate, term, author) >= electorate.quorum;

/** Depends on the set of entries only, never on the chain, because the chain depends on it. */
export function electorateOf(facts: Facts, config: NodeConfig): Electorate {
  const voters = new Set<NodeId>();
  let size = config.expectNodes + config.expectWitnesses;
  const forming: Electorate = { voters: null, quorum: majority(size) };
  for (const entry of facts.decisions.values()) {
    if (entry.kind !== 'roster' || entry.body.previous !== null) continue;
    // Anybody can write a roster; only one by an elected coordinator says who may vote.
    if (!hasWon(facts, forming, entry.body.term, entry.author)) continue;
    const members = entry.body.add.filter((member) => member.voter);
    for (const member of members) voters.add(member.node);
    size = Math.max(size, members.length);
  }
  return { voters: voters.size > 0 ? voters : null, quorum: majority(size) };
}

export function isElector(facts: Facts, electorate: Electorate, node: NodeId): boolean {
  return electorate.voters === null ? (facts.hellos.get(node)?.body.voter ?? false) : electorate.voters.has(node);
}

export const EMPTY_CHAIN: ChainView = {
  tip: null,
  tipTerm: 0,
  length: 0,
  decisions: [],
  roster: new Map(),
  voters: new Set(),
  down: new Set(),
  phase: 'forming',
  t0SwarmMs: null,
  endReason: null,
  endMessage: '',
  exit: null,
  manifest: null,
};

/** Votes of electors for `candidate` in `term`. */
export function votesFor(facts: Facts, electorate: Electorate, term: number, candidate: NodeId): number {
  let count = 0;
  for (const [voter, vote] of facts.votes.get(term) ?? []) {
    if (vote.candidate === candidate && isElector(facts, electorate, voter)) count += 1;
  }
  return count;
}

/** The coordinator of the highest term whose lead is backed by a majority; null while there is none. */
export function coordinatorIn(facts: Facts, electorate: Electorate): Coordinator | null {
  let best: EntryOf<'lead'> | null = null;
  for (const [term, leads] of facts.leads) {
    if (best !== null && term <= best.body.term) continue;
    const effective = leads.find((lead) => votesFor(facts, electorate, term, lead.author) >= electorate.quorum);
    if (effective !== undefined) best = effective;
  }
  return best === null ? null : { node: best.author, term: best.body.term, base: best.body.base };
}

/** Decisions from first to `tip`, or null when one of them has not arrived yet. */
function walk(facts: Facts, tip: DecisionRef | null): DecisionEntry[] | null {
  const decisions: DecisionEntry[] = [];
  for (let ref = tip; ref !== null; ) {
    const entry = facts.decisions.get(refKey(ref));
    if (entry === undefined || decisions.length > facts.decisions.size) return null;
    decisions.push(entry);
    ref = entry.body.previous;
  }
  return decisions.reverse();
}

function manifestOf(facts: Facts, ref: DecisionRef | null): Manifest | null {
  if (ref === null) return null;
  const found = facts.orders.find(({ entry }) => entry.author === ref.author && entry.seq === ref.seq);
  return found?.signed.order.order === 'manifest' ? found.signed.order.manifest : null;
}

function foldDecisions(facts: Facts, decisions: readonly DecisionEntry[]): ChainView | null {
  const roster = new Map<NodeId, RosterMember>();
  const down = new Set<NodeId>();
  const fold: { -readonly [K in keyof ChainView]: ChainView[K] } = { ...EMPTY_CHAIN, decisions, roster, down, length: decisions.length };
  for (const entry of decisions) {
    switch (entry.kind) {
      case 'roster':
        if (roster.size === 0) {
          fold.voters = new Set(entry.body.add.filter((member) => member.voter).map((member) => member.node));
          fold.manifest = manifestOf(facts, entry.body.manifest);
          if (fold.manifest === null) return null;
          fold.phase = 'claiming';
        }
        for (const member of entry.body.add) {
          roster.set(member.node, member);
          down.delete(member.node);
        }
        break;
      case 'down':
        down.add(entry.body.node);
        break;
      case 'phase':
        fold.phase = entry.body.phase;
        if (entry.body.phase === 'running') fold.t0SwarmMs = entry.body.atSwarmMs;
        if (entry.body.reason !== null) [fold.endReason, fold.endMessage] = [entry.body.reason, entry.body.message];
        if (entry.body.exit !== null) fold.exit = entry.body.exit;
        break;
      default:
        unreachable(entry);
    }
    fold.tip = refOf(entry);
    fold.tipTerm = entry.body.term;
  }
  return fold;
}

/** The effective chain under this coordinator; null while a part of it has not arrived. */
export function chainOf(facts: Facts, coordinator: Coordinator | null): ChainView | null {
  if (coordinator === null) return EMPTY_CHAIN;
  const last = facts.decisionLast.get(`${coordinator.term}/${coordinator.node}`);
  const decisions = walk(facts, last === undefined ? coordinator.base : refOf(last));
  return decisions === null ? null : foldDecisions(facts, decisions);
}

function loadNodes(roster: ReadonlyMap<NodeId, RosterMember>, down: ReadonlySet<NodeId>): RosterMember[] {
  return [...roster.values()].filter((member) => member.load && !down.has(member.node));
}

function afterDown(plan: Plan, previous: Assignment, lost: NodeId, nodes: RosterMember[], reassign: boolean): Assignment {
  const movable = new Set<ShardId>();
  previous.owners.forEach((owner, shard) => {
    if (owner === lost) movable.add(shard);
  });
  if (!reassign) {
    return { ...previous, owners: previous.owners.map((owner) => (owner === lost ? null : owner)) };
  }
  return place({ plan, previous, nodes, movable, onlyTo: null });
}

function afterJoin(plan: Plan, previous: Assignment, entry: EntryOf<'roster'>, nodes: RosterMember[], reassign: boolean): Assignment {
  const movable = new Set<ShardId>();
  const from = entry.body.movableFromMs;
  for (const shard of plan.shards) {
    const notStarted = from >= 0 && shard.kind === 'endpoints' && shard.startMs >= from;
    if (notStarted || (reassign && previous.owners[shard.id] === null)) movable.add(shard.id);
  }
  return place({ plan, previous, nodes, movable, onlyTo: new Set(entry.body.add.map((member) => member.node)) });
}

/** An assignment with the decisions that it follows from, so that the next decision costs its own shards and not all of them. */
export interface AssignmentFold {
  readonly plan: Plan;
  /** How many decisions are folded in, and the last of them. It names its predecessor: whoever has it in that place has all of them. */
  count: number;
  last: DecisionEntry | null;
  readonly roster: Map<NodeId, RosterMember>;
  readonly down: Set<NodeId>;
  /** Load has started: from now on a lost node's shards are subject to the loss policy. Before, nothing is lost by placing them again. */
  started: boolean;
  assignment: Assignment | null;
  /** `${shard}.${epoch}` -> whose it was, also when the shard has moved on since. */
  readonly holders: Map<string, NodeId>;
}

function foldAssignment(fold: AssignmentFold, entry: DecisionEntry, policy: NodeLossPolicy): void {
  const { plan, roster, down, assignment: before } = fold;
  const reassign = policy.kind === 'reassign' || !fold.started;
  if (entry.kind === 'roster') {
    for (const member of entry.body.add) {
      roster.set(member.node, member);
      down.delete(member.node);
    }
    const nodes = loadNodes(roster, down);
    fold.assignment = before === null ? assign(plan, nodes) : afterJoin(plan, before, entry, nodes, reassign);
  } else if (entry.kind === 'down' && before !== null) {
    down.add(entry.body.node);
    fold.assignment = afterDown(plan, before, entry.body.node, loadNodes(roster, down), reassign || entry.body.silentMs === GAVE_BACK);
  } else if (entry.kind === 'phase' && entry.body.phase === 'running') {
    fold.started = true;
  }
  fold.count += 1;
  fold.last = entry;
  if (fold.assignment === before) return;
  fold.assignment?.owners.forEach((owner, shard) => {
    const epoch = fold.assignment?.epochs[shard] ?? 0;
    if (owner !== null && epoch !== before?.epochs[shard]) fold.holders.set(claimKey(shard, epoch), owner);
  });
}

/** The assignment after the last decision of `chain`, decision by decision. Goes on from `known` when that is the beginning of this chain: the first
 * decision costs shards x nodes, each later one little. */
export function assignmentOf(plan: Plan, chain: ChainView, policy: NodeLossPolicy, known: AssignmentFold | null): AssignmentFold {
  const isBeginning = known !== null && known.plan === plan && known.count > 0 && chain.decisions[known.count - 1] === known.last;
  const fold = isBeginning
    ? known
    : { plan, count: 0, last: null, roster: new Map(), down: new Set<NodeId>(), started: false, assignment: null, holders: new Map() };
  for (const entry of chain.decisions.slice(fold.count)) foldAssignment(fold, entry, policy);
  return fold;
}
