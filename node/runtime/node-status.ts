// What a node answers to the control requests (control.ts): its picture of the swarm, the coordinator's board and report, and whether it took an
// order. Merged statistics are only with the coordinator, so a node that is asked for them asks it.

import { decode } from '@ipld/dag-cbor';
import type { Result } from '../core/errors.ts';
import type { NodeId, Phase, SignedOrder } from '../core/messages.ts';
import type { PlaceLatency } from '../core/places.ts';
import type { ScaleOrder } from '../core/plan-types.ts';
import { type NodeState, ordersOf } from '../core/state.ts';
import type { BoardView, ThresholdResult } from '../core/summary-types.ts';
import { isActing, nodesOf } from '../core/view.ts';
import type { Collector } from './collector.ts';
import type { ControlAnswer, ControlRequest } from './control.ts';
import { type EventNote, nodeName } from './node-names.ts';

export interface NodeHealth {
  readonly active: number;
  /** Of the whole run. */
  readonly started: number;
  readonly failed: number;
  /** Of the target, as this node counted them in the whole run. */
  readonly errors: number;
  readonly cpuCores: number;
  readonly memoryMb: number;
  readonly loopDelayMs: number;
  readonly latenessMs: number;
  readonly tainted: readonly string[];
  readonly windowLast: number;
  /** Against the newest window of all. */
  readonly behindMs: number;
}

/** What only the coordinator's statistics know of the moment. */
export interface LiveFacts {
  readonly health: ReadonlyMap<NodeId, NodeHealth>;
  readonly thresholds: readonly ThresholdResult[];
  readonly latencyByPlace: readonly PlaceLatency[];
}

export interface StatusNode {
  readonly node: NodeId;
  readonly name: string;
  readonly load: boolean;
  readonly voter: boolean;
  readonly state: 'candidate' | 'live' | 'lost' | 'left';
  readonly shards: number;
  readonly cores: number;
  readonly labels: Readonly<Record<string, string>>;
  /** Of its last window, as the coordinator has it; null = none yet. */
  readonly health: NodeHealth | null;
}

export interface StatusView {
  readonly statusVersion: 1;
  readonly node: NodeId;
  readonly swarmId: string;
  readonly runId: string | null;
  readonly phase: Phase;
  readonly nowSwarmMs: number;
  /** Since T0; null before. */
  readonly sinceT0Ms: number | null;
  readonly coordinator: NodeId | null;
  readonly term: number;
  readonly isCoordinator: boolean;
  readonly nodes: readonly StatusNode[];
  readonly shards: number;
  readonly shardsOwned: number;
  readonly board: BoardView;
  readonly thresholds: readonly ThresholdResult[];
  readonly latencyByPlace: readonly PlaceLatency[];
  /** By shard id: index of its owner in `nodes` (-1 = nobody), its epoch, and index of its group (-1 = meetings). */
  readonly shardMap: {
    readonly owners: readonly number[];
    readonly epochs: readonly number[];
    readonly groups: readonly number[];
    /** What moved in the last minute: shard, whose it was (index in `nodes`), how long ago. */
    readonly moved: readonly { readonly shard: number; readonly from: number; readonly agoMs: number }[];
  };
  /** Scale orders so far. */
  readonly scales: readonly ScaleOrder[];
  readonly notes: readonly EventNote[];
  readonly workerPids: readonly number[];
  /** Bytes, messages and everything that was refused or dropped, by name. */
  readonly counters: Readonly<Record<string, number>>;
  /** What keeps a node whose run is sealed; null = nothing. */
  readonly waitingFor: string | null;
}

/** Answer to `log`. */
export interface LogTail {
  readonly node: NodeId;
  /** JSON objects with time, level and msg, one a line; hostile text is possible in any. */
  readonly lines: readonly string[];
}

export interface StatusInit {
  readonly swarmId: string;
  readonly state: NodeState;
  readonly nowMs: number;
  readonly board: BoardView;
  readonly live: LiveFacts;
  readonly notes: readonly EventNote[];
  readonly workerPids: readonly number[];
  readonly counters: Readonly<Record<string, number>>;
  readonly waitingFor: string | null;
}

/** The newest; the answer to `timeline` has all that are kept. */
const NOTES_SHOWN = 50;

export function statusOf({ swarmId, state, nowMs, board, live, notes, workerPids, counters, waitingFor }: StatusInit): StatusView {
  const { chain, coordinator, assignment } = state;
  const swarmMs = nowMs + state.clock.offsetMs;
  return {
    statusVersion: 1,
    node: state.config.self,
    swarmId,
    runId: chain.manifest?.runId ?? null,
    phase: chain.phase,
    nowSwarmMs: Math.round(swarmMs),
    sinceT0Ms: chain.t0SwarmMs === null ? null : Math.round(swarmMs - chain.t0SwarmMs),
    coordinator: coordinator?.node ?? null,
    term: coordinator?.term ?? 0,
    isCoordinator: isActing(state, nowMs),
    nodes: nodesOf(state).map(
      (node): StatusNode => ({
        node: node.node,
        name: nodeName(state, node.node),
        load: node.load,
        voter: node.voter,
        state: node.left ? 'left' : node.down ? 'lost' : node.inRoster ? 'live' : 'candidate',
        shards: node.shards,
        cores: node.capabilities.cores,
        labels: node.capabilities.labels,
        health: live.health.get(node.node) ?? null,
      }),
    ),
    shards: state.plan?.shards.length ?? 0,
    shardsOwned: (assignment?.owners ?? []).filter((owner) => owner !== null).length,
    board,
    thresholds: live.thresholds,
    latencyByPlace: live.latencyByPlace,
    shardMap: shardMapOf(state, nowMs),
    scales: ordersOf(state, chain.manifest?.runId ?? '').scales,
    notes: notes.slice(-NOTES_SHOWN),
    workerPids,
    counters,
    waitingFor,
  };
}

