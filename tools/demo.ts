// `npm run demo`: the main job in about a minute. Builds the bundle, starts the embedded target, runs scenarios/demo.yaml on a swarm of four nodes,
// kills one ordinary node with SIGKILL half way, shows the summary, and then looks for itself whether any process was left behind. Exit code: the
// run's, or 1 when something was left. Everything is started as a user would start it; what it knows of the run it asks `status`.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { monotonicNowMs, wallNowMs } from '../node/adapters/clock.ts';
import { err, isTty } from '../node/adapters/terminal.ts';
import { askFor, type ControlTarget, findTarget } from '../node/commands/control-client.ts';
import type { StatusView } from '../node/runtime/node-status.ts';
import { createRuntimeClock, wait } from '../node/runtime/runtime-clock.ts';

const rootPath = fileURLToPath(new URL('..', import.meta.url));
const clock = createRuntimeClock(monotonicNowMs, wallNowMs);
const NODES = 4;
/** Since T0: the load is at its full height, and there is time to move. */
const KILL_AT_MS = 11_000;
const POLL_MS = 250;
const TARGET_READY_MS_MAX = 20_000;

const held: string[] = [];
let boardIsUp = false;

/** Says it at once, or after the run while the live board owns the terminal: a line in between would be drawn over. */
function say(text: string): void {
  if (boardIsUp) held.push(text);
  else err(`demo: ${text}`);
}

/** The target on free ports; answers its URL and where it takes calls. */
async function startTarget(): Promise<{ child: ChildProcess; url: string; sip: string }> {
  const child = spawn(process.execPath, [join(rootPath, 'tools/target/main.ts'), '--port', '0', '--exit-on-stdin-close'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin?.on('error', () => {});
  const line = await Promise.race([
    new Promise<string>((resolve) => createInterface({ input: child.stdout! }).once('line', resolve)),
    wait(clock, TARGET_READY_MS_MAX).then(() => ''),
  ]);
  if (line === '') throw new Error('the target did not start');
  const { url, sipPort } = JSON.parse(line) as { url: string; sipPort: number };
  return { child, url, sip: `127.0.0.1:${sipPort}` };
}

const ended = (child: ChildProcess): Promise<number> =>
  new Promise((resolve) => {
    if (child.exitCode !== null) resolve(child.exitCode);
    child.once('exit', (code) => resolve(code ?? 1));
  });

/** The run's folder once it is there: the newest below `runs` that is not there yet when the run starts. */
async function waitForRun(runs: string, run: ChildProcess): Promise<ControlTarget | null> {
  while (run.exitCode === null) {
    const target = await findTarget(join(runs, 'latest'));
    if (target.ok && (await askFor<StatusView>(target.value, { ask: 'status' })).ok) return target.value;
    await wait(clock, POLL_MS);
  }
  return null;
}

const pidOf = (runs: string, node: string): number => Number(readFileSync(join(runs, 'latest', 'nodes', node, 'pid'), 'utf8'));

/** Kills a load node that does not coordinate, and says what that did. */
async function killOne(runs: string, run: ChildProcess): Promise<void> {
  const target = await waitForRun(runs, run);
  let victim: { name: string; shards: number } | null = null;
  while (target !== null && run.exitCode === null) {
    const status = await askFor<StatusView>(target, { ask: 'status' });
    await wait(clock, POLL_MS);
    if (!status.ok) continue;
    const { sinceT0Ms, nodes, coordinator, shardsOwned } = status.value;
    if (victim === null) {
      const found = nodes.find(({ node, load, state }) => load && state === 'live' && node !== coordinator);
      if ((sinceT0Ms ?? 0) < KILL_AT_MS || found === undefined) continue;
      victim = { name: found.name, shards: found.shards };
      say(`kill -9 ${found.name}, which owns ${found.shards} of ${shardsOwned} shards`);
      process.kill(pidOf(runs, found.name), 'SIGKILL');
    } else if (nodes.find(({ name }) => name === victim?.name)?.state === 'lost') {
      const rest = nodes.filter(({ load, state }) => load && state === 'live').map(({ name, shards }) => `${name} ${shards}`);
      say(`${victim.name} is counted out; its ${victim.shards} shards moved: ${rest.join(', ')}`);
      return;
    }
  }
}

/** Processes whose command line names the folder or whose id is in `pids`. */
function alive(folder: string, pids: readonly number[]): string[] {
  const found: string[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    try {
      const commandLine = readFileSync(join('/proc', name, 'cmdline'), 'utf8')
        .replaceAll('\0', ' ')
        .trim();
      if (commandLine.includes(folder) || (pids.includes(Number(name)) && commandLine !== ''))
        found.push(`${name} ${commandLine.slice(0, 100)}`);
    } catch {
      // It ended while we looked.
    }
  }
  return found;
}

async function demo(): Promise<number> {
  const built = spawnSync(process.execPath, [join(rootPath, 'tools/build.ts')], { stdio: ['ignore', 'ignore', 'inherit'] });
  if (built.status !== 0) say('the bundle could not be built; the sources run instead, and start slower');
  const runs = mkdtempSync(join(tmpdir(), 'quilt-demo-'));
  const target = await startTarget();
  say(`target ${target.url}, four nodes, about 30 s of load; run folder in ${runs}`);
  const flags = [
    '-e',
    `target=${target.url}`,
    '-e',
    `sip=${target.sip}`,
    '--nodes',
    String(NODES),
    '--run-folder',
    runs,
    ...process.argv.slice(2),
  ];
  const run = spawn(process.execPath, [join(rootPath, 'node/quilt-swarm.mjs'), 'run', join(rootPath, 'scenarios/demo.yaml'), ...flags], {
    stdio: 'inherit',
  });
  boardIsUp = isTty();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => {});
  const ids: number[] = [run.pid ?? -1, target.child.pid ?? -1];
  const killing = killOne(runs, run).catch((error) => say(`could not kill a node: ${(error as Error).message}`));
  const exitCode = await ended(run);
  await killing;
  boardIsUp = false;
  for (const text of held) say(text);
  target.child.stdin?.end();
  await ended(target.child);
  const left = alive(runs, ids);
  for (const line of left) say(`left behind: ${line}`);
  if (left.length === 0) say(`nothing left behind; exit ${exitCode}`);
  if (left.length === 0 && exitCode === 0) return 0;
  return exitCode === 0 ? 1 : exitCode;
}

process.exitCode = await demo();
