// A group of the scenario in one worker: its prepared endpoint factory, its tagged statistics, and the counts of its lives. Shared by all claims
// of the group that this worker runs, so that pools and compiled templates exist once.

import { METRIC } from '../core/builtin-metrics.ts';
import type { ValidGroup } from '../core/scenario-types.ts';
import type { Statistics } from '../core/stats.ts';
import type { Recorder, Tags } from '../core/stats-types.ts';
import type { Clock, EndpointFactory, EndpointType, GeneratorNotes } from '../endpoints/endpoint.ts';

export interface GroupCounts {
  active: number;
  started: number;
  finished: number;
  failed: number;
}

export interface WorkerGroup {
  readonly name: string;
  readonly tags: Tags;
  readonly gracefulStopMs: number;
  readonly factory: EndpointFactory;
  readonly load: GroupCounts;
  readonly joinDuration: ReturnType<Recorder['trend']>;
  readonly startLateness: ReturnType<Recorder['trend']>;
  readonly targetFault: (cause: string, example: string) => void;
  readonly generatorFault: (cause: string, example: string) => void;
}

export interface GroupInit {
  readonly group: ValidGroup;
  readonly type: EndpointType<unknown>;
  readonly statistics: Statistics;
  readonly clock: Clock;
  readonly health: GeneratorNotes;
  readonly admitTarget: (url: string) => void;
  readonly workFolder: string;
  readonly scenarioFolder: string;
  /** Told of every fault that is the generator's. */
  readonly onGeneratorFault: (cause: string) => void;
}

/** Rejects when the type cannot be prepared: then the group cannot run here at all. */
export async function prepareGroup(init: GroupInit): Promise<WorkerGroup> {
  const { group, type, statistics, clock, health, admitTarget, workFolder, scenarioFolder } = init;
  const tags: Tags = { ...group.tags, group: group.name };
  const recorder = statistics.tagged(tags);
  const factory = await type.prepare({
    group: group.name,
    options: group.behavior,
    recorder,
    clock,
    admitTarget,
    health,
    workFolder,
    scenarioFolder,
  });
  return {
    name: group.name,
    tags,
    gracefulStopMs: group.gracefulStopMs,
    factory,
    load: { active: 0, started: 0, finished: 0, failed: 0 },
    joinDuration: recorder.trend(METRIC.joinDuration),
    startLateness: recorder.trend(METRIC.startLateness),
    targetFault: (cause, example) => statistics.error('target', group.name, cause, example),
    generatorFault(cause, example) {
      statistics.error('generator', group.name, cause, example);
      init.onGeneratorFault(cause);
    },
  };
}
