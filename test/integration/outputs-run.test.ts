// Outputs of real runs: what receivers and files got adds up to the summary, a node can be scraped while it works, and a receiver that refuses, hangs or is not there harms nothing.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Summary } from '../../node/core/summary-types.ts';
import { readExposition } from '../support/exposition.ts';
import { type MetricsReceiver, startMetricsReceiver } from '../support/metrics-receiver.ts';
import { readWriteRequest } from '../support/remote-write-reader.ts';
import { createSwarmKit, nodeFolder, PATIENCE_MS, type SwarmKit, seedFolder } from '../support/swarm-kit.ts';
import { until } from '../support/until.ts';

let kit: SwarmKit;
const receivers: MetricsReceiver[] = [];
beforeAll(async () => {
  kit = await createSwarmKit();
}, PATIENCE_MS);
afterAll(async () => {
  await kit.close();
  for (const receiver of receivers) await receiver.close();
});

async function receiver(status?: number): Promise<MetricsReceiver> {
  const made = await startMetricsReceiver(status);
  receivers.push(made);
  return made;
}

const valuesOf = (summary: Summary, metric: string): Record<string, number> =>
  summary.categories.flatMap(({ metrics }) => metrics).find((each) => each.metric === metric)?.values as unknown as Record<string, number>;

/** The last value of each series of that name, added up over nodes and tags. */
function pushedTotal({ received }: MetricsReceiver, name: string): number {
  const last = new Map<string, number>();
  for (const { path, body } of received) {
    if (path !== '/api/v1/write') continue;
    for (const { labels, samples } of readWriteRequest(body)) {
      const value = samples[0]?.value ?? Number.NaN;
      if (labels.__name__ === name) last.set(JSON.stringify(labels), value);
    }
  }
  return [...last.values()].reduce((sum, value) => sum + value, 0);
}

interface Point {
  readonly attributes: readonly object[];
  readonly asDouble?: number;
  readonly count?: string;
}
interface Exported {
  readonly resourceMetrics: readonly [
    {
      readonly resource: object;
      readonly scopeMetrics: readonly [{ metrics: readonly Record<string, { dataPoints: readonly Point[] }>[] }];
    },
  ];
}

function exportedTotal({ received }: MetricsReceiver, name: string): number {
  const last = new Map<string, number>();
  for (const { path, body } of received) {
    if (path !== '/v1/metrics') continue;
    const [{ resource, scopeMetrics }] = (JSON.parse(body.toString()) as Exported).resourceMetrics;
    const metric = scopeMetrics[0].metrics.find((each) => (each.name as unknown) === name);
    for (const point of (metric?.sum ?? metric?.histogram)?.dataPoints ?? []) {
      last.set(JSON.stringify([resource, point.attributes]), point.asDouble ?? Number(point.count));
    }
  }
  return [...last.values()].reduce((sum, value) => sum + value, 0);
}

