// What a launch would cost, from dated tables that lie in bootstrap/prices/ (one a vendor; nothing is fetched). Machines are billed by the second with a minimum, public
// addresses by the hour, and what leaves a vendor by the gigabyte, which at media rates is more than the machines. An estimate is a ceiling: the dearest type of a
// plan B, on demand where a spot price is not known, the first and dearest egress tier. A price that no table has is never guessed: the estimate names it, and a
// limit on cost refuses. Discounts, disks, taxes and free allowances are not known here. What has been spent during a run is node/core/spending.ts.

import { z } from 'zod';
import { fail, ok, type Problem, type Result } from '../node/core/errors.ts';
import { UPLINK_BPS_DEFAULT } from '../node/core/scenario-types.ts';
import { BILLED_S_MIN, GB_BYTES } from '../node/core/spending.ts';
import type { LaunchOrder, Market } from './cloud.ts';
import awsTable from './prices/aws.json' with { type: 'json' };
import gceTable from './prices/gce.json' with { type: 'json' };
import localTable from './prices/local.json' with { type: 'json' };
import sshTable from './prices/ssh.json' with { type: 'json' };

const usd = z.number().nonnegative().max(100_000);
const machinePriceSchema = z.strictObject({
  region: z.string().min(1),
  machineType: z.string().min(1),
  vcpus: z.number().positive(),
  memoryGiB: z.number().positive(),
  /** The vendor's headline; small types reach it in bursts only. */
  networkGbitS: z.number().positive(),
  onDemandUsdPerHour: usd,
  spotUsdPerHour: usd.optional(),
  /** Its cores are the machine's only in bursts: never chosen by itself to make load. */
  isShared: z.boolean().optional(),
});
const priceTableSchema = z.strictObject({
  /** Name of the cloud, as in `--on`. */
  provider: z.string().regex(/^[a-z][a-z0-9-]*$/),
  /** The last day for which the prices are known to have been right. */
  asOf: z.iso.date(),
  currency: z.literal('USD'),
  source: z.string().min(1),
  note: z.string(),
  /** The operator's own machines: nobody is paid for them. */
  isOwn: z.boolean().optional(),
  regions: z.array(z.strictObject({ region: z.string().min(1), egressUsdPerGB: usd, addressUsdPerHour: usd })).max(500),
  machines: z.array(machinePriceSchema).max(20_000),
});

export type MachinePrice = z.infer<typeof machinePriceSchema>;
export type PriceTable = z.infer<typeof priceTableSchema>;

const HOUR_S = 3600;

/** Problem: QUILT_PRICE_TABLE, one for each thing that is wrong with it. */
export function parsePriceTable(value: unknown): Result<PriceTable> {
  const parsed = priceTableSchema.safeParse(value);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => wrongTable(message, path.join('.')));
    return fail(...problems);
  }
  const { provider, regions, machines } = parsed.data;
  const keys = [...regions.map(({ region }) => region), ...machines.map(({ region, machineType }) => `${region} ${machineType}`)];
  const twice = keys.find((key, index) => keys.indexOf(key) !== index);
  return twice === undefined ? ok(parsed.data) : fail(wrongTable(`${provider} has two prices for ${twice}`, 'machines'));
}

const wrongTable = (message: string, key: string): Problem => ({
  ...{ code: 'QUILT_PRICE_TABLE', message, key },
  hint: 'the tables in bootstrap/prices/ show the form',
});

/** The tables of this build, by provider. A broken one is a programmer's error and throws. */
export function knownPrices(): ReadonlyMap<string, PriceTable> {
  const tables = [awsTable, gceTable, localTable, sshTable].map((table) => {
    const parsed = parsePriceTable(table);
    if (!parsed.ok) throw new Error(`price table ${table.provider}: ${parsed.problems.map(({ message }) => message).join('; ')}`);
    return [parsed.value.provider, parsed.value] as const;
  });
  return new Map(tables);
}

/** One order, and for how long and how busily its machines run. */
export interface CostQuestion {
  readonly cloud: string;
  readonly order: Pick<LaunchOrder, 'region' | 'machineTypes' | 'count' | 'markets' | 'address'>;
  /** Seconds from start to end of each machine. */
  readonly runS: number;
  /** Over all machines of the order: each sends `egressBps` for `sendS`. */
  readonly endpoints: number;
  readonly egressBps?: number;
  /** Default: all of `runS`. */
  readonly sendS?: number;
}

export interface CostLine {
  readonly cloud: string;
  readonly region: string;
  /** The dearest of those that the order allows. */
  readonly machineType: string;
  readonly count: number;
  readonly machinesUsd: number;
  readonly addressesUsd: number;
  readonly egressUsd: number;
  readonly asOf: string;
}

export interface CostEstimate {
  readonly lines: readonly CostLine[];
  /** Of `lines`; what is in `missing` comes on top. */
  readonly totalUsd: number;
  /** Sentences: what has no price. Empty = `totalUsd` is a ceiling. */
  readonly missing: readonly string[];
  /** Sentences for the operator: the age of the tables, and what was assumed. */
  readonly notes: readonly string[];
}

/** To the millionth of a dollar: below it there is only binary dust. */
const roundUsd = (value: number): number => Math.round(value * 1e6) / 1e6;

/** What leaves, in bytes. */
export const egressBytes = (endpoints: number, sendS: number, egressBps = UPLINK_BPS_DEFAULT): number =>
  (endpoints * egressBps * sendS) / 8;

