// One simulated node process: the bounded inbox, step, the sync of what must be durable, then the effects in order; ticks; starts,
// restarts and crashes. While a sync is under way nothing is stepped (as in node/runtime/loop.ts); while paused nothing at all.

import type { NodeConfig } from '../../node/core/config.ts';
import type { Effects, NodeEvent } from '../../node/core/events.ts';
import { seal, verifyOrder } from './authority.ts';
import { toNodeMs, toTrueMs } from './clock.ts';
import { loseUnsynced, restoredFrom } from './disk.ts';
import { connect, dropLinks, topologyChanged } from './network.ts';
import { makeDurable, performEffects } from './perform.ts';
import { closeWindows } from './windows.ts';
import { createWorkers, killWorkers } from './workers.ts';
import { isUp, type SimNode, type World } from './world.ts';

/** A tick this long after the deadline at the latest; the runtime promises 50 ms. */
const TICK_LATE_MS = 12;
/** The runtime ticks at least this often; the core's own deadlines (wakeAtMs) ask for nearly all ticks. */
const TICK_IDLE_MS = 1000;
/** More steps in a row than this that leave a deadline in the past: the core would spin. */
const TICK_STREAK_MAX = 300;
const INBOX_MAX = 50_000;
const SEEDS_DIALLED = 3;

export function deliver(world: World, node: SimNode, event: NodeEvent): void {
  if (!isUp(node)) return;
  if (node.status === 'paused' || node.syncing !== null) {
    if (node.inbox.length < INBOX_MAX) node.inbox.push(event);
    return;
  }
  stepNode(world, node, event);
}

function stepNode(world: World, node: SimNode, given: NodeEvent): void {
  const event = world.sabotage.event === undefined ? given : world.sabotage.event(given, node, world);
  if (event === null) return;
  const nowMs = toNodeMs(node.clock, world.agenda.nowMs);
  (event as { nowMs: number }).nowMs = nowMs;
  let effects = world.core.step(node.state!, event);
  if (world.sabotage.effects !== undefined) effects = world.sabotage.effects(effects, event, node, world);
  world.counts.steps += 1;
  world.trace.step(world.agenda.nowMs, node, event, effects);
  world.checkers.afterStep(node, event, effects);
  if (effects.persist.length === 0 && effects.store.length === 0) {
    performEffects(world, node, effects);
    if (isUp(node)) scheduleTick(world, node);
    return;
  }
  startSync(world, node, effects);
}

function startSync(world: World, node: SimNode, effects: Effects): void {
  node.syncing = effects;
  const { disk } = world.chance;
  const isSlow = !world.isHealed && world.agenda.nowMs < node.slowDiskUntilMs;
  const life = node.life;
  world.agenda.after(isSlow ? disk.between(0.2, 1) * node.slowDiskSyncMs : disk.between(0.2, 3), () => {
    if (node.life !== life || !isUp(node)) return;
    if (node.status === 'paused') node.isSyncedWhilePaused = true;
    else finishSync(world, node);
  });
}

function finishSync(world: World, node: SimNode): void {
  const effects = node.syncing!;
  node.syncing = null;
  makeDurable(world, node, effects);
  performEffects(world, node, effects);
  if (isUp(node)) scheduleTick(world, node);
  drainInbox(world, node);
}

function drainInbox(world: World, node: SimNode): void {
  let at = 0;
  const waiting = node.inbox;
  node.inbox = [];
  while (at < waiting.length && node.status === 'live' && node.syncing === null) stepNode(world, node, waiting[at++]!);
  if (at < waiting.length && isUp(node)) node.inbox = [...waiting.slice(at), ...node.inbox];
}

function scheduleTick(world: World, node: SimNode): void {
  const { agenda } = world;
  const wakeMs = Math.max(agenda.nowMs, toTrueMs(node.clock, node.state!.wakeAtMs));
  node.tickStreak = wakeMs <= agenda.nowMs ? node.tickStreak + 1 : 0;
  if (node.tickStreak > TICK_STREAK_MAX) throw new Error(`${node.id} asks to be woken in the past again and again`);
  const dueMs = Math.min(wakeMs, agenda.nowMs + TICK_IDLE_MS);
  if (node.tickAtMs <= dueMs + TICK_LATE_MS && node.tickAtMs > agenda.nowMs) return;
  const atMs = dueMs + world.chance.nodes.between(0.05, TICK_LATE_MS);
  node.tickAtMs = atMs;
  const life = node.life;
  agenda.at(atMs, () => {
    if (node.life !== life || node.tickAtMs !== atMs || !isUp(node)) return;
    node.tickAtMs = 0;
    deliver(world, node, { type: 'tick', nowMs: 0 });
  });
}

