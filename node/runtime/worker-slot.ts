// One place for a worker: starts its process, holds messages back until it is ready, starts it again when it dies. It keeps what the process
// would forget: the claims it runs and the tasks it was given, so that the pool (workers.ts) can give them to the successor. Restarts wait a
// little longer each time, so that a scenario that kills its workers at once does not become a fork bomb.

import type { Claim, MeetingFacts } from '../core/messages.ts';
import type { GroupLoad } from '../core/stats-types.ts';
import type { RuntimeClock, SpawnWorker, WorkerLink } from './components.ts';
import type { ClaimId, FromWorker, ToWorker } from './worker-protocol.ts';

export type LoadMessage = Extract<ToWorker, { type: 'load' }>;

export interface RunningLoad {
  readonly claim: Claim;
  readonly message: LoadMessage;
  /** Ordered to stop: its end is expected, and a crash ends it for good. */
  isStopping: boolean;
}
export interface RunningTask {
  readonly claim: Claim;
  readonly what: 'provision' | 'teardown';
  /** Meetings not answered for yet. */
  readonly meetings: Set<number>;
}

export interface WorkerSlot {
  readonly index: number;
  readonly loads: Map<ClaimId, RunningLoad>;
  readonly tasks: Map<ClaimId, RunningTask>;
  /** The load it reported last: what is lost when it dies. */
  lastLoad: readonly GroupLoad[];
  readonly isReady: () => boolean;
  readonly pid: () => number;
  readonly send: (message: ToWorker) => void;
  /** Ends the process for good. */
  readonly close: () => void;
  /** Kills the process; it comes back as after any death. */
  readonly kill: () => void;
}

export interface WorkerSlotInit {
  readonly index: number;
  readonly spawn: SpawnWorker;
  readonly clock: RuntimeClock;
  readonly setup: ToWorker;
  /** What every (re)started worker must know beside its setup: meeting facts, the grant. */
  readonly greeting: () => readonly ToWorker[];
  readonly onMessage: (slot: WorkerSlot, message: FromWorker) => void;
  /** The process died although nobody closed it. Called before the successor starts. */
  readonly onDeath: (slot: WorkerSlot, description: string) => void;
  readonly onReady: (slot: WorkerSlot) => void;
}

const RESTART_MS_FIRST = 200;
const RESTART_MS_MAX = 10_000;
/** A polite 'exit' is given this long before SIGKILL. */
const EXIT_MS_MAX = 1_000;

export function createWorkerSlot(init: WorkerSlotInit): WorkerSlot {
  let link: WorkerLink | null = null;
  let isReady = false;
  let isClosed = false;
  let restartMs = RESTART_MS_FIRST;
  let held: ToWorker[] = [];
  let cancelTimer: () => void = () => {};

  const start = (): void => {
    isReady = false;
    link = init.spawn(init.index, { message: onMessage, exit: onExit });
    link.send(init.setup);
  };

  const onMessage = (message: FromWorker): void => {
    if (message.type === 'ready' && link !== null) {
      isReady = true;
      for (const each of [...init.greeting(), ...held]) link.send(each);
      held = [];
      init.onReady(slot);
    }
    init.onMessage(slot, message);
  };

  const onExit = (description: string): void => {
    link = null;
    isReady = false;
    cancelTimer();
    if (isClosed) return;
    init.onDeath(slot, description);
    // Tasks have failed by now, loads come back through the pool: nothing that waited for this process may reach the next one.
    held = [];
    slot.lastLoad = [];
    cancelTimer = init.clock.after(restartMs, start);
    restartMs = Math.min(RESTART_MS_MAX, restartMs * 2);
  };

  const slot: WorkerSlot = {
    index: init.index,
    loads: new Map(),
    tasks: new Map(),
    lastLoad: [],
    isReady: () => isReady,
    pid: () => link?.pid ?? -1,
    send(message) {
      if (isReady && link !== null) link.send(message);
      else held.push(message);
    },
    close() {
      isClosed = true;
      cancelTimer();
      link?.send({ type: 'exit' });
      cancelTimer = init.clock.after(EXIT_MS_MAX, () => link?.kill());
    },
    kill: () => link?.kill(),
  };
  start();
  return slot;
}

/** Facts in one message; a run of tens of thousands of meetings would otherwise be one huge message. */
const FACTS_PER_MESSAGE = 500;

export function factMessages(facts: readonly MeetingFacts[]): ToWorker[] {
  const messages: ToWorker[] = [];
  for (let first = 0; first < facts.length; first += FACTS_PER_MESSAGE) {
    messages.push({ type: 'meetings', facts: facts.slice(first, first + FACTS_PER_MESSAGE) });
  }
  return messages;
}
