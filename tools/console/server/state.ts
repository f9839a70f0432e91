// From a node's status to what the page shows: names instead of ids, ages instead of moments, indexes that fit together. Pure.

import type { StatusNode, StatusView } from '../../../node/runtime/node-status.ts';
import type { LiveState, NodeRow, StateView } from '../protocol.ts';
import { createEventLog } from './event-log.ts';
import { factorsOf } from './factors.ts';

/** Three digits that mean something: a state has four such figures of each node, once a second. */
const brief = (value: number | undefined): number | null => (value === undefined ? null : Number(value.toPrecision(3)));

function rowOf({ node, name, load, state, labels, cores, shards, health }: StatusNode, coordinator: string | null): NodeRow {
  const isGone = state === 'lost' || state === 'left';
  return {
    ...{ node, name, role: load ? 'load' : 'witness', state, isCoordinator: node === coordinator, labels, cores, shards },
    // Its last window was true when it was made: who is gone runs nothing any more.
    active: isGone ? 0 : (health?.active ?? null),
    ...{ started: health?.started ?? null, failed: health?.failed ?? null, errors: health?.errors ?? null },
    cpuCores: isGone ? null : brief(health?.cpuCores),
    memoryMb: isGone ? null : brief(health?.memoryMb),
    loopDelayMs: brief(health?.loopDelayMs),
    latenessMs: brief(health?.latenessMs),
    tainted: health?.tainted ?? [],
    windowLast: health?.windowLast ?? 0,
    ageMs: health === null ? null : Math.max(0, Math.round(health.behindMs)),
  };
}

/** Of T0; before it is known, now: what happened is then told as so long ago. */
export const t0SwarmMsOf = ({ nowSwarmMs, sinceT0Ms }: StatusView): number => nowSwarmMs - (sinceT0Ms ?? 0);

export function stateOf(status: StatusView, wallMs: number): LiveState {
  const { runId, board, sinceT0Ms, coordinator, term, nodes, shardMap, thresholds, latencyByPlace, scales } = status;
  return {
    atWallMs: wallMs,
    ...{ runId, scenario: board.scenario, sinceT0Ms, term, board, shards: shardMap, thresholds, latencyByPlace },
    coordinator: nodes.find(({ node }) => node === coordinator)?.name ?? null,
    nodes: nodes.map((node) => rowOf(node, coordinator)),
    factor: scales.filter(({ group }) => group === '*').at(-1)?.factor ?? 1,
    factors: factorsOf(
      board.groups.map(({ group }) => group),
      scales,
    ),
  };
}

/** With the newest events: for who asks once. */
export function stateViewOf(status: StatusView, wallMs: number): StateView {
  const log = createEventLog();
  log.take(status.node, status.notes);
  return { ...stateOf(status, wallMs), events: log.rows(t0SwarmMsOf(status)) };
}
