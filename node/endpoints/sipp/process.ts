// One SIPp process: started with its files in a folder of its own, told over its control port how many calls it may have, read, asked to finish, and
// killed. Who sits in it, and when it has to go, is fleet.ts.

import type { Socket } from 'node:dgram';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type ProgramEnd, startProgram } from '../../programs/program.ts';
import type { GroupContext } from '../endpoint.ts';
import { CONTROL_HOST, commandOf, controlCommands, type Destination, rateOf, STATISTICS_FILE } from './command.ts';
import type { SippOptions } from './options.ts';
import { firstErrorIn, type Outcome, outcomeOf } from './outcome.ts';
import { freePort } from './ports.ts';
import { createStatistics } from './statistics.ts';
import { createTail, type Tail } from './tail.ts';

export interface SippProcess {
  /** Reads what is new and sends what is due; call it a few times a second. */
  readonly poll: () => void;
  /** Finishes the calls that are going, then ends. */
  readonly finish: () => void;
  readonly kill: () => void;
  /** Rows of statistics so far: one a second. */
  readonly rows: () => number;
  readonly answered: () => number;
  readonly active: () => number;
  /** Resolves when it is gone and read to the end, with what was wrong; never rejects. */
  readonly ended: Promise<Outcome | null>;
}

export interface SippProcessInit {
  readonly group: GroupContext<SippOptions>;
  readonly destination: Destination;
  readonly number: number;
  readonly control: Socket;
  /** Calls that it may have at a time, now. */
  readonly slots: () => number;
  readonly onFailedCall: (cause: string) => void;
}

const STDERR_BYTES_MAX = 1_000_000;

export function startSipp(init: SippProcessInit): SippProcess {
  const { options, recorder } = init.group;
  const statistics = createStatistics(recorder, init.onFailedCall);
  let files: Files | null = null;
  let controlPort = 0;
  let killProgram: (() => void) | null = null;
  let [isKilled, isFinishing, isQuitSent, rows, sentSlots] = [false, false, false, 0, 0];

  const say = (command: string): void => {
    // A command that is lost shows in the next row of statistics, and is sent again.
    init.control.send(command, controlPort, CONTROL_HOST, () => {});
  };
  const read = (): void => {
    let isRow = false;
    files?.statistics.read((line) => {
      if (!statistics.row(line)) return;
      isRow = true;
      rows++;
    });
    files?.responseTimes()?.read(statistics.responseTime);
    // Its target is the number of users, or the rate, that it knows of.
    const slots = init.slots();
    if (isRow && !isFinishing && statistics.target() !== (rateOf(options, slots) ?? slots)) sentSlots = 0;
  };
  const steer = (): void => {
    if (rows === 0 || isQuitSent) return;
    if (isFinishing) {
      // Once: a second one would end it at once. Its control port is open by now, and loopback does not lose one datagram.
      isQuitSent = true;
      say('q');
      return;
    }
    const slots = init.slots();
    if (slots === sentSlots) return;
    sentSlots = slots;
    for (const command of controlCommands(options, slots)) say(command);
  };
  const live = async (): Promise<Outcome | null> => {
    const launch = await prepareLaunch(init);
    if (isKilled) return null;
    controlPort = launch.controlPort;
    files = openFiles(launch.folder);
    const slots = Math.max(1, init.slots());
    sentSlots = slots;
    const command = commandOf(options, { ...launch, destination: init.destination, scenarioFolder: init.group.scenarioFolder, slots });
    const program = startProgram({ command, folder: launch.folder, logPath: files.stderrPath, logBytesMax: STDERR_BYTES_MAX });
    program.stdout.resume();
    killProgram = program.kill;
    const end = await program.ended;
    read();
    const error = firstErrorIn(files.stderr());
    const failedCalls = statistics.failed();
    return isKilled ? null : outcomeOf(end, { isAsked: isFinishing, failedCalls, error });
  };
  const ended = live()
    .catch((error: Error): Outcome => outcomeOf(notStarted(error), { isAsked: false, failedCalls: 0, error: '' }) as Outcome)
    .finally(() => {
      statistics.close();
      files?.close();
    });
  return {
    poll() {
      read();
      steer();
    },
    finish() {
      isFinishing = true;
    },
    kill() {
      isKilled = true;
      killProgram?.();
    },
    rows: () => rows,
    answered: statistics.answered,
    active: statistics.active,
    ended,
  };
}

const notStarted = ({ message }: Error): ProgramEnd => ({ isStarted: false, code: null, how: message });

async function prepareLaunch({ group, number }: SippProcessInit): Promise<{ folder: string; controlPort: number; localPort: number }> {
  const { transport, localIp } = group.options;
  const [controlPort, localPort] = await Promise.all([
    freePort('udp', CONTROL_HOST),
    freePort(transport.startsWith('u') ? 'udp' : 'tcp', localIp),
  ]);
  return { folder: mkdtempSync(join(group.workFolder, `sipp-${group.group}-${number}-`)), controlPort, localPort };
}

interface Files {
  readonly statistics: Tail;
  /** SIPp names this file after its scenario and its own pid; null until it is there. */
  readonly responseTimes: () => Tail | null;
  readonly stderrPath: string;
  readonly stderr: () => string;
  readonly close: () => void;
}

function openFiles(folder: string): Files {
  const statistics = createTail(join(folder, STATISTICS_FILE));
  const stderrPath = join(folder, 'stderr.log');
  let responsePath: string | null = null;
  let responseTimes: Tail | null = null;
  return {
    statistics,
    stderrPath,
    responseTimes() {
      if (responseTimes !== null) return responseTimes;
      const found = readdirSync(folder).find((name) => name.endsWith('_rtt.csv'));
      if (found === undefined) return null;
      responsePath = join(folder, found);
      responseTimes = createTail(responsePath);
      return responseTimes;
    },
    stderr: () => (readdirSync(folder).includes('stderr.log') ? readFileSync(stderrPath, 'latin1') : ''),
    close() {
      statistics.close();
      responseTimes?.close();
      // A line for every call, all of which are in our statistics now.
      if (responsePath !== null) rmSync(responsePath, { force: true });
    },
  };
}
