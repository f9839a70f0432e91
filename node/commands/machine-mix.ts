// Which machines a run is launched on: those that --on names, or the cheapest mix that carries the plan in the places that --mix names, chosen by an integer programme over the
// price tables (bootstrap/cheapest-mix.ts). Groups with constraints on vendor or region get their share where those are. The choice is shown as the --on words that would
// order the same, so that it can be repeated, changed, or written into a pipeline.

import { Option } from 'commander';
import { cheapestMix, type Mix, type MixArea, offersOf } from '../../bootstrap/cheapest-mix.ts';
import { INSTANCES_MAX, type LaunchRequest, parseLaunchRequests } from '../../bootstrap/launch-request.ts';
import { machineRate } from '../../bootstrap/prices.ts';
import { solveIntegerProgram } from '../adapters/integer-program.ts';
import { fail, ok, type Problem, type Result } from '../core/errors.ts';
import type { RosterMember } from '../core/messages.ts';
import { wholeNumber } from './finish.ts';
import { costOfLaunch, type LaunchedPlan } from './launch-cost.ts';
import { currentPrices } from './price-tables.ts';

export interface MachineFlags {
  readonly on: readonly string[];
  readonly mix: readonly string[];
  readonly spotShare: number;
  readonly machinesMax: number;
  readonly reserveAddresses?: boolean;
}

/** Declared costs are means, and a worker that is full is late: a core is planned to this part. */
const CORE_SHARE = 0.7;
const NETWORK_SHARE = 0.5;
const PERCENT_MAX = 100;

const collect = (text: string, all: readonly string[]): readonly string[] => [...all, text];

export const machineOptions = (): Option[] => [
  new Option('--on <cloud:region:type=count>', 'machines to rent; repeatable').argParser(collect).default([], ''),
  new Option('--mix <cloud:region>', 'instead: the cheapest machines there that carry the plan; repeatable')
    .argParser(collect)
    .default([], ''),
  new Option('--spot-share <percent>', 'of the cores of a mix that may be spot machines').argParser(wholeNumber(0, PERCENT_MAX)).default(0),
  new Option('--machines-max <count>', 'machines of a mix').argParser(wholeNumber(1, INSTANCES_MAX)).default(INSTANCES_MAX),
];

/** Problems: QUILT_LAUNCH_REQUEST, QUILT_MIX_*. */
export async function machinesFor(planned: LaunchedPlan, flags: MachineFlags): Promise<Result<readonly LaunchRequest[]>> {
  if (flags.mix.length === 0) return parseLaunchRequests(flags.on);
  if (flags.on.length > 0)
    return fail({ code: 'QUILT_MIX_NEED', message: 'both --on and --mix', hint: 'either name the machines, or let them be chosen' });
  const strange = flags.mix.find((place) => !/^[a-z][a-z0-9-]*:[A-Za-z0-9][A-Za-z0-9._-]*$/.test(place));
  if (strange !== undefined)
    return fail({ code: 'QUILT_MIX_NEED', message: `--mix ${strange} is no place`, hint: 'CLOUD:REGION, for example aws:us-east-1' });
  const unpriced = flags.mix.filter((place) => !isPriced(place));
  if (unpriced.length > 0)
    return fail({
      code: 'QUILT_MIX_NONE',
      message: `no prices for ${unpriced.join(', ')}`,
      hint: `known are ${pricedPlaces().join(', ')}`,
    });
  const mix = await mixFor(planned, flags);
  return mix.ok ? ok(mix.value.parts.map(requestOf)) : mix;
}

const pricedPlaces = (): string[] =>
  [...currentPrices().values()].flatMap(({ provider, regions }) => regions.map(({ region }) => `${provider}:${region}`));
const isPriced = (place: string): boolean => pricedPlaces().includes(place);

const requestOf = ({ offer: { cloud, region, machineType, market }, machines }: Mix['parts'][number]): LaunchRequest => ({
  ...{ cloud, region, zones: [], machineTypes: [machineType], count: machines },
  // A spot machine that is not to be had is still needed.
  markets: market === 'spot' ? ['spot', 'on-demand'] : ['on-demand'],
});

