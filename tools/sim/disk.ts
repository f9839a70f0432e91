// A node's modelled disk. Own entries and windows are synced and survive every crash; entries of others are written some time
// and a crash may lose the latest of them, which is all that the core's contract (events.ts, `keep`) allows to be lost.

import type { Restored } from '../../node/core/events.ts';
import type { Entry, NodeId } from '../../node/core/messages.ts';
import type { Chance } from './chance.ts';

/** Windows of one node on one disk. */
export interface HeldWindows {
  /** Numbers stored, and those of them folded into the run's series. */
  readonly stored: Set<number>;
  readonly merged: Set<number>;
  /** 1..contiguous are all stored. */
  contiguous: number;
}

interface Kept {
  readonly entry: Entry;
  readonly atMs: number;
}

export interface Disk {
  readonly own: Entry[];
  kept: Kept[];
  /** Highest number in the node's own spool. */
  windowLast: number;
  readonly held: Map<NodeId, HeldWindows>;
}

/** How long a write of `keep` may stay in memory; older ones are safe. */
const UNSYNCED_MS = 3000;

export const createDisk = (): Disk => ({ own: [], kept: [], windowLast: 0, held: new Map() });

export function heldWindowsOf(disk: Disk, node: NodeId): HeldWindows {
  const known = disk.held.get(node);
  if (known !== undefined) return known;
  const held: HeldWindows = { stored: new Set(), merged: new Set(), contiguous: 0 };
  disk.held.set(node, held);
  return held;
}

/** Idempotent by (node, number). */
export function storeWindow(held: HeldWindows, number: number, merge: boolean): void {
  held.stored.add(number);
  if (merge) held.merged.add(number);
  while (held.stored.has(held.contiguous + 1)) held.contiguous += 1;
}

/** The report is rebuilt when a node starts to collect: everything stored counts, and so does its own spool. */
export function mergeAll(disk: Disk, self: NodeId): void {
  const own = heldWindowsOf(disk, self);
  for (let number = 1; number <= disk.windowLast; number++) storeWindow(own, number, true);
  for (const held of disk.held.values()) for (const number of held.stored) held.merged.add(number);
}

/** Loses a random tail of what was not synced yet. */
export function loseUnsynced(disk: Disk, nowMs: number, chance: Chance): number {
  let safe = disk.kept.length;
  while (safe > 0 && disk.kept[safe - 1]!.atMs > nowMs - UNSYNCED_MS) safe -= 1;
  const lost = Math.floor((disk.kept.length - safe) * chance.between(0, 1.0001));
  disk.kept.length -= lost;
  return lost;
}

export function restoredFrom(disk: Disk): Restored {
  const held: Record<NodeId, number> = {};
  for (const [node, windows] of disk.held) held[node] = windows.contiguous;
  return { entries: [...disk.own, ...disk.kept.map((kept) => kept.entry)], windowLast: disk.windowLast, held };
}
