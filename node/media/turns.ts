// When a network takes its next turn. Three ways to wait, by what there is to do: at once while packets are left over; by a timer while packets come
// faster than one a millisecond or something is due soon, so that one pass serves many; otherwise the kernel wakes us for a packet and the timer for
// what is due. So a busy process makes about a thousand turns a second, half as many where it only receives, an idle one none. Nothing open, nothing
// scheduled.

import type { TurnPart } from './packet-batch.ts';

/** Two turns closer than this: packets come so fast that waiting a little serves several at once. */
const CLOSE_TURNS_MS = 1;
/** How long to go on by timer then, before trying again to be woken; starting and stopping the watch costs 3 µs. */
const TIMED_MS = 20;
/**
 * With so many packets a turn, the next one comes a millisecond later unless something is due before: waking up costs 60 µs, as much as these. When
 * packets came is told by the kernel's stamps.
 */
const BUSY_PACKETS = 32;
const BUSY_WAIT_MS = 2;
/** Longest sleep: far due times are looked at again. */
const SLEEP_MS_MAX = 1_000;

export interface TurnsInit {
  readonly nowMs: () => number;
  /** Receives what is there and sends what is queued; true when more is left. */
  readonly work: () => boolean;
  /** Packets sent and received so far. */
  readonly packets: () => number;
  /** Asks the kernel to call `turn` when a packet is there, or to stop it. Without one, packets announce themselves. */
  readonly watch: ((isWatching: boolean) => void) | null;
}

export interface Turns {
  readonly join: (part: TurnPart) => () => void;
  readonly wake: () => void;
  readonly turn: () => void;
  /** Counts what is open: with nothing left, and no part that waits, the process may end. */
  readonly setOpen: (count: number) => void;
}

export function createTurns({ nowMs, work, packets, watch }: TurnsInit): Turns {
  let parts: readonly TurnPart[] = [];
  let timer: NodeJS.Timeout | null = null;
  let immediate: NodeJS.Immediate | null = null;
  let isWatching = false;
  let isInTurn = false;
  let isWoken = false;
  let openCount = 0;
  let lastTurnMs = Number.NEGATIVE_INFINITY;
  let timedUntilMs = Number.NEGATIVE_INFINITY;

  function setWatching(wanted: boolean): void {
    if (watch === null || wanted === isWatching) return;
    isWatching = wanted;
    watch(wanted);
  }

  function cancel(): void {
    if (timer !== null) clearTimeout(timer);
    if (immediate !== null) clearImmediate(immediate);
    timer = null;
    immediate = null;
  }

  function schedule(hasMore: boolean, nextMs: number, turnPackets: number): void {
    if (hasMore || isWoken) {
      immediate = setImmediate(turn);
      return;
    }
    const nowAfterMs = nowMs();
    let waitMs = nextMs - nowAfterMs;
    if (openCount > 0 && watch !== null) {
      const isTimed = nowAfterMs < timedUntilMs || waitMs <= 1;
      setWatching(!isTimed);
      if (isTimed) waitMs = turnPackets < BUSY_PACKETS ? 1 : Math.min(waitMs, BUSY_WAIT_MS);
    } else setWatching(false);
    if (waitMs < Number.POSITIVE_INFINITY) timer = setTimeout(turn, Math.min(SLEEP_MS_MAX, Math.max(1, Math.ceil(waitMs))));
  }

  function turn(): void {
    if (isInTurn) return;
    cancel();
    isInTurn = true;
    isWoken = false;
    let nextMs = Number.POSITIVE_INFINITY;
    let hasMore = false;
    const packetsBefore = packets();
    try {
      const startMs = nowMs();
      if (startMs - lastTurnMs < CLOSE_TURNS_MS) timedUntilMs = startMs + TIMED_MS;
      lastTurnMs = startMs;
      for (const part of parts) nextMs = Math.min(nextMs, part(startMs));
      hasMore = work();
    } finally {
      isInTurn = false;
      schedule(hasMore, nextMs, packets() - packetsBefore);
    }
  }

  function wake(): void {
    if (isInTurn) isWoken = true;
    else if (immediate === null) immediate = setImmediate(turn);
  }

  return {
    turn,
    wake,
    join(part) {
      parts = [...parts, part];
      wake();
      return () => {
        parts = parts.filter((each) => each !== part);
        if (openCount === 0 && parts.length === 0) cancel();
      };
    },
    setOpen(count) {
      openCount = count;
      if (count > 0) return wake();
      setWatching(false);
      if (parts.length === 0) cancel();
    },
  };
}
