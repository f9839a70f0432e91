// The heart of a node process: one event at a time through the pure core, and its effects handed over before the next event (DESIGN 7).
// Events wait in a bounded inbox. What other nodes sent may be dropped when it is full, because anti-entropy repairs it; answers of this
// node's own parts are never dropped, because nobody repeats them, and there are only as many of them as the core asked for.
// An event is stamped when it is stepped, not when it arrived: leases must be judged by the time it is, also after a long queue or a pause.
// Any exception on the way is a fault of this program: the loop stops for good and tells its owner.

import type { Effects, NodeEvent } from '../core/events.ts';
import type { RuntimeClock } from './components.ts';

type WithoutTime<E> = E extends NodeEvent ? Omit<E, 'nowMs'> : never;
/** An event before the loop has stamped it. */
export type EventDraft = WithoutTime<NodeEvent>;

export interface LoopInit {
  readonly clock: RuntimeClock;
  readonly step: (event: NodeEvent) => Effects;
  /** When the core wants to be called next, in the node's clock. */
  readonly wakeAtMs: () => number;
  /** Resolves when every effect is handed over (own entries synced, messages queued). */
  readonly perform: (effects: Effects) => Promise<void>;
  readonly onFault: (error: unknown) => void;
}

export interface Loop {
  /** False when the event was dropped: the inbox is full, or the loop has stopped. */
  readonly push: (event: EventDraft) => boolean;
  readonly dropped: () => number;
  readonly waiting: () => number;
  readonly stop: () => void;
}

/** Events of other nodes beyond this are dropped. At some 10 kB each this bounds the memory that a flood can take to about 80 MB. */
const INBOX_MAX = 8_000;
/** The core is promised a tick at least this often. */
const TICK_MS_MAX = 50;
/** Never tighter than this, so that a wake-up time in the past cannot become a busy loop. */
const TICK_MS_MIN = 2;
/** Events stepped before the process's other work (sockets, timers) gets its turn. */
const EVENTS_PER_TURN = 64;
/** A wall clock that moved this far against the monotonic one was set by somebody. */
const JUMP_MS_MIN = 500;

const isDroppable = (event: EventDraft): boolean => event.type === 'gossip' || event.type === 'message';

export function createLoop(init: LoopInit): Loop {
  const { clock } = init;
  let inbox: EventDraft[] = [];
  let droppedCount = 0;
  let isPumping = false;
  let isStopped = false;
  let tickedAtMs = clock.nowMs();
  let cancelTick: () => void = () => {};
  let wallStepMs = clock.wallMs() - clock.nowMs();

  const fault = (error: unknown): void => {
    if (isStopped) return;
    stop();
    init.onFault(error);
  };

  const stop = (): void => {
    isStopped = true;
    cancelTick();
    inbox = [];
  };

  const noteClockJump = (): void => {
    const stepNow = clock.wallMs() - clock.nowMs();
    const byMs = Math.round(stepNow - wallStepMs);
    if (Math.abs(byMs) < JUMP_MS_MIN) return;
    wallStepMs = stepNow;
    inbox.push({ type: 'clock-jumped', byMs });
  };

  const scheduleTick = (): void => {
    cancelTick();
    const waitMs = Math.min(TICK_MS_MAX, Math.max(TICK_MS_MIN, init.wakeAtMs() - clock.nowMs()));
    cancelTick = clock.after(waitMs, () => {
      noteClockJump();
      inbox.push({ type: 'tick' });
      pump();
    });
  };

  const stepOne = async (draft: EventDraft): Promise<void> => {
    const event = { ...draft, nowMs: clock.nowMs() } as NodeEvent;
    if (event.type === 'tick') tickedAtMs = event.nowMs;
    await init.perform(init.step(event));
  };

  /** Under a flood the timer's tick would wait behind the flood, and leases with it. */
  const isTickOverdue = (): boolean => clock.nowMs() - tickedAtMs > TICK_MS_MAX;

  const drain = async (): Promise<void> => {
    let stepped = 0;
    while (!isStopped && inbox.length > 0) {
      const batch = inbox;
      inbox = [];
      for (let index = 0; index < batch.length && !isStopped; index++) {
        if (isTickOverdue()) await stepOne({ type: 'tick' });
        await stepOne(batch[index] as EventDraft);
        if (++stepped % EVENTS_PER_TURN === 0) await clock.turn();
      }
    }
  };

  const pump = (): void => {
    if (isPumping || isStopped) return;
    isPumping = true;
    drain()
      .catch(fault)
      .finally(() => {
        isPumping = false;
        if (!isStopped) scheduleTick();
      });
  };

  scheduleTick();
  return {
    push(event) {
      if (isStopped) return false;
      if (inbox.length >= INBOX_MAX && isDroppable(event)) {
        droppedCount++;
        return false;
      }
      inbox.push(event);
      pump();
      return true;
    },
    dropped: () => droppedCount,
    waiting: () => inbox.length,
    stop,
  };
}
