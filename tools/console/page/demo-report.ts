// The report of the demo's run, as summary.json would have it. Pure.

import type { GroupSummary, MetricValues, Summary } from '../../../node/core/summary-types.ts';
import { type DemoInit, demoEvents, demoGroups, noise } from './demo-events.ts';

const trend = (count: number, baseMs: number): MetricValues => ({
  ...{ kind: 'trend', count, ratePerS: count / 600, avg: baseMs * 1.2, min: baseMs * 0.3 },
  ...{ p50: baseMs, p90: baseMs * 1.9, p95: baseMs * 2.4, p99: baseMs * 3.9, max: baseMs * 14 },
});

export function demoReport({ seed, nodes, totalS, groups: count, hostile = '' }: DemoInit, second: number, startedWallMs: number): Summary {
  const better = 1 - 0.2 * noise(seed, 61);
  const groups = demoGroups(count === undefined ? {} : { groups: count }).map(
    ({ group, type, peak }): GroupSummary => ({
      ...{
        group: group + (group === 'viewers' ? hostile : ''),
        type,
        livesDue: peak * 6,
        started: peak * 6 - 14,
        finished: peak * 6 - 80,
        failed: Math.round(66 * better),
      },
      ...{ activePeakPlanned: peak, ownedPeak: peak, activePeak: Math.round(peak * 0.998) },
    }),
  );
  const sum = (of: (group: GroupSummary) => number): number => groups.reduce((total, group) => total + of(group), 0);
  const curve = Array.from({ length: 61 }, (_, index) => Math.round(46_000 * Math.min(1, index / 12, (60 - index) / 5)));
  return {
    summaryVersion: 1,
    run: {
      ...{ runId: `7f3a${seed}`, scenario: `rush-hour${hostile}`, version: '0.1.0', planHash: '0f'.repeat(32), tags: {}, startedWallMs },
      ...{ durationMs: Math.min(second, totalS) * 1000, plannedDurationMs: totalS * 1000, end: 'completed', endMessage: '' },
    },
    verdict: {
      ...{ verdict: 'fail', exit: 'thresholdFailed', exitCode: 99 },
      reasons: [
        { code: 'threshold', message: 'sip_call_failed: rate<0.005 was not met: 0.81 %', level: 'fail' },
        { code: 'nodes-lost', message: `1 of ${nodes} nodes was lost and the load reassigned`, level: 'note' },
      ],
    },
    thresholds: [
      {
        selector: 'http_req_duration',
        expression: 'p(95)<200',
        unit: 'ms',
        observed: 101 * better,
        limit: 200,
        state: 'pass',
        abortOnFail: false,
      },
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
    load: {
      groups,
      total: {
        ...{
          group: 'all',
          type: '',
          livesDue: sum((one) => one.livesDue),
          started: sum((one) => one.started),
          finished: sum((one) => one.finished),
          failed: sum((one) => one.failed),
        },
        ...{ activePeakPlanned: 46_000, ownedPeak: 46_000, activePeak: 45_910 },
      },
      curve: {
        stepMs: (totalS * 1000) / 60,
        planned: curve,
        active: curve.map((value, index) => Math.round(value * (index > 20 && index < 24 ? 0.93 : 0.998))),
      },
      ...{ meetingsPlanned: 400, meetingsProvisioned: 400 },
    },
    categories: categories(better),
    errors: {
      ...{ targetTotal: Math.round(612 * better), generatorTotal: 3 },
      causes: [
        { side: 'target', group: 'callers', cause: '503 Service Unavailable', count: 580, example: `INVITE sip:8000@10.0.0.20 ${hostile}` },
        { side: 'generator', group: 'viewers', cause: 'out of ports', count: 3, example: 'EADDRNOTAVAIL' },
      ],
    },
    nodes: nodeRows(nodes, totalS),
    places: [],
    events: demoEvents(totalS, hostile),
    integrity: {
      ...{ windows: nodes * totalS, duplicates: 2, windowsTainted: 14, taintedShare: 0.0009, taintedReasons: { lateness: 14 }, gaps: [] },
      ...{ discardedWindows: 0, discardedStarted: 0, overflow: { series: 0, errors: 0, outOfRange: 0, timeline: 0 }, startSkewMsP99: 3.8 },
    },
    spending: { usd: 12.4 * better, usdPerHour: 4.1, limitUsd: 50, machines: nodes },
    files: [
      { what: 'summary', path: 'summary.json' },
      { what: 'timeline', path: 'timeline.json' },
    ],
  };
}

const categories = (better: number): Summary['categories'] => [
  {
    category: 'http',
    metrics: [
      {
        metric: 'http_req_duration',
        tags: {},
        kind: 'trend',
        unit: 'ms',
        help: 'Time from due to the last byte',
        values: trend(4_200_000, 42 * better),
        groups: [],
      },
      {
        metric: 'http_req_failed',
        tags: {},
        kind: 'rate',
        unit: 'percent',
        help: 'Requests that failed',
        values: { kind: 'rate', pass: 17_640, total: 4_200_000 },
        groups: [],
      },
    ],
  },
  {
    category: 'sip',
    metrics: [
      {
        metric: 'sip_call_setup',
        tags: {},
        kind: 'trend',
        unit: 'ms',
        help: 'From INVITE to 200',
        values: trend(72_000, 310 * better),
        groups: [],
      },
      {
        metric: 'sip_mos',
        tags: {},
        kind: 'trend',
        unit: 'mos',
        help: 'Quality of what was heard',
        values: { ...trend(900_000, 4.3), p90: 4.41, p95: 4.41, p99: 4.41, max: 4.41, avg: 4.31, min: 2.2 } as MetricValues,
        groups: [],
      },
      {
        metric: 'sip_calls',
        tags: {},
        kind: 'counter',
        unit: 'count',
        help: 'Calls',
        values: { kind: 'counter', sum: 72_000, ratePerS: 120 },
        groups: [],
      },
    ],
  },
];

const nodeRows = (nodes: number, totalS: number): Summary['nodes'] =>
  Array.from({ length: Math.min(nodes, 40) }, (_, index) => ({
    ...{
      node: `12D3KooW${index}`,
      name: `node-${index + 1}`,
      role: 'load' as const,
      state: index === 11 ? ('lost' as const) : ('finished' as const),
      isCoordinator: index === 0,
    },
    ...{
      labels: {},
      cores: 4,
      windows: totalS,
      windowsTainted: index === 6 ? 14 : 0,
      started: 2400,
      cpuCoresMean: 1.4,
      cpuCoresMax: 2.9,
    },
    ...{ memoryMbMax: 412, loopDelayMsMax: 8.2, latenessMsP99Max: 4.4, socketDrops: 0 },
  }));
