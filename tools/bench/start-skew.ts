// start-skew: how far apart nodes do what is planned for the same moment. Four nodes run a staircase: at each step several endpoints are due at the
// same instant of swarm time, and an observer in front of the target writes down when the first request of each one comes. An endpoint's skew is
// its distance from the first of its step, whichever node that was; so it holds the error of the nodes' clocks, the lateness of
// timers, connecting, and the code's first run. The baseline is the same distance within one node, where no clocks have to agree.

import { join } from 'node:path';
import { out } from '../../node/adapters/terminal.ts';
import type { NodeId } from '../../node/core/messages.ts';
import { type BenchOptions, type BenchResult, quantile } from '../bench-kit.ts';
import { type RecordingTarget, startRecordingTarget } from './kit/recording-target.ts';
import { readEvidence } from './kit/run-evidence.ts';
import { kill, type SwarmKit, statusOf, until, withSwarmKit } from './kit/swarm-kit.ts';

export const about = 'distance between nodes of one machine at the same planned moment, p99; against within one node';

const NODES = 4;
const PER_STEP = 12;
const STEP_MS = 250;

const scenario = (url: string, steps: number): string => `name: start-skew
targets: { api: ${url} }
groups:
  callers:
    type: http
    load:
      endpoints: ${steps * PER_STEP}
      shape:
${Array.from({ length: steps }, (_, step) => `        - { step: ${(step + 1) * PER_STEP}, for: ${STEP_MS}ms }`).join('\n')}
        - { hold: 3m }
    behavior:
      baseUrl: ${url}
      think: 1h
      requests: [{ name: list, url: /api/meetings, headers: { x-endpoint: '\${endpoint.index}' } }]
shards: { endpoints: 2 }
gracefulStop: 1s
deadline: 5m
`;

interface Start {
  readonly step: number;
  readonly node: NodeId;
  readonly atMs: number;
}

function startsIn(folder: string, target: RecordingTarget): Start[] {
  const { claimants, shardOf } = readEvidence(folder);
  const seen = new Set<number>();
  return target.arrivals.flatMap(({ endpoint, atMs }) => {
    if (seen.has(endpoint)) return [];
    seen.add(endpoint);
    const node = claimants.get(`${shardOf(endpoint)}.1`);
    if (node === undefined) throw new Error(`nobody claimed the shard of endpoint ${endpoint}`);
    return [{ step: Math.floor(endpoint / PER_STEP), node, atMs }];
  });
}

/** Of each start but the first of its set, how long after that first one. */
function distances(starts: readonly Start[], setOf: (start: Start) => string | number): number[] {
  return [...Map.groupBy(starts, setOf).values()].flatMap((set) => {
    const [first = 0, ...rest] = set.map(({ atMs }) => atMs).sort((one, other) => one - other);
    return rest.map((atMs) => atMs - first);
  });
}

/** How far each node is from the whole on average: what its idea of swarm time, and not its timers, adds. */
function showBias(starts: readonly Start[]): void {
  const firsts = new Map(
    [...Map.groupBy(starts, ({ step }) => step)].map(([step, set]) => [step, Math.min(...set.map(({ atMs }) => atMs))]),
  );
  const medians = [...Map.groupBy(starts, ({ node }) => node).values()].map((set) =>
    quantile(
      set.map(({ atMs, step }) => atMs - (firsts.get(step) ?? atMs)),
      0.5,
    ),
  );
  out(`median distance from the first of the step, by node: ${medians.map((ms) => ms.toFixed(2)).join(', ')} ms`);
}

async function runOnce(kit: SwarmKit, target: RecordingTarget, steps: number): Promise<Start[]> {
  const runs = join(kit.folder, 'runs');
  const flags = ['--nodes', String(NODES), '--workers', '1', '--run-folder', runs, '--quiet', '--no-color'];
  const run = kit.start(['run', kit.writeScenario(scenario(target.url, steps)), ...flags]);
  const folder = join(runs, 'latest');
  const sinceT0 = async (): Promise<number> => (await statusOf(join(folder, 'nodes/seed')))?.sinceT0Ms ?? -1;
  await until('all steps are done', async () => ((await sinceT0()) > (steps + 4) * STEP_MS ? true : null), [run], 120_000, 500);
  kill(run.pid, 'SIGINT');
  await run.ended;
  const starts = startsIn(folder, target);
  if (starts.length !== steps * PER_STEP) throw new Error(`${starts.length} of ${steps * PER_STEP} endpoints started:\n${run.text()}`);
  return starts;
}

export async function bench({ quick }: BenchOptions): Promise<BenchResult> {
  const target = await startRecordingTarget();
  try {
    const starts = await withSwarmKit((kit) => runOnce(kit, target, quick ? 30 : 120));
    const between = distances(starts, ({ step }) => step);
    const within = distances(starts, ({ step, node }) => `${step} ${node}`);
    const [figure, baseline] = [quantile(between, 0.99), quantile(within, 0.99)];
    const nodes = new Set(starts.map(({ node }) => node)).size;
    out(`${starts.length} starts on ${nodes} nodes, ${PER_STEP} at the same moment`);
    showBias(starts);
    out(
      `between nodes: p50 ${quantile(between, 0.5).toFixed(2)} ms, p99 ${figure.toFixed(2)} ms, worst ${Math.max(...between).toFixed(2)} ms`,
    );
    out(
      `within a node: p50 ${quantile(within, 0.5).toFixed(2)} ms, p99 ${baseline.toFixed(2)} ms, worst ${Math.max(...within).toFixed(2)} ms`,
    );
    return { figure, unit: 'ms', baseline, reach: 20, better: 'lower' };
  } finally {
    await target.stop();
  }
}
