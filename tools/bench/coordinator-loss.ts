// coordinator-loss: kill -9 of the coordinator while load runs. With `terminate`, how long until every process of the swarm, workers included, is
// gone: for `run` (its nodes are its children and see it go), and for `seed` and `join`, where nothing but the protocol tells them. With `reelect`,
// how long until a survivor has heard a successor's beat; then the successor is killed too, and the rest, without a majority, has to go as well.
// The final line is about whichever of the two policies came closest to its limit; its baseline is the protocol's own part of it, the lease
// that voters owe the old coordinator before they elect another. The end without a majority has a bound of its own: lease and grace.

import { join } from 'node:path';
import { monotonicNowMs } from '../../node/adapters/clock.ts';
import { out } from '../../node/adapters/terminal.ts';
import { DEFAULT_TIMING } from '../../node/core/config.ts';
import type { NodeId } from '../../node/core/messages.ts';
import type { StatusView } from '../../node/runtime/node-status.ts';
import { type BenchOptions, type BenchResult, quantile } from '../bench-kit.ts';
import { type RecordingTarget, startRecordingTarget } from './kit/recording-target.ts';
import { kill, pidOf, type Started, type SwarmKit, statusOf, ticketOf, until, withSwarmKit } from './kit/swarm-kit.ts';

export const about = 'kill -9 of the coordinator to all processes gone (terminate), to a new coordinator beating (reelect)';

const NODES = 3;
const KILL_AT_MS = 1_500;
const POLL_MS = 20;
const GONE_MS_MAX = 60_000;
const REACH_S = { terminate: 15, reelect: 5 } as const;

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
    started,
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
  const ticket = await ticketOf(seed);
  const share = ['--workers', '1', '--cores', '0.5'];
  const joined = NODE_NAMES.map((node) =>
    kit.start(['join', '--data', join(folder, node), '--label', `name=${node}`, ...share, ...listen], { ticket }),
  );
  return untilLoaded(folder, [seed, ...joined]);
}

const coordinatorName = ({ nodes, node }: StatusView): string => nodes.find((each) => each.node === node)?.name ?? node;

interface Measured {
  readonly terminate?: number;
  readonly reelect?: number;
  readonly noMajority?: number;
}

/** From the kill to the last process of the kit. */
async function measureGone(kit: SwarmKit, { coordinator, coordinatorPid, started }: Swarm): Promise<number> {
  const before = kit.pids().length;
  const atMs = monotonicNowMs();
  kill(coordinatorPid);
  await until('every process is gone', () => (kit.pids().length === 0 ? true : null), [], GONE_MS_MAX, POLL_MS);
  const goneMs = monotonicNowMs() - atMs;
  const said = new Set(started.flatMap(({ text }) => /^left: .*$/m.exec(text())?.[0] ?? []));
  const words = said.size === 0 ? '' : `; the others said "${[...said].join('", "')}"`;
  out(`  kill -9 ${coordinatorName(coordinator)}: ${before} processes gone after ${(goneMs / 1000).toFixed(2)} s${words}`);
  return goneMs;
}

/** From the kill to the first survivor that heard another one beat in a later term. */
async function untilReelected({ coordinator, coordinatorPid, survivors, started }: Swarm): Promise<{ reelect: number; next: Swarm }> {
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
    [],
    GONE_MS_MAX,
    POLL_MS,
  );
  const elapsedMs = monotonicNowMs() - atMs;
  const successor = heard.nodes.find(({ node }) => node === heard.coordinator)?.name ?? heard.coordinator;
  const killed = `kill -9 ${coordinatorName(coordinator)}, term ${coordinator.term}`;
  out(`  ${killed}: ${successor} beats in term ${heard.term} after ${(elapsedMs / 1000).toFixed(2)} s`);
  const home = await until('the successor answers', async () => homeOf(survivors, heard.coordinator), [], GONE_MS_MAX, POLL_MS);
  const next = { coordinator: { ...heard, node: heard.coordinator as NodeId }, coordinatorPid: pidOf(home), survivors: [], started };
  return { reelect: elapsedMs, next };
}