function configOf(world: World, node: SimNode): NodeConfig {
  const { spec } = node;
  const config: NodeConfig = {
    self: node.id,
    load: spec.load,
    voter: spec.voter,
    electionRank: spec.electionRank,
    capabilities: spec.capabilities,
    addresses: [`sim/${node.id}`],
    version: 'sim',
    expectNodes: world.spec.expectNodes,
    expectWitnesses: world.spec.expectWitnesses,
    timing: world.spec.timing,
    randomSeed: world.spec.seed * 1000 + node.index,
    incarnation: node.life,
    seal: (draft) => {
      const entry = seal(draft);
      world.sealed.add(entry);
      return entry;
    },
    verifyOrder,
  };
  return world.sabotage.config === undefined ? config : world.sabotage.config(config, node);
}

/** First start, or a start with the data that survived. */
export function startNode(world: World, node: SimNode): void {
  if (isUp(node) || node.status === 'exited') return;
  const isRestart = node.life > 0;
  node.life += 1;
  node.status = 'live';
  node.bornMs = world.agenda.nowMs;
  node.inbox = [];
  node.syncing = null;
  node.tickAtMs = 0;
  node.workers = createWorkers(node, node.life);
  if (isRestart) world.counts.restarts += 1;
  if (isRestart && world.chance.nodes.yes(0.3))
    node.clock = { ...node.clock, offsetMs: node.clock.offsetMs + world.chance.nodes.between(-2000, 2000) };
  node.ghost.contactMs = world.agenda.nowMs;
  node.ghost.pausedMs = 0;
  const nowMs = toNodeMs(node.clock, world.agenda.nowMs);
  node.state = world.core.createNode(configOf(world, node), nowMs, isRestart ? restoredFrom(node.disk) : undefined);
  if (isRestart) world.checkers.restarted(node);
  topologyChanged(world.network);
  deliver(world, node, { type: 'tick', nowMs: 0 });
  joinMesh(world, node, node.life);
  closeWindows(world, node);
}

/** What the mesh adapter does on its own: it keeps dialling the ticket's seeds, also when it is not alone, or islands would never meet. */
function joinMesh(world: World, node: SimNode, life: number): void {
  if (node.life !== life || !isUp(node)) return;
  if (node.status === 'live') {
    const seeds = world.nodes.slice(0, SEEDS_DIALLED).filter((peer) => peer !== node);
    if (seeds.length > 0) connect(world, node, world.chance.nodes.pick(seeds));
  }
  world.agenda.after(world.chance.nodes.between(800, 3000), () => joinMesh(world, node, life));
}

export function pauseNode(world: World, node: SimNode): void {
  if (node.status !== 'live') return;
  node.status = 'paused';
  node.ghost.pausedMs = world.agenda.nowMs;
  world.counts.pauses += 1;
  topologyChanged(world.network);
}

export function resumeNode(world: World, node: SimNode): void {
  if (node.status !== 'paused') return;
  node.status = 'live';
  // The checkers measure how long a node ran without contact, and a stopped process cannot act on a deadline.
  node.ghost.contactMs = Math.max(node.ghost.contactMs, world.agenda.nowMs - world.spec.timing.graceMs);
  topologyChanged(world.network);
  const tick: NodeEvent = { type: 'tick', nowMs: 0 };
  if (world.chance.nodes.yes(0.5)) node.inbox.unshift(tick);
  else node.inbox.push(tick);
  if (node.syncing === null) drainInbox(world, node);
  else if (node.isSyncedWhilePaused) finishSync(world, node);
  node.isSyncedWhilePaused = false;
}

export function crashNode(world: World, node: SimNode, isMachine: boolean): void {
  if (!isUp(node)) return;
  if (node.syncing !== null && world.chance.disk.yes(0.5)) makeDurable(world, node, node.syncing);
  node.status = 'crashed';
  node.crashedMs = world.agenda.nowMs;
  node.state = null;
  node.syncing = null;
  node.isSyncedWhilePaused = false;
  node.inbox = [];
  loseUnsynced(node.disk, world.agenda.nowMs, world.chance.disk);
  killWorkers(world, node.workers);
  dropLinks(world, node, isMachine ? 15_000 : 200);
  topologyChanged(world.network);
  world.counts.crashes += 1;
}
