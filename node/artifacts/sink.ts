// Output that never touches the disk unpacked: a producer (a simulator's stdout, a capture) writes into a sink, which packs it as it comes, seals a segment when it is full or
// old, and begins the next. A producer must not be held up by a disk, so writing returns at once: what does not fit, into memory or into the spool's share of the disk,
// is dropped and counted, and the manifest shows it as lost. A segment that a killed node left half made is salvaged at the next start (collector.ts).

import type { HashedFile } from './files.ts';
import { type OpenSegment, openSegment } from './pack.ts';
import type { Packing, RotationRules } from './rotation.ts';

export interface SinkInit {
  readonly rules: RotationRules;
  readonly packing: Packing;
  /** Where the segment that begins at this byte is made. */
  readonly pathOf: (fromByte: number) => string;
  readonly fromByte: number;
  readonly roomBytes: () => number;
  readonly nowMs: () => number;
  /** Also the promise that the next segment waits for. */
  readonly onSealed: (file: HashedFile, fromByte: number, toByte: number) => Promise<void>;
  readonly onProblem: (error: unknown) => void;
}

export interface Sink {
  /** False when it was dropped. */
  write(chunk: Uint8Array): boolean;
  /** Seals what is old, and makes the rest salvageable. */
  tick(): Promise<void>;
  close(): Promise<void>;
  lostBytes(): number;
}

/** Waiting for the compressor. A simulator that writes faster than 4 MB in the time of one write of the disk loses lines. */
const QUEUE_BYTES_MAX = 4 * 1024 * 1024;

export function createSink(init: SinkInit): Sink {
  const { rules, nowMs } = init;
  let segment: OpenSegment | null = null;
  let fromByte = init.fromByte;
  let openedMs = 0;
  let queuedBytes = 0;
  let lostBytes = 0;
  let isClosed = false;
  let work: Promise<void> = Promise.resolve();

  /** One thing after the other; a failure (the disk is full) drops the segment in the making, and is told. */
  const inTurn = (act: () => Promise<void>): Promise<void> => {
    work = work.then(act).catch(async (error) => {
      lostBytes += segment?.rawBytes() ?? 0;
      fromByte += segment?.rawBytes() ?? 0;
      await segment?.discard().catch(() => undefined);
      segment = null;
      init.onProblem(error);
    });
    return work;
  };

  const append = async (chunk: Uint8Array): Promise<void> => {
    queuedBytes -= chunk.byteLength;
    if (segment === null) {
      segment = await openSegment(init.pathOf(fromByte), init.packing);
      openedMs = nowMs();
    }
    await segment.write(chunk);
    if (segment.rawBytes() >= rules.segmentBytes) await seal();
  };

  const seal = async (): Promise<void> => {
    if (segment === null) return;
    const sealing = segment;
    const file = await sealing.seal();
    segment = null;
    const toByte = fromByte + sealing.rawBytes();
    const sealedFrom = fromByte;
    fromByte = toByte;
    await init.onSealed(file, sealedFrom, toByte);
  };

  return {
    write(chunk) {
      const isDropped = isClosed || queuedBytes + chunk.byteLength > QUEUE_BYTES_MAX || init.roomBytes() < rules.segmentBytes;
      if (isDropped) {
        lostBytes += chunk.byteLength;
        return false;
      }
      queuedBytes += chunk.byteLength;
      void inTurn(() => append(chunk));
      return true;
    },
    tick: () =>
      inTurn(async () => {
        if (segment === null) return;
        if (nowMs() - openedMs >= rules.ageMsMax) await seal();
        else await segment.flush();
      }),
    close() {
      isClosed = true;
      return inTurn(seal);
    },
    lostBytes: () => lostBytes,
  };
}
