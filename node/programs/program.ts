// One external program under supervision: started without a shell, its log kept to a bound, and gone for certain, with everything that it started.
// It has a process group of its own, which is killed when the program ends, when this process exits, and (where the machine has setpriv) by a
// guardian when this process is killed. What is said on its pipes and what an exit code means is for the endpoint types that use it.

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, writeSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';

export interface ProgramInit {
  /** Program and arguments; a relative path of the program counts from `folder`. */
  readonly command: readonly string[];
  /** Added to what the program inherits. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Working folder. */
  readonly folder: string;
  /** Where what it prints on stderr goes; the file is made with its first byte. */
  readonly logPath: string;
  readonly logBytesMax: number;
}

/** `code` is null when a signal ended it or it never ran; a guardian reports a signal as code 128 + its number. */
export interface ProgramEnd {
  readonly isStarted: boolean;
  readonly code: number | null;
  /** For people: 'exit code 3', 'signal SIGKILL', or why it was not started. */
  readonly how: string;
}

export interface Program {
  readonly stdin: Writable;
  /** Must be read or resumed, or the program stops when the pipe is full. */
  readonly stdout: Readable;
  /** Kills the whole process group. */
  readonly kill: () => void;
  /** Resolves, and never rejects, when it is gone and what it said has been read. */
  readonly ended: Promise<ProgramEnd>;
}

const SETPRIV = '/usr/bin/setpriv';
/**
 * A parent-death signal reaches one process only, so it goes to a shell that does nothing but wait and, when it comes, kills the whole group. The
 * program gets the shell's stdin by hand, because what a shell starts in the background would get none.
 */
const GUARDIAN = 'trap "kill -9 0" TERM; exec 3<&0 </dev/null; "$@" <&3 3<&- & exec 3<&-; wait $!';

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/** Process groups to kill when this process exits, however it comes to that. */
const running = new Set<Child>();
let isExitWatched = false;

function watchExit(): void {
  if (isExitWatched) return;
  isExitWatched = true;
  process.on('exit', () => {
    for (const child of running) killGroup(child);
  });
}

/** The command with the parent-death signal and the environment in front. */
function argvOf({ command, environment = {} }: ProgramInit): string[] {
  const assignments = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  return [
    ...(existsSync(SETPRIV) ? [SETPRIV, '--pdeathsig', 'TERM', '/bin/sh', '-c', GUARDIAN, 'guardian'] : []),
    ...(assignments.length > 0 ? ['/usr/bin/env', ...assignments] : []),
    ...command,
  ];
}

export function startProgram(init: ProgramInit): Program {
  const [file = '', ...args] = argvOf(init);
  const child: Child = spawn(file, args, { cwd: init.folder, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  watchExit();
  running.add(child);
  keepLog(child, init.logPath, init.logBytesMax);
  // A program that went away is told by its end; writing to it in the meantime is no event of its own.
  child.stdin.on('error', () => {});
  const ended = new Promise<ProgramEnd>((resolve) => {
    const end = (isStarted: boolean, code: number | null, how: string): void => {
      running.delete(child);
      resolve({ isStarted, code, how });
    };
    child.once('error', (error) => {
      if (child.pid === undefined) end(false, null, error.message);
    });
    // Children that it left behind would hold its output open.
    child.once('exit', () => killGroup(child));
    // 'close' and not 'exit': what it said last is read first.
    child.once('close', (code, signal) => end(true, code, signal === null ? `exit code ${code}` : `signal ${signal}`));
  });
  return { stdin: child.stdin, stdout: child.stdout, kill: () => killGroup(child), ended };
}

function killGroup(child: Child): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // The group is gone already.
  }
}

/** stderr into a file, the first bytes of it: the cause of a crash stands at its beginning or is repeated. */
function keepLog(child: Child, path: string, bytesMax: number): void {
  let fd: number | null = null;
  let written = 0;
  child.stderr.on('data', (chunk: Buffer) => {
    const part = chunk.subarray(0, Math.max(0, bytesMax - written));
    if (part.length === 0) return;
    fd ??= openSync(path, 'a', 0o600);
    written += writeSync(fd, part);
  });
  child.stderr.once('close', () => {
    if (fd !== null) closeSync(fd);
  });
}
