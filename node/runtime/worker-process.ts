// Starts one worker process and connects it to its node: child_process with an IPC channel. A worker must not outlive its node: it exits when
// the channel closes, and where the machine has `setpriv` the kernel kills it with its parent as well, which also holds for a worker that
// hangs in a loop and would never notice the closed channel.

import { spawn } from 'node:child_process';
import { accessSync, closeSync, constants, openSync } from 'node:fs';
import type { SpawnWorker } from './components.ts';

export interface WorkerProcessInit {
  /** worker.ts, or worker.mjs beside the bundle. */
  readonly scriptPath: string;
  /** Everything a worker prints goes here: it is not expected to print at all. */
  readonly logPath: string;
  readonly runtimePath: string;
}

/**
 * V8 would let the space for young objects grow to three times 16 MB under load and keep it: half of what 2,000 phones hold. Half as much costs no
 * CPU that can be measured.
 */
export const WORKER_FLAGS: readonly string[] = ['--max-semi-space-size=8'];

const SETPRIV_PATHS = ['/usr/bin/setpriv', '/bin/setpriv'];

/** Where setpriv is, or undefined: then the closed channel alone ends the workers. */
export function findSetpriv(): string | undefined {
  return SETPRIV_PATHS.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

export function createWorkerSpawner(init: WorkerProcessInit): SpawnWorker {
  const setprivPath = findSetpriv();
  return (_workerIndex, handlers) => {
    const logFd = openSync(init.logPath, 'a', 0o600);
    const worker = [...WORKER_FLAGS, init.scriptPath];
    const [command, args] =
      setprivPath === undefined ? [init.runtimePath, worker] : [setprivPath, ['--pdeathsig', 'KILL', init.runtimePath, ...worker]];
    const child = spawn(command, args, { stdio: ['ignore', logFd, logFd, 'ipc'], serialization: 'advanced' });
    closeSync(logFd);
    let isGone = false;
    const gone = (description: string): void => {
      if (isGone) return;
      isGone = true;
      handlers.exit(description);
    };
    child.on('message', (message) => handlers.message(message as Parameters<typeof handlers.message>[0]));
    child.on('error', (error) => {
      // A failed send on a closed channel arrives here too; only a process that never started has no pid.
      if (child.pid === undefined) gone(`could not start: ${error.message}`);
    });
    child.on('exit', (code, signal) => gone(signal === null ? `exit code ${code}` : `signal ${signal}`));
    return {
      pid: child.pid ?? -1,
      send: (message) => {
        if (child.connected) child.send(message, () => {});
      },
      kill: () => {
        child.kill('SIGKILL');
      },
    };
  };
}
