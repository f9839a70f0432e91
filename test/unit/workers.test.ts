// The worker pool on worker processes that are plain objects: placing by cost, the answers to the core, a death with everything that follows, and the
// kill of a worker that does not stop.

import { describe, expect, it } from 'vitest';
import type { Shard } from '../../node/core/plan-types.ts';
import type { WorkerHandlers } from '../../node/runtime/components.ts';
import type { EventDraft } from '../../node/runtime/loop.ts';
import type { FromWorker, ToWorker } from '../../node/runtime/worker-protocol.ts';
import { createWorkerPool } from '../../node/runtime/workers.ts';
import { createHandClock } from '../support/hand-clock.ts';

interface FakeWorker {
  readonly sent: ToWorker[];
  readonly say: (message: FromWorker) => void;
  readonly die: () => void;
  killed: boolean;
}

function lab(count: number) {
  const clock = createHandClock();
  const workers: FakeWorker[] = [];
  const events: EventDraft[] = [];
  const deaths: unknown[] = [];
  const spawn = (_index: number, handlers: WorkerHandlers) => {
    const worker: FakeWorker = { sent: [], say: handlers.message, die: () => handlers.exit('signal SIGKILL'), killed: false };
    workers.push(worker);
    const kill = (): void => {
      worker.killed = true;
      handlers.exit('signal SIGKILL');
    };
    return { pid: workers.length, send: (message: ToWorker) => void worker.sent.push(message), kill };
  };
  const pool = createWorkerPool({
    count,
    spawn,
    clock,
    setup: { scenarioText: '', scenarioFile: '', scenarioFolder: '', variables: {}, targets: [], workFolder: '' },
    shardOf: (id) => ({ id, costMillicores: 10 * (id + 1) }) as Shard,
    emit: (event) => events.push(event),
    onDelta: () => {},
    onDeath: (...death) => deaths.push(death),
    onAbortWanted: () => {},
    onNote: () => {},
  });
  const ready = (): void => {
    for (const worker of workers.slice(-count)) worker.say({ type: 'ready' });
  };
  const load = (shard: number) =>
    pool.load({ what: 'load', claim: { shard, epoch: 1 }, t0Ms: clock.nowMs(), fromMs: 0, restartRatePerS: 4 });
  const loadsOf = (worker: FakeWorker | undefined) => (worker?.sent ?? []).flatMap((message) => (message.type === 'load' ? [message] : []));
  return { clock, workers, events, deaths, pool, ready, load, loadsOf };
}

describe('the worker pool', () => {
  it('answers prepared when all workers are ready, or one cannot be', () => {
    const good = lab(2);
    good.pool.prepare([{ shard: 0, epoch: 1 }]);
    good.workers[0]?.say({ type: 'ready' });
    expect(good.events).toEqual([]);
    good.workers[1]?.say({ type: 'ready' });
    expect(good.events).toEqual([{ type: 'prepared', claims: [{ shard: 0, epoch: 1 }], problem: null }]);

    const bad = lab(2);
    bad.pool.prepare([{ shard: 0, epoch: 1 }]);
    bad.workers[1]?.say({ type: 'setup-failed', message: 'no python3' });
    expect(bad.events).toMatchObject([{ type: 'prepared', problem: 'no python3' }]);
  });

  it('spreads claims evenly by cost and shares the restart rate', () => {
    const { workers, ready, load, loadsOf } = lab(2);
    ready();
    for (const shard of [3, 0, 1]) load(shard);
    expect(workers.map((worker) => loadsOf(worker).reduce((sum, { shard }) => sum + shard.costMillicores, 0))).toEqual([40, 30]);
    expect(loadsOf(workers[0])[0]?.restartRatePerS).toBe(2);
  });

  it('gives a restarted worker facts, grant and claims, from now on', async () => {
    const { clock, workers, deaths, pool, ready, load, loadsOf } = lab(1);
    ready();
    pool.grant(77);
    pool.meetings([{ meeting: 3, values: { id: 'x' } }]);
    load(0);
    workers[0]?.say({
      type: 'delta',
      series: [],
      errors: [],
      health: { cpuCores: 0, memoryMb: 0, loopDelayMsMax: 0, latenessMsP99: 0, socketDrops: 0, tainted: [] },
      load: [{ group: 'g', owned: 9, active: 9, started: 9, finished: 0, failed: 0, claims: [] }],
    });
    await clock.advance(5000);
    workers[0]?.die();
    expect(deaths).toMatchObject([[0, 'signal SIGKILL', [{ group: 'g', active: 9 }]]]);
    await clock.advance(1000);
    expect(workers).toHaveLength(2);
    ready();
    const types = workers[1]?.sent.map(({ type }) => type);
    expect(types).toEqual(['setup', 'meetings', 'grant', 'load']);
    expect(loadsOf(workers[1])[0]?.fromMs).toBe(6000);
  });

  it('fails what a dead worker was at, and starts the next one ever later', async () => {
    const { clock, workers, events, pool, ready } = lab(1);
    ready();
    pool.provision({ shard: 2, epoch: 1 }, [1, 2]);
    workers[0]?.die();
    expect(events).toMatchObject([{ type: 'provision-failed', claim: { shard: 2, epoch: 1 } }]);
    for (let count = 1; count < 20; count++) {
      await clock.advance(1000);
      workers.at(-1)?.die();
    }
    expect(workers.length).toBeLessThan(9);
  });

  it('tells the core what stopped, also what it never had', () => {
    const { workers, events, pool, ready, load } = lab(1);
    ready();
    load(0);
    const stop = { what: 'load', graceMs: 100, reason: 'x' } as const;
    pool.stop({
      ...stop,
      claims: [
        { shard: 0, epoch: 1 },
        { shard: 5, epoch: 2 },
      ],
    });
    expect(events).toEqual([{ type: 'load-stopped', claims: [{ shard: 5, epoch: 2 }], finished: false }]);
    workers[0]?.say({ type: 'stopped', ids: ['0.1'], finished: true });
    workers[0]?.say({ type: 'stopped', ids: ['0.1'], finished: true });
    expect(events.slice(1)).toEqual([{ type: 'load-stopped', claims: [{ shard: 0, epoch: 1 }], finished: true }]);
  });

  it('replaces a worker that hangs, but not one whose words wait because the node itself was paused', async () => {
    const { clock, workers, ready, load, loadsOf } = lab(1);
    ready();
    load(0);
    clock.jump(60_000);
    await clock.advance(5_000);
    expect(workers).toHaveLength(1);
    await clock.advance(12_000);
    expect(workers[0]?.killed).toBe(true);
    ready();
    expect(loadsOf(workers[1])).toHaveLength(1);
  });

  it('kills a worker that does not stop, which stops it', async () => {
    const { clock, workers, events, pool, ready, load } = lab(1);
    ready();
    load(0);
    pool.stop({ what: 'load', claims: [{ shard: 0, epoch: 1 }], graceMs: 500, reason: 'lease' });
    await clock.advance(1000);
    expect(workers[0]?.killed).toBe(false);
    await clock.advance(400);
    expect(workers[0]?.killed).toBe(true);
    expect(events).toEqual([{ type: 'load-stopped', claims: [{ shard: 0, epoch: 1 }], finished: false }]);
  });
});
