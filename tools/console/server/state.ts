// From a node's status to what the page shows: names instead of ids, ages instead of moments, indexes that fit together. Pure.

import type { StatusNode, StatusView } from '../../../node/runtime/node-status.ts';
import type { LiveState, NodeRow } from '../protocol.ts';
import { factorsOf } from './factors.ts';

function rowOf({ node, name, load, state, labels, cores, shards, health }: StatusNode, coordinator: string | null): NodeRow {
  return {
    ...{ node, name, role: load ? 'load' : 'witness', state, isCoordinator: node === coordinator, labels, cores, shards },
    active: health?.active ?? null,
    cpuCores: health?.cpuCores ?? null,
    memoryMb: health?.memoryMb ?? null,
    loopDelayMs: health?.loopDelayMs ?? null,
    latenessMs: health?.latenessMs ?? null,
    tainted: health?.tainted ?? [],
    windowLast: health?.windowLast ?? 0,
    ageMs: health === null ? null : Math.max(0, Math.round(health.behindMs)),
  };
}

export function stateOf(status: StatusView, wallMs: number): LiveState {
  const { runId, board, sinceT0Ms, coordinator, term, nodes, shardMap, thresholds, notes, scales } = status;
  // Notes carry swarm time; the newest whole picture says how long ago T0 was.
  const nowSwarmMs = status.nowSwarmMs;
  const t0SwarmMs = sinceT0Ms === null ? nowSwarmMs : nowSwarmMs - sinceT0Ms;
  return {
    atWallMs: wallMs,
    ...{ runId, scenario: board.scenario, sinceT0Ms, term, board, shards: shardMap, thresholds },
    coordinator: nodes.find(({ node }) => node === coordinator)?.name ?? null,
    nodes: nodes.map((node) => rowOf(node, coordinator)),
    events: notes.map(({ atSwarmMs, level, text }) => ({ atMs: Math.round(atSwarmMs - t0SwarmMs), level, text })),
    factor: scales.filter(({ group }) => group === '*').at(-1)?.factor ?? 1,
    factors: factorsOf(
      board.groups.map(({ group }) => group),
      scales,
    ),
  };
}
