// The cheapest machines that carry a plan: how many of which type, of which vendor and region, on which market, and how many endpoints run on each, because traffic
// costs more than machines and its price differs by vendor. A small integer programme in CPLEX LP text; who solves it comes from outside (node/adapters/integer-program.ts
// has HiGHS). The answer is not believed: it is checked against the need before it is given back. Spot counts by its share of the cores, and only where a price of it is
// known. Offers are made from price tables by the caller's choice of vendors and regions; nothing that is not offered is ever in a mix.

import { fail, ok, type Problem, type Result } from '../node/core/errors.ts';
import { UPLINK_BPS_DEFAULT } from '../node/core/scenario-types.ts';
import { BILLED_S_MIN, GB_BYTES } from '../node/core/spending.ts';
import type { Market } from './cloud.ts';
import { egressBytes, type PriceTable } from './prices.ts';

export interface MixOffer {
  readonly cloud: string;
  readonly region: string;
  readonly machineType: string;
  readonly market: Market;
  readonly cores: number;
  /** Whole; what one machine carries. */
  readonly endpointsMax: number;
  /** For the whole run. */
  readonly usdPerMachine: number;
  readonly usdPerEndpoint: number;
}

export interface MixNeed {
  readonly cores: number;
  readonly endpoints: number;
  /** Each must have so much in any of its places, which are written `cloud:region`. A place may serve several. */
  readonly areas: readonly MixArea[];
  /** 0 = no spot, 100 = all of the cores may be. Whole. */
  readonly spotPercentMax: number;
  readonly machinesMax: number;
}

export interface MixArea {
  readonly name: string;
  readonly places: readonly string[];
  readonly cores: number;
  readonly endpoints: number;
}

export interface MixPart {
  readonly offer: MixOffer;
  readonly machines: number;
  readonly endpoints: number;
}

export interface Mix {
  readonly parts: readonly MixPart[];
  readonly totalUsd: number;
}

/** Values of the variables by name; null = no choice of values keeps all constraints. */
export type IntegerProgramSolver = (lpText: string) => Promise<Result<ReadonlyMap<string, number> | null>>;

/** More would be a whole vendor's list in all regions; the programme is solved while somebody waits. */
const OFFERS_MAX = 400;
const HOUR_S = 3600;

export interface OfferInit {
  /** `cloud:region`; only these are offered. */
  readonly places: readonly string[];
  readonly runS: number;
  readonly endpointsPerCore: number;
  readonly egressBps?: number;
  /** Address of its own for each machine. */
  readonly hasAddress: boolean;
  /** Of the headline network rate, for what endpoints send: 0 up to 1. */
  readonly networkShareMax: number;
}

export function offersOf(tables: ReadonlyMap<string, PriceTable>, init: OfferInit): readonly MixOffer[] {
  const { runS, endpointsPerCore, egressBps = UPLINK_BPS_DEFAULT, hasAddress, networkShareMax } = init;
  const billedS = Math.max(BILLED_S_MIN, Math.ceil(runS));
  const offers: MixOffer[] = [];
  for (const table of tables.values()) {
    for (const { region, egressUsdPerGB, addressUsdPerHour } of table.regions) {
      if (!init.places.includes(`${table.provider}:${region}`)) continue;
      for (const machine of table.machines.filter((each) => each.region === region && !each.isShared)) {
        const { machineType, vcpus, networkGbitS, onDemandUsdPerHour, spotUsdPerHour } = machine;
        const common = {
          ...{ cloud: table.provider, region, machineType, cores: vcpus },
          endpointsMax: Math.floor(Math.min(endpointsPerCore * vcpus, (networkGbitS * 1e9 * networkShareMax) / egressBps)),
          usdPerEndpoint: (egressBytes(1, runS, egressBps) / GB_BYTES) * egressUsdPerGB,
        };
        const addressUsd = hasAddress ? addressUsdPerHour * Math.ceil(billedS / HOUR_S) : 0;
        const usdOf = (usdPerHour: number): number => (usdPerHour * billedS) / HOUR_S + addressUsd;
        offers.push({ ...common, market: 'on-demand', usdPerMachine: usdOf(onDemandUsdPerHour) });
        if (spotUsdPerHour !== undefined) offers.push({ ...common, market: 'spot', usdPerMachine: usdOf(spotUsdPerHour) });
      }
    }
  }
  return offers;
}