/** The words that order the same. */
export const wordsOf = (requests: readonly LaunchRequest[]): string =>
  requests
    .map(({ cloud, region, zones, machineTypes, count, markets }) => {
      const market = markets.length > 1 ? '@spot+' : markets[0] === 'spot' ? '@spot' : '';
      return `--on ${cloud}:${[region, ...(zones.length > 0 ? [zones.join(',')] : [])].join('/')}:${machineTypes.join(',')}=${count}${market}`;
    })
    .join(' ');

async function mixFor(planned: LaunchedPlan, flags: MachineFlags): Promise<Result<Mix>> {
  const { shards, activeMax } = planned.plan;
  const coresOf = (all: typeof shards): number =>
    Math.max(1, Math.ceil(all.reduce((sum, { costMillicores }) => sum + costMillicores, 0) / 1000 / CORE_SHARE));
  const areas = areasOf(planned, flags.mix, coresOf);
  if (!areas.ok) return areas;
  const cores = coresOf(shards);
  const { runMs, egressBps } = costOfLaunch(planned, [], false);
  const offers = offersOf(currentPrices(), {
    ...{ places: flags.mix, runS: runMs / 1000, endpointsPerCore: Math.max(1, Math.ceil(activeMax / cores)), egressBps },
    ...{ hasAddress: true, networkShareMax: NETWORK_SHARE },
  });
  const need = { cores, endpoints: activeMax, areas: areas.value, spotPercentMax: flags.spotShare, machinesMax: flags.machinesMax };
  return cheapestMix(offers, need, solveIntegerProgram);
}

/** One for each set of constraints. Other labels than vendor and region are of machines that no vendor sells. */
function areasOf({ plan }: LaunchedPlan, places: readonly string[], coresOf: (shards: typeof plan.shards) => number): Result<MixArea[]> {
  const bound = Map.groupBy(
    plan.shards.filter(({ constraints }) => Object.keys(constraints).length > 0),
    ({ constraints }) => JSON.stringify(Object.entries(constraints).sort()),
  );
  const areas: MixArea[] = [];
  const problems: Problem[] = [];
  for (const [key, shards] of bound) {
    const wanted = new Map(JSON.parse(key) as [string, string][]);
    const other = [...wanted.keys()].find((label) => label !== 'vendor' && label !== 'region');
    if (other !== undefined) {
      const message = `some of the load wants machines with the label ${other}=${wanted.get(other)}`;
      problems.push({ code: 'QUILT_MIX_NEED', message, hint: 'a mix knows vendor and region only: name the machines with --on' });
    }
    const fits = (place: string): boolean => {
      const [cloud, region] = place.split(':');
      return (wanted.get('vendor') ?? cloud) === cloud && (wanted.get('region') ?? region) === region;
    };
    const name = [...wanted].map(([label, value]) => `${label} ${value}`).join(', ');
    const endpoints = shards.reduce((sum, { kind, activeMax }) => sum + (kind === 'endpoints' ? activeMax : 0), 0);
    areas.push({ name, places: places.filter(fits), cores: coresOf(shards), endpoints });
  }
  return problems.length > 0 ? fail(...problems) : ok(areas);
}

/** The machines as members of a swarm, for the plan's placing; where a type's cores are not known, `coresElse`. */
export function membersOf(requests: readonly LaunchRequest[], types: readonly string[], coresElse: number): RosterMember[] {
  return requests.flatMap((request) => {
    const cores = machineRate(currentPrices(), { cloud: request.cloud, order: { ...request, address: 'none' } })?.vcpus ?? coresElse;
    const labels = { vendor: request.cloud, region: request.region };
    const capabilities = { types, cores, memoryMb: 0, capacityMillicores: Math.floor(cores * 1000), labels };
    return Array.from({ length: request.count }, (_, index) => {
      const node = `${request.cloud} ${request.region} ${index + 1}`;
      return { node, voter: true, load: true, capabilities };
    });
  });
}
