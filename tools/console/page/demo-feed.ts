// A swarm that is not there, for looking at the page and measuring it: states, timelines and reports for some nodes and some hours of history, all from a seed. Pure: what it says about a
// second depends on the seed and that second only, so that a part of the history is the same as in the whole.

import type { Summary } from '../../../node/core/summary-types.ts';
import type { EventRow, GroupFactor, LiveState, NodeRow, TimelineMessage } from '../protocol.ts';
import { type DemoInit, demoEvents, demoGroups, noise } from './demo-events.ts';
import { demoReport } from './demo-report.ts';
import { heatOf, latencyOf, metricsOf, slowness } from './demo-series.ts';

export interface DemoFeed {
  /** `factors`: of single groups, by name; left out: `factor` for all. */
  state(second: number, atWallMs: number, factor: number, factors?: ReadonlyMap<string, GroupFactor>): LiveState;
  /** Up to this second. */
  events(second: number): EventRow[];
  /** Seconds from (inclusive) to (exclusive). */
  timeline(from: number, to: number, isWhole: boolean): TimelineMessage;
  report(second: number, startedWallMs: number): Summary;
}

const vendors = ['aws', 'gce', 'hetzner', 'openstack'] as const;
const regions = ['eu-central-1', 'europe-west3', 'fsn1', 'dus1'] as const;
const SHARDS_PER_NODE = 3;

/** Planned share of the peak. */
const shape = (second: number, totalS: number): number => {
  const ramp = Math.min(1, second / Math.max(1, totalS * 0.2));
  const wave = 0.88 + 0.12 * Math.sin(second / 600);
  return Math.max(0, ramp * wave * (second > totalS * 0.92 ? Math.max(0, (totalS - second) / (totalS * 0.08)) : 1));
};

export function createDemoFeed(init: DemoInit): DemoFeed {
  const { seed, totalS, hostile = '' } = init;
  const all = demoGroups(init);
  const nameOf = (group: string): string => (group === 'viewers' ? group + hostile : group);
  const planned = (group: number, second: number): number => Math.round((all[group]?.peak ?? 0) * shape(second, totalS));
  const active = (group: number, second: number): number =>
    Math.round(planned(group, second) * (slowness(second, totalS) > 2 ? 0.93 : 0.995 + 0.005 * noise(seed, group, second)));
  const failed = (group: number, second: number): number =>
    slowness(second, totalS) > 1.6
      ? Math.round(noise(seed, 5, group, second) * 14 * slowness(second, totalS))
      : noise(seed, 6, group, second) > 0.985
        ? 1
        : 0;

  const events = demoEvents(totalS, hostile);
  return {
    state: (second, atWallMs, factor, factors = new Map()) =>
      stateAt({ ...init, hostile }, { second, atWallMs, factor, factors }, { planned, active, failed, nameOf }),
    timeline(from, to, isWhole) {
      const seconds = Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index);
      return {
        ...{ type: 'timeline', isWhole },
        timeline: {
          ...{ timelineVersion: 1, stepMs: 1000, atMs: seconds.map((second) => second * 1000) },
          groups: all.map(({ group }, index) => ({
            group: nameOf(group),
            planned: seconds.map((second) => planned(index, second)),
            owned: seconds.map((second) => planned(index, second)),
            active: seconds.map((second) => active(index, second)),
            started: seconds.map((second) => Math.round(active(index, second) / 90 + 12 * noise(seed, 7, index, second))),
            failed: seconds.map((second) => failed(index, second)),
          })),
          ...metricsOf(init, seconds, { active, failed, nameOf }),
        },
        heat: heatOf(init, seconds, nameOf),
      };
    },
    events: (second) => events.filter(({ atMs }) => atMs <= second * 1000),
    report: (second, startedWallMs) => demoReport({ ...init, hostile }, second, startedWallMs),
  };
}

export interface Curves {
  readonly planned: (group: number, second: number) => number;
  readonly active: (group: number, second: number) => number;
  readonly failed: (group: number, second: number) => number;
  readonly nameOf: (group: string) => string;
}

