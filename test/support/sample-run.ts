// A run as the runtime would report it, in miniature: four load nodes and a seed, 30 s of meetings, one node lost half way. The same seed gives the
// same windows, so summaries and boards made from it can be compared with golden files.

import { type Aggregate, absorb, createAggregate } from '../../node/core/aggregate.ts';
import type { BoardFacts } from '../../node/core/board-view.ts';
import { keyedRng } from '../../node/core/rng.ts';
import { createStatistics } from '../../node/core/stats.ts';
import type { MetricDeclaration, Window } from '../../node/core/stats-types.ts';
import type { NodeFacts, SummaryFacts, TypeMetrics } from '../../node/core/summary-facts.ts';
import { parseExpression, parseSelector, type Threshold } from '../../node/core/threshold-syntax.ts';

const T0_MS = 1_764_000_000_000;
const SECONDS = 30;
const LOST = 'node-3';
const LOST_AT_S = 15;
const GROUPS = [
  { group: 'viewers', type: 'http', peak: 120 },
  { group: 'speakers', type: 'websocket', peak: 40 },
] as const;
const NODES = ['node-1', 'node-2', 'node-3', 'node-4'];

const metric = (name: string, kind: MetricDeclaration['kind'], unit: MetricDeclaration['unit']): MetricDeclaration => ({
  name,
  kind,
  unit,
  help: '',
});
export const SAMPLE_TYPES: readonly TypeMetrics[] = [
  {
    type: 'http',
    metrics: [
      metric('http_reqs', 'counter', 'count'),
      metric('http_req_duration', 'trend', 'ms'),
      metric('http_req_waiting', 'trend', 'ms'),
      metric('http_req_failed', 'rate', 'percent'),
      metric('data_received', 'counter', 'bytes'),
    ],
  },
  {
    type: 'websocket',
    metrics: [metric('ws_connecting', 'trend', 'ms'), metric('ws_round_trip', 'trend', 'ms'), metric('ws_messages', 'counter', 'count')],
  },
];

/** Planned active endpoints of a group at second `at`: up in 8 s, hold, down in the last 4. */
const plannedAt = (peak: number, at: number): number => Math.round(peak * Math.min(1, (at + 1) / 8, Math.max(0, (SECONDS - at) / 4)));

/** Nodes that run load at second `at`: the survivors take the lost node's share over after six seconds. */
function shareOf(node: string, at: number): number {
  if (node === LOST) return at < LOST_AT_S ? 1 / 4 : 0;
  return at < LOST_AT_S + 6 ? 1 / 4 : 1 / 3;
}

function sampleWindow(node: string, at: number): Window {
  const rng = keyedRng(7, NODES.indexOf(node), at);
  const statistics = createStatistics();
  const latency = (typicalMs: number): number => typicalMs * Math.exp((rng.float() + rng.float() + rng.float() - 1.5) * 1.1);
  const load = GROUPS.map(({ group, type, peak }) => {
    const active = Math.round(plannedAt(peak, at) * shareOf(node, at));
    const before = at === 0 ? 0 : Math.round(plannedAt(peak, at - 1) * shareOf(node, at - 1));
    const recorder = statistics.tagged({ group });
    for (let sample = 0; sample < active * 2; sample++) {
      if (type === 'websocket') {
        recorder.trend('ws_round_trip').record(latency(4.2));
        recorder.counter('ws_messages').add(1);
        continue;
      }
      const isRefused = rng.float() < 0.004;
      const durationMs = latency(isRefused ? 180 : 21);
      recorder.counter('http_reqs', { status: isRefused ? '503' : '200' }).add(1);
      recorder.trend('http_req_duration', { status: isRefused ? '503' : '200' }).record(durationMs);
      recorder.trend('http_req_waiting').record(durationMs * 0.8);
      recorder.rate('http_req_failed').add(isRefused);
      recorder.rate('checks', { check: 'status is 200' }).add(!isRefused);
      recorder.rate('checks', { check: 'meeting has a room' }).add(true);
      recorder.counter('data_received').add(1830);
      if (isRefused)
        statistics.error('target', group, 'status-503', 'GET http://127.0.0.1:8080/meetings/12/roster: 503 Service Unavailable');
    }
    const started = Math.max(0, active - before);
    for (let life = 0; life < started; life++) {
      recorder.trend('ep_join_duration').record(latency(type === 'http' ? 30 : 12));
      recorder.trend('ep_start_lateness').record(latency(0.8));
      if (type === 'websocket') recorder.trend('ws_connecting').record(latency(9));
    }
    if (type === 'http' && at === 20 && node === 'node-4')
      statistics.error('target', group, 'timeout', 'POST /meetings/3/join: no answer within 5000 ms');
    return {
      group,
      owned: active,
      active,
      started,
      finished: Math.max(0, before - active),
      failed: 0,
      claims: [`${NODES.indexOf(node)}.0`],
    };
  });
  const isLate = node === 'node-2' && at === 21;
  return {
    number: at + 1,
    startMs: T0_MS + at * 1000 + NODES.indexOf(node) * 37,
    durationMs: 1000,
    ...statistics.snapshot(),
    health: {
      cpuCores: 0.12 + 0.002 * load.reduce((sum, { active }) => sum + active, 0),
      memoryMb: 84 + NODES.indexOf(node) * 3,
      loopDelayMsMax: isLate ? 212 : 2 + rng.float() * 6,
      latenessMsP99: isLate ? 187 : 0.7 + rng.float() * 2,
      socketDrops: 0,
      tainted: isLate ? ['worker stalled'] : [],
    },
    load,
  };
}

