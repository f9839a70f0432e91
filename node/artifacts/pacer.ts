// Waits as the pace says (pace.ts): one for all uploads of a node, so that the bound is on their sum. Bytes are taken before they are sent, in small pieces, so a bound of
// 10 Mbit/s is kept within a tenth of a second and not only on average.

import { createPace, spend } from './pace.ts';
import { type ArtifactClock, pause } from './store.ts';

export interface Pacer {
  /** Resolves when these bytes may go, or when `signal` aborts. */
  take(bytes: number, signal?: AbortSignal): Promise<void>;
}

/** What is sent at once. Smaller pieces cost a timer each, larger ones are bursts. */
export const PIECE_BYTES = 64 * 1024;
const never = new AbortController().signal;

export function createPacer(clock: ArtifactClock, rateBps: number): Pacer {
  let pace = createPace(rateBps);
  return {
    take(bytes, signal = never) {
      const spent = spend(pace, bytes, clock.nowMs());
      pace = spent.pace;
      return pause(clock, spent.waitMs, signal);
    },
  };
}

/** The bytes in pieces, each when it may go. */
export async function* paced(bytes: Uint8Array, pacer: Pacer, signal?: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
  for (let offset = 0; offset < bytes.byteLength; offset += PIECE_BYTES) {
    const piece = bytes.subarray(offset, offset + PIECE_BYTES);
    await pacer.take(piece.byteLength, signal);
    yield piece;
  }
}
