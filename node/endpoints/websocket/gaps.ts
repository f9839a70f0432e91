// Finds messages that did not arrive, by the numbers at the end of their ids: each sender counts its messages, so a jump tells how many are
// missing. What was sent before this receiver first heard a sender is not counted, and order within one connection is kept by TCP.

import type { Recorder } from '../../core/stats-types.ts';

export interface Gaps {
  /** A message with this id arrived: `<sender>.<number>`. */
  readonly note: (id: string) => void;
}

/** Senders remembered by one receiver; beyond them arrivals are counted without looking for gaps. */
const SENDERS_MAX = 512;

export function createGaps(ratio: ReturnType<Recorder['rate']>): Gaps {
  const lastOf = new Map<string, number>();
  return {
    note(id) {
      ratio.add(true);
      const dot = id.lastIndexOf('.');
      const sequence = Number(id.slice(dot + 1));
      if (dot <= 0 || !Number.isSafeInteger(sequence)) return;
      const sender = id.slice(0, dot);
      const last = lastOf.get(sender);
      if (last === undefined && lastOf.size >= SENDERS_MAX) return;
      if (last !== undefined) for (let missing = last + 1; missing < sequence; missing++) ratio.add(false);
      if (last === undefined || sequence > last) lastOf.set(sender, sequence);
    },
  };
}