export function sampleAggregate(untilS = SECONDS): Aggregate {
  const aggregate = createAggregate({ isWinner: () => true });
  for (let at = 0; at < untilS; at++) {
    for (const node of NODES) if (node !== LOST || at < LOST_AT_S - 1) absorb(aggregate, node, sampleWindow(node, at));
  }
  return aggregate;
}

function threshold(selectorText: string, expressionText: string): Threshold {
  const selector = parseSelector(selectorText);
  const expression = parseExpression(expressionText);
  if (!selector.ok || !expression.ok) throw new Error(`bad threshold in the sample: ${selectorText} ${expressionText}`);
  return { ...selector.value, ...expression.value, selectorText, expressionText, abortOnFail: false, delayAbortEvalMs: 0 };
}
const thresholdsOf = (limitMs: number): Threshold[] => [
  threshold('http_req_duration{group:viewers}', `p(95)<${limitMs}`),
  threshold('http_req_failed', 'rate<0.01'),
  threshold('ws_round_trip{group:speakers}', 'p(99)<50'),
];

const nodeFacts = (node: string, seconds: number): NodeFacts => ({
  node,
  name: node,
  role: node === 'seed' ? 'witness' : 'load',
  state: node === LOST ? 'lost' : 'finished',
  isCoordinator: node === 'seed',
  labels: {},
  cores: 1,
  windowLast: node === LOST || node === 'seed' ? 0 : seconds,
  lostAtSwarmMs: node === LOST ? T0_MS + 21_300 : null,
});

export function sampleFacts(changes: Partial<SummaryFacts> & { readonly limitMs?: number; readonly seconds?: number } = {}): SummaryFacts {
  const { limitMs = 60, seconds = SECONDS, ...facts } = changes;
  return {
    runId: '7f3a2c',
    scenario: 'demo',
    version: '0.1.0',
    planHash: '0f'.repeat(32),
    tags: {},
    startedWallMs: T0_MS,
    t0SwarmMs: T0_MS,
    endSwarmMs: T0_MS + seconds * 1000,
    plannedDurationMs: SECONDS * 1000,
    end: 'completed',
    endMessage: '',
    onNodeLoss: { kind: 'reassign' },
    groups: GROUPS.map(({ group, type, peak }) => ({ group, type, livesDue: peak, activePeakPlanned: peak })),
    meetingsPlanned: 20,
    meetingsProvisioned: 20,
    plannedCurve: {
      stepMs: 500,
      total: Array.from({ length: 60 }, (_, half) => GROUPS.reduce((sum, { peak }) => sum + plannedAt(peak, half / 2), 0)),
    },
    types: SAMPLE_TYPES,
    thresholds: thresholdsOf(limitMs),
    nodes: ['seed', ...NODES].map((node) => nodeFacts(node, seconds)),
    missing: [{ node: LOST, from: LOST_AT_S, to: null }],
    events: [
      { atSwarmMs: T0_MS - 2400, level: 'info', text: 'seed coordinates, term 1' },
      { atSwarmMs: T0_MS, level: 'info', text: 'load starts on 4 nodes' },
      { atSwarmMs: T0_MS + 21_300, level: 'warning', text: 'node-3 lost: silent for 6.8 s' },
      { atSwarmMs: T0_MS + 21_340, level: 'info', text: '10 shards moved from node-3 to node-1, node-2, node-4' },
      { atSwarmMs: T0_MS + seconds * 1000, level: 'info', text: 'all endpoints done, collecting windows' },
    ],
    contractBreaks: 0,
    teardownFailures: 0,
    faultsNotReverted: 0,
    startSkewMsP99: 3.4,
    files: [
      { what: 'folder', path: 'runs/2026-11-24T16-00-00-demo' },
      { what: 'this summary', path: 'summary.json' },
      { what: 'by the second', path: 'timeline.json' },
      { what: 'node logs', path: 'logs/' },
    ],
    ...facts,
  };
}

export function sampleBoardFacts(changes: Partial<BoardFacts> = {}): BoardFacts {
  return {
    scenario: 'demo',
    phase: 'running',
    elapsedMs: 12_000,
    totalMs: SECONDS * 1000,
    endpointsPeak: 160,
    nodesLive: 4,
    nodesExpected: 4,
    coordinator: 'seed',
    term: 1,
    groups: GROUPS.map(({ group, type, peak }) => ({
      group,
      type,
      planned: plannedAt(peak, 11),
      plannedLately: plannedAt(peak, 11),
      peak,
    })),
    types: SAMPLE_TYPES,
    nodesLost: [],
    nodeNames: new Map(NODES.map((node) => [node, node])),
    thresholds: [],
    note: null,
    leftMs: null,
    ...changes,
  };
}
