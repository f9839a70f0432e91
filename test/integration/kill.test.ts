// kill -9 of each kind of process (issue 2): an ordinary node, a worker, the coordinator under both policies, `run` itself. What must follow is in the
// log of the survivors, in the verdict and in the process table.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Summary } from '../../node/core/summary-types.ts';
import { createSwarmKit, nodeFolder, PATIENCE_MS, type Ran, type SwarmKit, seedFolder } from '../support/swarm-kit.ts';
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

/** Starts `run`, waits until the load is on, and answers the run folder. */
async function running(ran: () => Ran): Promise<{ ran: Ran; folder: string }> {
  const started = ran();
  await until('there is a run folder', () => started.err().includes('forming'), PATIENCE_MS);
  const folder = kit.runFolder();
  // As the coordinator sees it: what a node measured before it is killed has arrived.
  await kit.untilStatus(seedFolder(folder), 'the load is on', ({ board }) => board.endpointsActive === 12, true);
  return { ran: started, folder };
}

/** A node of the run that carries load and does not coordinate. */
async function ordinaryNode(folder: string): Promise<string> {
  const status = await kit.status(seedFolder(folder));
  const found = status?.nodes.find(({ load, node, state }) => load && state === 'live' && node !== status.coordinator);
  return join(folder, 'nodes', found?.name ?? '');
}

