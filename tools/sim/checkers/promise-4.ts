// P4, exact load: a run does not start before every shard has an owner; without faults each shard runs once, from its start to its
// stop, on time; and when a completed run did not deliver the whole plan, something in the reports says so.

import type { World } from '../world.ts';
import { alarm, type Checker } from './checker.ts';

/** Offset estimation errs by half the asymmetry of a round trip; clocks drift while a shard waits for its start. */
const START_ERROR_MS = 400;
const START_ERROR_SHARE = 0.012;
/** Facts that tell the user that less than the plan was delivered, or when. */
const SAYS_SHORTFALL: ReadonlySet<string> = new Set([
  'down',
  'left',
  'moved',
  'lapsed',
  'problem',
  'coordinator-silent',
  'lost-coordination',
]);

export function checkExactLoad(world: World): Checker {
  const { plan } = world.spec;
  let t0TrueMs = -1;
  let shortfallReports = 0;
  let endedWith: string | null = null;

  const checkStart = (shardId: number): void => {
    const shard = plan.shards[shardId]!;
    const runs = world.runs[shardId]!;
    if (runs.length !== 1) alarm('P4', `shard ${shardId} ran ${runs.length} times in a run without faults`);
    const [run] = runs;
    const lateMs = run!.beginMs - (t0TrueMs + shard.startMs);
    if (Math.abs(lateMs) > START_ERROR_MS + shard.startMs * START_ERROR_SHARE)
      alarm('P4', `shard ${shardId} began ${Math.round(lateMs)} ms after it was due`);
    if (!run!.isFinished) alarm('P4', `shard ${shardId} was stopped before its end in a run without faults`);
  };
  /** Some load of the shard reached its planned stop. */
  const isDelivered = (shardId: number): boolean => world.runs[shardId]!.some((run) => run.isFinished);

  return {
    afterStep(node, _event, effects) {
      for (const report of effects.report) if (SAYS_SHORTFALL.has(report.event)) shortfallReports += 1;
      for (const entry of effects.persist) {
        // A node that comes back says hello again, and the scoreboard shows it.
        if (entry.kind === 'hello' && entry.body.incarnation > 1) shortfallReports += 1;
        if (entry.kind !== 'phase') continue;
        if (entry.body.phase === 'running') {
          t0TrueMs = (entry.body.atSwarmMs - node.clock.offsetMs) / node.clock.rate;
          const owned = world.core.ownersOf(node.state!).size;
          const mayLack = world.spec.manifest.onNodeLoss.kind === 'tolerate' && world.counts.downs > 0;
          if (owned !== plan.shards.length && !mayLack)
            alarm('P4', `${node.id} starts the run with ${owned} of ${plan.shards.length} shards owned`);
        }
      }
    },
    judges(_node, judge) {
      endedWith = judge.reason;
    },
    atEnd() {
      const loadShards = plan.shards.filter((shard) => shard.kind === 'endpoints');
      if (world.spec.isFaultFree) {
        if (endedWith !== 'completed') alarm('P4', `a run without faults ended with ${endedWith ?? 'nothing'}`);
        for (const shard of loadShards) checkStart(shard.id);
        return;
      }
      if (endedWith !== 'completed' || world.orders.scales > 0) return;
      const short = loadShards.filter((shard) => !isDelivered(shard.id));
      if (short.length > 0 && shortfallReports === 0)
        alarm('P4', `${short.length} shards were not delivered to their end, and no report says so`);
    },
  };
}
