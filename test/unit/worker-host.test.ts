// A worker's scheduler on fake time: every life starts and stops when the plan says, take-overs are ramped, orders change what runs, and neither a
// missing grant nor a broken endpoint can leave load behind.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Behave, type FakeWorker, leaveWhenAsked, startFakeWorker } from '../support/fake-worker.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const scenarioOf = (load: object, more: object = {}) => ({
  name: 'fake',
  shards: { endpoints: 100 },
  groups: { people: { type: 'fake', load, gracefulStop: '1s', ...more } },
});
const ramp = { endpoints: 10, shape: [{ ramp: 10, over: '10s' }, { hold: '5s' }, { ramp: 0, over: '10s' }] };
const step = { endpoints: 4, shape: [{ step: 4, for: '20s' }] };

async function loaded(
  scenario: object,
  behave?: Behave,
  options?: { fromMs?: number; restartRatePerS?: number; grantMs?: number },
): Promise<FakeWorker> {
  const worker = await startFakeWorker(scenario, behave);
  worker.send({ type: 'grant', untilMs: worker.nowMs() + (options?.grantMs ?? 1_000_000) });
  for (const shard of worker.shards.filter(({ kind }) => kind === 'endpoints')) worker.load(shard, options);
  return worker;
}

const errorsOf = (worker: FakeWorker) =>
  worker.of('delta').flatMap(({ errors }) => errors.map(({ side, cause, count }) => `${side} ${cause} ${count}`));
const countsOf = (worker: FakeWorker) => {
  const loads = worker.of('delta').flatMap(({ load }) => load);
  const sum = (name: 'started' | 'finished' | 'failed') => loads.reduce((total, load) => total + load[name], 0);
  return { started: sum('started'), finished: sum('finished'), failed: sum('failed') };
};

describe('the plan', () => {
  it('starts and stops every life when it is due', async () => {
    const worker = await loaded(scenarioOf(ramp));
    await worker.pass(30_000);
    expect(worker.lives.map(({ startedMs, dueMs }) => [startedMs, Math.round(dueMs)])).toEqual(
      Array.from({ length: 10 }, (_, slot) => [1000 + slot * 1000, 1000 + slot * 1000]),
    );
    expect(worker.lives.map(({ stoppedMs }) => stoppedMs)).toEqual(
      Array.from({ length: 10 }, (_, slot) => 1000 + 15_000 + (10 - slot) * 1000),
    );
    expect(worker.lives.every(({ reason }) => reason === 'leave')).toBe(true);
    expect(worker.of('stopped')).toEqual([{ type: 'stopped', ids: ['0.1'], finished: true }]);
    expect(countsOf(worker)).toEqual({ started: 10, finished: 10, failed: 0 });
  });

  it('reports owned and active once a second, under the claims that ran', async () => {
    const worker = await loaded(scenarioOf(ramp));
    await worker.pass(12_500);
    const loads = worker.of('delta').map(({ load }) => load[0]);
    expect(loads.slice(0, 3).map((load) => load?.owned)).toEqual([2, 3, 4]);
    expect(loads.at(-1)).toMatchObject({ group: 'people', owned: 10, active: 10, started: 0, claims: ['0.1'] });
    expect(worker.of('delta')).toHaveLength(12);
  });

  it('is finished when its lives are over by themselves', async () => {
    const worker = await loaded(scenarioOf(step), async (context) => context.joined());
    await worker.pass(1000);
    expect(worker.of('stopped')).toEqual([{ type: 'stopped', ids: ['0.1'], finished: true }]);
  });
});

