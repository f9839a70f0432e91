// A worker host on the test's fake timers with one endpoint type made for the test: time passes only when the test lets it, so when lives start
// and stop is compared exactly. Call within vi.useFakeTimers().

import { vi } from 'vitest';
import { z } from 'zod';
import { makePlan } from '../../node/core/plan.ts';
import type { Shard } from '../../node/core/plan-types.ts';
import type { EndpointContext, EndpointType } from '../../node/endpoints/endpoint.ts';
import { endpointTypesOf } from '../../node/runtime/registry.ts';
import { createWorkerHost } from '../../node/runtime/worker-host.ts';
import type { FromWorker, ToWorker } from '../../node/runtime/worker-protocol.ts';
import { parseScenario } from '../../scenarios/parse.ts';

export interface Lived {
  readonly endpointIndex: number;
  readonly lifeIndex: number;
  readonly startedMs: number;
  readonly dueMs: number;
  stoppedMs: number | null;
  reason: string | null;
  readonly values: Readonly<Record<string, string>>;
}

/** What the test's endpoint does; default: joins at once and leaves at once when asked. */
export type Behave = (context: EndpointContext, lived: Lived) => Promise<void>;

export const leaveWhenAsked: Behave = (context) => {
  context.joined();
  return new Promise((resolve) => context.signal.addEventListener('abort', () => resolve()));
};

export interface FakeWorker {
  readonly sent: FromWorker[];
  readonly lives: Lived[];
  readonly shards: readonly Shard[];
  readonly send: (message: ToWorker) => void;
  /** Loads a shard with T0 = the moment of the test's start. */
  readonly load: (shard: Shard, options?: { fromMs?: number; restartRatePerS?: number }) => void;
  readonly nowMs: () => number;
  /** Lets time pass, timers and promises included. */
  readonly pass: (ms: number) => Promise<void>;
  readonly activeCount: () => number;
  readonly of: <T extends FromWorker['type']>(type: T) => Extract<FromWorker, { type: T }>[];
}

const fakeNowMs = (): number => Number(vi.getMockedSystemTime());

export async function startFakeWorker(scenario: object, behave: Behave = leaveWhenAsked): Promise<FakeWorker> {
  const sent: FromWorker[] = [];
  const lives: Lived[] = [];
  const startedAtMs = fakeNowMs();
  const nowMs = (): number => fakeNowMs() - startedAtMs + 1000;
  const type: EndpointType<unknown> = {
    type: 'fake',
    summary: 'for tests',
    options: z.unknown(),
    targets: () => [],
    metrics: [],
    costMillicores: () => 1,
    async prepare() {
      const create = (context: EndpointContext) => ({
        async run() {
          const { endpointIndex, lifeIndex, dueMs, values } = context;
          const lived: Lived = { endpointIndex, lifeIndex, startedMs: nowMs(), dueMs, stoppedMs: null, reason: null, values };
          lives.push(lived);
          context.signal.addEventListener('abort', () => {
            lived.reason = context.signal.reason;
          });
          await behave(context, lived);
          lived.stoppedMs = nowMs();
        },
      });
      return { create, close: async () => {} };
    },
  };
  const registry = endpointTypesOf([{ file: 'fake.ts', module: { endpointType: type } }]);
  const text = JSON.stringify(scenario);
  const parsed = parseScenario(text, 'fake.yaml', { endpointTypes: [type] });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems, null, 1));
  const host = createWorkerHost({ nowMs, send: (message) => void sent.push(message), loadTypes: async () => registry, onExit: () => {} });
  const t0Ms = nowMs();
  host.handle({
    type: 'setup',
    scenarioText: text,
    scenarioFile: 'fake.yaml',
    scenarioFolder: '.',
    variables: {},
    targets: [],
    workFolder: '.',
    workerIndex: 0,
  });
  await vi.advanceTimersByTimeAsync(0);
  if (sent[0]?.type !== 'ready') throw new Error(JSON.stringify(sent));
  return {
    sent,
    lives,
    shards: makePlan(parsed.value).shards,
    send: (message) => host.handle(message),
    load: (shard, { fromMs = 0, restartRatePerS = 1000 } = {}) =>
      host.handle({ type: 'load', id: `${shard.id}.1`, shard, t0Ms: t0Ms - fromMs, fromMs, restartRatePerS, scales: [] }),
    nowMs,
    pass: async (ms) => void (await vi.advanceTimersByTimeAsync(ms)),
    activeCount: () => lives.filter(({ stoppedMs }) => stoppedMs === null).length,
    of: (type) => sent.filter((message) => message.type === type) as never,
  };
}
