// Nodes of several regions and vendors as real processes: groups run where the scenario says, results are broken down by where load came from, and what
// fits nowhere is said before the start.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Summary } from '../../node/core/summary-types.ts';
import { createSwarmKit, PATIENCE_MS, type Ran, type SwarmKit } from '../support/swarm-kit.ts';
import { until } from '../support/until.ts';

let kit: SwarmKit;
beforeAll(async () => {
  kit = await createSwarmKit();
}, PATIENCE_MS);
afterEach(async () => {
  for (const line of kit.processes()) process.kill(Number(line.split(' ')[0]), 'SIGKILL');
  await until('nothing runs any more', () => kit.processes().length === 0);
});
afterAll(() => kit.close());

const group = (name: string, endpoints: number, constraints: string): string => `  ${name}:
    type: http
    load:
      endpoints: ${endpoints}
      shape: [{ ramp: 100%, over: 1s }, { hold: 3s }]
    constraints: { ${constraints} }
    behavior:
      baseUrl: \${targets.api}
      think: 200ms
      requests: [{ name: list, url: /api/meetings }]
`;

function placedScenario(name: string, groups: readonly string[]): string {
  const path = join(kit.folder, `${name}.yaml`);
  writeFileSync(path, `name: ${name}\ntargets: { api: "${kit.target.url}" }\ngroups:\n${groups.join('')}shards: { endpoints: 2 }\n`);
  return path;
}

interface Member {
  readonly name: string;
  readonly labels: readonly string[];
}

/** A seed with the scenario and its nodes, each in a folder of its name. */
async function swarmOf(name: string, scenario: string, members: readonly Member[]): Promise<{ seed: Ran; nodes: Ran[] }> {
  const data = ['--data', join(kit.folder, `${name}-seed`), '--listen', '/ip4/127.0.0.1/tcp/0'];
  const seed = kit.start('seed', '--expect-nodes', String(members.length), '--scenario', scenario, '--json', ...data);
  await until('there is a ticket', () => seed.out().includes('\n'), PATIENCE_MS);
  const ticket = seed.out().trim();
  const nodes = members.map(({ name: node, labels }) => {
    const own = ['--data', join(kit.folder, `${name}-${node}`), '--label', `name=${node}`, '--cores', '1'];
    const words = [...own, ...labels.flatMap((label) => ['--label', label]), '--listen', '/ip4/127.0.0.1/tcp/0'];
    return kit.start('join', ticket, ...words);
  });
  return { seed, nodes };
}

const summaryOf = (seed: Ran): Summary => JSON.parse(seed.out().trim().split('\n').at(-1) ?? '') as Summary;

describe('regions and vendors', () => {
  it('constrain groups, and results add up by each of them', { timeout: PATIENCE_MS * 2 }, async () => {
    const scenario = placedScenario('placed', [
      group('eastern', 6, 'region: eu'),
      group('googlers', 4, 'vendor: gce'),
      group('homely', 2, 'name: home'),
    ]);
    const { seed, nodes } = await swarmOf('placed', scenario, [
      { name: 'cloud-eu', labels: ['region=eu', 'vendor=aws'] },
      { name: 'cloud-us', labels: ['region=us', 'vendor=gce'] },
      { name: 'home', labels: [] },
    ]);
    expect([await seed.ended, ...(await Promise.all(nodes.map(({ ended }) => ended)))], seed.err()).toEqual([0, 0, 0, 0]);
    const { places, load, integrity, categories } = summaryOf(seed);
    const breakdowns = (['region', 'vendor'] as const).map((label) => ({ label, rows: places.filter((place) => place.label === label) }));
    expect(breakdowns.map(({ label, rows }) => [label, rows.map(({ value, nodes: count, started }) => [value, count, started])])).toEqual([
      [
        'region',
        [
          ['eu', 1, 6],
          ['none', 1, 2],
          ['us', 1, 4],
        ],
      ],
      [
        'vendor',
        [
          ['aws', 1, 6],
          ['gce', 1, 4],
          ['none', 1, 2],
        ],
      ],
    ]);
    const metrics = categories.flatMap((category) => category.metrics);
    for (const { rows } of breakdowns) {
      const sum = (field: 'windows' | 'windowsTainted' | 'started' | 'finished' | 'failed'): number =>
        rows.reduce((total, row) => total + row[field], 0);
      const { started, finished, failed } = load.total;
      const { windows, windowsTainted } = integrity;
      expect([sum('started'), sum('finished'), sum('failed')]).toEqual([started, finished, failed]);
      expect([sum('windows'), sum('windowsTainted')]).toEqual([windows, windowsTainted]);
      for (const name of ['ep_join_duration', 'http_req_duration']) {
        const parts = rows.flatMap((row) => row.metrics.flatMap(({ metric, values }) => (metric === name ? [values] : [])));
        const counts = parts.map((values) => (values.kind === 'trend' ? values.count : 0));
        const whole = metrics.find(({ metric }) => metric === name)!.values;
        expect(counts).toHaveLength(3);
        expect(counts.reduce((total, count) => total + count, 0)).toBe(whole.kind === 'trend' && whole.count);
        expect(Math.max(...parts.map((values) => (values.kind === 'trend' ? values.max : 0)))).toBe(whole.kind === 'trend' && whole.max);
      }
    }
    const folder = join(kit.folder, 'placed-seed', 'report');
    const report = await kit.run('report', folder, '--json');
    expect((JSON.parse(report.out()) as Summary).places).toEqual(places);
    expect((await kit.run('report', folder)).out()).toMatch(/PLACES[\s\S]*vendor +gce [\s\S]*region +eu /);
  });

  it('that nobody has are said before the start', { timeout: PATIENCE_MS }, async () => {
    const { code, out } = await kit.run('run', placedScenario('nowhere', [group('far', 2, 'region: ap')]), '--nodes', '2');
    expect(code).toBe(113);
    expect(out()).toContain('never started');
    expect(out().replace(/\s+/g, ' ')).toContain("no node that runs 'http' carries the label region=ap");
  });
});
