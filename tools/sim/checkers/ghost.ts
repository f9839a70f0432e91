// Keeps the ghost record of every node up to date by watching its events and effects, and the counts of what was exercised. Runs
// before all checkers, raises no alarm itself.

import type { Effects, NodeEvent } from '../../../node/core/events.ts';
import type { Entry } from '../../../node/core/messages.ts';
import type { NodeGhost, SimNode, World } from '../world.ts';
import type { Checker } from './checker.ts';

export const createGhost = (): NodeGhost => ({
  held: new Map(),
  manifestMs: -1,
  rosterMs: -1,
  doneMs: -1,
  doneWindowLast: 0,
  sealedMs: -1,
  sealedExit: null,
  contactMs: 0,
  grantBaseMs: -1,
  loadEndedMs: -1,
  windowMs: [],
  pausedMs: 0,
});

/** `nowMs` is true time. */
function learn(node: SimNode, entry: Entry, nowMs: number, isMember: boolean): void {
  const { ghost } = node;
  ghost.held.set(entry.author, Math.max(ghost.held.get(entry.author) ?? 0, entry.seq));
  if (entry.kind === 'manifest' && ghost.manifestMs < 0) ghost.manifestMs = nowMs;
  if (entry.kind === 'roster' && ghost.rosterMs < 0 && isMember) ghost.rosterMs = nowMs;
  if (entry.kind === 'done' && entry.author === node.id) {
    ghost.doneMs = nowMs;
    ghost.doneWindowLast = entry.body.windowLast;
  }
  if (entry.kind === 'phase' && entry.body.phase === 'sealed' && ghost.sealedMs < 0 && isMember) {
    ghost.sealedMs = nowMs;
    ghost.sealedExit = entry.body.exit;
  }
}

function relearn(world: World, node: SimNode): void {
  const { ghost } = node;
  ghost.held.clear();
  ghost.manifestMs = ghost.rosterMs = ghost.doneMs = ghost.sealedMs = -1;
  for (const entry of node.disk.own) learn(node, entry, world.agenda.nowMs, world.nodeById.has(entry.author));
  for (const kept of node.disk.kept) learn(node, kept.entry, world.agenda.nowMs, world.nodeById.has(kept.entry.author));
}

function hear(world: World, node: SimNode, event: NodeEvent): void {
  const { ghost } = node;
  const nowMs = world.agenda.nowMs;
  if (event.type === 'gossip' && event.gossip.type === 'beat') ghost.contactMs = nowMs;
  if (event.type !== 'message' || event.message.type !== 'pulse-ack') return;
  ghost.contactMs = nowMs;
  const sentTrueMs = (event.message.pulseSentMs - node.clock.offsetMs) / node.clock.rate;
  if (sentTrueMs <= nowMs + 1) ghost.grantBaseMs = Math.max(ghost.grantBaseMs, sentTrueMs);
}

function count(world: World, effects: Effects): void {
  for (const report of effects.report) {
    if (report.event === 'became-coordinator') world.counts.elections += 1;
    else if (report.event === 'moved') world.counts.moves += 1;
  }
  for (const entry of effects.persist) if (entry.kind === 'down') world.counts.downs += 1;
}

export function watchGhosts(world: World): Checker {
  return {
    afterStep(node, event, effects) {
      hear(world, node, event);
      if (effects.persist.length > 0)
        for (const entry of effects.persist) learn(node, entry, world.agenda.nowMs, world.nodeById.has(entry.author));
      if (effects.keep.length > 0)
        for (const entry of effects.keep) learn(node, entry, world.agenda.nowMs, world.nodeById.has(entry.author));
      if (effects.report.length > 0 || effects.persist.length > 0) count(world, effects);
    },
    restarted: (node) => relearn(world, node),
  };
}
