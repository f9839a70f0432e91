// One machine of the local cloud: a process group whose leader is the power: when the boot script ends, everything of the group does. It must never be able to power off the computer that it runs on: the commands
// that would are replaced, by name and first in its PATH, with one that ends the group. A machine is known by the pid and the start time of its
// leader, so that a pid that the system gave to somebody else is never signalled. Linux only: /proc tells the start time.

import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { LaunchOrder } from '../../cloud.ts';

interface MachineFacts {
  readonly id: string;
  readonly runId: string;
  readonly orderId: string;
  readonly expiresWallMs: number;
  readonly region: string;
  readonly machineType: string;
  readonly pid: number;
  /** Clock ticks since the computer's boot; empty when the process was gone before it could be looked at. */
  readonly startTicks: string;
}

export interface Machine extends MachineFacts {
  readonly folder: string;
  isAlive(): boolean;
}

const FACTS_FILE = 'machine.json';

/** The first two end the group (without `--`, which dash takes for a number). `systemd-run` and `shutdown` fail, so that the kill timer is the boot script's own sleep, within the group. */
const STAND_INS: Readonly<Record<string, string>> = {
  poweroff: 'kill -9 "-$QUILT_MACHINE"',
  systemctl: 'kill -9 "-$QUILT_MACHINE"',
  shutdown: 'exit 1',
  'systemd-run': 'exit 1',
  sync: 'exit 0',
};

/** What the script left running has no machine to run on; `wait` comes back early for the signal that is passed on. */
const POWER = `QUILT_MACHINE=$$; export QUILT_MACHINE
/bin/sh ./boot.sh & script=$!
trap 'kill -TERM "$script"' TERM
wait "$script"
while kill -0 "$script" 2>/dev/null; do wait "$script"; done
kill -9 "-$$"`;

export function startMachine(stateFolder: string, id: string, order: LaunchOrder): Machine {
  const folder = resolve(stateFolder, id);
  const bin = join(folder, 'bin');
  mkdirSync(bin, { recursive: true, mode: 0o700 });
  for (const [name, body] of Object.entries(STAND_INS)) writeFileSync(join(bin, name), `#!/bin/sh\n${body}\n`, { mode: 0o700 });
  writeFileSync(join(folder, 'boot.sh'), order.userData, { mode: 0o700 });
  const output = openSync(join(folder, 'output.log'), 'a', 0o600);
  // The environment of a machine is its own: nothing of the launcher's, and no credentials.
  const child = spawn('/bin/sh', ['-c', POWER], {
    cwd: folder,
    detached: true,
    stdio: ['ignore', output, output],
    env: { PATH: `${bin}:/usr/local/bin:/usr/bin:/bin`, HOME: folder, LANG: 'C.UTF-8' },
  });
  closeSync(output);
  child.on('error', () => {
    // No shell: the facts below have no process, and the caller says that it did not start.
  });
  child.unref();
  const { runId, orderId, expiresWallMs, region } = order;
  const pid = child.pid ?? -1;
  const machineType = order.machineTypes[0] ?? '';
  const facts: MachineFacts = { id, runId, orderId, expiresWallMs, region, machineType, pid, startTicks: startTicksOf(pid) };
  writeFileSync(join(folder, `${FACTS_FILE}.part`), `${JSON.stringify(facts)}\n`, { mode: 0o600, flush: true });
  renameSync(join(folder, `${FACTS_FILE}.part`), join(folder, FACTS_FILE));
  return machineOf(facts, folder);
}

const machineOf = (facts: MachineFacts, folder: string): Machine => ({ ...facts, folder, isAlive: () => isAlive(facts) });

/** Machines that were killed before their facts were written are found no more; they have their own kill timer. */
export function readMachines(stateFolder: string): Machine[] {
  if (!existsSync(stateFolder)) return [];
  return readdirSync(stateFolder)
    .sort()
    .map((name) => resolve(stateFolder, name))
    .filter((folder) => existsSync(join(folder, FACTS_FILE)))
    .map((folder) => machineOf(JSON.parse(readFileSync(join(folder, FACTS_FILE), 'utf8')) as MachineFacts, folder));
}

/** SIGTERM goes to the leader, which passes it on and ends the machine after the script; SIGKILL to the whole group. */
export function endMachine(machine: Machine, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (!machine.isAlive()) return;
  try {
    process.kill(signal === 'SIGKILL' || !isLeaderAlive(machine) ? -machine.pid : machine.pid, signal);
  } catch (error) {
    // It ended between the look and the signal.
    if (!isGone(error)) throw error;
  }
}

/** Also without its leader, if somebody killed only that: the number of a group is not given away while the group has a process. */
function isAlive(facts: MachineFacts): boolean {
  const { pid, startTicks } = facts;
  if (pid <= 0 || startTicks === '') return false;
  if (isLeaderAlive(facts)) return true;
  // Somebody else's process, so the group is somebody else's.
  if (startTicksOf(pid) !== '') return false;
  try {
    process.kill(-pid, 0);
    return true;
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

const isLeaderAlive = ({ pid, startTicks }: MachineFacts): boolean => startTicksOf(pid) === startTicks;
const isGone = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ESRCH';

/** Field 22 of /proc/PID/stat (proc(5)); empty for no process and for a zombie, which is no machine any more. */
function startTicksOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may contain anything; the fields after the last parenthesis do not.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? '' : (fields[19] ?? '');
  } catch {
    return '';
  }
}
