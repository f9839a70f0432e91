// What a launch costs, before it is one: the plan's endpoints and their traffic spread over the machines that were named, priced by the tables, shown, and agreed to by a
// person or by --yes. A limit (--max-cost) is kept in three places: here the launch is refused when its plan is dearer; each machine's kill timer is set to when its share
// would be used up; and the coordinator ends the run when the nodes' own counts come near it (node/core/spending.ts).

import type { LaunchRequest } from '../../bootstrap/launch-request.ts';
import { type CostEstimate, type CostQuestion, estimateCost, machineRate, refusedByCost } from '../../bootstrap/prices.ts';
import { askLine } from '../adapters/keyboard.ts';
import { err } from '../adapters/terminal.ts';
import type { Problem } from '../core/errors.ts';
import type { Plan } from '../core/plan-types.ts';
import { curve } from '../core/planned.ts';
import { UPLINK_BPS_DEFAULT, type ValidScenario } from '../core/scenario-types.ts';
import { formatDuration, formatUsd } from '../core/units.ts';
import { currentPrices } from './price-tables.ts';

export interface LaunchedPlan {
  readonly scenario: ValidScenario;
  readonly plan: Plan;
}

export interface LaunchCost {
  readonly estimate: CostEstimate;
  /** How long each machine is expected to be paid for. */
  readonly runMs: number;
  /** All machines together, while they are there. */
  readonly usdPerHour: number;
  readonly trafficUsd: number;
  /** What an endpoint sends, on average over the plan. */
  readonly egressBps: number;
}

/** From the order until the first endpoint starts, and from the last one's end until the machine is off. */
const BEFORE_MS = 180_000;
const AFTER_MS = 90_000;
const HOUR_MS = 3_600_000;
const CURVE_SAMPLES = 241;

const addressOf = (isReserved: boolean): 'reserved' | 'ephemeral' => (isReserved ? 'reserved' : 'ephemeral');

/** Endpoints on average over the plan, and what one of them sends on average. */
function meanTraffic({ scenario, plan }: LaunchedPlan): { endpoints: number; egressBps: number } {
  const { groups } = curve(scenario, plan.durationMs, CURVE_SAMPLES);
  let endpoints = 0;
  let bps = 0;
  for (const [index, { active }] of groups.entries()) {
    const mean = active.reduce((sum, count) => sum + count, 0) / Math.max(1, active.length);
    endpoints += mean;
    bps += mean * (scenario.groups[index]?.uplinkBps ?? UPLINK_BPS_DEFAULT);
  }
  return { endpoints, egressBps: endpoints === 0 ? 0 : bps / endpoints };
}

export function costOfLaunch(planned: LaunchedPlan, requests: readonly LaunchRequest[], hasReserved: boolean): LaunchCost {
  const tables = currentPrices();
  const { endpoints, egressBps } = meanTraffic(planned);
  const runMs = BEFORE_MS + planned.plan.durationMs + planned.plan.gracefulStopMs + AFTER_MS;
  const orders = requests.map((request) => ({ cloud: request.cloud, order: { ...request, address: addressOf(hasReserved) } }));
  const rates = orders.map((order) => machineRate(tables, order));
  // Load goes by cores; where they are not known, a machine is a machine.
  const weights = orders.map(({ order }, index) => order.count * (rates[index]?.vcpus ?? 1));
  const weightAll = weights.reduce((sum, weight) => sum + weight, 0);
  const questions = orders.map(
    (order, index): CostQuestion => ({
      ...order,
      ...{ runS: runMs / 1000, sendS: planned.plan.durationMs / 1000, egressBps },
      endpoints: (endpoints * (weights[index] ?? 0)) / Math.max(1, weightAll),
    }),
  );
  const estimate = estimateCost(tables, questions);
  return {
    ...{ estimate, runMs, egressBps, trafficUsd: estimate.lines.reduce((sum, { egressUsd }) => sum + egressUsd, 0) },
    usdPerHour: orders.reduce((sum, { order }, index) => sum + order.count * (rates[index]?.usdPerHour ?? 0), 0),
  };
}

/** How long the machines may be there, if they sent all that is planned, before `usdMax` is used up. */
export const lifeWithinMs = ({ usdPerHour, trafficUsd }: LaunchCost, usdMax: number): number =>
  usdPerHour === 0 ? Number.POSITIVE_INFINITY : Math.max(0, ((usdMax - trafficUsd) / usdPerHour) * HOUR_MS);

/** `join`'s words for the price of the machine that it runs on. */
export function priceFlags(request: LaunchRequest, hasReserved: boolean, paidSinceWallMs: number): string[] {
  const rate = machineRate(currentPrices(), { cloud: request.cloud, order: { ...request, address: addressOf(hasReserved) } });
  if (rate === null) return [];
  const flags = [
    ['--usd-per-hour', rate.usdPerHour],
    ['--usd-per-gb', rate.usdPerGB],
    ['--paid-since', paidSinceWallMs],
  ];
  return flags.flat().map(String);
}

export function costLines({ estimate, runMs, usdPerHour }: LaunchCost): string[] {
  const { lines, totalUsd, missing, notes } = estimate;
  const rows = lines.map(({ cloud, region, machineType, count, machinesUsd, addressesUsd, egressUsd }) => {
    const parts = `machines ${formatUsd(machinesUsd)}, addresses ${formatUsd(addressesUsd)}, traffic ${formatUsd(egressUsd)}`;
    return `  ${count} x ${cloud} ${region} ${machineType}: ${parts}`;
  });
  const total = `cost        about ${formatUsd(totalUsd)} for ${formatDuration(runMs)} of each machine, ${formatUsd(usdPerHour)} an hour`;
  return [
    missing.length === 0 ? total : `${total}, and what has no price`,
    ...rows,
    ...missing.map((what) => `  not known: ${what}`),
    ...notes.map((note) => `  ${note}`),
  ];
}

/** Nobody is paid for own machines: nothing to agree to. */
const isFree = ({ totalUsd, missing }: CostEstimate): boolean => totalUsd === 0 && missing.length === 0;

/** Shows the estimate and asks; the problems are why it must not start. */
export async function agreeToCost(
  cost: LaunchCost,
  flags: { readonly yes?: boolean; readonly maxCost?: number },
): Promise<readonly Problem[]> {
  const { estimate } = cost;
  if (flags.maxCost !== undefined) {
    const refused = refusedByCost(estimate, flags.maxCost);
    if (refused.length > 0) return refused;
  }
  if (isFree(estimate)) return [];
  for (const line of costLines(cost)) err(line);
  if (flags.yes === true) return [];
  const answer = await askLine('rent these machines? [y/N] ');
  if (answer === null) {
    const message = 'this launch costs money, and nobody is there to be asked';
    return [{ code: 'QUILT_COST_AGREE', message, hint: 'add --yes, best together with --max-cost' }];
  }
  if (/^y(es)?$/i.test(answer.trim())) return [];
  return [
    { code: 'QUILT_COST_AGREE', message: 'not agreed to: nothing was rented', hint: 'fewer machines or a shorter scenario cost less' },
  ];
}
