// Who runs what: assign(plan, roster, down) as a pure function that every node computes for itself, so that a stable roster has no conflicts.
// Weighted rendezvous hashing (Thaler, Ravishankar 1998; weights after Schindelhauer, Schomaker 2005) with bounded loads (Mirrokni, Thorup, Zadimoghaddam
// 2018): a shard goes to its best-scoring node that still has room, so a lost node moves only its own shards and nobody is overfilled.
// Applied decision by decision along the chain; the epoch of a shard counts its owners.

import { canonicalJson } from './canonical.ts';
import type { Capabilities, NodeId, RosterMember } from './messages.ts';
import type { Plan, Shard, ShardId } from './plan-types.ts';
import { hashString, mix32 } from './rng.ts';

export interface Assignment {
  /** By shard id; null = nobody (lost under a tolerating policy, or unplaceable). */
  readonly owners: readonly (NodeId | null)[];
  /** By shard id; 0 = never owned. */
  readonly epochs: readonly number[];
  readonly unplaceable: readonly { readonly shard: ShardId; readonly reason: string }[];
}

/** How far above its fair share a node may be filled before the next-best node is asked. Smaller evens out more and moves more. */
const OVERFILL_SHARE = 0.1;

interface Bin {
  readonly node: NodeId;
  readonly hash: number;
  readonly capabilities: Capabilities;
  filledMillicores: number;
}

export const emptyAssignment = (plan: Plan): Assignment => ({
  owners: plan.shards.map(() => null),
  epochs: plan.shards.map(() => 0),
  unplaceable: [],
});

function canRun(shard: Shard, capabilities: Capabilities): boolean {
  if (!capabilities.types.includes(shard.type)) return false;
  for (const [label, wanted] of Object.entries(shard.constraints)) if (capabilities.labels[label] !== wanted) return false;
  return true;
}

function whyUnplaceable(shard: Shard, bins: readonly Bin[]): string {
  if (bins.length === 0) return 'no node is left that claims load';
  const typed = bins.filter((bin) => bin.capabilities.types.includes(shard.type));
  if (typed.length === 0) return `no node can run endpoints of type '${shard.type}'`;
  const fitting = typed.filter((bin) => canRun(shard, bin.capabilities));
  const labels = Object.entries(shard.constraints).map(([label, value]) => `${label}=${value}`);
  if (fitting.length === 0) return `no node that runs '${shard.type}' carries the label ${labels.join(', ')}`;
  const free = Math.max(...fitting.map((bin) => bin.capabilities.capacityMillicores - bin.filledMillicores));
  return `needs ${shard.costMillicores} millicores, the emptiest fitting node has ${Math.max(0, Math.round(free))} left`;
}

/** Larger is better; a node of twice the capacity wins twice as often. Score -w / ln(h), h uniform in (0, 1). */
function score(shard: Shard, bin: Bin): number {
  const uniform = (mix32(bin.hash ^ mix32(shard.id + 0x51ed)) + 0.5) / 4294967296;
  return -bin.capabilities.capacityMillicores / Math.log(uniform);
}

/** Bins that may run a shard. Shards of one type and constraint share the answer: shards x nodes comparisons of labels would cost more than the placing. */
function fittingIn(bins: readonly Bin[]): (shard: Shard) => readonly Bin[] {
  const known = new Map<string, readonly Bin[]>();
  return (shard) => {
    const key = canonicalJson([shard.type, shard.constraints]);
    const fitting = known.get(key) ?? bins.filter((bin) => canRun(shard, bin.capabilities));
    known.set(key, fitting);
    return fitting;
  };
}

