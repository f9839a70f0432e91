// A launch as a user does it, on machines of the local cloud: two regions become one swarm, the run passes and nothing is left; a launcher killed with -9 leaves
// machines that end by themselves and a record from which `reap` finds nothing more to do; mistakes are told before anything starts; a machine whose
// program hangs is ended by its kill timer.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Cloud } from '../../bootstrap/cloud.ts';
import { bootScript } from '../../bootstrap/cloud-init.ts';
import { cloudType } from '../../bootstrap/clouds/local/index.ts';
import type { Summary } from '../../node/core/summary-types.ts';
import { openFauxqsLab } from '../support/store-labs.ts';
import { until } from '../support/until.ts';

const entry = resolve(import.meta.dirname, '../../node/quilt-swarm.mjs');
let folder: string;
let started: ChildProcess[];
let environment: Record<string, string>;

let target: Server;

/** The least load that there is: the machines are what is tested. */
const scenario = (seconds: number): string => `name: launched
targets:
  api: http://127.0.0.1:${(target.address() as AddressInfo).port}
groups:
  visitors:
    type: http
    load: { endpoints: 6, shape: [{ ramp: 100%, over: 1s }, { hold: ${seconds}s }] }
    behavior:
      baseUrl: \${targets.api}
      think: 1s
      requests: [{ name: front, url: / }]
`;

const openLocal = async (): Promise<Cloud> => {
  const opened = await cloudType.create({
    environment: (name) => (name === 'QUILT_LOCAL_MACHINES' ? join(folder, 'machines') : undefined),
    wallNowMs: () => 0,
    sleep: (ms) => new Promise((wake) => setTimeout(wake, ms)),
    random: () => 0.5,
  });
  if (!opened.ok) throw new Error('the local cloud did not open');
  return opened.value;
};

