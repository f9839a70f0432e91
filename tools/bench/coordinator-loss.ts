// coordinator-loss: kill -9 of the coordinator while load runs. With `terminate`, how long until every process of the swarm, workers included, is
// gone: once for `run` (its nodes are its children and see it go), once for `seed` and `join`, where nothing but the protocol tells them. With
// `reelect`, how long until a survivor has heard a successor's beat. The final line is about whichever came closest to its limit; the baseline
// is the protocol's arithmetic: the voters' lease, plus for `terminate` the beats in which windows of the lost may still turn up.

import { join } from 'node:path';
import { monotonicNowMs } from '../../node/adapters/clock.ts';
import { out } from '../../node/adapters/terminal.ts';
import { DEFAULT_TIMING } from '../../node/core/config.ts';
import type { StatusView } from '../../node/runtime/node-status.ts';
import { type BenchOptions, type BenchResult, quantile } from '../bench-kit.ts';
import { type RecordingTarget, startRecordingTarget } from './kit/recording-target.ts';
import { kill, pidOf, type Started, type SwarmKit, statusOf, until, withSwarmKit } from './kit/swarm-kit.ts';

export const about = 'kill -9 of the coordinator to all processes gone (terminate), to a new coordinator beating (reelect)';

const NODES = 3;
const KILL_AT_MS = 1_500;
const POLL_MS = 20;
const GONE_MS_MAX = 60_000;
const REACH_S = { terminate: 15, reelect: 5 } as const;
/** lifecycle.ts: a successor asks this long for windows of the lost in others' keeping. */
const CUSTODY_BEATS = 3;

type Policy = keyof typeof REACH_S;

const scenario = (url: string): string => `name: coordinator-loss
targets: { api: ${url} }
groups:
  callers:
    type: http
    load: { endpoints: 48, shape: [{ step: 100%, for: 3m }] }
    behavior: { baseUrl: '${url}', think: 200ms, requests: [{ name: list, url: /api/meetings }] }
deadline: 5m
`;

interface Swarm {
  readonly coordinator: StatusView;
  readonly coordinatorPid: number;
  /** Data folders of the nodes that are left. */
  readonly survivors: readonly string[];
  /** Processes that the kit started itself, for what they say at the end. */
  readonly started: readonly Started[];
}

const NODE_NAMES = Array.from({ length: NODES }, (_, index) => `node-${index + 1}`);

/** The swarm once load has run for a moment. Any node may coordinate: usually the seed does, because witnesses canvass first. */
async function untilLoaded(folder: string, started: readonly Started[]): Promise<Swarm> {
  const folders = ['seed', ...NODE_NAMES].map((name) => join(folder, name));
  return until(
    'load runs',
    async () => {
      for (const data of folders) {
        const status = await statusOf(data);
        if (status === null || !status.isCoordinator || (status.sinceT0Ms ?? 0) < KILL_AT_MS) continue;
        return { coordinator: status, coordinatorPid: pidOf(data), survivors: folders.filter((each) => each !== data), started };
      }
      return null;
    },
    started[0] ?? null,
  );
}

async function startRun(kit: SwarmKit, scenarioPath: string, policy: Policy, name: string): Promise<Swarm> {
  const runs = join(kit.folder, name);
  const flags = ['--nodes', String(NODES), '--workers', '1', '--run-folder', runs, '--on-coordinator-loss', policy, '--quiet'];
  return untilLoaded(join(runs, 'latest', 'nodes'), [kit.start(['run', scenarioPath, ...flags])]);
}

async function startJoined(kit: SwarmKit, scenarioPath: string, policy: Policy, name: string): Promise<Swarm> {
  const folder = join(kit.folder, name);
  const listen = ['--listen', '/ip4/127.0.0.1/tcp/0'];
  const policies = ['--on-coordinator-loss', policy, '--quiet'];
  const flags = ['--expect-nodes', String(NODES), '--data', join(folder, 'seed'), '--scenario', scenarioPath];
  const seed = kit.start(['seed', ...flags, ...listen, ...policies]);
  const ticket = await until('the seed prints its ticket', () => /^quilt\S+$/m.exec(seed.text())?.[0] ?? null, seed);
  const share = ['--workers', '1', '--cores', '0.5'];
  const joined = NODE_NAMES.map((node) =>
    kit.start(['join', '--data', join(folder, node), '--label', `name=${node}`, ...share, ...listen], { ticket }),
  );
  return untilLoaded(folder, [seed, ...joined]);
}

const coordinatorName = ({ nodes, node }: StatusView): string => nodes.find((each) => each.node === node)?.name ?? node;

