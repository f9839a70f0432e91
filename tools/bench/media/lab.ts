// The processes of a media benchmark: C baselines built into a temporary folder, SIPp, our own generators. Each generator runs alone on one core and
// everything else on the others (taskset, where it is installed), so that "a core of generator" is one and the peer's work is not in it. CPU and memory are
// what the kernel says of the process. Whatever was started is killed at the end, and by the kernel when the benchmark itself is killed.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { findSetpriv } from '../../../node/runtime/worker-process.ts';
import { cpuListOf } from './parse.ts';

export const HOST = '127.0.0.1';
export const root = fileURLToPath(new URL('../../../', import.meta.url));
const tasksetPath = '/usr/bin/taskset';
/** USER_HZ of every Linux that Node runs on. */
const TICKS_PER_S = 100;
const STOP_MS_MAX = 5_000;
/** SIPp draws a screen a second that nobody reads. */
const LINES_MAX = 1_000;

export type Baseline = 'send' | 'receive' | 'echo';
type Side = 'generator' | 'peer';

export interface Program {
  readonly pid: number;
  readonly child: ChildProcess;
  /** The next line of its standard output. Rejects with its last words when it ended first, or after `limitMs`. */
  readonly line: (limitMs?: number) => Promise<string>;
  /** CPU seconds so far, user and system, all threads. Throws when it is gone. */
  readonly cpuSeconds: () => number;
  readonly residentBytes: () => number;
  readonly isRunning: () => boolean;
  /** Sends the signal (default SIGTERM) and waits for its end; SIGKILL after five seconds. */
  readonly stop: (signal?: NodeJS.Signals) => Promise<void>;
  readonly ended: Promise<void>;
}

export interface Lab {
  readonly folder: string;
  /** A C baseline, already running. Throws when this machine has no compiler. */
  readonly baseline: (name: Baseline, side: Side, args: readonly (string | number)[]) => Program;
  readonly start: (side: Side, command: string, args: readonly (string | number)[]) => Program;
  /** A Node process of ours with an IPC channel, as a node forks its workers. */
  readonly fork: (side: Side, script: string, nodeFlags?: readonly string[]) => Program;
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The last processor that this process may use is the generator's, the rest the peers'; null with a single one, or without taskset. */
const sides: Readonly<Record<Side, string>> | null = (() => {
  const allowed = /^Cpus_allowed_list:\s*(\S+)/m.exec(existsSync('/proc/self/status') ? readFileSync('/proc/self/status', 'utf8') : '');
  const cores = cpuListOf(allowed?.[1] ?? '');
  if (cores.length < 2 || !existsSync(tasksetPath)) return null;
  return { generator: String(cores.at(-1)), peer: cores.slice(0, -1).join(',') };
})();

/** One line about how the cores are shared out, for the benchmark's output. */
export function describeCores(): string {
  if (sides === null) return `not pinned: ${availableParallelism()} processors, ${existsSync(tasksetPath) ? '' : 'no '}taskset`;
  return `pinned: generator on processor ${sides.generator}, peer on ${sides.peer}`;
}

function build(name: Baseline, folder: string): string {
  const path = join(folder, name);
  if (existsSync(path)) return path;
  const source = join(root, 'tools/bench/c', `${name}.c`);
  try {
    execFileSync('cc', ['-O2', '-Wall', '-o', path, source], { stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (isMissing) throw new Error(`the C baseline ${name}.c needs a compiler named cc (apt-get install gcc libc6-dev)`);
    throw error;
  }
  return path;
}

/** The command as it is started: dies with this process, runs on its side's core. Both replace themselves by the command, so its pid is the child's. */
function wrapped(side: Side, command: string, args: readonly (string | number)[]): string[] {
  const setpriv = findSetpriv();
  return [
    ...(setpriv === undefined ? [] : [setpriv, '--pdeathsig', 'KILL']),
    ...(sides === null ? [] : [tasksetPath, '-c', sides[side]]),
    command,
    ...args.map(String),
  ];
}

function statOf(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** Lines as they come, for who asks and for who has not asked yet. */
function lineQueue(child: ChildProcess, ended: Promise<void>, name: string): Program['line'] {
  const lines: string[] = [];
  let words = '';
  let wake = (): void => {};
  child.stderr?.on('data', (chunk) => (words = (words + chunk).slice(-2000)));
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (lines.push(line) > LINES_MAX) lines.shift();
      wake();
    });
  }
  let isEnded = false;
  void ended.then(() => {
    isEnded = true;
    wake();
  });
  return async (limitMs = 20_000) => {
    const untilMs = performance.now() + limitMs;
    for (;;) {
      const line = lines.shift();
      if (line !== undefined) return line;
      if (isEnded) throw new Error(`${name} ended without a word on stdout: ${words.trim()}`);
      if (performance.now() > untilMs) throw new Error(`${name} said nothing for ${limitMs} ms: ${words.trim()}`);
      await new Promise<void>((resolve) => {
        const late = setTimeout(resolve, Math.max(1, untilMs - performance.now()));
        wake = () => {
          clearTimeout(late);
          resolve();
        };
      });
    }
  };
}

function program(child: ChildProcess, name: string): Program {
  const ended = new Promise<void>((resolve) => {
    // 'close' means that its output was read; it does not come where only an IPC channel was open and we closed it.
    child.once(child.stdout === null ? 'exit' : 'close', () => resolve());
    child.once('error', () => resolve());
  });
  const isRunning = (): boolean => child.pid !== undefined && child.exitCode === null && child.signalCode === null;
  const pid = child.pid ?? -1;
  return {
    pid,
    child,
    line: lineQueue(child, ended, name),
    cpuSeconds() {
      const fields = statOf(pid);
      return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
    },
    residentBytes: () => Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN) * 1024,
    isRunning,
    async stop(signal = 'SIGTERM') {
      if (!isRunning()) return;
      child.kill(signal);
      const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
      await ended;
      clearTimeout(late);
    },
    ended,
  };
}

