// What would run, for the page to draw: the plan as `quilt-swarm plan` places it, on N nodes of this computer or on the machines of a launch, with its curve, groups, thresholds and targets.

import { parse } from 'yaml';
import { type PlacedPlan, placeOnNodes } from '../../../node/commands/placed-plan.ts';
import { targetsOf } from '../../../node/core/host-port.ts';
import { makePlan } from '../../../node/core/plan.ts';
import type { Plan } from '../../../node/core/plan-types.ts';
import { curve } from '../../../node/core/planned.ts';
import type { ValidScenario } from '../../../node/core/scenario-types.ts';
import type { MachinesRequest, PlanView } from '../protocol.ts';
import { planOnMachines, type RentedPlan } from './launches.ts';

const CURVE_SAMPLES = 121;

type GoodPlan = Extract<PlanView, { ok: true }>;

export interface PlanOfInit {
  readonly scenario: ValidScenario;
  readonly text: string;
  readonly nodes: number;
  readonly machines: MachinesRequest | undefined;
  readonly command: string;
  readonly start: string;
}

export async function planOf({ scenario, text, nodes, machines, command, start }: PlanOfInit): Promise<GoodPlan> {
  const plan = makePlan(scenario);
  const rented: RentedPlan | null = machines === undefined ? null : await planOnMachines({ scenario, plan }, machines);
  const placed: PlacedPlan | null = rented === null ? placeOnNodes({ scenario, plan }, { nodes }) : rented.placed;
  const { stepMs, total } = curve(scenario, plan.durationMs, CURVE_SAMPLES);
  return {
    ...{ ok: true, command, start, ...variablesIn(text), durationMs: plan.durationMs, endpointCount: plan.endpointCount },
    ...{ activeMax: plan.activeMax, meetingCount: plan.meetingCount, shardCount: plan.shards.length, curve: { stepMs, total } },
    groups: scenario.groups.map(({ name, type, index }) => {
      const own = plan.shards.filter(({ groupIndex }) => groupIndex === index);
      return { name, type, peak: peakOf(own), cores: coresOf(own) };
    }),
    nodes: (placed?.nodes ?? []).map(({ node, shards, endpointsMax, millicores, capacityMillicores }) => ({
      ...{ name: node, shards, peak: endpointsMax, cores: millicores / 1000, capacityCores: capacityMillicores / 1000 },
    })),
    thresholds: scenario.thresholds.map(({ selectorText, expressionText }) => `${selectorText} ${expressionText}`),
    targets: targetsOf(scenario),
    unplaceable: (placed?.unplaceable ?? []).map(({ reason }) => reason),
    machines: rented?.machines ?? null,
  };
}

const peakOf = (shards: Plan['shards']): number =>
  shards.reduce((sum, shard) => sum + (shard.kind === 'endpoints' ? shard.activeMax : 0), 0);
const coresOf = (shards: Plan['shards']): number => shards.reduce((sum, { costMillicores }) => sum + costMillicores, 0) / 1000;

/** What is under `variables:` as it is written: each bare, or as `default:` beside its description. */
function variablesIn(text: string): Pick<GoodPlan, 'variables' | 'descriptions'> {
  const { variables } = parse(text) as { variables?: Record<string, unknown> };
  const rows = Object.entries(variables ?? {}).map(([name, value]) => {
    const isMap = typeof value === 'object' && value !== null;
    const { default: usual = '', description = '' } = (isMap ? value : { default: value }) as { default?: unknown; description?: unknown };
    return { name, usual: String(usual), description: String(description) };
  });
  return {
    variables: Object.fromEntries(rows.map(({ name, usual }) => [name, usual])),
    descriptions: Object.fromEntries(rows.flatMap(({ name, description }) => (description === '' ? [] : [[name, description]]))),
  };
}
