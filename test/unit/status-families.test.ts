// What a node tells Prometheus of itself and, as coordinator, of the run: text that a reader of the specification takes whatever names hold, and nothing invented where nothing is known.

import { describe, expect, it } from 'vitest';
import type { MetricSnapshot } from '../../node/core/metric-snapshot.ts';
import type { StatusView } from '../../node/runtime/node-status.ts';
import { statusFamilies } from '../../node/runtime/status-families.ts';
import { prometheusText } from '../../node/wire/prometheus-text.ts';
import { readExposition } from '../support/exposition.ts';

const HOSTILE = 'a"b\\c\nd{}';

const status: StatusView = {
  ...{ statusVersion: 1, node: 'n1', swarmId: 's1', runId: 'r1', phase: 'running', nowSwarmMs: 5000, sinceT0Ms: 2500 },
  ...{ coordinator: 'n1', term: 3, isCoordinator: true, shards: 4, shardsOwned: 4, scales: [], notes: [], workerPids: [7, 8] },
  counters: { bytesIn: 1234, [HOSTILE]: 2 },
  waitingFor: null,
  shardMap: { owners: [], epochs: [], groups: [] },
  nodes: [
    { ...{ node: 'n1', name: 'one', load: true, voter: true, state: 'live', shards: 4, cores: 2, labels: {} }, health: null },
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

function page(view: StatusView, isOpen = false): string {
  const source = { id: '12D3KooWx', name: 'one', vendor: '', region: '' };
  const snapshot: MetricSnapshot = { families: statusFamilies(view), source, run: 'r1', version: '0.1.0', startWallMs: 0, wallMs: 1 };
  return prometheusText(snapshot, isOpen);
}

describe('what a node tells of itself and of the run', () => {
  it('is text that a reader takes, whatever names hold', () => {
    expect(readExposition(page(status)).complaints).toEqual([]);
    expect(readExposition(page(status, true), true).complaints).toEqual([]);
    expect(page(status)).toContain('quilt_run_endpoints_planned{node="one",run="r1",group="a\\"b\\\\c\\nd{}"} 6\n');
    expect(page(status)).toContain('quilt_node_events_total{node="one",run="r1",event="bytesIn"} 1234\n');
    expect(page(status)).toContain('quilt_run_nodes{node="one",run="r1",state="lost"} 1\n');
  });

  it('leaves out what is not known', () => {
    const text = page(status);
    expect(text).toMatch(/^quilt_run_threshold_met\{.*expression="p\(95\)<500".*\} 1$/m);
    expect(text).not.toMatch(/^quilt_run_threshold_(met|observed)\{.*sip_mos/m);
    expect(text).not.toContain('quilt_run_cost_usd');
  });

  it('tells of the run only where it is coordinated', () => {
    const text = page({ ...status, isCoordinator: false });
    expect(text).not.toContain('quilt_run_');
    expect(text).toMatch(/^quilt_node_phase\{.*phase="running"\} 1$/m);
    expect(text).toMatch(/^quilt_node_phase\{.*phase="sealed"\} 0$/m);
  });
});
