// The virtual clock: a binary heap of things to do, ordered by true time and, at equal times, by the order in which they were
// asked for, so that a run is the same run every time. Nothing in the simulator waits; time jumps from one item to the next.
// Items are never cancelled: whoever schedules one that may become void checks for itself when it is called.

export interface Agenda {
  /** True time in ms; the moment of the item that runs now. */
  readonly nowMs: number;
  readonly size: number;
  /** Runs `run` at true time `atMs`, or now when that has passed. */
  at(atMs: number, run: () => void): void;
  after(delayMs: number, run: () => void): void;
  /** Runs the next item due at or before `untilMs`; false when there is none. */
  runNext(untilMs: number): boolean;
}

interface Item {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

const isEarlier = (a: Item, b: Item): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

function siftUp(heap: Item[], item: Item): void {
  let index = heap.length;
  heap.push(item);
  while (index > 0) {
    const parent = (index - 1) >> 1;
    const above = heap[parent]!;
    if (!isEarlier(item, above)) break;
    heap[index] = above;
    index = parent;
  }
  heap[index] = item;
}

function popFirst(heap: Item[]): Item {
  const first = heap[0]!;
  const last = heap.pop()!;
  const size = heap.length;
  if (size === 0) return first;
  let index = 0;
  for (;;) {
    let child = 2 * index + 1;
    if (child >= size) break;
    if (child + 1 < size && isEarlier(heap[child + 1]!, heap[child]!)) child += 1;
    const below = heap[child]!;
    if (!isEarlier(below, last)) break;
    heap[index] = below;
    index = child;
  }
  heap[index] = last;
  return first;
}

export function createAgenda(): Agenda {
  const heap: Item[] = [];
  let nowMs = 0;
  let order = 0;
  const at = (atMs: number, run: () => void): void => siftUp(heap, { atMs: atMs > nowMs ? atMs : nowMs, order: order++, run });
  return {
    get nowMs() {
      return nowMs;
    },
    get size() {
      return heap.length;
    },
    at,
    after: (delayMs, run) => at(nowMs + delayMs, run),
    runNext(untilMs) {
      const next = heap[0];
      if (next === undefined || next.atMs > untilMs) return false;
      popFirst(heap);
      nowMs = next.atMs;
      next.run();
      return true;
    },
  };
}