/** Data folder of the node. */
async function homeOf(folders: readonly string[], node: NodeId | null): Promise<string | null> {
  for (const folder of folders) if ((await statusOf(folder))?.node === node) return folder;
  return null;
}

interface Case {
  readonly title: string;
  readonly policy: Policy;
  readonly start: typeof startRun;
  readonly measure: (kit: SwarmKit, swarm: Swarm) => Promise<Measured>;
}

const measureTerminated = async (kit: SwarmKit, swarm: Swarm): Promise<Measured> => ({ terminate: await measureGone(kit, swarm) });

async function measureReelected(kit: SwarmKit, swarm: Swarm): Promise<Measured> {
  const { reelect } = await untilReelected(swarm);
  for (const pid of kit.pids()) kill(pid);
  await until('the rest is gone', () => (kit.pids().length === 0 ? true : null), [], GONE_MS_MAX, POLL_MS);
  return { reelect };
}

async function measureReelectedTwice(kit: SwarmKit, swarm: Swarm): Promise<Measured> {
  const { reelect, next } = await untilReelected(swarm);
  return { reelect, noMajority: await measureGone(kit, next) };
}

const QUICK_CASES: readonly Case[] = [
  { title: 'terminate, seed and join', policy: 'terminate', start: startJoined, measure: measureTerminated },
  { title: 'reelect, seed and join', policy: 'reelect', start: startJoined, measure: measureReelected },
];

const CASES: readonly Case[] = [
  { title: 'terminate, seed inside run', policy: 'terminate', start: startRun, measure: measureTerminated },
  { title: 'terminate, seed and join', policy: 'terminate', start: startJoined, measure: measureTerminated },
  { title: 'reelect, seed and join; then no majority', policy: 'reelect', start: startJoined, measure: measureReelectedTwice },
];

async function measureAll(kit: SwarmKit, target: RecordingTarget, quick: boolean): Promise<Measured[]> {
  const measured: Measured[] = [];
  const scenarioPath = kit.writeScenario(scenario(target.url));
  for (const [index, { title, policy, start, measure }] of (quick ? QUICK_CASES : CASES).entries()) {
    out(`${title}:`);
    for (let round = 0; round < (quick ? 1 : 3); round++) {
      const swarm = await start(kit, scenarioPath, policy, `case-${index}-${round}`);
      measured.push(await measure(kit, swarm));
    }
  }
  return measured;
}

/** Worst of these in seconds, shown beside the limit. */
function worstOf(what: string, each: readonly (number | undefined)[], limitS: number): number {
  const values = each.filter((value) => value !== undefined);
  const worstS = Math.max(...values) / 1000;
  out(`${what}: worst ${worstS.toFixed(2)} s, median ${(quantile(values, 0.5) / 1000).toFixed(2)} s, limit ${limitS} s`);
  return worstS;
}

export async function bench({ quick }: BenchOptions): Promise<BenchResult> {
  const target = await startRecordingTarget();
  try {
    const measured = await withSwarmKit((kit) => measureAll(kit, target, quick));
    const { leaseMs, graceMs } = DEFAULT_TIMING;
    const limits: Policy[] = ['terminate', 'reelect'];
    const worst = limits.map((policy) => {
      const each = measured.map((one) => one[policy]);
      return { policy, figure: worstOf(policy, each, REACH_S[policy]), reach: REACH_S[policy] };
    });
    const alone = measured.map(({ noMajority }) => noMajority);
    if (alone.some((value) => value !== undefined)) worstOf('no majority, all processes gone', alone, (leaseMs + graceMs) / 1000);
    const closest = worst.reduce((one, other) => (other.figure / other.reach > one.figure / one.reach ? other : one));
    out(`the final line is about ${closest.policy}; its baseline is the lease`);
    return { figure: closest.figure, unit: 's', baseline: leaseMs / 1000, reach: closest.reach, better: 'lower' };
  } finally {
    await target.stop();
  }
}
