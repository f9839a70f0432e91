// What an operator does to a running swarm: ask, scale, stop, Ctrl-C once and twice, add a machine, restart one. Everything through the commands and
// signals that a person uses.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Summary } from '../../node/core/summary-types.ts';
import type { StatusView } from '../../node/runtime/node-status.ts';
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

const LONG = { holdS: 80 };

async function running(name: string, ...flags: string[]): Promise<{ ran: Ran; folder: string }> {
  const ran = kit.start('run', kit.scenario(name, LONG), '--nodes', '2', ...flags);
  await until('there is a run folder', () => ran.err().includes('forming'), PATIENCE_MS);
  const folder = kit.runFolder();
  await kit.untilStatus(seedFolder(folder), 'the load is on', ({ board }) => board.endpointsActive === 12, true);
  return { ran, folder };
}

describe('an operator', () => {
  it('asks, scales and stops a run; what was measured is reported', { timeout: PATIENCE_MS * 2 }, async () => {
    const { ran, folder } = await running('operate');
    const asked = await kit.run('status', '--json');
    const status = JSON.parse(asked.out()) as StatusView;
    expect(status).toMatchObject({ phase: 'running', shardsOwned: status.shards, board: { endpointsActive: 12, nodesLive: 2 } });
    expect((await kit.run('status', folder)).out()).toContain('callers');

    expect((await kit.run('scale', 'caller', '2')).err()).toContain('callers');
    expect((await kit.run('scale', 'callers', '-50%')).code).toBe(0);
    await kit.untilStatus(seedFolder(folder), 'half are left', ({ board }) => board.endpointsActive === 6, true);
    expect((await kit.run('scale', '*', '1.5', '--in', '1')).code).toBe(0);
    await kit.untilStatus(seedFolder(folder), 'there are more than planned', ({ board }) => board.endpointsActive === 18, true);

    expect((await kit.run('stop')).code).toBe(0);
    expect(await ran.ended).toBe(105);
    expect(ran.out()).toContain('STOPPED');
    expect(kit.processes()).toEqual([]);
    expect((await kit.run('status')).out()).toContain('STOPPED');
  });

  it('asks with the ticket alone, and cannot give orders with it', { timeout: PATIENCE_MS }, async () => {
    const { folder } = await running('ticket');
    const ticket = readFileSync(join(folder, 'ticket'), 'utf8').trim();
    const asked = await kit.run('status', ticket, '--json');
    expect(JSON.parse(asked.out())).toMatchObject({ phase: 'running' });
    const stopped = await kit.run('stop', ticket);
    expect(stopped.err()).toContain("operator's key");
    expect(stopped.code).toBe(104);
    expect((await kit.run('stop', ticket, '--now', '--key', join(folder, 'operator.key'))).code).toBe(0);
    await kit.untilStatus(seedFolder(folder), 'the run ends', ({ phase }) => phase !== 'running');
  });

  it('interrupts once: the swarm drains and the summary comes', { timeout: PATIENCE_MS }, async () => {
    const { ran } = await running('interrupt', '--json');
    ran.child.kill('SIGINT');
    expect(await ran.ended).toBe(105);
    const summary = JSON.parse(ran.out()) as Summary;
    expect(summary).toMatchObject({ run: { end: 'stopped' }, verdict: { exitCode: 105 }, load: { total: { started: 12 } } });
    expect(kit.processes()).toEqual([]);
  });

  it('interrupts three times: everything is gone', { timeout: PATIENCE_MS }, async () => {
    const { ran } = await running('impatient');
    for (let count = 0; count < 3; count++) {
      ran.child.kill('SIGINT');
      await until('it was heard', () => ran.err().includes(count === 0 ? 'draining' : 'stopping now'));
    }
    expect(await ran.ended).toBe(105);
    expect(kit.processes()).toEqual([]);
  });
});

describe('a node', () => {
  it('joins while the load runs, is killed, and comes back as itself', { timeout: PATIENCE_MS * 2 }, async () => {
    const { folder } = await running('grow');
    const ticket = readFileSync(join(folder, 'ticket'), 'utf8').trim();
    const data = join(kit.folder, 'third');
    const flags = ['--data', data, '--cores', '1', '--listen', '/ip4/127.0.0.1/tcp/0', '--label', 'name=third'];
    const first = kit.start('join', ticket, ...flags);
    const seesThird = (state: string) => (status: StatusView) => status.nodes.some((node) => node.name === 'third' && node.state === state);
    await kit.untilStatus(seedFolder(folder), 'the third is in', seesThird('live'));
    const before = await kit.untilStatus(data, 'it knows the run', ({ runId }) => runId !== null);

    const locked = await kit.run('join', ticket, '--data', data);
    expect(locked.err()).toContain('another process uses the data folder');
    expect(locked.code).toBe(104);

    process.kill(first.pid, 'SIGKILL');
    await kit.untilStatus(seedFolder(folder), 'the third is missed', seesThird('lost'));
    kit.start('join', ticket, ...flags);
    const after = await kit.untilStatus(
      data,
      'it is back and has caught up',
      ({ phase, runId }) => phase === 'running' && runId === before.runId,
    );
    expect(after.node).toBe(before.node);
    await kit.untilStatus(seedFolder(folder), 'the third is in again', seesThird('live'));
  });

  it('leaves on SIGTERM: its load goes to the others at once', { timeout: PATIENCE_MS }, async () => {
    const { folder } = await running('leave');
    process.kill(kit.pidOf(nodeFolder(folder, 2)), 'SIGTERM');
    const status = await kit.untilStatus(seedFolder(folder), 'it has left', ({ nodes }) => nodes.some(({ state }) => state === 'left'));
    expect(status.nodes.find(({ state }) => state === 'left')?.name).toBe('node-2');
    await kit.untilStatus(seedFolder(folder), 'the other runs everything', ({ board }) => board.endpointsActive === 12, true);
  });
});