describe('taking over', () => {
  it('restarts what should run now at the ramp limit, and skips what is over', async () => {
    const worker = await loaded(scenarioOf({ endpoints: 10, shape: [{ step: 10, for: '60s' }] }), leaveWhenAsked, {
      fromMs: 20_000,
      restartRatePerS: 2,
    });
    await worker.pass(0);
    expect(worker.lives).toHaveLength(1);
    await worker.pass(10_000);
    expect(worker.lives.map(({ startedMs }) => startedMs)).toEqual(Array.from({ length: 10 }, (_, index) => 1000 + index * 500));
    expect(worker.lives.map(({ dueMs }) => dueMs)).toEqual(worker.lives.map(({ startedMs }) => startedMs));
  });

  it('keeps to the limit when an order changes the plan meanwhile', async () => {
    const load = { endpoints: 10, shape: [{ step: 10, for: '60s' }] };
    const worker = await loaded(scenarioOf(load), leaveWhenAsked, { fromMs: 20_000, restartRatePerS: 2 });
    await worker.pass(1_100);
    worker.send({ type: 'scale', scale: { group: '*', factor: 1.1, atMs: 21_500 } });
    await worker.pass(10_000);
    expect(worker.lives.map(({ startedMs }) => startedMs)).toEqual([1000, 1500, 2000, 2500, 2500, 3000, 3500, 4000, 4500, 5000, 5500]);
  });

  it('leaves the past out and runs the future as planned', async () => {
    const worker = await loaded(scenarioOf(ramp), leaveWhenAsked, { fromMs: 24_500, restartRatePerS: 100 });
    await worker.pass(5_000);
    expect(worker.lives.map(({ endpointIndex }) => endpointIndex)).toEqual([0]);
    expect(worker.of('stopped')).toMatchObject([{ finished: true }]);
  });
});

describe('orders', () => {
  it('stops with grace: drain, then given up and counted', async () => {
    const stubborn: Behave = (context) => {
      context.joined();
      return context.endpointIndex === 0 ? new Promise(() => {}) : leaveWhenAsked(context, undefined as never);
    };
    const worker = await loaded(scenarioOf(step), stubborn);
    await worker.pass(1000);
    worker.send({ type: 'stop', ids: ['0.1', '7.1'], graceMs: 500, reason: 'test' });
    await worker.pass(0);
    expect(worker.lives.map(({ reason }) => reason)).toEqual(['drain', 'drain', 'drain', 'drain']);
    expect(worker.of('stopped')).toEqual([{ type: 'stopped', ids: ['7.1'], finished: false }]);
    await worker.pass(1200);
    expect(worker.of('stopped')[1]).toEqual({ type: 'stopped', ids: ['0.1'], finished: false });
    expect(errorsOf(worker)).toEqual(['generator overstayed 1']);
    await worker.pass(30_000);
    expect(worker.lives).toHaveLength(4);
  });

  it('scales up and down: who stays is not disturbed', async () => {
    const worker = await loaded(scenarioOf(step));
    await worker.pass(2_000);
    worker.send({ type: 'scale', scale: { group: 'people', factor: 2, atMs: 3_000 } });
    await worker.pass(500);
    expect(worker.activeCount()).toBe(4);
    await worker.pass(1_000);
    expect(worker.activeCount()).toBe(8);
    worker.send({ type: 'scale', scale: { group: '*', factor: 0.5, atMs: 5_000 } });
    await worker.pass(2_000);
    expect(worker.activeCount()).toBe(2);
    expect(worker.lives).toHaveLength(8);
    expect(worker.lives.slice(0, 2).map(({ stoppedMs }) => stoppedMs)).toEqual([null, null]);
    await worker.pass(20_000);
    expect(worker.activeCount()).toBe(0);
    expect(worker.of('stopped')).toMatchObject([{ finished: true }]);
  });

  it('resumes what was paused, also where it was taken over meanwhile', async () => {
    const scale = (factor: number, atMs: number) => ({ type: 'scale' as const, scale: { group: '*', factor, atMs } });
    const worker = await loaded(scenarioOf(step));
    worker.send(scale(0, 2_000));
    await worker.pass(4_000);
    expect(worker.activeCount()).toBe(0);
    worker.send(scale(1, 5_000));
    await worker.pass(2_000);
    expect(worker.activeCount()).toBe(4);

    const successor = await startFakeWorker(scenarioOf(step));
    successor.send({ type: 'grant', untilMs: successor.nowMs() + 1_000_000 });
    const taken = { t0Ms: successor.nowMs() - 3_000, fromMs: 3_000, restartRatePerS: 1000, scales: [scale(0, 2_000).scale] };
    for (const shard of successor.shards) successor.send({ type: 'load', id: `${shard.id}.2`, shard, ...taken });
    await successor.pass(1_000);
    expect(successor.activeCount()).toBe(0);
    successor.send(scale(1, 5_000));
    await successor.pass(2_000);
    expect(successor.activeCount()).toBe(4);
  });

  it('scales a group that is not meant not at all', async () => {
    const worker = await loaded(scenarioOf(step));
    worker.send({ type: 'scale', scale: { group: 'others', factor: 3, atMs: 1_000 } });
    await worker.pass(5_000);
    expect(worker.lives).toHaveLength(4);
  });

  it('waits for the facts of its meeting, and counts the wait', async () => {
    const meetings = { count: 2, provision: { url: 'http://127.0.0.1:9/m', save: { id: '$.id' } } };
    const worker = await loaded({ meetings, ...scenarioOf(step, { meetings: 'round-robin' }) });
    await worker.pass(1_000);
    expect(worker.lives).toHaveLength(0);
    worker.send({ type: 'meetings', facts: [{ meeting: 1, values: { id: 'm-1' } }] });
    await worker.pass(0);
    expect(worker.lives.map(({ endpointIndex, values }) => [endpointIndex, values['meeting.id']])).toEqual([
      [1, 'm-1'],
      [3, 'm-1'],
    ]);
    expect(worker.lives[0]).toMatchObject({ dueMs: 1000, startedMs: 2000 });
    worker.send({ type: 'stop', ids: worker.shards.map(({ id }) => `${id}.1`), graceMs: 0, reason: 'test' });
    await worker.pass(100);
    expect(worker.lives.map(({ reason }) => reason)).toEqual(['now', 'now']);
    expect(worker.of('stopped').flatMap(({ ids }) => ids)).toHaveLength(worker.shards.length);
  });
});

