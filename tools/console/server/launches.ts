// Rented machines for Catapult: which clouds there are and what stands in the way of renting there, the words of `launch`, and what a launch would cost and why it would be refused, as `plan --on`
// and `launch` themselves say it. Nothing here asks a vendor for machines; whether there are credentials is asked at most twice a minute.

import { INSTANCES_MAX, parseLaunchRequests } from '../../../bootstrap/launch-request.ts';
import { refusedByCost } from '../../../bootstrap/prices.ts';
import { monotonicNowMs } from '../../../node/adapters/clock.ts';
import { openClouds } from '../../../node/commands/clouds.ts';
import { costLines, costOfLaunch, type LaunchCost, type LaunchedPlan } from '../../../node/commands/launch-cost.ts';
import { isFar, NO_HOST } from '../../../node/commands/launch-orders.ts';
import { type MachineFlags, wordsOf } from '../../../node/commands/machine-mix.ts';
import { type PlacedPlan, placeOnMachines } from '../../../node/commands/placed-plan.ts';
import { currentPrices } from '../../../node/commands/price-tables.ts';
import { ok, type Problem } from '../../../node/core/errors.ts';
import { cloudFiles, loadCloudType } from '../../../node/runtime/cloud-registry.ts';
import type { CloudRow, CostView, MachinesPlan, MachinesRequest, VendorCost } from '../protocol.ts';
import { problemView } from './problem-view.ts';

/** Somebody sets credentials and looks again: not later than this. */
const KNOWN_MS = 30_000;
const NAMES_MAX = 64;

/** Opening a cloud looks for credentials, which may take a metadata server's silence. */
const opened = new Map<string, { readonly untilMs: number; readonly problems: Promise<readonly Problem[]> }>();

function problemsOfCloud(name: string): Promise<readonly Problem[]> {
  const known = opened.get(name);
  if (known !== undefined && known.untilMs > monotonicNowMs()) return known.problems;
  const problems = openClouds([name]).then((clouds) => (clouds.ok ? [] : clouds.problems));
  // Names come from a form.
  if (opened.size >= NAMES_MAX) opened.clear();
  opened.set(name, { untilMs: monotonicNowMs() + KNOWN_MS, problems });
  return problems;
}

export async function cloudRows(): Promise<readonly CloudRow[]> {
  const names = Object.keys(await cloudFiles()).sort(
    (left, right) => Number(right === 'local') - Number(left === 'local') || (left < right ? -1 : 1),
  );
  return Promise.all(
    names.map(async (name): Promise<CloudRow> => {
      const [type, [problem]] = [await loadCloudType(name), await problemsOfCloud(name)];
      const table = currentPrices().get(name);
      const regions = (table?.regions ?? []).map(({ region }) => ({
        region,
        machineTypes: (table?.machines ?? []).filter((machine) => machine.region === region).map(({ machineType }) => machineType),
      }));
      return {
        ...{ name, regions, problem: problem === undefined ? null : problemView(problem) },
        summary: type.ok ? type.value.summary : '',
        hasSpot: type.ok && type.value.markets.includes('spot'),
      };
    }),
  );
}

/** What the form has no field for, and what costs or counts all the same. */
export interface BeyondForm {
  readonly with: readonly string[];
  readonly machinesMax: number;
  readonly seedOn: readonly string[];
  readonly reserveAddresses: boolean;
}
const NOTHING_BEYOND: BeyondForm = { with: [], machinesMax: INSTANCES_MAX, seedOn: [], reserveAddresses: false };

const flagsOf = ({ on, mix, spotSharePercent }: MachinesRequest, { machinesMax, reserveAddresses }: BeyondForm): MachineFlags => ({
  ...{ on, mix, spotShare: spotSharePercent, machinesMax, reserveAddresses },
});

/** For `plan`, and with what only `launch` takes. */
export function planWords({ on, mix, spotSharePercent }: MachinesRequest): readonly string[] {
  const share = mix.length > 0 && spotSharePercent > 0 ? ['--spot-share', String(spotSharePercent)] : [];
  return [...on.flatMap((word) => ['--on', word]), ...mix.flatMap((place) => ['--mix', place]), ...share];
}

export const launchWords = (machines: MachinesRequest): readonly string[] => [
  ...planWords(machines),
  ...(machines.host === null ? [] : ['--host', machines.host]),
  ...(machines.maxCostUsd === null ? [] : ['--max-cost', String(machines.maxCostUsd)]),
];

export function costView(cost: LaunchCost): CostView {
  const { estimate, usdPerHour, runMs } = cost;
  const vendors = [...Map.groupBy(estimate.lines, ({ cloud }) => cloud)].map(([cloud, lines]): VendorCost => {
    const sum = (of: (line: (typeof lines)[number]) => number): number => lines.reduce((total, line) => total + of(line), 0);
    const parts = { machinesUsd: sum((line) => line.machinesUsd), addressesUsd: sum((line) => line.addressesUsd) };
    const trafficUsd = sum((line) => line.egressUsd);
    const totalUsd = parts.machinesUsd + parts.addressesUsd + trafficUsd;
    return { cloud, machines: sum(({ count }) => count), ...parts, trafficUsd, totalUsd };
  });
  const { totalUsd, missing, notes } = estimate;
  return { vendors, totalUsd, usdPerHour, runMs, missing, notes, lines: costLines(cost) };
}

export interface RentedPlan {
  readonly placed: PlacedPlan | null;
  readonly machines: MachinesPlan;
}

/** Where the load would be on these machines, and everything that `launch` would refuse them for before it asks anybody. */
export async function planOnMachines(planned: LaunchedPlan, machines: MachinesRequest, beyond = NOTHING_BEYOND): Promise<RentedPlan> {
  const placed = await placeOnMachines(planned, flagsOf(machines, beyond));
  const seeds = beyond.seedOn.length === 0 ? ok([]) : parseLaunchRequests(beyond.seedOn);
  const unreadable = [placed, seeds].flatMap((result) => (result.ok ? [] : result.problems));
  if (!placed.ok || !seeds.ok) return { placed: null, machines: { on: [], cost: null, problems: unreadable.map(problemView) } };
  const all = [...placed.value.machines, ...seeds.value];
  const cost = costOfLaunch(planned, all, beyond.reserveAddresses);
  const problems = (await Promise.all([...new Set(all.map(({ cloud }) => cloud))].map(problemsOfCloud))).flat();
  if (isFar(all) && machines.host === null) problems.push(NO_HOST);
  if (machines.maxCostUsd !== null) problems.push(...refusedByCost(cost.estimate, machines.maxCostUsd));
  const on = placed.value.machines.map((request) => wordsOf([request]).replace(/^--on /, ''));
  return { placed: placed.value, machines: { on, cost: costView(cost), problems: problems.map(problemView) } };
}

/** More than was agreed to is a launch that nobody agreed to. */
export function disagreement(cost: CostView, agreedUsd: number | undefined): Problem | null {
  const isFree = cost.totalUsd === 0 && cost.missing.length === 0;
  if (isFree || (agreedUsd !== undefined && cost.totalUsd <= agreedUsd + 1e-6)) return null;
  const about = `about ${cost.totalUsd.toFixed(4)} USD`;
  const message =
    agreedUsd === undefined ? `this launch costs ${about}, and nobody agreed to it` : `this launch costs ${about}, and less was agreed to`;
  return { code: 'QUILT_COST_AGREE', message, hint: 'look at the plan again, and agree to what it shows (agreedUsd)' };
}
