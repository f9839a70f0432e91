// What the demo's run is made of, for its feed and its report: the groups, noise that is always the same, and what happened: elections, a loss, moves, faults, thresholds, orders. Pure.

import { hashInts } from '../../../node/core/rng.ts';
import type { EventRow } from '../protocol.ts';

export interface DemoInit {
  readonly seed: number;
  readonly nodes: number;
  /** Of the run, in seconds. */
  readonly totalS: number;
  /** Put into names and texts, to see that hostile ones stay texts. */
  readonly hostile?: string;
}

export const demoGroups = [
  { group: 'callers', type: 'sip', peak: 12_000 },
  { group: 'viewers', type: 'http', peak: 30_000 },
  { group: 'speakers', type: 'websocket', peak: 4_000 },
] as const;

/** 0 to 1 from numbers, always the same. */
export const noise = (...at: readonly number[]): number => (hashInts(...at.map(Math.floor)) >>> 0) / 2 ** 32;

export function demoEvents(totalS: number, hostile: string): EventRow[] {
  const at = (share: number, level: EventRow['level'], text: string): EventRow => ({
    atMs: Math.round(totalS * share) * 1000,
    level,
    text,
  });
  const fixed = [
    { atMs: -4200, level: 'info' as const, text: 'node-1 is elected coordinator of term 1' },
    { atMs: -1800, level: 'info' as const, text: 'all shards are claimed' },
    at(0.18, 'info', 'order: * x1.1 from the console, scale'),
    at(0.3, 'error', `node-12${hostile} is lost: no heartbeat for 8 s`),
    at(0.302, 'warning', 'three shards move to node-4, node-9 and node-17'),
    at(0.31, 'warning', 'coordinator lost; election of term 2'),
    at(0.34, 'warning', 'fault latency begins: 80 ms towards the target'),
    at(0.37, 'info', 'fault latency ended, reverted'),
    at(0.371, 'warning', 'threshold not met: http_req_duration p(95)<200'),
    at(0.55, 'info', 'node-1 is elected coordinator of term 3'),
    at(0.61, 'warning', 'fault loss begins: 2 % of packets'),
    at(0.64, 'info', 'fault loss ended, reverted'),
    at(0.66, 'info', 'threshold met again: http_req_duration p(95)<200'),
  ];
  if (hostile !== '') fixed.push(at(0.5, 'info', `${hostile} ${'a very long text '.repeat(40)}`));
  return fixed.sort((left, right) => left.atMs - right.atMs);
}
