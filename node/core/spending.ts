// What a run has cost so far, as each node counts it for its own machine and tells in its windows: two levels, the dollars since the machine was rented and the dollars an
// hour at its present pace. Summed over nodes they are the swarm's, on whatever node coordinates, so a limit holds also when the launcher is gone. Nobody's bill is
// read: vendors' are hours late. Prices come with the machine (bootstrap/prices.ts at launch); a machine without one costs nothing here and is counted as unpriced.

import type { Aggregate, GaugeReading } from './aggregate.ts';
import { METRIC } from './builtin-metrics.ts';
import { seriesKey } from './series.ts';
import type { Series } from './stats-types.ts';

export interface MachinePrice {
  /** Machine and public address together. */
  readonly usdPerHour: number;
  /** Of what leaves the machine, decimal gigabytes. */
  readonly usdPerGB: number;
  /** Wall clock, ms: from when it is paid for. */
  readonly paidSinceWallMs: number;
}

/** Both figures are sums over all nodes that ever told theirs. */
export interface Spending {
  readonly usd: number;
  /** At the present pace, traffic included; of the nodes heard of lately. */
  readonly usdPerHour: number;
  readonly limitUsd: number | null;
  /** Nodes whose machine has a price. */
  readonly machines: number;
  /** What it will have come to when the last machine is off, if the pace stays and the plan is carried out. Left out when that is over. */
  readonly usdAtEnd?: number;
}

/** AWS and Google bill by the second, and never less than this. */
export const BILLED_S_MIN = 60;
const HOUR_MS = 3_600_000;
/** From the order to end until the machines are off, beside the endpoints' own leaving and the upload: flush, power off. */
export const WIND_DOWN_MS = 90_000;
/** Decimal. Vendors count in GiB under that name, so this is a ceiling, 7 % too high at most. */
export const GB_BYTES = 1e9;
/** Readings older than this against the newest are of a node that left or was lost: its machine goes with it. */
const STALE_MS = 5000;

export interface Sent {
  readonly bytes: number;
  /** Bytes in the last `spanMs`. */
  readonly bytesLately: number;
  readonly spanMs: number;
}

/** This node's part, for its next window. */
export function spendingSeries({ usdPerHour, usdPerGB, paidSinceWallMs }: MachinePrice, wallMs: number, sent: Sent): Series[] {
  const paidMs = Math.max(BILLED_S_MIN * 1000, wallMs - paidSinceWallMs);
  const usd = (usdPerHour * paidMs) / HOUR_MS + (usdPerGB * sent.bytes) / GB_BYTES;
  const bytesPerHour = (sent.bytesLately * HOUR_MS) / Math.max(1, sent.spanMs);
  const level = (metric: string, value: number): Series => ({
    ...{ metric, tags: {} },
    data: { kind: 'gauge', last: value, min: value, max: value },
  });
  return [level(METRIC.cost, usd), level(METRIC.costPerHour, usdPerHour + (usdPerGB * bytesPerHour) / GB_BYTES)];
}

function readings(aggregate: Aggregate, metric: string): readonly GaugeReading[] {
  const fold = aggregate.series.get(`gauge:${seriesKey(metric, {})}`);
  return fold?.kind === 'gauge' ? [...fold.byNode.values()] : [];
}

/** Null when there is neither a price nor a limit: then nobody wants to read of money. */
export function spendingOf(aggregate: Aggregate, limitUsd: number | null): Spending | null {
  const spent = readings(aggregate, METRIC.cost);
  if (spent.length === 0 && limitUsd === null) return null;
  const live = readings(aggregate, METRIC.costPerHour).filter(({ startMs }) => startMs >= aggregate.newestStartMs - STALE_MS);
  const sum = (all: readonly GaugeReading[]): number => all.reduce((total, { last }) => total + last, 0);
  return { usd: sum(spent), usdPerHour: sum(live), limitUsd, machines: spent.length };
}

export const withEnd = (spending: Spending, leftMs: number): Spending => ({
  ...spending,
  usdAtEnd: spending.usd + (spending.usdPerHour * leftMs) / HOUR_MS,
});

/** Whether the run must begin to end now, so that winding down for `windDownMs` at the present pace does not pass the limit. */
export const mustEndFor = ({ usd, usdPerHour, limitUsd }: Spending, windDownMs: number): boolean =>
  limitUsd !== null && usd + (usdPerHour * windDownMs) / HOUR_MS >= limitUsd;
