// Real processes for the integration tests: the bundle, built once for each test file, the embedded target, `quilt-swarm` commands as a user starts
// them, and questions to running nodes over their control sockets. Everything that is started is killed at the end, whatever happened.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { askControl, socketPathOf } from '../../node/runtime/control.ts';
import type { StatusView } from '../../node/runtime/node-status.ts';
import { startTarget, type Target } from '../../tools/target/target.ts';
import { until } from './until.ts';

const rootPath = fileURLToPath(new URL('../..', import.meta.url));
/** For things that take seconds on an idle machine: only says when to give up. */
export const PATIENCE_MS = 90_000;

export interface Ran {
  readonly child: ChildProcess;
  readonly pid: number;
  out(): string;
  err(): string;
  readonly ended: Promise<number>;
}

export interface SwarmKit {
  readonly folder: string;
  readonly target: Target;
  /** Set in what is started from then on, beside this process's own environment. */
  readonly environment: Record<string, string>;
  /** Starts one command in the kit's folder. */
  start(...args: string[]): Ran;
  /** Starts one and waits for its end. */
  run(...args: string[]): Promise<Ran & { readonly code: number }>;
  /** Writes a scenario and answers its path; `rampS` up, `holdS`, and down again. */
  scenario(name: string, parts: ScenarioParts): string;
  /** Newest run folder. */
  runFolder(): string;
  /** The picture of the node with this data folder; null while nobody answers. `merged`: the coordinator's, through that node. */
  status(dataFolder: string, merged?: boolean): Promise<StatusView | null>;
  untilStatus(dataFolder: string, what: string, holds: (status: StatusView) => boolean, merged?: boolean): Promise<StatusView>;
  pidOf(dataFolder: string): number;
  /** Command lines of processes that have to do with this kit. */
  processes(): string[];
  close(): Promise<void>;
}

export interface ScenarioParts {
  readonly endpoints?: number;
  readonly rampS?: number;
  readonly holdS: number;
  readonly threshold?: string;
  /** Instead of the embedded target. */
  readonly url?: string;
}

export const seedFolder = (runFolder: string): string => join(runFolder, 'nodes', 'seed');
export const nodeFolder = (runFolder: string, index: number): string => join(runFolder, 'nodes', `node-${index}`);

function scenarioText(name: string, url: string, { endpoints = 12, rampS = 1, holdS, threshold = 'rate<0.01' }: ScenarioParts): string {
  return `name: ${name}
targets:
  api: ${url}
groups:
  callers:
    type: http
    load:
      endpoints: ${endpoints}
      shape:
        - { ramp: 100%, over: ${rampS}s }
        - { hold: ${holdS}s }
    behavior:
      baseUrl: \${targets.api}
      think: 200ms
      requests:
        - { name: list, url: /api/meetings }
thresholds:
  http_req_failed: ${threshold}
shards:
  endpoints: 2
gracefulStop: 2s
deadline: 2m
`;
}

/** Processes below /proc whose command line or folder has `mark` in it. */
function processesWith(mark: string): string[] {
  const found: string[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    try {
      const commandLine = readFileSync(join('/proc', name, 'cmdline'), 'utf8')
        .replaceAll('\0', ' ')
        .trim();
      if (commandLine.includes(mark)) found.push(`${name} ${commandLine}`);
    } catch {
      // It ended meanwhile.
    }
  }
  return found;
}

export async function createSwarmKit(): Promise<SwarmKit> {
  const folder = mkdtempSync(join(tmpdir(), 'quilt-kit-'));
  const bundle = join(folder, 'dist', 'quilt-swarm.mjs');
  execFileSync(process.execPath, [join(rootPath, 'tools/build.ts'), '--no-page', '--out', join(folder, 'dist')], {
    cwd: rootPath,
    stdio: 'pipe',
  });
  const target = await startTarget({});
  const children: ChildProcess[] = [];
  const kit: SwarmKit = {
    folder,
    target,
    environment: {},
    start(...args) {
      const env = { ...process.env, ...kit.environment };
      const child = spawn(process.execPath, [bundle, ...args], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
      children.push(child);
      const text = { out: '', err: '' };
      child.stdout.on('data', (chunk) => (text.out += chunk));
      child.stderr.on('data', (chunk) => (text.err += chunk));
      const ended = new Promise<number>((resolve) => child.once('close', (code, signal) => resolve(signal === null ? (code ?? -1) : -1)));
      return { child, pid: child.pid ?? -1, out: () => text.out, err: () => text.err, ended };
    },
    async run(...args) {
      const ran = kit.start(...args);
      return { ...ran, code: await ran.ended };
    },
    scenario(name, parts) {
      const path = join(folder, `${name}.yaml`);
      writeFileSync(path, scenarioText(name, parts.url ?? target.url, parts));
      return path;
    },
    runFolder() {
      const names = readdirSync(join(folder, 'runs')).filter((name) => name !== 'latest');
      return join(folder, 'runs', names.sort().at(-1) ?? '');
    },
    async status(dataFolder, merged = false) {
      const answer = await askControl(socketPathOf(dataFolder), { ask: 'status', direct: !merged });
      return answer.ok && answer.value.ok ? (answer.value.value as StatusView) : null;
    },
    async untilStatus(dataFolder, what, holds, merged) {
      let last: StatusView | null = null;
      await until(
        what,
        async () => {
          last = await kit.status(dataFolder, merged);
          return last !== null && holds(last);
        },
        PATIENCE_MS,
      );
      return last as unknown as StatusView;
    },
    pidOf: (dataFolder) => Number(readFileSync(join(dataFolder, 'pid'), 'utf8')),
    processes: () => processesWith(folder),
    async close() {
      for (const child of children) child.kill('SIGKILL');
      await target.stop();
      for (const line of processesWith(folder)) process.kill(Number(line.split(' ')[0]), 'SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return kit;
}