/** Problems: QUILT_MIX_NEED (a number that makes no sense, or too many offers), QUILT_MIX_NONE (no offer, or no mix of them suffices), QUILT_MIX_SOLVER. */
export async function cheapestMix(offers: readonly MixOffer[], need: MixNeed, solve: IntegerProgramSolver): Promise<Result<Mix>> {
  const wrong = wrongIn(offers, need);
  if (wrong !== null) return fail(wrong);
  const solved = offers.length === 0 ? ok(null) : await solve(programText(offers, need));
  if (!solved.ok) return solved;
  if (solved.value === null) return fail(noMix(offers, need));
  const values = solved.value;
  const at = (name: string): number => Math.round(values.get(name) ?? 0);
  const all = offers.map((offer, index) => ({ offer, machines: at(`m${index}`), endpoints: at(`e${index}`) }));
  const broken = brokenNeeds(all, need);
  if (broken.length > 0) {
    const message = `the solver's answer does not keep: ${broken.join('; ')}`;
    return fail({ code: 'QUILT_MIX_SOLVER', message, hint: 'name the machines with --on, and report this' });
  }
  const parts = all.filter(({ machines }) => machines > 0);
  return ok({ parts, totalUsd: costOf(parts) });
}

export const costOf = (parts: readonly MixPart[]): number =>
  parts.reduce((sum, { offer, machines, endpoints }) => sum + machines * offer.usdPerMachine + endpoints * offer.usdPerEndpoint, 0);

/** What of the need these parts do not meet, in words. */
export function brokenNeeds(parts: readonly MixPart[], need: MixNeed): string[] {
  const sum = (of: (part: MixPart) => number, within: readonly MixPart[] = parts): number =>
    within.reduce((total, part) => total + of(part), 0);
  const coresOf = ({ offer, machines }: MixPart): number => offer.cores * machines;
  const endpointsOf = ({ endpoints }: MixPart): number => endpoints;
  const broken: string[] = [];
  if (parts.some(({ machines, endpoints }) => machines < 0 || endpoints < 0)) broken.push('nothing may be negative');
  if (sum(coresOf) < need.cores) broken.push(`${need.cores} cores`);
  if (sum(endpointsOf) < need.endpoints) broken.push(`${need.endpoints} endpoints`);
  if (sum(({ machines }) => machines) > need.machinesMax) broken.push(`at most ${need.machinesMax} machines`);
  if (parts.some(({ offer, machines, endpoints }) => endpoints > offer.endpointsMax * machines)) broken.push('what a machine carries');
  const spot = parts.filter(({ offer }) => offer.market === 'spot');
  if (100 * sum(coresOf, spot) > need.spotPercentMax * sum(coresOf)) broken.push(`at most ${need.spotPercentMax} % spot`);
  for (const { name, places, cores, endpoints } of need.areas) {
    const there = parts.filter(({ offer }) => places.includes(placeOf(offer)));
    if (sum(coresOf, there) < cores) broken.push(`${cores} cores in ${name}`);
    if (sum(endpointsOf, there) < endpoints) broken.push(`${endpoints} endpoints in ${name}`);
  }
  return broken;
}

const placeOf = ({ cloud, region }: MixOffer): string => `${cloud}:${region}`;

