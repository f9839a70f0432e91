// A foreign program that a test starts, waits for, and stops by its own process id. Whatever happens in the test, nothing is left behind.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

export interface Daemon {
  readonly pid: number;
  /** Everything it has printed so far, both streams. */
  readonly output: () => string;
  /** Its exit code once it has ended by itself, or null for a signal. */
  readonly ended: Promise<number | null>;
  readonly stop: () => Promise<void>;
}

const KILL_AFTER_MS = 3_000;

export function startDaemon(command: string, args: readonly string[], cwd?: string): Daemon {
  const child: ChildProcess = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data: Buffer) => (text += data.toString('latin1')));
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  return {
    pid: child.pid ?? -1,
    output: () => text,
    ended,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      const killing = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
      await ended;
      clearTimeout(killing);
    },
  };
}

/** Polls until `isReady`; rejects with what the program said when it ended or took too long. */
export async function whenReady(daemon: Daemon, isReady: () => boolean | Promise<boolean>, withinMs = 10_000): Promise<void> {
  let isEnded = false;
  void daemon.ended.then(() => {
    isEnded = true;
  });
  const untilMs = performance.now() + withinMs;
  while (!(await isReady())) {
    if (isEnded || performance.now() > untilMs) throw new Error(`a peer did not get ready: ${daemon.output().slice(-2000)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
