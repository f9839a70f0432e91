// The processes of one group in one worker, and the places in them: a process hosts up to endpointsPerProcess endpoints. A new process is started
// when no place is free; one that is empty is dismissed. Heartbeats are watched together, by one timer.

import type { EndpointContext, GroupContext } from '../endpoint.ts';
import type { FromProgram } from './contract.ts';
import type { ExecOptions } from './options.ts';
import { logPathOf, type Program, startProgram } from './program.ts';
import { createSampleSink, type SampleSink } from './samples.ts';

/** One endpoint's place in a process. */
export interface Place {
  readonly program: Program;
  /** Number of the endpoint within its process's life; never used twice. */
  readonly number: number;
  /** Resolves when the endpoint is done, or its process is gone. */
  readonly over: Promise<void>;
}

export interface Crew {
  readonly place: (context: EndpointContext) => Place;
  readonly close: () => Promise<void>;
}

interface Seat {
  readonly context: EndpointContext;
  readonly done: () => void;
}

interface Member {
  readonly program: Program;
  readonly seats: Map<number, Seat>;
  readonly sink: SampleSink;
  readonly startedMs: number;
  isReady: boolean;
  isEnded: boolean;
  seated: number;
}

const WATCH_MS = 250;
/** An empty process of many places waits this long for the next endpoint. */
const EMPTY_MS_MAX = 2_000;

export function createCrew(group: GroupContext<ExecOptions>): Crew {
  const { options, clock } = group;
  const members = new Set<Member>();
  let started = 0;
  let timer: NodeJS.Timeout | null = null;

  const watch = (): void => {
    const nowMs = clock.nowMs();
    for (const member of members) {
      const silentMs = nowMs - member.program.lastHeardMs();
      if (!member.isReady && nowMs - member.startedMs > options.startTimeout) {
        member.program.breach('simulator-silent', `not ready ${options.startTimeout} ms after its start`);
      } else if (member.isReady && member.seats.size > 0 && silentMs > options.heartbeat) {
        member.program.breach('simulator-silent', `said nothing for ${Math.round(silentMs)} ms`);
      } else if (member.seats.size === 0 && silentMs > EMPTY_MS_MAX) member.program.dismiss();
    }
  };
  const hire = (): Member => {
    timer ??= setInterval(watch, WATCH_MS);
    const member: Member = createMember(group, started++, () => {
      members.delete(member);
      if (members.size > 0 || timer === null) return;
      clearInterval(timer);
      timer = null;
    });
    members.add(member);
    return member;
  };
  return {
    place(context) {
      const free = [...members].find(
        (member) =>
          !member.isEnded && !member.program.isDismissed() && member.seats.size < options.endpointsPerProcess && member.seated < SEATED_MAX,
      );
      return seat(free ?? hire(), context, options);
    },
    async close() {
      const all = [...members];
      for (const { program } of all) program.kill();
      await Promise.all(all.map(({ program }) => program.gone));
      if (timer !== null) clearInterval(timer);
    },
  };
}

/** A process that is used again and again is replaced now and then, or what it leaks would be the run's. */
const SEATED_MAX = 1_000_000;

function createMember(group: GroupContext<ExecOptions>, number: number, onGone: () => void): Member {
  const { options, clock, recorder, scenarioFolder, workFolder } = group;
  const sink = createSampleSink(options.metrics, recorder);
  const seats = new Map<number, Seat>();
  const onEnd = (cause: string | null, example: string): void => {
    member.isEnded = true;
    for (const { context, done } of seats.values()) {
      // 'now' kills on purpose.
      if (cause !== null && context.signal.reason !== 'now') context.broken(cause, example);
      done();
    }
    seats.clear();
    sink.close();
    onGone();
  };
  const logPath = logPathOf(workFolder, group.group, number);
  const program = startProgram({ options, clock, scenarioFolder, logPath, onMessage: (message) => listen(member, message), onEnd });
  const member: Member = { program, seats, sink, startedMs: clock.nowMs(), isReady: false, isEnded: false, seated: 0 };
  program.send({ type: 'setup', group: group.group, settings: options.settings, workFolder, endpointsMax: options.endpointsPerProcess });
  return member;
}

function seat(member: Member, context: EndpointContext, options: ExecOptions): Place {
  const number = member.seated++;
  const over = new Promise<void>((resolve) => {
    const done = (): void => {
      member.seats.delete(number);
      if (member.seats.size === 0 && options.endpointsPerProcess === 1) member.program.dismiss();
      resolve();
    };
    // A process that could not be started has ended before anybody sat down.
    if (member.isEnded) {
      context.broken('simulator-not-started', options.command.join(' '));
      resolve();
    } else member.seats.set(number, { context, done });
  });
  return { program: member.program, number, over };
}

/** What a program says, to the endpoint that it is about. */
function listen(member: Member, message: FromProgram): void {
  const { program, seats, sink } = member;
  switch (message.type) {
    case 'ready':
      member.isReady = true;
      break;
    case 'alive':
      break;
    case 'joined':
      seats.get(message.endpoint)?.context.joined();
      break;
    case 'done':
      seats.get(message.endpoint)?.done();
      break;
    case 'sample': {
      const complaint = sink.record(message);
      if (complaint !== null) program.breach('simulator-unknown-metric', complaint);
      break;
    }
    case 'error': {
      // Without an endpoint it is about all of them; it is counted once.
      const about = message.endpoint === undefined ? seats.values().next().value : seats.get(message.endpoint);
      if (message.side === 'target') about?.context.fail(message.cause, message.example);
      else about?.context.broken(message.cause, message.example);
      break;
    }
  }
}
