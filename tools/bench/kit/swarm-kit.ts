// Real processes for the benchmarks: a bundle of its own, `quilt-swarm` commands as a user starts them, questions to their nodes, and what /proc
// says about them. The bundle lies in a temporary folder whose path is in the command line of every process that comes of it - nodes, workers -
// so the kit finds them all without keeping books. Nothing outlives the benchmark: at the end and at Ctrl-C everything is killed and the folder
// removed, and by kill -9 of the benchmark the kernel kills what it started (setpriv), which takes the rest with it.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { monotonicNowMs, wallNowMs } from '../../../node/adapters/clock.ts';
import { childEnvironment } from '../../../node/adapters/environment.ts';
import { askControl, socketPathOf } from '../../../node/runtime/control.ts';
import type { StatusView } from '../../../node/runtime/node-status.ts';
import { createRuntimeClock, wait } from '../../../node/runtime/runtime-clock.ts';
import { findSetpriv } from '../../../node/runtime/worker-process.ts';

export const rootPath = fileURLToPath(new URL('../../..', import.meta.url));
export const sourceEntry = join(rootPath, 'node/main.ts');
const clock = createRuntimeClock(monotonicNowMs, wallNowMs);
export const sleep = (ms: number): Promise<void> => wait(clock, ms);

export interface StartInit {
  /** The program; default: the kit's bundle. */
  readonly entry?: string;
  readonly ticket?: string;
}

export interface Started {
  readonly pid: number;
  readonly startedAtMs: number;
  /** Everything printed so far, both streams. */
  readonly text: () => string;
  readonly isRunning: () => boolean;
  readonly ended: Promise<void>;
}

export interface SwarmKit {
  readonly folder: string;
  writeScenario(text: string): string;
  start(args: readonly string[], init?: StartInit): Started;
  /** Pids of all processes that came of this kit; zombies are gone (they have no command line). */
  pids(): number[];
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** Killed processes need a moment to go; beyond this the kernel holds them. */
const GONE_MS_MAX = 5_000;

/** Processes whose command line has `mark` in it, this one left out. */
function pidsWith(mark: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => {
      try {
        return readFileSync(join('/proc', name, 'cmdline'), 'utf8').includes(mark);
      } catch {
        return false; // It ended while we looked.
      }
    })
    .map(Number);
}

export function kill(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone already.
  }
}

function startIn(folder: string, args: readonly string[], { entry = join(folder, 'dist/quilt-swarm.mjs'), ticket }: StartInit): Started {
  const setpriv = findSetpriv();
  const command = [...(setpriv === undefined ? [] : [setpriv, '--pdeathsig', 'KILL']), process.execPath, entry, ...args];
  const startedAtMs = monotonicNowMs();
  const child: ChildProcess = spawn(command[0] as string, command.slice(1), {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: childEnvironment(ticket === undefined ? {} : { QUILT_TICKET: ticket }),
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (text += chunk));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;
  return { pid: child.pid ?? -1, startedAtMs, text: () => text, isRunning, ended };
}

async function close(folder: string): Promise<void> {
  const untilMs = monotonicNowMs() + GONE_MS_MAX;
  for (let pids = pidsWith(folder); pids.length > 0 && monotonicNowMs() < untilMs; pids = pidsWith(folder)) {
    for (const pid of pids) kill(pid);
    await sleep(20);
  }
  rmSync(folder, { recursive: true, force: true });
}

/** Runs `work` with a kit, and leaves nothing behind, however it ends. */
export async function withSwarmKit<T>(work: (kit: SwarmKit) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'quilt-bench-'));
  const onSignal = (signal: NodeJS.Signals): void => {
    for (const each of SIGNALS) process.removeListener(each, onSignal);
    void close(folder).finally(() => process.kill(process.pid, signal));
  };
  for (const each of SIGNALS) process.on(each, onSignal);
  try {
    execFileSync(process.execPath, [join(rootPath, 'tools/build.ts'), '--out', join(folder, 'dist')], { cwd: rootPath, stdio: 'pipe' });
    return await work({
      folder,
      writeScenario(text) {
        const path = join(folder, 'bench.yaml');
        writeFileSync(path, text);
        return path;
      },
      start: (args, init = {}) => startIn(folder, args, init),
      pids: () => pidsWith(folder),
    });
  } finally {
    await close(folder);
    for (const each of SIGNALS) process.removeListener(each, onSignal);
  }
}

/** Waits until `look` finds something; throws with these processes' own words when one of them ended, or when `limitMs` has passed. */
export async function until<T>(
  what: string,
  look: () => Promise<T | null> | T | null,
  of: readonly Started[],
  limitMs = 60_000,
  pollMs = 50,
): Promise<T> {
  const untilMs = monotonicNowMs() + limitMs;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    const isEnded = of.some((each) => !each.isRunning());
    if (isEnded || monotonicNowMs() > untilMs) {
      const words = of.map((each) => `[${each.pid}] ${each.text().slice(-1000)}`).join('\n');
      throw new Error(`${isEnded ? 'a process ended' : `${limitMs} ms passed`} in vain until ${what}:\n${words}`);
    }
    await sleep(pollMs);
  }
}

/** The ticket that `quilt-swarm seed` prints first. */
export const ticketOf = (seed: Started): Promise<string> =>
  until('the seed prints its ticket', () => /^(quilt\S+)\n/m.exec(seed.text())?.[1] ?? null, [seed]);

/** What the node with this data folder says itself, without asking its coordinator; null while nobody answers. */
export async function statusOf(dataFolder: string): Promise<StatusView | null> {
  const answer = await askControl(socketPathOf(dataFolder), { ask: 'status', direct: true });
  return answer.ok && answer.value.ok ? (answer.value.value as StatusView) : null;
}

export const pidOf = (dataFolder: string): number => Number(readFileSync(join(dataFolder, 'pid'), 'utf8'));