/** The best-scoring of the fitting bins that has room under the limit; when none has, the emptiest that has room at all. */
function choose(shard: Shard, bins: readonly Bin[], fillLimit: number): Bin | null {
  let best: Bin | null = null;
  let bestScore = -1;
  let spare: Bin | null = null;
  let spareFill = Number.POSITIVE_INFINITY;
  for (const bin of bins) {
    const capacity = bin.capabilities.capacityMillicores;
    const filled = bin.filledMillicores + shard.costMillicores;
    if (filled > capacity) continue;
    if (filled > capacity * fillLimit && bin.filledMillicores > 0) {
      if (filled / capacity < spareFill) [spare, spareFill] = [bin, filled / capacity];
      continue;
    }
    const value = score(shard, bin);
    if (value > bestScore) [best, bestScore] = [bin, value];
  }
  return best ?? spare;
}

/** Share of capacity that a perfectly even spread of all load would use, plus the allowed overfill. */
function fillLimitOf(plan: Plan, bins: readonly Bin[]): number {
  const load = plan.shards.reduce((sum, shard) => sum + shard.costMillicores, 0);
  const capacity = bins.reduce((sum, bin) => sum + bin.capabilities.capacityMillicores, 0);
  return capacity === 0 ? 0 : (load / capacity) * (1 + OVERFILL_SHARE);
}

export interface Placement {
  readonly plan: Plan;
  readonly previous: Assignment;
  /** Load nodes that are in the roster and not down. */
  readonly nodes: readonly RosterMember[];
  /** Shards that need an owner or may change it; all others keep theirs. */
  readonly movable: ReadonlySet<ShardId>;
  /** When given, a movable shard that has an owner moves only to one of these (joiners). */
  readonly onlyTo: ReadonlySet<NodeId> | null;
}

/** Places the movable shards, dearest first; everything else stays. Deterministic: no clock, no randomness, no dependence on input order. */
export function place({ plan, previous, nodes, movable, onlyTo }: Placement): Assignment {
  const bins = nodes
    .filter((member) => member.load)
    .map((member): Bin => ({ node: member.node, hash: hashString(member.node), capabilities: member.capabilities, filledMillicores: 0 }))
    .sort((a, b) => (a.node < b.node ? -1 : 1));
  const binOf = new Map(bins.map((bin) => [bin.node, bin]));
  const owners = [...previous.owners];
  const epochs = [...previous.epochs];
  // What an earlier decision could not place is still not placed, unless it is tried again now.
  const unplaceable = previous.unplaceable.filter(({ shard }) => !movable.has(shard));
  for (const shard of plan.shards) {
    const owner = owners[shard.id];
    const bin = owner == null || movable.has(shard.id) ? undefined : binOf.get(owner);
    if (bin !== undefined) bin.filledMillicores += shard.costMillicores;
  }
  const fillLimit = fillLimitOf(plan, bins);
  const fitting = fittingIn(bins);
  // Shards that have an owner come first: one that stays needs the room it had, before anybody else gets it.
  const isOwned = (shard: Shard): number => (binOf.has(owners[shard.id] ?? '') ? 1 : 0);
  const order = plan.shards
    .filter((shard) => movable.has(shard.id))
    .sort((a, b) => isOwned(b) - isOwned(a) || b.costMillicores - a.costMillicores || a.id - b.id);
  for (const shard of order) {
    const current = owners[shard.id] ?? null;
    const currentBin = current === null ? undefined : binOf.get(current);
    let bin = choose(shard, fitting(shard), fillLimit);
    if (currentBin !== undefined && onlyTo !== null && (bin === null || !onlyTo.has(bin.node))) bin = currentBin;
    if (bin === null) {
      unplaceable.push({ shard: shard.id, reason: whyUnplaceable(shard, bins) });
      owners[shard.id] = null;
      continue;
    }
    bin.filledMillicores += shard.costMillicores;
    if (bin.node === current) continue;
    owners[shard.id] = bin.node;
    epochs[shard.id] = (epochs[shard.id] ?? 0) + 1;
  }
  return { owners, epochs, unplaceable };
}

/** The first assignment of a plan over these nodes: what `plan` shows and what the sealed roster gives. */
export function assign(plan: Plan, nodes: readonly RosterMember[]): Assignment {
  const movable = new Set(plan.shards.map((shard) => shard.id));
  return place({ plan, previous: emptyAssignment(plan), nodes, movable, onlyTo: null });
}
