// When a growing file is cut into a segment, and how the segment is called: pure arithmetic over sizes and times. A segment is a range of bytes of its source, compressed by
// itself, so that what was written an hour ago is safe in the store while the file still grows, and a crash costs at most the segment in the making. Its name carries the
// first byte, so the segments of a file sort in order, and unpacked one after the other they are the file. Reading, compressing and sending are left to others.

import { keyOfPath } from './address.ts';

export interface RotationRules {
  /** Unpacked bytes of a full segment. Larger = fewer objects; smaller = less lost in a crash, less disk. */
  readonly segmentBytes: number;
  /** A file that grows slowly is sent after this long all the same. */
  readonly ageMsMax: number;
}

export interface SourceState {
  readonly sizeBytes: number;
  /** What is in segments already. */
  readonly takenBytes: number;
  /** When the first byte that is not in a segment was first seen. */
  readonly waitingSinceMs: number;
  /** No more will be written: the run is over, or the file was rotated away by its writer. */
  readonly isClosed: boolean;
}

/** Bytes that the next segment takes; 0 = not yet. */
export function bytesDue(rules: RotationRules, source: SourceState, nowMs: number): number {
  const waiting = source.sizeBytes - source.takenBytes;
  if (waiting <= 0) return 0;
  if (waiting >= rules.segmentBytes) return rules.segmentBytes;
  return source.isClosed || nowMs - source.waitingSinceMs >= rules.ageMsMax ? waiting : 0;
}

export type Packing = 'zstd' | 'gzip';
const SUFFIX: Readonly<Record<Packing, string>> = { zstd: '.zst', gzip: '.gz' };
/** 9,999 TB. */
const OFFSET_DIGITS = 16;

/** `generation` counts how often the file was replaced by a new one of the same name. */
export function segmentKey(path: string, generation: number, fromByte: number, packing: Packing): string {
  const replaced = generation === 0 ? '' : `.g${generation}`;
  return `${keyOfPath(path)}${replaced}.${String(fromByte).padStart(OFFSET_DIGITS, '0')}${SUFFIX[packing]}`;
}

/** How long to wait before the next try: doubles from half a second to a minute, spread over its upper half so that a hundred nodes do not come back at once. `random` is 0 up to 1. */
export function backOffMs(failures: number, random: number): number {
  const fullMs = Math.min(60_000, 500 * 2 ** Math.min(failures - 1, 10));
  return fullMs * (0.5 + random / 2);
}

/** Keys and other secrets never leave the machine, whatever the caller selects. */
const SECRET_NAMES = /(^|\/)(ticket|identity|[^/]*\.(key|pem|p12|ticket|seed))$|(^|\/)\./i;
const EVIDENCE_NAMES = /\.(log|jsonl?|txt|csv|ya?ml|bin|pcap|pcapng|wav|out|err|xml|html)(\.\d+)?$/i;

/** Whether a file of a node's folder is evidence: an allow-list by name, less what could be a secret. `path` is relative, with slashes. */
export function isEvidence(path: string): boolean {
  return EVIDENCE_NAMES.test(path) && !SECRET_NAMES.test(path);
}

/** `NAME.1` beside `NAME`: its writer has rotated it away, and writes to it no more. */
export function isRotatedAway(path: string): boolean {
  return /\.[a-z]+\.\d{1,3}$/i.test(path);
}
