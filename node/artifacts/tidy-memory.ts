// Keeps buffers that have passed from piling up. Each piece of a file that is packed or sent leaves a buffer behind, outside of the heap; V8 looks for those only after some 64 MB
// of them, which for a node is as much as everything else it holds. So every few megabytes it is told to look: a minor collection for what lives shortly (about 1 ms), a
// major one for what waits for a network (about 10 ms). Node hands that function out only to contexts made after the flag was set. Where it does not, memory is a few tens of megabytes higher, and nothing else changes.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export interface Tidier {
  /** So many bytes went through buffers that nobody holds any more. */
  passed(bytes: number): void;
}

type Kind = 'minor' | 'major';
type Collect = (options: { type: Kind }) => void;

let collect: Collect | null | undefined;

function collector(): Collect | null {
  setFlagsFromString('--expose-gc');
  const found: unknown = runInNewContext("typeof gc === 'function' ? gc : null");
  return typeof found === 'function' ? (found as Collect) : null;
}

/** More often than each `bytesBetween` costs time, less often memory. */
export function createTidier(kind: Kind, bytesBetween: number): Tidier {
  let bytesSince = 0;
  return {
    passed(bytes) {
      bytesSince += bytes;
      if (bytesSince < bytesBetween) return;
      bytesSince = 0;
      collect ??= collector();
      collect?.({ type: kind });
    },
  };
}