/** From the kill to the last process of the kit. */
async function measureGone(kit: SwarmKit, { coordinator, coordinatorPid, started }: Swarm): Promise<number> {
  const before = kit.pids().length;
  const atMs = monotonicNowMs();
  kill(coordinatorPid);
  await until('every process is gone', () => (kit.pids().length === 0 ? true : null), null, GONE_MS_MAX, POLL_MS);
  const goneMs = monotonicNowMs() - atMs;
  const said = new Set(started.flatMap(({ text }) => /^left: .*$/m.exec(text())?.[0] ?? []));
  const words = said.size === 0 ? '' : `; the others said "${[...said].join('", "')}"`;
  out(`  kill -9 ${coordinatorName(coordinator)}: ${before} processes gone after ${(goneMs / 1000).toFixed(2)} s${words}`);
  return goneMs;
}

/** From the kill to the first survivor that heard another one beat in a later term. */
async function measureReelected(kit: SwarmKit, { coordinator, coordinatorPid, survivors }: Swarm): Promise<number> {
  const atMs = monotonicNowMs();
  kill(coordinatorPid);
  const heard = await until(
    'a survivor hears a new coordinator',
    async () => {
      for (const status of await Promise.all(survivors.map(statusOf))) {
        const isSuccessor = status !== null && status.coordinator !== null && status.coordinator !== coordinator.node;
        if (isSuccessor && status.term > coordinator.term && status.coordinator !== status.node) return status;
      }
      return null;
    },
    null,
    GONE_MS_MAX,
    POLL_MS,
  );
  const elapsedMs = monotonicNowMs() - atMs;
  const successor = heard.nodes.find(({ node }) => node === heard.coordinator)?.name ?? heard.coordinator;
  const killed = `kill -9 ${coordinatorName(coordinator)}, term ${coordinator.term}`;
  out(`  ${killed}: ${successor} beats in term ${heard.term} after ${(elapsedMs / 1000).toFixed(2)} s`);
  for (const pid of kit.pids()) kill(pid);
  await until('the rest is gone', () => (kit.pids().length === 0 ? true : null), null, GONE_MS_MAX, POLL_MS);
  return elapsedMs;
}

interface Case {
  readonly title: string;
  readonly policy: Policy;
  readonly start: typeof startRun;
  readonly measure: typeof measureGone;
}

const CASES: readonly Case[] = [
  { title: 'terminate, seed inside run', policy: 'terminate', start: startRun, measure: measureGone },
  { title: 'terminate, seed and join', policy: 'terminate', start: startJoined, measure: measureGone },
  { title: 'reelect, seed and join', policy: 'reelect', start: startJoined, measure: measureReelected },
];

async function measureAll(kit: SwarmKit, target: RecordingTarget, quick: boolean): Promise<Map<Policy, number[]>> {
  const figures = new Map<Policy, number[]>([
    ['terminate', []],
    ['reelect', []],
  ]);
  const scenarioPath = kit.writeScenario(scenario(target.url));
  // Quick leaves out the easy one.
  const cases = quick ? CASES.slice(1) : CASES;
  for (const [index, { title, policy, start, measure }] of cases.entries()) {
    out(`${title}:`);
    for (let round = 0; round < (quick ? 1 : 5); round++) {
      const swarm = await start(kit, scenarioPath, policy, `case-${index}-${round}`);
      figures.get(policy)?.push(await measure(kit, swarm));
    }
  }
  return figures;
}

export async function bench({ quick }: BenchOptions): Promise<BenchResult> {
  const target = await startRecordingTarget();
  try {
    const figures = await withSwarmKit((kit) => measureAll(kit, target, quick));
    const worst = ([...figures.keys()] as const).map((policy) => {
      const each = figures.get(policy) ?? [];
      const [figure, median] = [Math.max(...each) / 1000, quantile(each, 0.5) / 1000];
      out(`${policy}: worst ${figure.toFixed(2)} s, median ${median.toFixed(2)} s, to reach ${REACH_S[policy]} s`);
      return { policy, figure, reach: REACH_S[policy] };
    });
    const closest = worst.reduce((one, other) => (other.figure / other.reach > one.figure / one.reach ? other : one));
    const { leaseMs, beatMs } = DEFAULT_TIMING;
    const baselineMs = closest.policy === 'reelect' ? leaseMs : leaseMs + CUSTODY_BEATS * beatMs;
    out(
      `the final line is about ${closest.policy}; its baseline is the lease of the voters${closest.policy === 'reelect' ? '' : ' and the search'}`,
    );
    return { figure: closest.figure, unit: 's', baseline: baselineMs / 1000, reach: closest.reach, better: 'lower' };
  } finally {
    await target.stop();
  }
}