/** How long a move is worth a mark. */
const MOVED_SHOWN_MS = 60_000;

function shardMapOf(state: NodeState, nowMs: number): StatusView['shardMap'] {
  const indexes = new Map(nodesOf(state).map(({ node }, index) => [node, index]));
  const { owners = [], epochs = [] } = state.assignment ?? {};
  return {
    owners: owners.map((owner) => (owner === null ? -1 : (indexes.get(owner) ?? -1))),
    epochs: [...epochs],
    groups: (state.plan?.shards ?? []).map(({ groupIndex }) => groupIndex),
    moved: [...state.told.moved]
      .map(([shard, { from, atMs }]) => ({ shard, from: indexes.get(from) ?? -1, agoMs: Math.round(nowMs - atMs) }))
      .filter(({ agoMs }) => agoMs < MOVED_SHOWN_MS),
  };
}

export interface ControlParts {
  readonly self: NodeId;
  readonly coordinator: () => NodeId | null;
  /** Puts the same question to another node. */
  readonly ask: (peer: NodeId, request: ControlRequest) => Promise<Result<Uint8Array>>;
  readonly status: () => StatusView;
  readonly collector: Pick<Collector, 'report' | 'timeline'>;
  /** Last lines of this node's log, oldest first. */
  readonly log: () => readonly string[];
  readonly verifyOrder: (order: SignedOrder) => boolean;
  readonly order: (order: SignedOrder) => void;
}

const refuse = (code: string, message: string): ControlAnswer => ({ ok: false, code, message });

/** The coordinator's answer, or this node's own when the coordinator cannot be reached. */
async function fromCoordinator(request: ControlRequest, parts: ControlParts, own: () => ControlAnswer): Promise<ControlAnswer> {
  const coordinator = parts.coordinator();
  // `direct` stops two nodes with different ideas of the coordinator from asking each other in a circle.
  if (coordinator === null || coordinator === parts.self || request.direct === true) return own();
  const answer = await parts.ask(coordinator, { ...request, direct: true });
  if (!answer.ok) return own();
  return JSON.parse(new TextDecoder().decode(answer.value)) as ControlAnswer;
}

/** From the node itself; where it cannot be reached from here, by way of the coordinator. */
async function logOf(request: ControlRequest, parts: ControlParts): Promise<ControlAnswer> {
  const { self, ask, coordinator } = parts;
  const node = request.node ?? self;
  if (node === self) return { ok: true, value: { node, lines: parts.log() } satisfies LogTail };
  const ways = request.direct === true ? [node] : [node, coordinator() ?? node];
  for (const peer of new Set(ways)) {
    const answer = await ask(peer, { ...request, direct: true });
    if (answer.ok) return JSON.parse(new TextDecoder().decode(answer.value)) as ControlAnswer;
  }
  return refuse('QUILT_NODE_AWAY', `${node} does not answer; what it logged is on its machine, in node.log of its data folder`);
}

function takeOrder(text: string | undefined, parts: ControlParts): ControlAnswer {
  let order: SignedOrder;
  try {
    order = decode<SignedOrder>(Buffer.from(text ?? '', 'base64'));
  } catch {
    return refuse('QUILT_ORDER_BAD', 'the order cannot be read');
  }
  if (!parts.verifyOrder(order)) return refuse('QUILT_ORDER_UNSIGNED', "the order is not signed with the key of this swarm's operator");
  parts.order(order);
  return { ok: true, value: null };
}

export async function answerControl(request: ControlRequest, parts: ControlParts): Promise<ControlAnswer> {
  switch (request.ask) {
    case 'status':
      return fromCoordinator(request, parts, () => ({ ok: true, value: parts.status() }));
    case 'report':
      return fromCoordinator(request, parts, () => {
        const report = parts.collector.report();
        return report === null ? refuse('QUILT_NO_REPORT', 'there is no report yet') : { ok: true, value: report };
      });
    case 'timeline':
      return fromCoordinator(request, parts, () => {
        const timeline = parts.collector.timeline(request.fromMs);
        return timeline === null ? refuse('QUILT_NO_TIMELINE', 'nothing has been measured yet') : { ok: true, value: timeline };
      });
    case 'log':
      return logOf(request, parts);
    case 'order':
      return takeOrder(request.order, parts);
  }
}