function stateAt(
  { seed, nodes, totalS, groups: count, hostile = '' }: DemoInit,
  now: { second: number; atWallMs: number; factor: number; factors: ReadonlyMap<string, GroupFactor> },
  curves: Curves,
): LiveState {
  const { second, atWallMs, factor } = now;
  const factorIn = (group: string): GroupFactor => now.factors.get(group) ?? { group, factor, resumeFactor: factor === 0 ? 1 : factor };
  const { planned, active, failed, nameOf } = curves;
  const all = demoGroups(count === undefined ? {} : { groups: count });
  const sum = (of: Curves['planned']): number => all.reduce((total, _, index) => total + of(index, second), 0);
  const groups = all.map(({ group, type, peak }, index) => ({
    ...{
      group: nameOf(group),
      type,
      peak,
      active: Math.round(active(index, second) * factorIn(nameOf(group)).factor),
      planned: Math.round(planned(index, second) * factorIn(nameOf(group)).factor),
    },
    ...{
      ratePerS: active(index, second) / 4,
      p95Ms: latencyOf[type].baseMs * 2.4 * slowness(second, totalS),
      errorsPerS: failed(index, second) / 3,
    },
  }));
  const rows = Array.from({ length: nodes }, (_, index) => nodeRow({ seed, nodes, totalS, hostile }, index, second, sum(active)));
  const lost = rows.filter(({ state }) => state === 'lost').length;
  const shardCount = nodes * SHARDS_PER_NODE;
  const p95Ms = 42 * 2.4 * slowness(second, totalS);
  return {
    ...{ atWallMs, runId: '7f3a2c', scenario: `rush-hour${hostile}`, sinceT0Ms: second * 1000, coordinator: 'node-1', term: 3, factor },
    factors: all.map(({ group }) => factorIn(nameOf(group))),
    board: {
      ...{
        boardVersion: 1,
        scenario: `rush-hour${hostile}`,
        phase: second >= totalS ? 'sealed' : 'running',
        elapsedMs: second * 1000,
        totalMs: totalS * 1000,
      },
      ...{ endpointsActive: Math.round(sum(active) * factor), endpointsPlanned: Math.round(sum(planned) * factor), endpointsPeak: 46_000 },
      ...{ nodesLive: nodes - lost, nodesExpected: nodes, coordinator: 'node-1', term: 3, groups, note: factor === 0 ? 'paused' : null },
      troubles: lost === 0 ? [] : [{ level: 'warning', text: `overloaded, measurements tainted: node-7, node-12${hostile}` }],
      spending: {
        ...{ usd: (nodes * 0.19 * second) / 3600, usdPerHour: nodes * 0.19, limitUsd: nodes * 0.19 * 4, machines: nodes },
        usdAtEnd: (nodes * 0.19 * (totalS + 90)) / 3600,
      },
    },
    nodes: rows,
    shards: {
      owners: Array.from({ length: shardCount }, (_, shard) => ownerOf(shard, nodes, seed)),
      epochs: Array.from({ length: shardCount }, (_, shard) => (noise(seed, 41, shard) > 0.97 ? 2 : 1)),
      groups: Array.from({ length: shardCount }, (_, shard) => (shard < 4 ? -1 : shard % all.length)),
      // Each minute the shards of another node move.
      moved: Array.from({ length: SHARDS_PER_NODE }, (_, index) => ({
        shard: (Math.floor(second / 60) * SHARDS_PER_NODE + index) % shardCount,
        ...{ from: Math.floor(second / 60) % nodes, agoMs: (second % 60) * 1000 },
      })),
    },
    latencyByPlace: placesOf(slowness(second, totalS)),
    thresholds: [
      {
        selector: `http_req_duration{group:${nameOf('viewers')}}`,
        expression: 'p(95)<200',
        unit: 'ms',
        observed: p95Ms,
        limit: 200,
        state: p95Ms < 200 ? 'pass' : 'fail',
        abortOnFail: false,
      },
      {
        selector: 'http_req_failed',
        expression: 'rate<0.01',
        unit: 'percent',
        observed: 0.0042,
        limit: 0.01,
        state: 'pass',
        abortOnFail: true,
      },
      { selector: 'sip_mos', expression: 'p(5)>4.0', unit: 'mos', observed: 4.12, limit: 4, state: 'pass', abortOnFail: false },
      {
        selector: 'sip_call_failed',
        expression: 'rate<0.005',
        unit: 'percent',
        observed: 0.0081,
        limit: 0.005,
        state: 'fail',
        abortOnFail: false,
      },
    ],
  };
}

const placesOf = (slow: number): LiveState['latencyByPlace'] =>
  vendors.flatMap((vendor, index) =>
    (['vendor', 'region'] as const).map((label) => ({
      ...{ label, value: label === 'vendor' ? vendor : (regions[index] ?? ''), metric: 'http_req_duration', count: 90_000 },
      ...{ p50Ms: 42 * slow * (1 + index / 10), p95Ms: 97 * slow * (1 + index / 8) },
    })),
  );

/** Two shards of a big swarm have nobody. */
const ownerOf = (shard: number, nodes: number, seed: number): number =>
  nodes > 50 && shard % 997 === 500 ? -1 : Math.floor(noise(seed, 42, shard) * nodes) % nodes;

/** As the console's server rounds them. */
const brief = (value: number): number => Number(value.toPrecision(3));

function nodeRow({ seed, nodes, totalS, hostile }: DemoInit, index: number, second: number, activeAll: number): NodeRow {
  const isLost = nodes > 5 && index % 97 === 11 && second > totalS * 0.3;
  const isWitness = nodes > 5 && index % 50 === 3;
  const busy = 0.3 + 0.45 * noise(seed, 51, index, Math.floor(second / 5)) + 0.05 * (slowness(second, totalS) - 1);
  const place = index % vendors.length;
  return {
    ...{
      node: `12D3KooW${noise(seed, 52, index).toString(36).slice(2)}`,
      name: index === 4 ? `node-5${hostile ?? ''}` : `node-${index + 1}`,
    },
    ...{ role: isWitness ? 'witness' : 'load', state: isLost ? 'lost' : 'live', isCoordinator: index === 0, cores: 4 },
    labels: { vendor: vendors[place] ?? '', region: regions[place] ?? '' },
    ...{
      shards: isWitness ? 0 : SHARDS_PER_NODE,
      started: isWitness ? 0 : second * 3,
      failed: isWitness ? 0 : Math.floor(second * 0.002 * noise(seed, 57, index)),
      errors: isWitness ? 0 : Math.floor(second * 0.004 * noise(seed, 58, index)),
      active: isWitness || isLost ? 0 : Math.round((activeAll / nodes) * (0.9 + 0.2 * noise(seed, 53, index))),
    },
    ...{ cpuCores: isLost ? null : brief(busy * 4), memoryMb: isLost ? null : brief(280 + 200 * noise(seed, 54, index)) },
    ...{
      loopDelayMs: isLost ? null : brief(1 + 4 * noise(seed, 55, index, second)),
      latenessMs: isLost ? null : brief(0.6 + 5 * busy ** 3 + (index % 61 === 6 ? 28 : 0)),
    },
    ...{
      tainted: index % 61 === 6 && !isLost ? ['lateness', 'cpu'] : [],
      windowLast: second,
      ageMs: isLost ? (second - totalS * 0.3) * 1000 : Math.round(400 + 900 * noise(seed, 56, index, second)),
    },
  };
}
