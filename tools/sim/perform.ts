// Performs one step's effects against the modelled disk, mesh and workers, in the order of events.ts, and answers what the core
// started (plans, provisioning, preparing, judging) after random delays, sometimes with the failure that the seed ordered.

import { BOUNDS } from '../../node/core/config.ts';
import type { ExitName } from '../../node/core/errors.ts';
import type { Effects, NodeEvent, Start } from '../../node/core/events.ts';
import { EXIT_OF_REASON } from '../../node/core/lifecycle.ts';
import type { MeetingFacts, WindowFrame } from '../../node/core/messages.ts';
import { countName } from './counts.ts';
import { heldWindowsOf, mergeAll, storeWindow } from './disk.ts';
import { connect, dropLinks, isBlocked, publishGossip, sendMessage, topologyChanged } from './network.ts';
import { grantLoad, killWorkers, startLoad, stopLoad } from './workers.ts';
import { isUp, type SimNode, type World } from './world.ts';

const PAYLOAD = new Uint8Array(0);
/** The node's runtime asks for the bundle this often before it gives up. */
const BUNDLE_TRIES = 16;

export function makeDurable(world: World, node: SimNode, effects: Effects): void {
  for (const entry of effects.persist) node.disk.own.push(entry);
  for (const { node: of, windows, merge } of effects.store) {
    const held = heldWindowsOf(node.disk, of);
    for (const window of windows) storeWindow(held, window.number, merge);
  }
}

/** Every so many seeds, what is sent is frozen: a node that goes on writing to a message it sent would tell the future to others. */
const FREEZE_EVERY = 16;

function freezeDeep(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value) || value instanceof Uint8Array) return;
  Object.freeze(value);
  for (const part of Object.values(value)) freezeDeep(part);
}

/** Everything after the sync. */
export function performEffects(world: World, node: SimNode, effects: Effects): void {
  if (world.spec.seed % FREEZE_EVERY === 0) {
    for (const gossip of effects.publish) freezeDeep(gossip);
    for (const sent of effects.send) freezeDeep(sent.message);
  }
  for (const entry of effects.keep) node.disk.kept.push({ entry, atMs: world.agenda.nowMs });
  for (const gossip of effects.publish) publishGossip(world, node, gossip);
  for (const dial of effects.dial) {
    const peer = world.nodeById.get(dial.peer);
    if (dial.connect && peer !== undefined) connect(world, node, peer);
  }
  for (const { to, message } of effects.send) {
    if (message.type === 'pulse-ack') world.checkers.acknowledges(node, to, message.windowsUpTo);
    sendMessage(world, node, to, message);
  }
  for (const order of effects.sendWindows) sendWindows(world, node, order);
  for (const start of effects.start) performStart(world, node, start);
  for (const stop of effects.stop) stopLoad(world, node.workers, stop);
  if (effects.exit !== null) exitNode(world, node, effects.exit.exit);
}

function sendWindows(world: World, node: SimNode, order: Effects['sendWindows'][number]): void {
  const windows: WindowFrame[] = [];
  const isOwn = order.node === node.id;
  const stored = isOwn ? null : heldWindowsOf(node.disk, order.node).stored;
  for (let number = order.first; number <= order.last && windows.length < BOUNDS.windowsPerPulseMax; number++) {
    if (stored === null ? number <= node.disk.windowLast : stored.has(number)) windows.push({ number, payload: PAYLOAD });
  }
  if (order.as === 'custody') {
    world.counts.custodies += 1;
    sendMessage(world, node, order.to, { type: 'custody', node: order.node, windows });
    return;
  }
  sendMessage(world, node, order.to, { ...order.as.pulse, windows });
}

function exitNode(world: World, node: SimNode, exit: ExitName): void {
  node.status = 'exited';
  node.exit = exit;
  node.exitMs = world.agenda.nowMs;
  node.inbox = [];
  countName(world.counts.exits, exit);
  killWorkers(world, node.workers);
  dropLinks(world, node, 20);
  topologyChanged(world.network);
}