/** Runs `work`, then ends what it started and removes the folder, however it went. */
export async function withLab<T>(work: (lab: Lab) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'quilt-bench-'));
  const programs: Program[] = [];
  const launch = (side: Side, command: string, args: readonly (string | number)[], isForked: boolean): Program => {
    const [first, ...rest] = wrapped(side, command, args) as [string, ...string[]];
    const stdio = isForked ? (['ignore', 'inherit', 'inherit', 'ipc'] as const) : (['pipe', 'pipe', 'pipe'] as const);
    const child = spawn(first, rest, { cwd: folder, stdio: [...stdio], serialization: 'advanced' });
    // A program that ended early has no stdin any more; that it ended is told by `line` and `ended`.
    child.stdin?.on('error', () => {});
    // Node keeps messages for a listener to come; then what was measured long ago would be taken for the next.
    if (isForked) child.on('message', () => {});
    const started = program(child, command);
    programs.push(started);
    return started;
  };
  try {
    return await work({
      folder,
      baseline: (name, side, args) => launch(side, build(name, folder), args, false),
      start: (side, command, args) => launch(side, command, args, false),
      fork: (side, script, nodeFlags = []) => launch(side, process.execPath, [...nodeFlags, join(root, script)], true),
    });
  } finally {
    await Promise.all(programs.map((each) => each.stop('SIGKILL')));
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The next message of a forked process that `choose` accepts. Rejects when the process ends first, or after `limitMs`. */
export async function message<T>(from: Program, choose: (received: unknown) => T | null, limitMs = 30_000): Promise<T> {
  const ending = new AbortController();
  const late = setTimeout(() => ending.abort(), limitMs);
  void from.ended.then(() => ending.abort());
  try {
    for (;;) {
      const [received] = (await once(from.child, 'message', { signal: ending.signal })) as [unknown];
      const chosen = choose(received);
      if (chosen !== null) return chosen;
    }
  } catch (error) {
    if (!ending.signal.aborted) throw error;
    throw new Error(
      from.isRunning() ? `process ${from.pid} did not answer in ${limitMs} ms` : `process ${from.pid} ended before its answer`,
    );
  } finally {
    clearTimeout(late);
  }
}
