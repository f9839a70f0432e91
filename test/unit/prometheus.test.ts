// What nodes tell Prometheus: text that its parser takes whatever names hold, nothing invented where nothing is known, and the run by its coordinator only.

import { describe, expect, it } from 'vitest';
import type { StatusView } from '../../node/runtime/node-status.ts';
import { prometheusText } from '../../tools/metrics/prometheus.ts';

const HOSTILE = 'a"b\\c\nd{}';

const status: StatusView = {
  ...{ statusVersion: 1, node: 'n1', swarmId: 's1', runId: 'r1', phase: 'running', nowSwarmMs: 5000, sinceT0Ms: 2500 },
  ...{ coordinator: 'n1', term: 3, isCoordinator: true, shards: 4, shardsOwned: 4, scales: [], notes: [], workerPids: [7, 8] },
  counters: { bytesIn: 1234, [HOSTILE]: 2 },
  waitingFor: null,
  shardMap: { owners: [], epochs: [], groups: [] },
  nodes: [
    {
      ...{ node: 'n1', name: 'one', load: true, voter: true, state: 'live', shards: 4, cores: 2, labels: { 'eu-west': HOSTILE } },
      health: { active: 5, cpuCores: 0.5, memoryMb: 100, loopDelayMs: 1, latenessMs: 2, tainted: ['cpu'], windowLast: 2, behindMs: 0 },
    },
    { ...{ node: 'n2', name: HOSTILE, load: true, voter: true, state: 'lost', shards: 0, cores: 2, labels: {} }, health: null },
  ],
  board: {
    ...{ boardVersion: 1, scenario: 'x', phase: 'running', elapsedMs: 2500, totalMs: 9000, endpointsActive: 5, endpointsPlanned: 6 },
    ...{ endpointsPeak: 6, nodesLive: 1, nodesExpected: 2, coordinator: 'one', term: 3, troubles: [], note: null, spending: null },
    groups: [{ group: HOSTILE, type: 'http', active: 5, planned: 6, peak: 6, ratePerS: null, p95Ms: 250, errorsPerS: 0 }],
  },
  thresholds: [
    { selector: 'http_req_duration', expression: 'p(95)<500', unit: 'ms', observed: 250, limit: 500, state: 'pass', abortOnFail: false },
    { selector: 'sip_mos', expression: 'avg>4', unit: 'count', observed: null, limit: 4, state: 'no-samples', abortOnFail: false },
  ],
} as unknown as StatusView;

const LINE = /^quilt_[a-z0-9_]+(\{([a-zA-Z_][a-zA-Z0-9_]*="(\\[\\n"]|[^"\\\n])*",?)*\})? -?[0-9.e+-]+$/;

describe('metrics for Prometheus', () => {
  it('are lines that its parser takes, whatever names hold', async () => {
    const lines = (await prometheusText(status)).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    expect(lines.filter((line) => !LINE.test(line))).toEqual([]);
    expect(lines).toContain('quilt_run_endpoints_active{group="a\\"b\\\\c\\nd{}",type="http"} 5');
    expect(lines).toContain('quilt_node_events_total{event="bytesIn"} 1234');
  });

  it('leave out what is not known', async () => {
    const text = await prometheusText(status);
    expect(text).toMatch(/^quilt_run_latency_p95_seconds\{.*\} 0\.25$/m);
    expect(text).not.toMatch(/^quilt_run_rate_per_second\{/m);
    expect(text).toMatch(/^quilt_run_threshold_met\{metric="http_req_duration",expression="p\(95\)<500"\} 1$/m);
    expect(text).not.toMatch(/^quilt_run_threshold_met\{metric="sip_mos"/m);
    expect(text).not.toMatch(/^quilt_run_cost_usd/m);
    expect(text.match(/^quilt_run_node_cpu_cores\{/gm)).toHaveLength(1);
    expect(text).toMatch(/^quilt_run_nodes\{state="lost"\} 1$/m);
  });

  it('tell of the run only where it is coordinated', async () => {
    const text = await prometheusText({ ...status, isCoordinator: false });
    expect(text).not.toContain('quilt_run_');
    expect(text).toMatch(/^quilt_node_phase\{phase="running"\} 1$/m);
    expect(text).toMatch(/^quilt_node_info\{.*label_eu_west=/m);
  });
});
