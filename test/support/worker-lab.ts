// A worker inside the test's own process: the real host, timers, registry and endpoint types; only the process and its channel are missing. Tests
// speak worker-protocol.ts to it and read what it says, deltas added up.

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monotonicNowMs } from '../../node/adapters/clock.ts';
import { makePlan } from '../../node/core/plan.ts';
import type { Shard } from '../../node/core/plan-types.ts';
import { mergeData, seriesKey } from '../../node/core/series.ts';
import type { ErrorCount, Series, SeriesData } from '../../node/core/stats-types.ts';
import { loadEndpointTypes } from '../../node/runtime/registry.ts';
import { createWorkerHost, type WorkerHost } from '../../node/runtime/worker-host.ts';
import type { FromWorker, ToWorker } from '../../node/runtime/worker-protocol.ts';
import { parseScenario } from '../../scenarios/parse.ts';

export interface WorkerLab {
  readonly host: WorkerHost;
  readonly sent: FromWorker[];
  readonly shards: readonly Shard[];
  /** Waits until a message for which `is` holds has been said, and gives it. */
  readonly said: <T extends FromWorker['type']>(
    type: T,
    is?: (message: Extract<FromWorker, { type: T }>) => boolean,
  ) => Promise<Extract<FromWorker, { type: T }>>;
  /** Loads every endpoint shard with T0 = now and waits until all have stopped. */
  readonly runAll: (options?: { fromMs?: number; restartRatePerS?: number }) => Promise<void>;
  readonly load: (shard: Shard, options?: { fromMs?: number; restartRatePerS?: number; t0Ms?: number }) => void;
  readonly grant: (ms: number) => void;
  readonly metric: (name: string, tags?: Record<string, string>) => SeriesData | undefined;
  readonly errors: () => ErrorCount[];
  readonly counts: () => { started: number; finished: number; failed: number };
  readonly nowMs: () => number;
  readonly workFolder: string;
  readonly close: () => Promise<void>;
}

export interface LabInit {
  readonly scenario: string;
  readonly targets: readonly string[];
  readonly scenarioFolder?: string;
  readonly variables?: Record<string, string>;
}

export async function startLab({ scenario, targets, scenarioFolder = tmpdir(), variables = {} }: LabInit): Promise<WorkerLab> {
  const types = await loadEndpointTypes();
  const files = { read: () => null, fileExists: () => true, commandExists: () => true };
  const parsed = parseScenario(scenario, 'lab.yaml', { variables, endpointTypes: [...types.values()], files });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems, null, 1));
  const { shards } = makePlan(parsed.value);
  const sent: FromWorker[] = [];
  const listeners = new Set<() => void>();
  const workFolder = mkdtempSync(join(tmpdir(), 'quilt-lab-'));
  const host = createWorkerHost({
    nowMs: monotonicNowMs,
    send(message) {
      sent.push(structuredClone(message));
      for (const listener of listeners) listener();
    },
    loadTypes: loadEndpointTypes,
    onExit: () => {},
  });
  const said: WorkerLab['said'] = (type, is = () => true) =>
    new Promise((resolve) => {
      const look = (): void => {
        const found = sent.find((message) => message.type === type && is(message as never));
        if (found === undefined) return;
        listeners.delete(look);
        resolve(found as never);
      };
      listeners.add(look);
      look();
    });
  const send = (message: ToWorker): void => host.handle(structuredClone(message));
  const grant = (ms: number): void => send({ type: 'grant', untilMs: monotonicNowMs() + ms });
  const load: WorkerLab['load'] = (shard, { fromMs = 0, restartRatePerS = 1000, t0Ms = monotonicNowMs() - fromMs } = {}) =>
    send({ type: 'load', id: `${shard.id}.1`, shard, t0Ms, fromMs, restartRatePerS, scales: [] });
  const deltas = () => sent.filter((message) => message.type === 'delta');

  send({ type: 'setup', scenarioText: scenario, scenarioFile: 'lab.yaml', scenarioFolder, variables, targets, workFolder, workerIndex: 0 });
  await Promise.race([said('ready'), said('setup-failed').then(({ message }) => Promise.reject(new Error(message)))]);
  return {
    host,
    sent,
    shards,
    said,
    load,
    grant,
    workFolder,
    nowMs: monotonicNowMs,
    async runAll(options) {
      grant(60_000);
      const own = shards.filter(({ kind }) => kind === 'endpoints');
      for (const shard of own) load(shard, options);
      await Promise.all(own.map(({ id }) => said('stopped', ({ ids }) => ids.includes(`${id}.1`))));
    },
    metric: (name, tags = {}) =>
      sumOf(
        deltas().flatMap(({ series }) => series),
        name,
        tags,
      ),
    errors: () => deltas().flatMap(({ errors }) => errors),
    counts: () =>
      deltas()
        .flatMap((delta) => delta.load)
        .reduce(
          (sum, { started, finished, failed }) => ({
            started: sum.started + started,
            finished: sum.finished + finished,
            failed: sum.failed + failed,
          }),
          { started: 0, finished: 0, failed: 0 },
        ),
    close: () => host.close(),
  };
}

/** All series of a metric that carry the tags, as one. */
function sumOf(all: readonly Series[], name: string, tags: Record<string, string>): SeriesData | undefined {
  const fitting = all.filter(
    ({ metric, tags: own }) => metric === name && Object.entries(tags).every(([tag, value]) => own[tag] === value),
  );
  return fitting
    .map(({ data }) => data)
    .reduce<SeriesData | undefined>((sum, data) => (sum === undefined ? data : (mergeData(sum, data) ?? sum)), undefined);
}

export const labelsOf = (series: readonly Series[]): string[] => series.map(({ metric, tags }) => seriesKey(metric, tags));
export const counterOf = (data: SeriesData | undefined): number => (data?.kind === 'counter' ? data.sum : 0);
export const trendOf = (data: SeriesData | undefined) => (data?.kind === 'trend' ? data : { count: 0, min: 0, max: 0, sum: 0 });
export const rateOf = (data: SeriesData | undefined) => (data?.kind === 'rate' ? data : { pass: 0, total: 0 });
