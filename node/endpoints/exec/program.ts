// One process of an external program: spoken to in lines, and held to its contract. A program that breaks it is killed at once, with everything that
// it started: nothing that it says later could be trusted. How it is started, logged and killed for certain is node/programs/program.ts.

import { join } from 'node:path';
import { type ProgramEnd, startProgram as startProcess } from '../../programs/program.ts';
import type { Clock } from '../endpoint.ts';
import { type FromProgram, parseLine, type ToProgram } from './contract.ts';
import { createLineSplitter } from './lines.ts';
import type { ExecOptions } from './options.ts';

export interface Program {
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

/** After `exit` and the end of stdin. */
const DISMISS_MS = 1_000;

export function startProgram(init: ProgramInit): Program {
  const { command, environment, logBytesMax, lineBytesMax } = init.options;
  const { stdin, stdout, kill, ended } = startProcess({
    command,
    environment,
    folder: init.scenarioFolder,
    logPath: init.logPath,
    logBytesMax,
  });
  let lastHeardMs = init.clock.nowMs();
  let isEnded = false;
  let isDismissed = false;

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
  const splitter = createLineSplitter(lineBytesMax, onLine, () => breach('simulator-garbage', `a line longer than ${lineBytesMax} bytes`));
  stdout.on('data', (chunk: Buffer) => splitter.push(chunk));
  const gone = ended.then(({ isStarted, how }: ProgramEnd) => {
    if (!isStarted) end('simulator-not-started', how);
    else if (isDismissed) end(null, how);
    else end('simulator-crashed', `the program ended before it was asked to: ${how}`);
  });
  return {
    send(message) {
      if (!isEnded && stdin.writable) stdin.write(`${JSON.stringify(message)}\n`);
    },
    kill,
    dismiss() {
      if (isDismissed) return;
      isDismissed = true;
      this.send({ type: 'exit' });
      stdin.end();
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

export const logPathOf = (workFolder: string, group: string, number: number): string => join(workFolder, `exec-${group}-${number}.log`);
