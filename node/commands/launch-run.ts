// The run on machines that are there: the operator's manifest, the board, keys and signals while it lasts, and at its end every machine ended and looked for until nothing
// is listed. What brings the machines is launch.ts.

import { awaitEnds, endFleet, type Fleet, type FleetComponents } from '../../bootstrap/fleet.ts';
import { monotonicNowMs, wallNowMs } from '../adapters/clock.ts';
import { err } from '../adapters/terminal.ts';
import type { NodeLossPolicy, Order } from '../core/messages.ts';
import type { StatusView } from '../runtime/node-status.ts';
import { createRuntimeClock } from '../runtime/runtime-clock.ts';
import type { ComposedNode } from './compose-node.ts';
import { finish, finishWithProblems } from './finish.ts';
import { startLiveBoard, wantsColor } from './live-board.ts';
import { type ConsoleFlags, openNodeConsole } from './node-console.ts';
import { makeManifest, type SwarmSecrets, sign } from './operator.ts';
import type { PreparedRun } from './prepare-run.ts';
import { listenToRunKeys } from './run-keys.ts';
import { showSummary } from './run-report.ts';

export interface FleetRunInit {
  readonly prepared: PreparedRun;
  readonly flags: ConsoleFlags & {
    readonly maxWall?: number;
    readonly maxCost?: number;
    readonly onNodeLoss?: NodeLossPolicy;
    readonly onCoordinatorLoss?: 'terminate' | 'reelect';
    readonly quiet?: boolean;
    readonly json?: boolean;
    readonly color: boolean;
  };
  readonly runFolder: string;
  readonly swarm: SwarmSecrets;
  readonly seed: ComposedNode;
  readonly components: FleetComponents;
  readonly fleet: Fleet;
  /** From now on signals are the run's: before, they stop the launch. */
  readonly takeSignals: (onSignal: () => void) => void;
}

/** Two seconds apart: nodes leave within a few, and machines take some more to be listed as gone. */
const LEAVE_LOOKS_MAX = 15;

export async function runOnFleet(init: FleetRunInit): Promise<void> {
  const { prepared, flags, swarm, seed, components, fleet } = init;
  const { node } = seed;
  const { runId } = fleet.record;
  const { scenario } = prepared;
  const give = (order: Order): void => node.order(sign(swarm.swarmId, swarm.operator, order));
  const manifest = makeManifest({
    ...{
      runId,
      scenario,
      plan: prepared.plan,
      bundleHash: node.putBundle(prepared.bundle),
      wallMsMax: flags.maxWall ?? scenario.deadlineMs,
    },
    ...{ onNodeLoss: flags.onNodeLoss ?? scenario.policies.onNodeLoss, costUsdMax: flags.maxCost },
    onCoordinatorLoss: flags.onCoordinatorLoss ?? scenario.policies.onCoordinatorLoss,
  });
  give({ order: 'manifest', manifest });
  const color = wantsColor(flags.color);
  const clock = createRuntimeClock(monotonicNowMs, wallNowMs);
  const board = flags.quiet ? null : startLiveBoard({ clock, color, plain: flags.json === true, status: () => askStatus(seed) });
  const say = (text: string): void => (board === null ? err(text) : board.print(text));
  const onSignal = stopper(seed, runId, give, say);
  init.takeSignals(onSignal);
  const stopKeys = listenToRunKeys({ runId, give, status: () => node.status(), interrupt: onSignal, say });
  const closeConsole = await openNodeConsole(flags, { folder: init.runFolder, canSteer: true, say });
  const { exit, message } = await seed.exited;
  await closeConsole();
  board?.stop();
  stopKeys();
  await awaitEnds(components, fleet.record, LEAVE_LOOKS_MAX);
  const left = await endFleet(components, fleet.record);
  showSummary(node.report()?.summary ?? null, message, { json: flags.json === true, color });
  if (left.length > 0) finishWithProblems(left);
  else err(`all ${fleet.instances.length} machines have ended`);
  finish(exit);
}

/** The coordinator's picture, through the seed: they are the same as long as nothing happened to it. */
async function askStatus({ node }: ComposedNode): Promise<StatusView | null> {
  const answer = await node.control({ ask: 'status' });
  return answer.ok ? (answer.value as StatusView) : null;
}

/** Once: drain. Twice: stop now. Three times: this node leaves, and what is rented is ended. */
function stopper({ node }: ComposedNode, runId: string, give: (order: Order) => void, say: (text: string) => void): () => void {
  let count = 0;
  return () => {
    count += 1;
    if (count > 2) return node.signal('now');
    say(count === 1 ? 'draining: endpoints leave politely, the summary follows; once more stops now' : 'stopping now');
    give({ order: 'stop', runId, mode: count === 1 ? 'drain' : 'now', reason: count === 1 ? 'interrupted' : 'interrupted twice' });
    // Before the start there is nothing to drain, and nobody to seal the run.
    if (node.status().phase === 'forming') node.signal('now');
  };
}