/** An address where nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('a run with outputs', () => {
  it('sends everything that the summary counts, from every node', { timeout: PATIENCE_MS }, async () => {
    const sink = await receiver();
    kit.environment.QUILT_OUT_HEADERS = 'x-scope-orgid=load%20team';
    kit.environment.OTEL_EXPORTER_OTLP_HEADERS = 'authorization=Bearer%20sesame';
    const outs = [
      '--out',
      `otlp=${sink.url}`,
      '--out',
      `prometheus-rw=${sink.url}/api/v1/write`,
      '--out',
      'json=rows.json',
      '--out',
      'csv=rows.csv',
    ];
    const scenario = kit.scenario('outputs', { holdS: 9 });
    const ran = kit.start('run', scenario, '--nodes', '2', '--json', '--metrics-listen', '0', ...outs);
    // A node is scraped while it works.
    const said = (): string | undefined => {
      try {
        return /metrics at (\S+)/.exec(readFileSync(join(nodeFolder(kit.runFolder(), 1), 'output.log'), 'utf8'))?.[1];
      } catch {
        return undefined;
      }
    };
    await until('the address of a node', () => said() !== undefined, PATIENCE_MS);
    let page = '';
    await until(
      'figures on the page',
      async () => {
        page = await fetch(said() ?? '').then((answer) => answer.text());
        return page.includes('quilt_http_reqs_total');
      },
      PATIENCE_MS,
    );
    expect(readExposition(page).complaints).toEqual([]);
    const open = await fetch(said() ?? '', { headers: { accept: 'application/openmetrics-text' } });
    expect(open.headers.get('content-type')).toContain('application/openmetrics-text');
    expect(readExposition(await open.text(), true).complaints).toEqual([]);
    expect((await fetch(new URL('/other', said()))).status).toBe(404);

    expect(await ran.ended).toBe(0);
    const summary = JSON.parse(ran.out()) as Summary;
    const requests = valuesOf(summary, 'http_reqs').sum as number;
    const sent = valuesOf(summary, 'data_sent').sum as number;
    const durations = valuesOf(summary, 'http_req_duration').count as number;
    const started = summary.load.total.started;
    expect(requests).toBeGreaterThan(50);
    for (const [name, total] of [
      ['http_reqs', requests],
      ['data_sent_bytes', sent],
      ['ep_started', started],
    ] as const) {
      expect(pushedTotal(sink, `quilt_${name}_total`), name).toBe(total);
      expect(exportedTotal(sink, `quilt_${name}`), name).toBe(total);
    }
    expect(pushedTotal(sink, 'quilt_http_req_duration_seconds_count')).toBe(durations);
    expect(exportedTotal(sink, 'quilt_http_req_duration_seconds')).toBe(durations);

    const points = readFileSync(join(kit.folder, 'rows.json'), 'utf8')
      .trimEnd()
      .split('\n')
      .map(
        (line) =>
          JSON.parse(line) as { type: string; metric: string; data: { value: number; count: number; tags: Record<string, string> } },
      )
      .filter(({ type }) => type === 'Point');
    const added = (metric: string, figure: 'value' | 'count'): number =>
      points.filter((each) => each.metric === metric).reduce((sum, { data }) => sum + data[figure], 0);
    expect([added('http_reqs', 'value'), added('data_sent', 'value'), added('ep_started', 'value')]).toEqual([requests, sent, started]);
    expect(added('http_req_duration', 'count')).toBe(durations);
    expect(new Set(points.map(({ data }) => data.tags.node))).toEqual(new Set(['node-1', 'node-2']));
    const [header, ...lines] = readFileSync(join(kit.folder, 'rows.csv'), 'utf8').trimEnd().split('\n');
    expect(header).toMatch(/^metric_name,timestamp,metric_value,.*,tags$/);
    expect(lines).toHaveLength(points.length);
    const cells = lines.map((line) => line.split(',')).filter(([name]) => name === 'http_reqs');
    expect(cells.reduce((sum, [, , value]) => sum + Number(value), 0)).toBe(requests);

    const of = (path: string) => sink.received.filter((each) => each.path === path);
    // The seed, too, is a node; the first push comes after 5 s, so a run of 10 s is more than its end.
    expect(of('/v1/metrics').length).toBeGreaterThan(3);
    expect(of('/v1/metrics').every(({ headers }) => headers.authorization === 'Bearer sesame')).toBe(true);
    expect(
      of('/api/v1/write').every(({ headers }) => headers['x-scope-orgid'] === 'load team' && headers['content-encoding'] === 'snappy'),
    ).toBe(true);
    expect(kit.processes()).toEqual([]);
  });

  it('is not harmed by receivers that refuse, are overloaded, never answer or are not there, nor by a full disk', {
    timeout: PATIENCE_MS,
  }, async () => {
    const statuses = [403, 503, 0];
    const bad = await Promise.all(statuses.map(async (status) => (await receiver(status)).url));
    const urls = [...bad, `http://127.0.0.1:${await closedPort()}`];
    const outs = urls.flatMap((url) => ['--out', `otlp=${url}`, '--out', `prometheus-rw=${url}/w`]);
    const scenario = kit.scenario('harmless', { holdS: 6 });
    const { code, out } = await kit.run('run', scenario, '--nodes', '1', '--json', ...outs, '--out', 'csv=/dev/full');
    expect(code).toBe(0);
    const summary = JSON.parse(out()) as Summary;
    expect(summary.load.total).toMatchObject({ started: 12, finished: 12, failed: 0 });
    const log = readFileSync(join(nodeFolder(kit.runFolder(), 1), 'node.log'), 'utf8');
    for (const said of ['refuses with 403: no room for this', 'answers 503', 'were not delivered', 'cannot be reached: ECONNREFUSED'])
      expect(log).toContain(said);
    const seedLog = readFileSync(join(seedFolder(kit.runFolder()), 'node.log'), 'utf8');
    expect(seedLog).toContain('--out csv=/dev/full ends here: ENOSPC');
    expect(kit.processes()).toEqual([]);
  });

  it.each([
    ['an output that nobody knows', ['--out', 'oltp=http://127.0.0.1:1'], 'did you mean otlp?'],
    ['one without an argument', ['--out', 'json'], 'says not where to'],
    ['a password in an address', ['--out', 'otlp=http://me:hunter2@127.0.0.1'], 'credentials do not belong'],
    ['a file that cannot be written', ['--out', 'csv=nowhere/rows.csv'], 'cannot be written'],
    ['a port on all interfaces that nobody wrote', ['--metrics-listen', ':9464'], '0.0.0.0:PORT'],
  ])('refuses %s before anything starts', { timeout: PATIENCE_MS }, async (_what, flags, said) => {
    const { code, err } = await kit.run('run', kit.scenario('refused', { holdS: 1 }), '--nodes', '1', ...flags);
    expect(err()).toContain(said);
    expect(err()).not.toContain('hunter2');
    expect(code).toBe(104);
  });

  it('refuses files on nodes that keep no run folder, and a port that is taken', { timeout: PATIENCE_MS }, async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const taken = await kit.run('seed', '--metrics-listen', String(port), '--data', 'seed-data');
    server.close();
    expect(taken.err()).toContain('EADDRINUSE');
    expect(taken.code).toBe(104);
    const seed = kit.start('seed', '--listen', '/ip4/127.0.0.1/tcp/0', '--data', 'seed-data-2', '--metrics-listen', '0');
    await until('the ticket', () => seed.out().includes('\n'), PATIENCE_MS);
    const join = await kit.run('join', seed.out().trim(), '--out', 'json=rows.json');
    expect(join.err()).toContain('--out json is for run, seed and launch');
    expect(join.code).toBe(104);
    const page = await fetch(/metrics at (\S+)/.exec(seed.err())?.[1] ?? '').then((answer) => answer.text());
    expect(readExposition(page)).toMatchObject({ complaints: [] });
    expect(page).toContain('quilt_node_info{node="seed"');
    seed.child.kill('SIGINT');
    await seed.ended;
  });
});
