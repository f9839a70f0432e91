// Everything around one endpoint as the worker gives it, with a record of all it said: samples against the declarations, failures by side. Metrics
// that are not declared, tags that are not declared and wrong kinds are complaints, whichever type made them.

import { tmpdir } from 'node:os';
import { monotonicNowMs } from '../../node/adapters/clock.ts';
import { createRng } from '../../node/core/rng.ts';
import type { MetricKind, Recorder, Tags } from '../../node/core/stats-types.ts';
import type { EndpointContext, EndpointFactory, EndpointType } from '../../node/endpoints/endpoint.ts';
import { createAdmission } from '../../node/runtime/worker-targets.ts';
import { createTimers } from '../../node/runtime/worker-timers.ts';
import { scenarioFolder } from './endpoint-samples.ts';

export interface Harness {
  readonly factory: EndpointFactory;
  /** Metric names recorded so far. */
  readonly recorded: Set<string>;
  /** Breaches of the declarations. */
  readonly complaints: string[];
  readonly failures: string[];
  readonly broken: string[];
  /** Lives that said it, however often. */
  readonly joined: () => number;
  readonly run: (graceMs: number) => Running;
  readonly close: () => Promise<void>;
}

export interface Running {
  /** Resolves with how long it took from the abort (or null when it ended before), rejects as run() does. */
  readonly ended: Promise<number | null>;
  readonly abort: (reason: 'leave' | 'drain' | 'now') => void;
}

function watchedRecorder(type: EndpointType<unknown>, options: unknown, recorded: Set<string>, complaints: string[]): Recorder {
  const declared = new Map([...type.metrics, ...(type.metricsOf?.(options) ?? [])].map((metric) => [metric.name, metric]));
  const judge = (kind: MetricKind, name: string, tags: Tags = {}): (() => void) => {
    const metric = declared.get(name);
    if (metric === undefined) complaints.push(`${name} is not declared`);
    else if (metric.kind !== kind) complaints.push(`${name} is declared as ${metric.kind}, not ${kind}`);
    for (const tag of Object.keys(tags)) if (!metric?.tags?.includes(tag)) complaints.push(`tag ${tag} of ${name} is not declared`);
    return () => recorded.add(name);
  };
  const finite =
    (name: string, note: () => void) =>
    (value: number): void => {
      note();
      if (!Number.isFinite(value) || value < 0) complaints.push(`${name} recorded ${value}`);
    };
  return {
    trend: (name, tags) => ({ record: finite(name, judge('trend', name, tags)) }),
    counter: (name, tags) => ({ add: finite(name, judge('counter', name, tags)) }),
    rate: (name, tags) => ({ add: judge('rate', name, tags) }),
    gauge: (name, tags) => {
      const note = judge('gauge', name, tags);
      return { set: note, add: note };
    },
  };
}

export async function createHarness(type: EndpointType<unknown>, options: unknown, targets: readonly string[]): Promise<Harness> {
  const recorded = new Set<string>();
  const [complaints, failures, broken]: [string[], string[], string[]] = [[], [], []];
  const joined = new Set<number>();
  let runs = 0;
  const clock = createTimers({ nowMs: monotonicNowMs, onFired: () => {}, onFault: (error) => broken.push(String(error)) });
  const factory = await type.prepare({
    group: 'sample',
    options,
    recorder: watchedRecorder(type, options, recorded, complaints),
    clock,
    health: { taint: () => {}, socketDrops: () => {} },
    admitTarget: createAdmission(targets),
    workFolder: tmpdir(),
    scenarioFolder,
  });
  const run = (graceMs: number): Running => {
    const controller = new AbortController();
    const nowMs = clock.nowMs();
    const index = runs++;
    let abortedMs = Number.NaN;
    const context: EndpointContext = {
      endpointIndex: index,
      lifeIndex: 0,
      values: { 'endpoint.index': String(index), 'endpoint.id': `sample-${index}`, 'group.name': 'sample' },
      rng: createRng(index),
      dueMs: nowMs,
      stopAtMs: nowMs + 60_000,
      runStartMs: nowMs,
      graceMs,
      signal: controller.signal,
      tags: { group: 'sample' },
      fail: (cause, example) => void failures.push(`${cause}: ${example}`),
      broken: (cause, example) => void broken.push(`${cause}: ${example}`),
      joined: () => void joined.add(index),
    };
    const ended = factory
      .create(context)
      .run()
      .then(() => (Number.isNaN(abortedMs) ? null : clock.nowMs() - abortedMs));
    return {
      ended,
      abort(reason) {
        abortedMs = clock.nowMs();
        controller.abort(reason);
      },
    };
  };
  return {
    factory,
    recorded,
    complaints,
    failures,
    broken,
    joined: () => joined.size,
    run,
    async close() {
      await factory.close();
      clock.close();
    },
  };
}