describe('the grant', () => {
  it('stops all load by itself when it passes, not finished', async () => {
    const worker = await loaded(scenarioOf(step), leaveWhenAsked, { grantMs: 5_000 });
    await worker.pass(3_000);
    worker.send({ type: 'grant', untilMs: 1000 + 8_000 });
    await worker.pass(4_900);
    expect(worker.activeCount()).toBe(4);
    await worker.pass(200);
    expect(worker.activeCount()).toBe(0);
    expect(worker.lives[0]).toMatchObject({ stoppedMs: 9_000, reason: 'now' });
    expect(worker.of('stopped')).toEqual([{ type: 'stopped', ids: ['0.1'], finished: false }]);
  });

  it('does not let an earlier grant that arrives late shorten it', async () => {
    const worker = await loaded(scenarioOf(step), leaveWhenAsked, { grantMs: 15_000 });
    worker.send({ type: 'grant', untilMs: 2_000 });
    await worker.pass(10_000);
    expect(worker.activeCount()).toBe(4);
  });

  it('gives load without any grant one second', async () => {
    const worker = await loaded(scenarioOf(step), leaveWhenAsked, { grantMs: -1_000_000 });
    await worker.pass(900);
    expect(worker.activeCount()).toBe(4);
    await worker.pass(200);
    expect(worker.activeCount()).toBe(0);
  });
});

describe('a broken endpoint', () => {
  it.each([
    ['rejects', async () => Promise.reject(new Error('bug'))],
    [
      'throws at once',
      () => {
        throw new Error('bug');
      },
    ],
  ] as [string, Behave][])('that %s is counted as broken contract and hurts nobody else', async (_name, bug) => {
    const worker = await loaded(scenarioOf(step), (context, lived) =>
      context.endpointIndex === 2 ? bug(context, lived) : leaveWhenAsked(context, lived),
    );
    await worker.pass(25_000);
    expect(errorsOf(worker)).toEqual(['generator contract-broken 1']);
    expect(countsOf(worker)).toEqual({ started: 4, finished: 3, failed: 1 });
  });

  it('that fails before it is in counts as a failed life, later as a finished one', async () => {
    const worker = await loaded(scenarioOf(step), async (context) => {
      if (context.endpointIndex === 0) context.joined();
      context.fail('reset', 'x');
    });
    await worker.pass(2_000);
    expect(countsOf(worker)).toEqual({ started: 4, finished: 1, failed: 3 });
    expect(errorsOf(worker)).toEqual(['target reset 4']);
  });
});
