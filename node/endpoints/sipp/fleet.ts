// The SIPp processes of one group in one worker, and the places in them. A place is a call slot: a process may have as many calls at a time as it has
// places taken. A new process is started when no place is free, or none for this destination; one whose last endpoint leaves finishes its calls and ends.

import { createSocket } from 'node:dgram';
import type { Clock, EndpointContext, GroupContext, TimerEntry } from '../endpoint.ts';
import type { Destination } from './command.ts';
import type { SippOptions } from './options.ts';
import type { Outcome } from './outcome.ts';
import { type SippProcess, startSipp } from './process.ts';

export interface Fleet {
  /** One endpoint's whole stay; resolves when it has left. */
  readonly stay: (context: EndpointContext, destination: Destination) => Promise<void>;
  /** Reads all statistics. */
  readonly flush: () => void;
  readonly close: () => Promise<void>;
}

interface Seat {
  readonly context: EndpointContext;
  readonly gone: () => void;
  /** Rows of statistics when it left: a later one tells whether its call has ended. */
  leftAtRow: number;
}

interface Member {
  readonly key: string;
  readonly process: SippProcess;
  /** Taken places: the calls that the process may have. */
  readonly seats: Set<Seat>;
  /** Endpoints that have left and wait for their call to end. */
  readonly leaving: Set<Seat>;
  /** Of the taken places, those without an answer to a call yet, in the order of their coming. */
  readonly unjoined: Set<Seat>;
  readonly startedMs: number;
  answered: number;
  /** Nobody may sit down any more. */
  isOver: boolean;
}

/** Endpoints that come or go within this time change the number of calls together. */
const POLL_MS = 200;
/** Of the grace, what SIPp may use to finish calls before it is killed. */
const GRACE_SHARE = 0.9;

export function createFleet(group: GroupContext<SippOptions>): Fleet {
  const { options, clock } = group;
  const control = createSocket('udp4').unref();
  const members = new Set<Member>();
  let started = 0;
  let timer: NodeJS.Timeout | null = null;
  let isClosed = false;

  const poll = (): void => {
    for (const member of members) {
      member.process.poll();
      settle(member);
      if (member.process.rows() > 0 || clock.nowMs() - member.startedMs <= options.startTimeout) continue;
      endOf(member, { side: 'generator', cause: 'simulator-silent', example: `no statistics ${options.startTimeout} ms after its start` });
      member.process.kill();
    }
  };
  const hire = (destination: Destination, key: string): Member => {
    const seats = new Set<Seat>();
    const leaving = new Set<Seat>();
    const onFailedCall = (cause: string): void => nextOf(seats, leaving)?.context.fail(cause, `a call of SIPp to ${destination.server}`);
    const process = startSipp({ group, destination, number: started++, control, slots: () => seats.size, onFailedCall });
    const startedMs = clock.nowMs();
    const member: Member = { key, process, seats, leaving, unjoined: new Set(), startedMs, answered: 0, isOver: false };
    members.add(member);
    timer ??= setInterval(poll, POLL_MS);
    process.ended.then((outcome) => {
      settle(member);
      endOf(member, outcome);
      members.delete(member);
      if (members.size > 0 || timer === null) return;
      clearInterval(timer);
      timer = null;
    });
    return member;
  };
  return {
    stay(context, destination) {
      const key = JSON.stringify(destination);
      const isFree = (member: Member): boolean => !member.isOver && member.key === key && member.seats.size < options.endpointsPerProcess;
      return sit([...members].find(isFree) ?? hire(destination, key), context, clock);
    },
    flush: poll,
    async close() {
      const all = [...members];
      for (const { process } of all) process.kill();
      await Promise.all(all.map(({ process }) => process.ended));
      if (!isClosed) control.close();
      isClosed = true;
    },
  };
}

function sit(member: Member, context: EndpointContext, clock: Clock): Promise<void> {
  const { process, seats, leaving, unjoined } = member;
  const { signal } = context;
  return new Promise((resolve) => {
    let deadline: TimerEntry | null = null;
    const gone = (): void => {
      for (const set of [seats, leaving, unjoined]) set.delete(seat);
      signal.removeEventListener('abort', leave);
      if (deadline !== null) clock.cancel(deadline);
      resolve();
    };
    const seat: Seat = { context, gone, leftAtRow: 0 };
    const leave = (): void => {
      seats.delete(seat);
      unjoined.delete(seat);
      const isLast = seats.size === 0;
      if (isLast) member.isOver = true;
      if (signal.reason === 'now') {
        if (isLast && leaving.size === 0) process.kill();
        else if (isLast) process.finish();
        return gone();
      }
      leaving.add(seat);
      seat.leftAtRow = process.rows();
      if (isLast) process.finish();
      deadline = clock.at(clock.nowMs() + context.graceMs * GRACE_SHARE, () => {
        // The last one stays until the process is gone.
        if (seats.size === 0 && leaving.size === 1) process.kill();
        else gone();
      });
    };
    seats.add(seat);
    unjoined.add(seat);
    signal.addEventListener('abort', leave, { once: true });
  });
}

/** Whoever is next in turn is told of a failed call: no call belongs to one endpoint. */
function nextOf(seats: Set<Seat>, leaving: Set<Seat>): Seat | undefined {
  const [first] = seats;
  if (first === undefined) return leaving.values().next().value;
  seats.delete(first);
  seats.add(first);
  return first;
}

/** Lets in who has had an answer, and lets go who has left, once no more calls are going than places are taken. */
function settle(member: Member): void {
  const { process, seats, leaving, unjoined } = member;
  const answers = process.answered() - member.answered;
  member.answered += answers;
  for (const seat of [...unjoined].slice(0, answers)) {
    unjoined.delete(seat);
    seat.context.joined();
  }
  if (process.active() > seats.size) return;
  // Not with the next row, which may have been written before it left.
  for (const seat of leaving) if (seats.size > 0 && process.rows() > seat.leftAtRow + 1) seat.gone();
}

function endOf(member: Member, outcome: Outcome | null): void {
  member.isOver = true;
  for (const { context, gone } of [...member.seats, ...member.leaving]) {
    if (outcome?.side === 'target') context.fail(outcome.cause, outcome.example);
    else if (outcome !== null) context.broken(outcome.cause, outcome.example);
    gone();
  }
}
