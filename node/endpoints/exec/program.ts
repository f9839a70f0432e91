// One process of an external program: started, spoken to in lines, held to its contract, and gone for certain, with everything that it started: it
// has a process group of its own, which is killed when it ends, when this process exits, and (where the machine has setpriv) by a guardian when
// this process is killed. A program that breaks the contract is killed at once: nothing that it says later could be trusted.

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { Clock } from '../endpoint.ts';
import { type FromProgram, parseLine, type ToProgram } from './contract.ts';
import { createLineSplitter } from './lines.ts';
import type { ExecOptions } from './options.ts';

export interface Program {
  readonly pid: number;
  readonly send: (message: ToProgram) => void;
  /** Kills the whole process group. */
  readonly kill: () => void;
  /** Says `exit`, closes stdin, and kills what is still there after a moment. */
  readonly dismiss: () => void;
  /** Ends it for a breach; the handlers are told once. */
  readonly breach: (cause: string, example: string) => void;
  readonly gone: Promise<void>;
  readonly isDismissed: () => boolean;
  readonly lastHeardMs: () => number;
}

export interface ProgramInit {
  readonly options: ExecOptions;
  readonly clock: Clock;
  readonly scenarioFolder: string;
  /** Where what the program prints on stderr goes. */
  readonly logPath: string;
  readonly onMessage: (message: FromProgram) => void;
  /** Once: the contract was broken, or (`cause` null) the process ended in order. */
  readonly onEnd: (cause: string | null, example: string) => void;
}

const SETPRIV = '/usr/bin/setpriv';
/**
 * A parent-death signal reaches one process only, so it goes to a shell that does nothing but wait and, when it comes, kills the whole group. The
 * program gets the shell's stdin by hand, because what a shell starts in the background would get none.
 */
const GUARDIAN = 'trap "kill -9 0" TERM; exec 3<&0 </dev/null; "$@" <&3 3<&- & exec 3<&-; wait $!';
/** After `exit` and the end of stdin. */
const DISMISS_MS = 1_000;

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

/** The command with the parent-death signal and the scenario's environment in front; no shell is involved. */
function argvOf(options: ExecOptions): string[] {
  const environment = Object.entries(options.environment).map(([name, value]) => `${name}=${value}`);
  return [
    ...(existsSync(SETPRIV) ? [SETPRIV, '--pdeathsig', 'TERM', '/bin/sh', '-c', GUARDIAN, 'guardian'] : []),
    ...(environment.length > 0 ? ['/usr/bin/env', ...environment] : []),
    ...options.command,
  ];
}

export function startProgram(init: ProgramInit): Program {
  const [command = '', ...args] = argvOf(init.options);
  const child: Child = spawn(command, args, { cwd: init.scenarioFolder, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  watchExit();
  running.add(child);
  let lastHeardMs = init.clock.nowMs();
  let isEnded = false;
  let isDismissed = false;

  const kill = (): void => killGroup(child);
  const end = (cause: string | null, example: string): void => {
    if (isEnded) return;
    isEnded = true;
    if (cause !== null) kill();
    init.onEnd(cause, example);
  };
  const breach = (cause: string, example: string): void => end(cause, example);
  const onLine = lineJudge(init, breach, () => {
    lastHeardMs = init.clock.nowMs();
    return !isEnded;
  });
  const splitter = createLineSplitter(init.options.lineBytesMax, onLine, () =>
    breach('simulator-garbage', `a line longer than ${init.options.lineBytesMax} bytes`),
  );
  child.stdout.on('data', (chunk: Buffer) => splitter.push(chunk));
  keepLog(child, init.logPath, init.options.logBytesMax);
  // A program that went away is told by 'exit'; writing to it in the meantime is no event of its own.
  child.stdin.on('error', () => {});
  const gone = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      end('simulator-not-started', error.message);
      if (child.pid !== undefined) return;
      running.delete(child);
      resolve();
    });
    // Children that it left behind would hold its output open.
    child.once('exit', kill);
    // 'close' and not 'exit': what it said last is read first.
    child.once('close', (code, signal) => {
      const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
      running.delete(child);
      if (isDismissed) end(null, how);
      else end('simulator-crashed', `the program ended before it was asked to: ${how}`);
      resolve();
    });
  });
  return {
    pid: child.pid ?? -1,
    send(message) {
      if (!isEnded && child.stdin.writable) child.stdin.write(`${JSON.stringify(message)}\n`);
    },
    kill,
    dismiss() {
      if (isDismissed) return;
      isDismissed = true;
      this.send({ type: 'exit' });
      child.stdin.end();
      const timer = setTimeout(kill, DISMISS_MS);
      gone.then(() => clearTimeout(timer));
    },
    breach,
    gone,
    isDismissed: () => isDismissed,
    lastHeardMs: () => lastHeardMs,
  };
}

/** Judges each line: its rate, its form. `heard` notes that the program lives, and answers whether it is still listened to. */
function lineJudge({ options, clock, onMessage }: ProgramInit, breach: Program['breach'], heard: () => boolean): (line: string) => void {
  let secondMs = clock.nowMs();
  let lines = 0;
  return (line) => {
    if (!heard() || line === '') return;
    const nowMs = clock.nowMs();
    if (nowMs - secondMs >= 1000) {
      secondMs = nowMs;
      lines = 0;
    }
    lines++;
    if (lines > options.linesPerSecondMax) return breach('simulator-flood', `more than ${options.linesPerSecondMax} lines in a second`);
    const message = parseLine(line);
    if (typeof message === 'string') breach('simulator-garbage', message);
    else onMessage(message);
  };
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

export const logPathOf = (workFolder: string, group: string, number: number): string => join(workFolder, `exec-${group}-${number}.log`);
