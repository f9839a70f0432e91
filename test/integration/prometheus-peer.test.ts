// A real Prometheus takes what nodes send (--out prometheus-rw) and scrapes them (--metrics-listen): what it has afterwards adds up to the summary.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Summary } from '../../node/core/summary-types.ts';
import { needs } from '../support/parts.ts';
import { type Prometheus, startPrometheus } from '../support/peers/prometheus.ts';
import { createSwarmKit, nodeFolder, PATIENCE_MS, type SwarmKit, seedFolder } from '../support/swarm-kit.ts';
import { until } from '../support/until.ts';

const prometheus = needs('prometheus');

let kit: SwarmKit;
let peer: Prometheus;

describe.skipIf(prometheus.isMissing)(prometheus.title('a real Prometheus'), () => {
  beforeAll(async () => {
    [kit, peer] = await Promise.all([createSwarmKit(), startPrometheus()]);
  }, PATIENCE_MS);
  afterAll(async () => {
    await peer.stop();
    await kit.close();
  });

  it('has what the summary counts, pushed and scraped', { timeout: PATIENCE_MS }, async () => {
    const scenario = kit.scenario('peer', { holdS: 8 });
    const ran = kit.start('run', scenario, '-n', '2', '--json', '--metrics-listen', '0', '--out', `prometheus-rw=${peer.writeUrl}`);
    await until('the run has a folder', () => existsSync(join(kit.folder, 'runs')), PATIENCE_MS);
    const places = (): string[] => {
      const outputs = [1, 2].map((index) => join(nodeFolder(kit.runFolder(), index), 'output.log'));
      const said = [ran.err(), ...outputs.map((path) => (existsSync(path) ? readFileSync(path, 'utf8') : ''))];
      return said.flatMap((text) => /metrics at http:\/\/([^/]+)/.exec(text)?.[1] ?? []);
    };
    await until('all three nodes say where their metrics are', () => places().length === 3, PATIENCE_MS);
    peer.scrape(places());
    const statusOf = (): string => seedFolder(kit.runFolder());
    await kit.untilStatus(statusOf(), 'all load is on', ({ board }) => board.endpointsActive === 12, true);
    await until(
      'the run is scraped',
      async () => (await peer.query('quilt_run_endpoints_planned{job="scraped"}'))[0]?.value === 12,
      PATIENCE_MS,
    );
    expect(await peer.query('sum(quilt_node_coordinator{job="scraped"})')).toMatchObject([{ value: 1 }]);
    expect(await ran.ended).toBe(0);

    const summary = JSON.parse(ran.out()) as Summary;
    const values = (metric: string) => summary.categories.flatMap(({ metrics }) => metrics).find((each) => each.metric === metric)?.values;
    const pushed = async (name: string): Promise<number | undefined> =>
      (await peer.query(`sum(max_over_time(${name}{job="quilt-swarm"}[5m]))`))[0]?.value;
    expect(await pushed('quilt_http_reqs_total')).toBe((values('http_reqs') as { sum?: number } | undefined)?.sum);
    expect(await pushed('quilt_http_req_duration_seconds_count')).toBe(
      (values('http_req_duration') as { count?: number } | undefined)?.count,
    );
    expect(await peer.query('max_over_time(quilt_run_threshold_met{job="quilt-swarm"}[5m])')).toMatchObject([{ value: 1 }]);
    // Who went is not drawn on as a flat line: the last sample says that the series ended.
    expect(await peer.query('quilt_http_reqs_total{job="quilt-swarm"}')).toEqual([]);
    expect(peer.output()).not.toMatch(/level=(warn|error)/);
  });
});
