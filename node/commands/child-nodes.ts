// The other nodes of a local swarm: processes of `quilt-swarm join`, the same as on any other machine. The ticket goes through the environment, not the
// argument list, which everybody can read. Their standard input stays open for as long as this process lives: its closing tells them that `run` is
// gone, even by kill -9.

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { childEnvironment } from '../adapters/environment.ts';
import type { RuntimeClock } from '../runtime/components.ts';
import { wait } from '../runtime/runtime-clock.ts';
import { entryPaths } from './entries.ts';

export interface ChildNodesInit {
  readonly clock: RuntimeClock;
  readonly count: number;
  readonly ticket: string;
  /** One folder for each node is made in it. */
  readonly folder: string;
  readonly coresEach: number;
  readonly workersEach: number;
  readonly listen: string;
  /** Further words for `join`. */
  readonly moreFlags: readonly string[];
  /** And of node `index`, from 1, alone. */
  readonly flagsOf: (index: number) => readonly string[];
}

export interface ChildNode {
  readonly name: string;
  readonly pid: number;
  readonly isRunning: () => boolean;
}

export interface ChildNodes {
  readonly nodes: readonly ChildNode[];
  /** All of them are gone when it resolves: by themselves within `graceMs`, else told to leave now, else killed. */
  end(graceMs: number): Promise<void>;
}

/** A node that is told to leave now is gone within 5 s by its own bound; a little more for a machine that is busy. */
const LEAVE_MS_MAX = 7_000;

function startChild(init: ChildNodesInit, name: string, index: number): ChildProcess {
  const folder = join(init.folder, name);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const output = openSync(join(folder, 'output.log'), 'a', 0o600);
  const flags = ['--data', folder, '--label', `name=${name}`, '--cores', String(init.coresEach), '--workers', String(init.workersEach)];
  const child = spawn(
    process.execPath,
    [entryPaths().node, 'join', ...flags, ...init.moreFlags, ...init.flagsOf(index), '--listen', init.listen, '--with-parent'],
    {
      stdio: ['pipe', output, output],
      env: childEnvironment({ QUILT_TICKET: init.ticket }),
    },
  );
  closeSync(output);
  // A child that could not be started is one that never joins; its log says why, and the swarm says that it is missing.
  child.on('error', () => {});
  child.stdin?.on('error', () => {});
  return child;
}

export function startChildNodes(init: ChildNodesInit): ChildNodes {
  const children = Array.from({ length: init.count }, (_, index) => {
    const name = `node-${index + 1}`;
    return { name, child: startChild(init, name, index + 1) };
  });
  const isRunning = (child: ChildProcess): boolean => child.pid !== undefined && child.exitCode === null && child.signalCode === null;
  const POLL_MS = 20;
  const untilGone = async (limitMs: number): Promise<boolean> => {
    const untilMs = init.clock.nowMs() + limitMs;
    while (children.some(({ child }) => isRunning(child))) {
      if (init.clock.nowMs() > untilMs) return false;
      await wait(init.clock, POLL_MS);
    }
    return true;
  };
  return {
    nodes: children.map(({ name, child }) => ({ name, pid: child.pid ?? -1, isRunning: () => isRunning(child) })),
    async end(graceMs) {
      if (await untilGone(graceMs)) return;
      for (const { child } of children) child.stdin?.end();
      if (await untilGone(LEAVE_MS_MAX)) return;
      for (const { child } of children) child.kill('SIGKILL');
      await untilGone(LEAVE_MS_MAX);
    },
  };
}