async function alive(cloud: Cloud): Promise<number> {
  let count = 0;
  for (const region of ['eu', 'us']) {
    const listed = await cloud.list({ region, runId: null });
    if (listed.ok) count += listed.value.filter(({ state }) => state === 'running').length;
  }
  return count;
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(...args: string[]): { child: ChildProcess; ended: Promise<Ended>; said: () => string } {
  const child = spawn(process.execPath, [entry, ...args], {
    cwd: folder,
    env: { ...process.env, ...environment, QUILT_LOCAL_MACHINES: join(folder, 'machines') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (bytes) => {
    stdout += bytes;
  });
  child.stderr.on('data', (bytes) => {
    stderr += bytes;
  });
  const ended = new Promise<Ended>((done) => child.on('close', (code) => done({ code, stdout, stderr })));
  return { child, ended, said: () => stderr };
}

beforeEach(async () => {
  target = createServer((_request, response) => response.end('hello'));
  await new Promise<void>((done) => target.listen(0, '127.0.0.1', done));
  folder = mkdtempSync(join(tmpdir(), 'quilt-launch-'));
  started = [];
  environment = {};
});
afterEach(async () => {
  for (const child of started) child.kill('SIGKILL');
  const cloud = await openLocal();
  for (const region of ['eu', 'us']) {
    const listed = await cloud.list({ region, runId: null });
    for (const { id, runId } of listed.ok ? listed.value : []) await cloud.terminate({ region, runId }, [id]);
  }
  target.closeAllConnections();
  target.close();
  rmSync(folder, { recursive: true, force: true });
});

// Several programs start, form and end, one after another.
describe('launch', { timeout: 120_000 }, () => {
  it('makes one swarm of machines in two regions, runs, and leaves nothing', async () => {
    writeFileSync(join(folder, 'short.yaml'), scenario(3));
    const { code, stderr, stdout } = await start(
      'launch',
      'short.yaml',
      '--on',
      'local:eu:c1=1',
      '--on',
      'local:us:c1=1',
      '--seed-on',
      'local:us:c1=1',
      '--json',
      '--console',
    ).ended;
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('all 3 machines have ended') });
    expect(stderr).toMatch(/^console: http:\/\/127\.0\.0\.1:\d+\/login#/m);
    const summary = JSON.parse(stdout) as Summary;
    expect(summary).toMatchObject({ verdict: { verdict: 'pass' } });
    expect(summary.nodes.map(({ role, labels }) => `${role} ${labels.region ?? 'here'}`).sort()).toEqual([
      ...['load eu', 'load us', 'witness here', 'witness us'],
    ]);
    expect(await alive(await openLocal())).toBe(0);
    expect(readdirSync(join(folder, '.quilt', 'launches'))).toEqual([]);
    // The machines went because their nodes had left, and were not told to.
    const names = readdirSync(join(folder, 'machines'));
    const logs = names.map((name) => readFileSync(join(folder, 'machines', name, 'machine', 'boot.log'), 'utf8'));
    for (const log of logs) expect(log).toContain('the end, exit 0: power off');
    // The program came in blocks, and not all of them to both from the seed.
    const spread = logs.map((log) =>
      (/spread: all (\d+) blocks in .* s, (\d+) of them from the seed/.exec(log) ?? []).slice(1).map(Number),
    );
    const [blocks, fromSeed] = [0, 1].map((index) => spread.reduce((sum, counts) => sum + (counts[index] ?? Number.NaN), 0));
    expect(blocks).toBeGreaterThan(2);
    expect(fromSeed).toBeLessThan(blocks as number);
    // A node that was started from the bundle can launch machines itself.
    for (const name of names) expect(existsSync(join(folder, 'machines', name, 'machine', 'dist', 'spread.py'))).toBe(true);
    const entries = readFileSync(join(folder, 'runs', 'latest', 'entries.jsonl'), 'utf8');
    expect(entries).toContain('"region":"eu"');
    expect(entries).toContain('"region":"us"');
  });

  it('has the evidence of its machines in a folder here', async () => {
    writeFileSync(join(folder, 'short.yaml'), scenario(2));
    const { code, stderr, stdout } = await start('launch', 'short.yaml', '--on', 'local:eu:c1=2', '--json', '--artifacts', 'dir:store')
      .ended;
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(JSON.parse(stdout)).toMatchObject({ artifacts: { store: `dir:${join(folder, 'store')}`, gaps: [], problem: null } });
  });

  it('runs on when its machines have no credentials for the bucket, and reports what is missing', async () => {
    const lab = await openFauxqsLab();
    const secret = 's3cr3t-of-the-operator';
    environment = { AWS_ENDPOINT_URL_S3: lab.url, AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: secret };
    writeFileSync(join(folder, 'short.yaml'), scenario(2));
    const address = `s3://${lab.bucket}`;
    const { code, stderr, stdout } = await start('launch', 'short.yaml', '--on', 'local:eu:c1=2', '--json', '--artifacts', address).ended;
    await lab.close();
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('all 2 machines have ended') });
    const summary = JSON.parse(stdout) as Summary;
    expect(summary.verdict.verdict).toBe('pass');
    expect(summary.artifacts?.files).toBeGreaterThan(0);
    const load = summary.nodes.filter(({ role }) => role === 'load').map(({ node }) => node);
    expect(summary.artifacts?.gaps.map(({ kind, node }) => [kind, node]).sort()).toEqual(load.map((node) => ['no-list', node]).sort());
    for (const machine of readdirSync(join(folder, 'machines'))) {
      const said = readFileSync(join(folder, 'machines', machine, 'machine', 'boot.log'), 'utf8');
      expect(said).toContain('artifacts stay on this machine');
      expect(said).toContain('AWS_ACCESS_KEY_ID');
      expect(said).toContain('exit 0: power off');
    }
    // The address is told to the machines, the secret is not.
    const holders = (text: string): string => spawnSync('grep', ['-rlF', text, join(folder, 'machines')]).stdout.toString();
    expect(holders(address)).toContain('.sh');
    expect(holders(secret)).toBe('');
  });

  it('that is killed leaves machines that end by themselves, and a record that reap clears', async () => {
    writeFileSync(join(folder, 'long.yaml'), scenario(600));
    const { child, said } = start('launch', 'long.yaml', '--on', 'local:eu:c1=2');
    await until('the run', () => said().includes('running 00:'), 60_000);
    child.kill('SIGKILL');
    const cloud = await openLocal();
    await until('machines without a coordinator have ended', async () => (await alive(cloud)) === 0, 60_000);
    const [record] = readdirSync(join(folder, '.quilt', 'launches'));
    const runId = record?.replace('.json', '') ?? '';
    expect(await start('reap').ended).toMatchObject({ code: 0, stdout: expect.stringContaining(`run ${runId} is left alone`) });
    expect(await start('reap', runId).ended).toMatchObject({ code: 0, stdout: expect.stringContaining('nothing is left in local eu') });
    expect(readdirSync(join(folder, '.quilt', 'launches'))).toEqual([]);
  });

  it('tells every mistake before anything starts', async () => {
    writeFileSync(join(folder, 'short.yaml'), scenario(3));
    const cases: [string[], string][] = [
      [['--on', 'loca:eu:c1=1'], 'did you mean local?'],
      [['--on', 'local:eu:m5.large=1'], "no machine type 'm5.large'"],
      [['--on', 'local:eu:c1=1@spot'], 'no spot market'],
      [[], 'At least one --on'],
    ];
    for (const [flags, words] of cases) {
      const { code, stderr } = await start('launch', 'short.yaml', ...flags).ended;
      expect({ code, stderr }).toMatchObject({ code: 104, stderr: expect.stringContaining(words) });
    }
    expect(await alive(await openLocal())).toBe(0);
  });
});

describe('a machine of the local cloud', { timeout: 120_000 }, () => {
  it('is ended by its kill timer when its program hangs', async () => {
    const cloud = await openLocal();
    // Nobody listens there: the boot script tries for a minute, and its timer is shorter.
    const userData = bootScript({
      ...{ ticket: 't', bundleUrls: ['http://127.0.0.1:9/bundle'], bundleSha256: '0'.repeat(64), killAfterS: 1 },
      ...{ labels: {}, joinFlags: [], folder: 'machine' },
    });
    const order = {
      ...{ runId: 'r1', orderId: 'local-0', expiresWallMs: 1, region: 'eu', zones: [], machineTypes: ['c1'], count: 2, image: null },
      ...{ userData, markets: ['on-demand'] as const, address: 'ephemeral' as const, meshPort: 0, wallMsMax: 1000 },
    };
    const launched = await cloud.launch(order, new AbortController().signal);
    expect(launched).toMatchObject({ refusals: [], instances: [{ state: 'running' }, { state: 'running' }] });
    await until('the kill timers', async () => (await alive(cloud)) === 0, 60_000);
  });
});
