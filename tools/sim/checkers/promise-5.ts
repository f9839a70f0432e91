// P5, nothing left behind: load stops within an owner's lease and stop time of the last acknowledged pulse; a node without a
// coordinator leaves within the grace period; a sealed run, the wall limit and the end of everything have bounds; and workers
// do not outlive their node. All bounds are computed from Timing, in true time, plus drift and the runtime's own delays.

import { DRIFT_MAX } from '../clock.ts';
import { endBoundMs } from '../spec.ts';
import { runningCount } from '../workers.ts';
import { isUp, type SimNode, type World } from '../world.ts';
import { alarm, type Checker } from './checker.ts';

/** Ticks, syncs, draining: what the bounds allow beside the timers themselves. */
const SLACK_MS = 4000;
const WORKERS_DIE_MS = 150;
/** After the heal: election, and the leases of earlier terms. */
const REUNITED_MS = 15_000;

interface Bounds {
  readonly loadMs: number;
  readonly lonelyMs: number;
  readonly sealedMs: number;
  readonly wallMs: number;
  readonly formMs: number;
  readonly endMs: number;
}

function boundsOf(world: World): Bounds {
  const { timing, plan, manifest } = world.spec;
  const drift = 1 + 2 * DRIFT_MAX;
  const windDownMs = timing.stopMs + plan.gracefulStopMs + timing.flushMs;
  return {
    // P3 is exact about leases; here it only matters that load ends although nobody is there to stop it.
    loadMs: (timing.ownerLeaseMs + timing.stopMs) * drift + SLACK_MS,
    lonelyMs: (timing.graceMs + windDownMs) * drift + SLACK_MS,
    sealedMs: windDownMs * drift + SLACK_MS,
    wallMs: (manifest.wallMsMax + windDownMs + timing.graceMs) * drift + SLACK_MS,
    formMs: (timing.formMsMax + timing.graceMs) * drift + SLACK_MS,
    endMs: endBoundMs(world.spec),
  };
}

const ago = (ms: number): string => `${Math.round(ms)} ms`;

export function checkNothingLeft(world: World): Checker {
  const bounds = boundsOf(world);
  const { agenda } = world;

  const checkUp = (node: SimNode): void => {
    const { ghost } = node;
    const nowMs = agenda.nowMs;
    if (node.status === 'paused') return;
    // Entries without the votes behind them leave a node forming; which bound holds is the one thing asked of the node itself.
    const phase = world.core.phaseOf(node.state!);
    if (phase !== 'forming' && nowMs - Math.max(ghost.contactMs, ghost.rosterMs) > bounds.lonelyMs) {
      alarm('P5', `${node.id} is still there ${ago(nowMs - ghost.contactMs)} after it last heard a coordinator`);
    }
    if (phase === 'forming' && nowMs - node.bornMs > bounds.formMs && nowMs - ghost.contactMs > bounds.lonelyMs)
      alarm('P5', `${node.id} is still there ${ago(nowMs - node.bornMs)} after its start, without a roster`);
    if (phase === 'sealed' && nowMs - Math.max(ghost.sealedMs, node.bornMs) > bounds.sealedMs)
      alarm('P5', `${node.id} is still there ${ago(nowMs - ghost.sealedMs)} after the run was sealed`);
    if (phase !== 'forming' && ghost.rosterMs >= 0 && nowMs - ghost.manifestMs > bounds.wallMs)
      alarm('P5', `${node.id} is still there ${ago(nowMs - ghost.manifestMs)} after the manifest`);
  };
  const checkLoad = (node: SimNode): void => {
    if (node.life === 0 || runningCount(node.workers) === 0) return;
    const nowMs = agenda.nowMs;
    if (node.status === 'exited' && nowMs - node.exitMs > WORKERS_DIE_MS)
      alarm('P5', `load of ${node.id} runs ${ago(nowMs - node.exitMs)} after its node left`);
    if (node.status === 'crashed') {
      if (nowMs - node.crashedMs > WORKERS_DIE_MS)
        alarm('P5', `load of ${node.id} runs ${ago(nowMs - node.crashedMs)} after its node died`);
      return;
    }
    if (nowMs - node.ghost.grantBaseMs > bounds.loadMs)
      alarm('P5', `load of ${node.id} runs ${ago(nowMs - node.ghost.grantBaseMs)} after its last acknowledged pulse`);
  };
  /** With a majority in touch again, nothing may keep the run from its verdict. */
  const needed = Math.floor((world.spec.expectNodes + world.spec.expectWitnesses) / 2) + 1;
  let mustSeal: boolean | null = null;
  let isSealed = false;
  const checkMajority = (): void => {
    if (mustSeal !== null || agenda.nowMs < world.spec.healMs + REUNITED_MS) return;
    const inTouch = world.nodes.filter(
      (node) =>
        node.status === 'live' &&
        node.spec.voter &&
        node.ghost.rosterMs >= 0 &&
        agenda.nowMs - node.ghost.contactMs < world.spec.timing.leaseMs,
    );
    mustSeal = inTouch.length >= needed;
  };
  return {
    afterStep(_node, _event, effects) {
      for (const entry of effects.persist) if (entry.kind === 'phase' && entry.body.phase === 'sealed') isSealed = true;
    },
    audit() {
      checkMajority();
      for (const node of world.nodes) {
        if (isUp(node)) checkUp(node);
        checkLoad(node);
      }
      if (agenda.nowMs <= bounds.endMs) return;
      const left = world.nodes.filter(isUp).map((node) => node.id);
      if (left.length > 0) alarm('P5', `${left.join(', ')} still there ${ago(agenda.nowMs - world.spec.healMs)} after the heal`);
    },
    atEnd() {
      if (mustSeal === true && !isSealed) alarm('P5', 'a majority was in touch after the heal, and the run ended without a verdict');
      for (const node of world.nodes)
        if (node.life > 0 && runningCount(node.workers) > 0) alarm('P5', `load of ${node.id} runs after all nodes are gone`);
    },
  };
}
