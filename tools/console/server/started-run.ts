// The run that this console started last: a process of its own, which goes on when the console is closed. What it says goes into a file without a name, which both hold open: a pipe would break with
// the console, and the run's complaints with it. Only the end of it is read.

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, fstatSync, mkdtempSync, openSync, readSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { childEnvironment } from '../../../node/adapters/environment.ts';
import { latestRun } from '../../../node/commands/control-client.ts';
import { entryPaths } from '../../../node/commands/entries.ts';
import { RUN_FILES } from '../../../node/runtime/run-folder.ts';
import type { StartedView } from '../protocol.ts';

const SAID_BYTES_MAX = 8 * 1024;
const SAID_LINES_MAX = 60;

export interface StartedRun {
  /** `command`: as a person would type it. */
  start(verb: StartedView['verb'], args: readonly string[], command: string): void;
  view(): StartedView | null;
  isRunning(): boolean;
  /** Of the run that was started last, once it is there; the newest there is before anything was started. */
  runFolder(): string | null;
  /** As Ctrl-C in its terminal would; answers its process id, or null when nothing runs. */
  interrupt(): number | null;
}

function openUnnamed(): number {
  const folder = mkdtempSync(join(tmpdir(), 'quilt-said-'));
  const fd = openSync(join(folder, 'said'), 'a+', 0o600);
  rmSync(folder, { recursive: true });
  return fd;
}

function endOf(fd: number): string[] {
  const { size } = fstatSync(fd);
  const bytes = Buffer.alloc(Math.min(size, SAID_BYTES_MAX));
  const length = readSync(fd, bytes, 0, bytes.byteLength, size - bytes.byteLength);
  const lines = bytes.toString('utf8', 0, length).split('\n');
  // The first may be half a line.
  return lines
    .slice(size > bytes.byteLength ? 1 : 0)
    .filter((line) => line.trim() !== '')
    .slice(-SAID_LINES_MAX);
}

/** `root`: the folder that runs are started in. */
export function createStartedRun(root: string): StartedRun {
  let last: { child: ChildProcess; fd: number; verb: StartedView['verb']; command: string; failure: string | null } | null = null;
  let before: string | null = null;

  const newestRun = (): string | null => {
    const latest = latestRun();
    return latest === null ? null : realpathSync(latest);
  };
  const runFolder = (): string | null => {
    const newest = newestRun();
    return newest === before ? null : newest;
  };
  const isRunning = (): boolean => last !== null && last.failure === null && last.child.exitCode === null && last.child.signalCode === null;

  return {
    runFolder,
    isRunning,
    start(verb, args, command) {
      if (last !== null) closeSync(last.fd);
      before = newestRun();
      const fd = openUnnamed();
      const child = spawn(process.execPath, [entryPaths().node, verb, ...args], {
        ...{ cwd: root, env: childEnvironment(), detached: true },
        stdio: ['ignore', 'ignore', fd],
      });
      const started = { child, fd, verb, command, failure: null as string | null };
      last = started;
      child.on('error', ({ message }) => {
        started.failure = message;
      });
      child.unref();
    },
    view() {
      if (last === null) return null;
      const folder = runFolder();
      const { verb, command, child, fd, failure } = last;
      const isGoing = isRunning();
      return {
        ...{ verb, command, isRunning: isGoing, exitCode: child.exitCode, run: folder === null ? null : basename(folder) },
        said: failure === null ? endOf(fd) : [failure],
        hasFailed: !isGoing && (folder === null || !existsSync(join(folder, RUN_FILES.summary))),
      };
    },
    interrupt() {
      if (last === null || !isRunning() || last.child.pid === undefined) return null;
      last.child.kill('SIGINT');
      return last.child.pid;
    },
  };
}