/** The answer reaches this life of the node only. */
function answer(world: World, node: SimNode, delayMs: number, event: NodeEvent): void {
  const life = node.life;
  world.agenda.after(delayMs, () => {
    if (node.life === life) world.deliver(node, event);
  });
}

function performStart(world: World, node: SimNode, start: Start): void {
  const { workers: chance } = world.chance;
  const { misfortune } = world.spec;
  switch (start.what) {
    case 'load-plan':
      loadPlan(world, node, start, node.life, BUNDLE_TRIES);
      return;
    case 'prepare': {
      const problem = chance.yes(misfortune.prepareFails) ? 'no such program' : null;
      answer(world, node, chance.between(5, 800), { type: 'prepared', nowMs: 0, claims: start.claims, problem });
      return;
    }
    case 'provision':
      provision(world, node, start);
      return;
    case 'load':
      startLoad(world, node.workers, start);
      return;
    case 'grant':
      grantLoad(world, node.workers, start.untilMs);
      return;
    case 'teardown': {
      const failures = chance.yes(misfortune.teardownFails) ? 1 : 0;
      answer(world, node, chance.between(20, 1000), {
        type: 'torn-down',
        nowMs: 0,
        claim: start.claim,
        meetings: start.meetings,
        failures,
      });
      return;
    }
    case 'collect':
      mergeAll(node.disk, node.id);
      return;
    case 'judge':
      world.counts.judged += 1;
      countName(world.counts.endings, start.reason);
      world.checkers.judges(node, start);
      answer(world, node, chance.between(20, 800), {
        type: 'judged',
        nowMs: 0,
        exit: EXIT_OF_REASON[start.reason],
        message: start.message,
      });
      return;
    case 'scale':
      return;
  }
}

function loadPlan(world: World, node: SimNode, start: Extract<Start, { what: 'load-plan' }>, life: number, triesLeft: number): void {
  if (node.life !== life || !isUp(node)) return;
  const { workers: chance } = world.chance;
  const hasIt = (id: string): boolean => {
    const peer = world.nodeById.get(id);
    return (
      peer?.hasBundle === true &&
      peer.status === 'live' &&
      !isBlocked(world.network, node.index, peer.index) &&
      !isBlocked(world.network, peer.index, node.index)
    );
  };
  if (node.hasBundle || start.from.some(hasIt)) {
    node.hasBundle = true;
    const failed = chance.yes(world.spec.misfortune.loadPlanFails);
    const event: NodeEvent = failed
      ? { type: 'plan-failed', nowMs: 0, message: 'hashes differ' }
      : { type: 'plan-loaded', nowMs: 0, plan: world.spec.plan };
    answer(world, node, chance.between(5, 300), event);
    return;
  }
  if (triesLeft === 0) return answer(world, node, 0, { type: 'plan-failed', nowMs: 0, message: 'nobody has the bundle' });
  world.agenda.after(500, () => loadPlan(world, node, start, life, triesLeft - 1));
}

/** In one piece or two, as a slow target would answer. */
function provision(world: World, node: SimNode, start: Extract<Start, { what: 'provision' }>): void {
  const { workers: chance } = world.chance;
  const { claim, meetings } = start;
  if (chance.yes(world.spec.misfortune.provisionFails)) {
    return answer(world, node, chance.between(50, 2000), { type: 'provision-failed', nowMs: 0, claim, message: 'target says 503' });
  }
  const facts = meetings.map((meeting): MeetingFacts => ({ meeting, values: { pin: `${meeting}-${node.id}` } }));
  const cut = chance.whole(0, facts.length);
  const firstMs = chance.between(50, 1500);
  if (cut > 0) answer(world, node, firstMs, { type: 'meetings-provisioned', nowMs: 0, claim, facts: facts.slice(0, cut) });
  if (cut < facts.length)
    answer(world, node, firstMs + chance.between(0, 1000), { type: 'meetings-provisioned', nowMs: 0, claim, facts: facts.slice(cut) });
}
