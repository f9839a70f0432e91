// One swarm over three vendors, one of them behind a NAT that lets nothing in, with seeds at two; then the vendor of the first seed and coordinator goes, all at once, and the run
// goes on: a seed elsewhere takes over, the load moves, and the machines behind the NAT stay in. Real processes in network namespaces.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Summary } from '../../node/core/summary-types.ts';
import { createSwarmKit, PATIENCE_MS, type SwarmKit } from '../support/swarm-kit.ts';
import { until } from '../support/until.ts';
import { onRouter, openVendorLab, type Vendor, type VendorLab, vendorLabMissing } from '../support/vendor-lab.ts';

const missing = vendorLabMissing();
if (missing !== null) process.stderr.write(`three vendors: skipped, ${missing}\n`);
const PORT = 4001;
const LOAD_NODES = 5;

interface Machine {
  readonly vendor: Vendor;
  readonly child: ChildProcess;
  readonly folder: string;
  out(): string;
  readonly ended: Promise<number>;
}

describe.skipIf(missing !== null)('three vendors', () => {
  let kit: SwarmKit;
  let lab: VendorLab;
  let machines: Machine[];
  let others: ChildProcess[];
  beforeAll(async () => {
    kit = await createSwarmKit();
    lab = openVendorLab();
    machines = [];
    others = [];
  }, PATIENCE_MS);
  afterEach(() => {
    for (const child of [...others, ...machines.map((machine) => machine.child)]) child.kill('SIGKILL');
  });
  afterAll(async () => {
    lab.close();
    await kit.close();
  });

  /** `ip netns exec` becomes the program itself, so that its pid is the program's. */
  function start(name: string, vendor: Vendor, ...words: string[]): Machine {
    const folder = join(kit.folder, name);
    mkdirSync(folder, { recursive: true });
    const [program = '', ...before] = lab.inside(vendor);
    const args = [...before, process.execPath, join(kit.folder, 'dist', 'quilt-swarm.mjs'), ...words, '--data', folder];
    const child = spawn(program, [...args, '--label', `vendor=${vendor}`, '--label', `name=${name}`], { cwd: kit.folder });
    let text = '';
    child.stdout.on('data', (bytes) => (text += bytes));
    child.stderr.resume();
    const ended = new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? -1)));
    const machine = { vendor, child, folder, out: () => text, ended };
    machines.push(machine);
    return machine;
  }

  const joinAt = (name: string, vendor: Vendor, ticket: string, ...flags: string[]): Machine => {
    const address = lab.addressOf(vendor);
    const reach = address === null ? ['--behind-nat'] : ['--listen', `/ip4/${address}/tcp/0`];
    return start(name, vendor, 'join', ticket, ...reach, '--cores', '1', '--workers', '1', ...flags);
  };

  it('lose one with its seed, and the run goes on', { timeout: PATIENCE_MS * 2 }, async () => {
    const [program = '', ...before] = onRouter();
    const target = ['-e', `require('node:http').createServer((_, answer) => answer.end('x')).listen(8080, '${lab.routerAddress}')`];
    others.push(spawn(program, [...before, process.execPath, ...target], { stdio: 'ignore' }));
    const file = kit.scenario('vendors', { endpoints: 24, holdS: 50, url: `http://${lab.routerAddress}:8080` });

    const listen = ['--listen', `/ip4/${lab.addressOf('alder')}/tcp/${PORT}`];
    const policies = ['--on-node-loss', 'reassign', '--on-coordinator-loss', 'reelect'];
    const counts = ['--expect-nodes', String(LOAD_NODES), '--seeds', '2'];
    const seed = start('seed', 'alder', 'seed', ...counts, ...listen, ...policies, '--scenario', file, '--quiet');
    await until('there is a ticket', () => seed.out().includes('\n'), PATIENCE_MS);
    const ticket = seed.out().split('\n')[0] ?? '';
    const second = joinAt('second', 'birch', ticket, '--as-seed');
    joinAt('alder-1', 'alder', ticket);
    const birch = [joinAt('birch-1', 'birch', ticket), joinAt('birch-2', 'birch', ticket)];
    const cedar = [joinAt('cedar-1', 'cedar', ticket), joinAt('cedar-2', 'cedar', ticket)];

    const full = await kit.untilStatus(second.folder, 'all load is on', ({ board }) => board.endpointsActive === 24, true);
    expect(full.board).toMatchObject({ nodesLive: LOAD_NODES });
    expect(full.nodes.filter(({ labels }) => labels.vendor === 'cedar').every(({ shards }) => shards > 0)).toBe(true);

    for (const { vendor, child } of machines) if (vendor === 'alder') child.kill('SIGKILL');
    const after = await kit.untilStatus(
      second.folder,
      'the rest carries all of the load',
      ({ board }) => board.nodesLive === LOAD_NODES - 1 && board.endpointsActive === 24 && board.coordinator !== null,
      true,
    );
    const coordinator = after.nodes.find(({ node }) => node === after.coordinator);
    expect(coordinator?.labels.vendor).not.toBe('alder');
    for (const { labels, state } of after.nodes) expect(state).toBe(labels.vendor === 'alder' ? 'lost' : 'live');

    for (const machine of [second, ...birch, ...cedar]) expect(await machine.ended, machine.folder).toBe(0);
    const summary = JSON.parse(readFileSync(join(second.folder, 'report', 'summary.json'), 'utf8')) as Summary;
    expect(summary).toMatchObject({ run: { end: 'completed' }, verdict: { verdict: 'pass' } });
    expect(summary.nodes.filter(({ state }) => state === 'lost').map(({ labels }) => labels.vendor)).toEqual(['alder', 'alder']);
  });
});
