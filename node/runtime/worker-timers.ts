// Absolute due times for everything in a worker, on one timer of the runtime: a binary heap of entries, and one setTimeout for the earliest.
// A life's start, its stop and its think times cost a small object each, never a timer. How late entries fire is the generator's lateness (P8)
// and is measured here, because everything that a worker does on schedule passes through.

import type { Clock, TimerEntry } from '../endpoints/endpoint.ts';

export interface Timers extends Clock {
  readonly waiting: () => number;
  readonly close: () => void;
}

export interface TimersInit {
  readonly nowMs: () => number;
  /** Told how late each entry fired, ms. */
  readonly onFired: (lateMs: number) => void;
  /** An exception in a callback is the callback's owner's; the timers go on. */
  readonly onFault: (error: unknown) => void;
}

/** Entries fired before sockets get their turn: about a millisecond of work. */
const BATCH_MAX = 500;
/** setTimeout wraps beyond 24.8 days; waking up once an hour for nothing costs nothing. */
const SLEEP_MS_MAX = 3_600_000;

export function createTimers({ nowMs, onFired, onFault }: TimersInit): Timers {
  const heap: TimerEntry[] = [];
  let orders = 0;
  let cancelled = 0;
  let timeout: NodeJS.Timeout | null = null;
  let immediate: NodeJS.Immediate | null = null;
  let armedForMs = Number.POSITIVE_INFINITY;

  const disarm = (): void => {
    if (timeout !== null) clearTimeout(timeout);
    if (immediate !== null) clearImmediate(immediate);
    timeout = null;
    immediate = null;
    armedForMs = Number.POSITIVE_INFINITY;
  };
  const arm = (): void => {
    const first = heap[0];
    if (first === undefined || first.atMs >= armedForMs) return;
    disarm();
    armedForMs = first.atMs;
    const sleepMs = first.atMs - nowMs();
    if (sleepMs <= 0) immediate = setImmediate(fire);
    else timeout = setTimeout(fire, Math.min(SLEEP_MS_MAX, Math.ceil(sleepMs)));
  };
  const fire = (): void => {
    disarm();
    for (let fired = 0; fired < BATCH_MAX; fired++) {
      const first = heap[0];
      if (first === undefined) return;
      if (first.callback !== null) {
        const lateMs = nowMs() - first.atMs;
        if (lateMs < 0) break;
        onFired(lateMs);
      } else cancelled--;
      pop(heap);
      const { callback } = first;
      first.callback = null;
      try {
        callback?.();
      } catch (error) {
        onFault(error);
      }
    }
    arm();
  };
  const at = (atMs: number, callback: () => void): TimerEntry => {
    const entry: TimerEntry = { atMs, order: orders++, callback };
    push(heap, entry);
    arm();
    return entry;
  };
  const cancel = (entry: TimerEntry): void => {
    if (entry.callback === null) return;
    entry.callback = null;
    cancelled++;
    // Cancelled entries stay until they surface; when they are most of the heap, it is rebuilt without them.
    if (cancelled > 1000 && cancelled > heap.length / 2) {
      cancelled = 0;
      rebuild(heap);
    }
  };
  return {
    nowMs,
    at,
    cancel,
    until: createUntil(nowMs, at, cancel),
    waiting: () => heap.length - cancelled,
    close() {
      disarm();
      heap.length = 0;
    },
  };
}

type Wake = (how: 'due' | 'aborted') => void;

/** Clock.until on top of the heap. One abort listener a signal, however often its endpoint waits. */
function createUntil(nowMs: () => number, at: Timers['at'], cancel: Timers['cancel']): Clock['until'] {
  const waits = new WeakMap<AbortSignal, Set<Wake>>();
  const onAbort = (event: Event): void => {
    const wakes = waits.get(event.target as AbortSignal);
    for (const wake of [...(wakes ?? [])]) wake('aborted');
  };
  const wakesOf = (signal: AbortSignal): Set<Wake> => {
    let wakes = waits.get(signal);
    if (wakes === undefined) {
      wakes = new Set();
      waits.set(signal, wakes);
      signal.addEventListener('abort', onAbort, { once: true });
    }
    return wakes;
  };
  return (atMs, signal) => {
    if (signal?.aborted) return Promise.resolve('aborted');
    if (atMs <= nowMs()) return Promise.resolve('due');
    return new Promise((resolve) => {
      const wakes = signal === undefined ? null : wakesOf(signal);
      const wake: Wake = (how) => {
        wakes?.delete(wake);
        cancel(entry);
        resolve(how);
      };
      const entry = at(atMs, () => wake('due'));
      wakes?.add(wake);
    });
  };
}

const isBefore = (one: TimerEntry, other: TimerEntry): boolean =>
  one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);

function push(heap: TimerEntry[], entry: TimerEntry): void {
  let index = heap.length;
  heap.push(entry);
  while (index > 0) {
    const parent = (index - 1) >> 1;
    const above = heap[parent] as TimerEntry;
    if (!isBefore(entry, above)) break;
    heap[index] = above;
    index = parent;
  }
  heap[index] = entry;
}

function pop(heap: TimerEntry[]): void {
  const last = heap.pop() as TimerEntry;
  if (heap.length > 0) sink(heap, 0, last);
}

/** Puts `entry` where it belongs at or below `index`. */
function sink(heap: TimerEntry[], from: number, entry: TimerEntry): void {
  let index = from;
  for (;;) {
    let child = 2 * index + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1] as TimerEntry, heap[child] as TimerEntry)) child++;
    if (!isBefore(heap[child] as TimerEntry, entry)) break;
    heap[index] = heap[child] as TimerEntry;
    index = child;
  }
  heap[index] = entry;
}

function rebuild(heap: TimerEntry[]): void {
  const kept = heap.filter((entry) => entry.callback !== null);
  heap.length = 0;
  for (const entry of kept) push(heap, entry);
}