describe('kill -9', () => {
  it('of an ordinary node moves its shards, and the run passes', { timeout: PATIENCE_MS * 2 }, async () => {
    const scenario = kit.scenario('moves', { holdS: 20 });
    const { ran, folder } = await running(() => kit.start('run', scenario, '--nodes', '3', '--json'));
    const victim = await ordinaryNode(folder);
    process.kill(kit.pidOf(victim), 'SIGKILL');
    const after = await kit.untilStatus(seedFolder(folder), 'the node is counted out', ({ nodes }) =>
      nodes.some(({ state }) => state === 'lost'),
    );
    expect(after.nodes.filter(({ state }) => state === 'lost')).toHaveLength(1);
    expect(after.shardsOwned).toBe(after.shards);
    await kit.untilStatus(seedFolder(folder), 'all endpoints are back', ({ board }) => board.endpointsActive === 12, true);
    expect(await ran.ended).toBe(0);
    const summary = JSON.parse(ran.out()) as Summary;
    expect(summary.nodes.filter(({ state }) => state === 'lost')).toHaveLength(1);
    // What is missing ends where the node was counted out (swarm time, not this machine's), not with the run.
    expect(summary.integrity.gaps).toHaveLength(1);
    expect(summary.integrity.gaps[0]?.seconds ?? 99).toBeLessThan(10);
    expect(summary.load.total.started).toBeGreaterThan(summary.load.total.livesDue);
    expect(kit.processes()).toEqual([]);
  });

  it('of a worker brings another, and counts its endpoints against the generator', { timeout: PATIENCE_MS * 2 }, async () => {
    const { ran, folder } = await running(() =>
      kit.start('run', kit.scenario('worker', { holdS: 8 }), '--nodes', '1', '--workers', '1', '--json'),
    );
    const node = await kit.status(nodeFolder(folder, 1));
    const [worker] = node?.workerPids ?? [];
    process.kill(worker ?? -1, 'SIGKILL');
    await kit.untilStatus(
      nodeFolder(folder, 1),
      'another worker is there',
      ({ workerPids }) => workerPids.length === 1 && workerPids[0] !== worker,
    );
    await ran.ended;
    const summary = JSON.parse(ran.out()) as Summary;
    const deaths = summary.errors.causes.filter(({ cause }) => cause === 'worker-died');
    expect(deaths).toMatchObject([{ side: 'generator', group: 'callers', count: 12 }]);
    expect(summary.load.total.started).toBe(24);
    expect(kit.processes()).toEqual([]);
  });

  it('of `run` itself ends every node and worker', { timeout: PATIENCE_MS }, async () => {
    const { ran } = await running(() => kit.start('run', kit.scenario('orphans', { holdS: 60 }), '--nodes', '2'));
    expect(kit.processes().length).toBeGreaterThan(4);
    process.kill(ran.pid, 'SIGKILL');
    await until('all processes are gone', () => kit.processes().length === 0, 30_000);
  });

  /** A seed and three nodes as separate processes, under load; the folder of the coordinator and of the others. */
  async function separate(policy: 'terminate' | 'reelect'): Promise<{ seed: Ran; joined: Ran[]; folders: string[] }> {
    const scenario = kit.scenario(`coordinator-${policy}`, { holdS: 25 });
    const flags = ['--listen', '/ip4/127.0.0.1/tcp/0', '--scenario', scenario, '--on-coordinator-loss', policy];
    const seed = kit.start('seed', '--expect-nodes', '3', '--data', join(kit.folder, `${policy}-seed`), ...flags);
    await until('the ticket is printed', () => seed.out().includes('\n'), PATIENCE_MS);
    const folders = [1, 2, 3].map((index) => join(kit.folder, `${policy}-${index}`));
    const joined = folders.map((folder, index) =>
      kit.start(
        'join',
        seed.out().trim(),
        '--data',
        folder,
        '--cores',
        '0.5',
        '--listen',
        '/ip4/127.0.0.1/tcp/0',
        '--label',
        `name=n${index}`,
      ),
    );
    await kit.untilStatus(folders[0]!, 'the load is on', ({ phase, sinceT0Ms }) => phase === 'running' && (sinceT0Ms ?? 0) > 1500);
    return { seed, joined, folders };
  }

  /** Kills whoever coordinates; answers the survivors. */
  async function killCoordinator({ seed, joined, folders }: Awaited<ReturnType<typeof separate>>): Promise<{ ran: Ran; folder: string }[]> {
    const status = await kit.status(folders[0]!);
    const coordinator = status?.nodes.find(({ node }) => node === status.coordinator)?.name;
    const index = coordinator === 'seed' ? -1 : Number(coordinator?.slice(1));
    process.kill(index < 0 ? seed.pid : joined[index]!.pid, 'SIGKILL');
    return joined.map((ran, at) => ({ ran, folder: folders[at]! })).filter((_, at) => at !== index);
  }

  it('of the coordinator ends the swarm under `terminate`', { timeout: PATIENCE_MS * 2 }, async () => {
    const swarm = await separate('terminate');
    const survivors = await killCoordinator(swarm);
    for (const { ran } of survivors) expect(await ran.ended).toBe(112);
    await swarm.seed.ended;
    // The successor's last act, also where that is the seed: the swarm that ends itself still says what it measured.
    const folders = [...survivors.map(({ folder }) => folder), join(kit.folder, 'terminate-seed')];
    const places = folders.flatMap((folder) => [join(folder, 'report', 'summary.json'), join(folder, 'summary.json')]);
    const reports = places.filter((path) => existsSync(path)).map((path) => JSON.parse(readFileSync(path, 'utf8')) as Summary);
    expect(reports.length).toBeGreaterThan(0);
    for (const summary of reports) expect(summary).toMatchObject({ verdict: { exitCode: 112 }, run: { end: 'coordinator-lost' } });
  });

  it('of the coordinator is survived under `reelect`', { timeout: PATIENCE_MS * 2 }, async () => {
    const swarm = await separate('reelect');
    const before = await kit.status(swarm.folders[0]!);
    const survivors = await killCoordinator(swarm);
    const alive = survivors[0]!.folder;
    const after = await kit.untilStatus(
      alive,
      'there is another coordinator',
      ({ coordinator }) => coordinator !== null && coordinator !== before?.coordinator,
    );
    expect(after.term).toBeGreaterThan(before?.term ?? 0);
    for (const { ran } of survivors) expect(await ran.ended).toBe(0);
  });
});
