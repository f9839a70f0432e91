// The demo's metrics by the second: latencies, media quality, errors by cause and the heat maps, group by group and over all. Pure, like the feed that they are part of.

import { HEAT_BOUNDS_MS } from '../../../node/core/timeline-report.ts';
import type { HeatMap, TimelineMessage } from '../protocol.ts';
import { type DemoGroup, type DemoInit, demoGroups, noise } from './demo-events.ts';

/** Twice in the run the target is slow for a while. */
export const slowness = (second: number, totalS: number): number =>
  [0.35, 0.62].reduce((sum, at) => sum + 3 * Math.exp(-(((second - totalS * at) / (totalS * 0.015)) ** 2)), 1);

export const latencyOf: Readonly<Record<DemoGroup['type'], { readonly metric: string; readonly baseMs: number }>> = {
  http: { metric: 'http_req_duration', baseMs: 42 },
  sip: { metric: 'sip_call_setup', baseMs: 310 },
  websocket: { metric: 'ws_round_trip', baseMs: 18 },
};

interface Curves {
  readonly active: (group: number, second: number) => number;
  readonly failed: (group: number, second: number) => number;
  readonly nameOf: (group: string) => string;
}

type Timeline = TimelineMessage['timeline'];
type Columns = Timeline['metrics'];

const round = (value: number): number => Math.round(value * 1000) / 1000;

/** Later groups of a type are slower, so that all of them together are none of them. */
const baseOf = ({ type }: DemoGroup, index: number): number => latencyOf[type].baseMs * (1 + 0.15 * index);

function latencyColumns({ seed, totalS }: DemoInit, seconds: readonly number[], all: readonly DemoGroup[], curves: Curves): Columns {
  return all.map((group, index) => {
    const at = (second: number, factor: number, spread: number): number =>
      round(baseOf(group, index) * factor * slowness(second, totalS) * (1 + spread * noise(seed, index, second, factor * 10)));
    return {
      ...{ metric: latencyOf[group.type].metric, group: curves.nameOf(group.group), kind: 'trend' },
      perS: seconds.map((second) => Math.round(curves.active(index, second) / 4)),
      p50: seconds.map((second) => at(second, 1, 0.12)),
      p95: seconds.map((second) => at(second, 2.3, 0.2)),
      p99: seconds.map((second) => at(second, 3.6, 0.35)),
      max: seconds.map((second) => at(second, 5, 1.6)),
    };
  });
}

function mediaColumns({ seed, totalS }: DemoInit, seconds: readonly number[], group: string): Columns {
  const of = (second: number): number => slowness(second, totalS);
  const trend = (value: (second: number) => number) => {
    const p50 = seconds.map((second) => round(value(second)));
    return {
      kind: 'trend' as const,
      perS: seconds.map(() => 4000),
      p50,
      p95: p50.map((one) => round(one * 1.7)),
      p99: p50.map((one) => round(one * 2.4)),
      max: p50.map((one) => round(one * 4)),
    };
  };
  return [
    { metric: 'sip_joined', group, kind: 'counter', perS: seconds.map((second) => Math.round(90 + 40 * noise(seed, 21, second))) },
    {
      metric: 'sip_rtp_lost',
      group,
      kind: 'rate',
      perS: seconds.map(() => 600_000),
      share: seconds.map((second) => Math.round(4e8 * of(second) ** 3 * (0.6 + noise(seed, 22, second))) / 1e12),
    },
    { metric: 'sip_rtp_jitter', group, ...trend((second) => 1.4 * of(second) * (0.9 + 0.3 * noise(seed, 23, second))) },
    { metric: 'sip_mos', group, ...trend((second) => Math.max(1.2, 4.42 - 0.5 * (of(second) - 1) - 0.06 * noise(seed, 24, second))) },
  ];
}

/** As if all samples were in one histogram: the mean of the groups does for a picture. */
function overallColumns(columns: Columns): Columns {
  const byMetric = Map.groupBy(columns, ({ metric }) => metric);
  return [...byMetric].flatMap(([metric, parts]) => {
    const [first] = parts;
    if (first === undefined || parts.length < 2 || first.kind === 'counter') return [];
    const mean = (of: 'p50' | 'p95' | 'p99' | 'max' | 'share') =>
      first[of] === undefined
        ? {}
        : { [of]: first.perS.map((_, at) => round(parts.reduce((sum, part) => sum + (part[of]?.[at] ?? 0), 0) / parts.length)) };
    const perS = first.perS.map((_, at) => parts.reduce((sum, part) => sum + (part.perS[at] ?? 0), 0));
    const figures = { ...mean('p50'), ...mean('p95'), ...mean('p99'), ...mean('max'), ...mean('share') };
    return [{ metric, group: '*', kind: first.kind, perS, ...figures }];
  });
}

const causesOf: Readonly<Record<DemoGroup['type'], readonly string[]>> = {
  http: ['status-503', 'timeout'],
  sip: ['status-486', 'status-503'],
  websocket: ['reset'],
};

function causeColumns(seconds: readonly number[], all: readonly DemoGroup[], { failed, nameOf }: Curves): NonNullable<Timeline['causes']> {
  return all.flatMap(({ group, type }, index) =>
    causesOf[type].flatMap((cause, part) => {
      const perS = seconds.map((second) => Math.floor(failed(index, second) / (part + 1)));
      return perS.every((count) => count === 0) ? [] : [{ side: 'target' as const, group: nameOf(group), cause, perS }];
    }),
  );
}

export function metricsOf(init: DemoInit, seconds: readonly number[], curves: Curves): Pick<Timeline, 'metrics' | 'overall' | 'causes'> {
  const all = demoGroups(init);
  const media = all.filter(({ type }) => type === 'sip').flatMap(({ group }) => mediaColumns(init, seconds, curves.nameOf(group)));
  const metrics = [...latencyColumns(init, seconds, all, curves), ...media];
  return { metrics, overall: overallColumns(metrics), causes: causeColumns(seconds, all, curves) };
}

/** Most answers about the median, with a tail to the slow side. */
export function heatOf(init: DemoInit, seconds: readonly number[], nameOf: Curves['nameOf']): HeatMap[] {
  const { seed, totalS } = init;
  return demoGroups(init).map((group, index) => ({
    ...{ metric: latencyOf[group.type].metric, group: nameOf(group.group), boundsMs: HEAT_BOUNDS_MS },
    rows: seconds.map((second) => {
      const middle = Math.log(baseOf(group, index) * slowness(second, totalS));
      const counts = [...HEAT_BOUNDS_MS, 45_000].map((bound, band) => {
        const away = Math.log(bound) - middle;
        const weight = Math.exp(-(away ** 2) / (away > 0 ? 0.9 : 0.25));
        return Math.floor(4000 * weight * (0.7 + 0.6 * noise(seed, 31, index, second, band)));
      });
      const first = counts.findIndex((count) => count > 0);
      return first < 0 ? [] : [first, ...counts.slice(first, counts.findLastIndex((count) => count > 0) + 1)];
    }),
  }));
}
