// A plan laid over nodes: who would get which shards by the same assign() that a swarm uses, whether cores suffice, and on rented machines what they would cost. `quilt-swarm plan` prints it and the
// console draws it, so that both say the same. Nothing is asked of a vendor.

import { availableParallelism } from 'node:os';
import type { LaunchRequest } from '../../bootstrap/launch-request.ts';
import { type Assignment, assign } from '../core/assign.ts';
import { ok, type Result } from '../core/errors.ts';
import type { RosterMember } from '../core/messages.ts';
import type { Plan } from '../core/plan-types.ts';
import type { ValidScenario } from '../core/scenario-types.ts';
import { costOfLaunch, type LaunchCost, type LaunchedPlan } from './launch-cost.ts';
import { type MachineFlags, machinesFor, membersOf } from './machine-mix.ts';
import type { NodeShare } from './plan-view.ts';

export interface PlacedPlan {
  readonly plan: Plan;
  readonly nodes: readonly NodeShare[];
  readonly owners: Assignment['owners'];
  /** Reasons why shards cannot be placed, each with how many. */
  readonly unplaceable: readonly { readonly reason: string; readonly shards: number }[];
  /** Empty where nothing is rented. */
  readonly machines: readonly LaunchRequest[];
  readonly cost: LaunchCost | null;
}

const typesOf = ({ groups }: ValidScenario): string[] => [...new Set(['http', ...groups.map(({ type }) => type)])];

export interface EqualNodes {
  readonly nodes: number;
  /** Of each; undefined = they share this machine's. */
  readonly cores?: number | undefined;
  readonly labels?: Readonly<Record<string, string>>;
}

/** On N nodes that can run every type of the scenario. */
export function placeOnNodes({ scenario, plan }: LaunchedPlan, { nodes, cores: coresEach, labels = {} }: EqualNodes): PlacedPlan {
  const cores = coresEach ?? availableParallelism() / nodes;
  const capabilities = { types: typesOf(scenario), cores, memoryMb: 0, capacityMillicores: Math.floor(cores * 1000), labels };
  const members = Array.from({ length: nodes }, (_, index) => ({ node: `node-${index + 1}`, voter: true, load: true, capabilities }));
  return { ...placed(plan, members), machines: [], cost: null };
}

/** On machines of a launch; `coresElse` where a type's cores are not known. Problems: QUILT_LAUNCH_REQUEST, QUILT_MIX_*. */
export async function placeOnMachines(planned: LaunchedPlan, flags: MachineFlags, coresElse?: number): Promise<Result<PlacedPlan>> {
  const requests = await machinesFor(planned, flags);
  if (!requests.ok) return requests;
  const members = membersOf(requests.value, typesOf(planned.scenario), coresElse ?? availableParallelism());
  const cost = costOfLaunch(planned, requests.value, flags.reserveAddresses === true);
  return ok({ ...placed(planned.plan, members), machines: requests.value, cost });
}

function placed(plan: Plan, members: readonly RosterMember[]): Omit<PlacedPlan, 'machines' | 'cost'> {
  const { owners, unplaceable } = assign(plan, members);
  const counts = new Map<string, number>();
  for (const { reason } of unplaceable) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const reasons = [...counts].map(([reason, shards]) => ({ reason, shards }));
  return { plan, owners, unplaceable: reasons, nodes: members.map((member) => shareOf(member, plan, owners)) };
}

function shareOf({ node, capabilities }: RosterMember, plan: Plan, owners: Assignment['owners']): NodeShare {
  const own = plan.shards.filter((shard) => owners[shard.id] === node);
  return {
    node,
    shards: own.length,
    endpointsMax: own.reduce((sum, shard) => sum + (shard.kind === 'endpoints' ? shard.activeMax : 0), 0),
    millicores: own.reduce((sum, shard) => sum + shard.costMillicores, 0),
    capacityMillicores: capabilities.capacityMillicores,
  };
}