export function estimateCost(tables: ReadonlyMap<string, PriceTable>, questions: readonly CostQuestion[]): CostEstimate {
  const lines: CostLine[] = [];
  const missing: string[] = [];
  const notes = new Set<string>();
  for (const question of questions) {
    const priced = priceOf(tables.get(question.cloud), question);
    missing.push(...priced.missing);
    if (priced.line !== null) lines.push(priced.line);
    for (const note of priced.notes) notes.add(note);
  }
  const totalUsd = lines.reduce((sum, { machinesUsd, addressesUsd, egressUsd }) => sum + machinesUsd + addressesUsd + egressUsd, 0);
  return { lines, totalUsd: roundUsd(totalUsd), missing, notes: [...notes] };
}

function priceOf(table: PriceTable | undefined, question: CostQuestion): { line: CostLine | null; missing: string[]; notes: string[] } {
  const { cloud, order, runS, endpoints, egressBps, sendS = runS } = question;
  const { region, machineTypes, count, markets, address } = order;
  if (table === undefined) return { line: null, missing: [`no price table for ${cloud}`], notes: [] };
  const common = { cloud, region, count, asOf: table.asOf };
  if (table.isOwn) {
    const line = { ...common, machineType: machineTypes[0] ?? '', machinesUsd: 0, addressesUsd: 0, egressUsd: 0 };
    return { line, missing: [], notes: [] };
  }
  const place = table.regions.find((each) => each.region === region);
  const found = machineTypes.map((type) => machineIn(table, region, type));
  const missing = machineTypes
    .filter((_type, index) => found[index] === undefined)
    .map((type) => `no price for ${cloud} ${region} ${type}`);
  if (place === undefined) missing.push(`no price for traffic and addresses of ${cloud} ${region}`);
  const prices = found.filter((each) => each !== undefined);
  const [first] = prices;
  if (first === undefined || place === undefined || missing.length > 0) return { line: null, missing, notes: [] };
  const dearest = prices.reduce((most, each) => (hourlyUsd(each, markets) > hourlyUsd(most, markets) ? each : most), first);
  const billedS = Math.max(BILLED_S_MIN, Math.ceil(runS));
  const addressesUsd = address === 'none' ? 0 : count * place.addressUsdPerHour * Math.ceil(billedS / HOUR_S);
  const line = {
    ...{ ...common, machineType: dearest.machineType, addressesUsd: roundUsd(addressesUsd) },
    machinesUsd: roundUsd((count * hourlyUsd(dearest, markets) * billedS) / HOUR_S),
    egressUsd: roundUsd((egressBytes(endpoints, sendS, egressBps) / GB_BYTES) * place.egressUsdPerGB),
  };
  const notes = [`prices of ${cloud} as of ${table.asOf}: ${table.source}`];
  if (markets.includes('spot') && dearest.spotUsdPerHour === undefined)
    notes.push(`spot machines of ${cloud} are counted at the on-demand price, which they do not exceed`);
  return { line, missing, notes };
}

/** What each machine of an order costs while it is there; null = nobody is paid for it, or there is no price. The dearest that the order allows. */
export function machineRate(
  tables: ReadonlyMap<string, PriceTable>,
  { cloud, order }: Pick<CostQuestion, 'cloud' | 'order'>,
): { readonly usdPerHour: number; readonly usdPerGB: number; readonly vcpus: number } | null {
  const table = tables.get(cloud);
  const place = table?.regions.find(({ region }) => region === order.region);
  if (table === undefined || table.isOwn || place === undefined) return null;
  const prices = order.machineTypes.map((type) => machineIn(table, order.region, type));
  const known = prices.filter((price) => price !== undefined);
  if (known.length === 0 || known.length < prices.length) return null;
  const addressUsd = order.address === 'none' ? 0 : place.addressUsdPerHour;
  const usdPerHour = Math.max(...known.map((price) => hourlyUsd(price, order.markets))) + addressUsd;
  return { usdPerHour, usdPerGB: place.egressUsdPerGB, vcpus: Math.min(...known.map(({ vcpus }) => vcpus)) };
}

const machineIn = (table: PriceTable, region: string, type: string): MachinePrice | undefined =>
  table.machines.find((each) => each.region === region && each.machineType === type);

/** The dearest that the markets allow. */
const hourlyUsd = ({ onDemandUsdPerHour, spotUsdPerHour }: MachinePrice, markets: readonly Market[]): number =>
  markets.every((market) => market === 'spot') ? (spotUsdPerHour ?? onDemandUsdPerHour) : onDemandUsdPerHour;

/** Why a launch with `--max-cost` may not start. Codes: QUILT_PRICE_MISSING, QUILT_COST_OVER. */
export function refusedByCost({ totalUsd, missing }: CostEstimate, costUsdMax: number): readonly Problem[] {
  if (!(costUsdMax > 0))
    return [{ code: 'QUILT_COST_OVER', message: `a limit of ${costUsdMax} USD pays for nothing`, hint: 'give a positive amount' }];
  const unknown = missing.map(
    (message): Problem => ({ code: 'QUILT_PRICE_MISSING', message, hint: 'choose a type that has a price, or leave --max-cost away' }),
  );
  if (totalUsd <= costUsdMax) return unknown;
  const message = `the launch may cost ${totalUsd.toFixed(2)} USD, and --max-cost is ${costUsdMax.toFixed(2)}`;
  return [...unknown, { code: 'QUILT_COST_OVER', message, hint: 'fewer machines, a shorter --max-wall, or a higher --max-cost' }];
}