/** CPLEX LP format. m0, m1, ... are machines, e0, e1, ... endpoints of the offers in their order. */
function programText(offers: readonly MixOffer[], need: MixNeed): string {
  const machines = (weight: (offer: MixOffer) => number): Term[] => offers.map((offer, index) => [weight(offer), `m${index}`]);
  const endpoints = (weight: (offer: MixOffer) => number): Term[] => offers.map((offer, index) => [weight(offer), `e${index}`]);
  const inArea = (area: MixArea, offer: MixOffer): number => (area.places.includes(placeOf(offer)) ? 1 : 0);
  const rows: ReadonlyArray<readonly [Term[], '>=' | '<=', number]> = [
    [machines(({ cores }) => cores), '>=', need.cores],
    [endpoints(() => 1), '>=', need.endpoints],
    [machines(() => 1), '<=', need.machinesMax],
    [machines(({ cores, market }) => cores * ((market === 'spot' ? 100 : 0) - need.spotPercentMax)), '<=', 0],
    ...offers.map(
      (offer, index) =>
        [
          [
            [1, `e${index}`],
            [-offer.endpointsMax, `m${index}`],
          ] as Term[],
          '<=',
          0,
        ] as const,
    ),
    ...need.areas.flatMap((area) => [
      [machines((offer) => inArea(area, offer) * offer.cores), '>=', area.cores] as const,
      [endpoints((offer) => inArea(area, offer)), '>=', area.endpoints] as const,
    ]),
  ];
  const names = offers.flatMap((_offer, index) => [`m${index}`, `e${index}`]);
  return [
    'Minimize',
    ` cost: ${sumText([...machines(({ usdPerMachine }) => usdPerMachine), ...endpoints(({ usdPerEndpoint }) => usdPerEndpoint)])}`,
    'Subject To',
    ...rows.map(([terms, relation, bound], index) => ` r${index}: ${sumText(terms)} ${relation} ${bound}`),
    'General',
    ...names.map((name) => ` ${name}`),
    'End',
    '',
  ].join('\n');
}

type Term = readonly [weight: number, name: string];

/** One term a line: readers of the format may refuse lines of more than 255 characters. Zero weights stay, so that no row is empty. */
const sumText = (terms: readonly Term[]): string =>
  terms.map(([weight, name]) => `${weight < 0 ? '-' : '+'} ${Math.abs(weight)} ${name}`).join('\n  ');

function wrongIn(offers: readonly MixOffer[], need: MixNeed): Problem | null {
  const wrong = (message: string, hint: string): Problem => ({ code: 'QUILT_MIX_NEED', message, hint });
  if (offers.length > OFFERS_MAX)
    return wrong(`${offers.length} offers are too many to choose from`, `name regions, so that at most ${OFFERS_MAX} are left`);
  const wholes = [need.cores, need.endpoints, need.machinesMax, ...need.areas.flatMap(({ cores, endpoints }) => [cores, endpoints])];
  const strange = wholes.find((value) => !Number.isSafeInteger(value) || value < 0 || value > 1e9);
  if (strange !== undefined) return wrong(`${strange} cores, endpoints or machines`, 'whole numbers from 0 to a billion are possible');
  const { spotPercentMax } = need;
  if (!Number.isInteger(spotPercentMax) || spotPercentMax < 0 || spotPercentMax > 100)
    return wrong(`a spot share of ${spotPercentMax} %`, 'a whole number from 0 to 100');
  return null;
}

function noMix(offers: readonly MixOffer[], { machinesMax, areas }: MixNeed): Problem {
  const offered = new Set(offers.map(placeOf));
  const empty = areas.find(({ places, cores, endpoints }) => cores + endpoints > 0 && !places.some((place) => offered.has(place)));
  const message =
    empty === undefined
      ? `no mix of ${offers.length} offers gives what is needed with at most ${machinesMax} machines`
      : `nothing is offered in ${empty.name} (${empty.places.join(', ')})`;
  return { code: 'QUILT_MIX_NONE', message, hint: 'allow more machines, other regions or vendors; types without a price are not offered' };
}
