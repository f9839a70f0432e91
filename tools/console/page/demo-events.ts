// What the demo's run is made of, for its feed and its report: the groups, noise that is always the same, and what happened: elections, a loss, moves, faults, thresholds, orders. Pure.

import type { NoteKind, SpanMark } from '../../../node/core/notes.ts';
import { hashInts } from '../../../node/core/rng.ts';
import type { EventRow } from '../protocol.ts';

export interface DemoInit {
  readonly seed: number;
  readonly nodes: number;
  /** Default 4. */
  readonly groups?: number;
  /** Of the run, in seconds. */
  readonly totalS: number;
  /** Put into names and texts, to see that hostile ones stay texts. */
  readonly hostile?: string;
}

const kinds = [
  { group: 'callers', type: 'sip', peak: 12_000 },
  { group: 'viewers', type: 'http', peak: 28_000 },
  { group: 'speakers', type: 'websocket', peak: 4_000 },
  { group: 'panels', type: 'http', peak: 2_000 },
] as const;

export interface DemoGroup {
  readonly group: string;
  readonly type: 'sip' | 'http' | 'websocket';
  readonly peak: number;
}

/** Beyond four they are the same once more, by number. */
export const demoGroups = ({ groups = kinds.length }: Pick<DemoInit, 'groups'>): DemoGroup[] =>
  Array.from({ length: groups }, (_, index) => {
    const kind = kinds[index % kinds.length] as DemoGroup;
    const round = Math.floor(index / kinds.length);
    return { ...kind, group: round === 0 ? kind.group : `${kind.group}-${round + 1}` };
  });

/** 0 to 1 from numbers, always the same. */
export const noise = (...at: readonly number[]): number => (hashInts(...at.map(Math.floor)) >>> 0) / 2 ** 32;

export function demoEvents(totalS: number, hostile: string): EventRow[] {
  const at = (share: number, level: EventRow['level'], kind: NoteKind, text: string, ...spans: SpanMark[]): EventRow => ({
    atMs: Math.round(totalS * share) * 1000,
    ...{ level, kind, text },
    ...(spans.length === 0 ? {} : { spans }),
  });
  const mark = (kind: NoteKind, key: string, is: SpanMark['is'], agoMs = 0): SpanMark => ({ kind, key, is, agoMs });
  const [election, handover] = ['coordinator', '1'];
  const [slow, calls] = ['http_req_duration p(95)<200', 'sip_call_failed rate<0.005'];
  const fixed: EventRow[] = [
    { ...at(0, 'info', 'election', 'node-1 is coordinator (term 1)', mark('election', election, 'end')), atMs: -4200 },
    { ...at(0, 'info', 'phase', 'claiming'), atMs: -1800 },
    at(0.18, 'info', 'scale', 'order: the load is scaled x1.1', mark('scale', '*', 'begin')),
    at(0.22, 'info', 'scale', 'order: the load as planned again', mark('scale', '*', 'end')),
    at(0.3, 'error', 'loss', `node-12${hostile} is lost: silent for 8.1 s`, mark('loss', 'node-12', 'begin', 8100)),
    at(0.302, 'info', 'move', '2 shards moved from node-12 to node-4', mark('move', handover, 'begin')),
    at(0.302, 'info', 'move', '1 shard moved from node-12 to node-9', mark('move', handover, 'goes-on')),
    at(
      0.306,
      ...(['info', 'move', '3 shards of node-12 are taken over'] as const),
      ...[mark('move', handover, 'end'), mark('loss', 'node-12', 'end')],
    ),
    at(0.31, 'warning', 'election', 'the coordinator node-1 has been silent for 2.6 s', mark('election', election, 'goes-on', 2600)),
    at(0.314, 'info', 'election', 'node-7 is coordinator (term 2)', mark('election', election, 'end')),
    at(0.34, 'warning', 'fault', 'fault latency begins: 80 ms towards the target', mark('fault', 'latency', 'begin')),
    at(0.352, 'warning', 'threshold', `threshold not met: ${slow}, measured 214 ms`, mark('threshold', slow, 'begin')),
    at(0.37, 'info', 'fault', 'fault latency ends, reverted', mark('fault', 'latency', 'end')),
    at(0.42, 'info', 'threshold', `threshold met again: ${slow}, measured 198 ms`, mark('threshold', slow, 'end', 5000)),
    at(0.5, 'warning', 'leave', 'node-9 leaves and gives 3 shards back: its machine is taken back'),
    at(0.61, 'warning', 'fault', 'fault loss begins: 2 % of packets', mark('fault', 'loss', 'begin')),
    at(0.64, 'info', 'fault', 'fault loss ends, reverted', mark('fault', 'loss', 'end')),
    at(0.65, 'warning', 'threshold', `threshold not met: ${calls}, measured 0.81 %`, mark('threshold', calls, 'begin')),
  ];
  if (hostile !== '') fixed.push(at(0.5, 'info', 'trouble', `${hostile} ${'a very long text '.repeat(40)}`));
  return fixed.sort((left, right) => left.atMs - right.atMs);
}
