// Machines of several vendors as one fleet: nothing is asked for before everything is valid and written down, too few are rolled back, and a launcher that
// dies at any call leaves a record from which everything can be ended.

import { describe, expect, it } from 'vitest';
import type { LaunchOrder } from '../../bootstrap/cloud.ts';
import { awaitEnds, endFleet, type FleetComponents, type FleetPart, type FleetRecord, launchFleet } from '../../bootstrap/fleet.ts';
import { parseLaunchRequest, parseLaunchRequests } from '../../bootstrap/launch-request.ts';
import { CallKiller, Killed, type MemoryCloud, type MemoryCloudInit, memoryCloud } from '../support/clouds/memory.ts';

const order = (orderId: string, count: number): LaunchOrder => ({
  ...{ runId: 'r1', orderId, expiresWallMs: 1_000_000, region: 'here', zones: [], machineTypes: ['small'], count, image: null },
  ...{ userData: '', markets: ['on-demand'], address: 'ephemeral', meshPort: 4001, wallMsMax: 60_000 },
});
const parts: readonly FleetPart[] = [
  { cloud: 'one', order: order('one-0', 3) },
  { cloud: 'two', order: order('two-0', 2) },
];
const forever = new AbortController().signal;

interface Bench extends FleetComponents {
  readonly one: MemoryCloud;
  readonly two: MemoryCloud;
  readonly records: Map<string, FleetRecord>;
}

function bench(init: Partial<MemoryCloudInit> = {}, second: Partial<MemoryCloudInit> = init): Bench {
  const one = memoryCloud({ capacity: 100, ...init });
  const two = memoryCloud({ capacity: 100, ...second });
  const records = new Map<string, FleetRecord>();
  const journal = {
    write: (record: FleetRecord) => void records.set(record.runId, record),
    forget: (runId: string) => void records.delete(runId),
  };
  const clouds = new Map([
    ['one', one],
    ['two', two],
  ]);
  return { one, two, records, clouds, journal, sleep: async () => {} };
}

describe('a fleet', () => {
  it('is launched over all vendors and written down', async () => {
    const { one, two, records, ...components } = bench();
    const launched = await launchFleet(components, parts, 5, forever);
    expect(launched).toMatchObject({ ok: true, value: { refusals: [] } });
    expect([one.machines.size, two.machines.size]).toEqual([3, 2]);
    expect(records.get('r1')?.places).toEqual([
      { cloud: 'one', region: 'here' },
      { cloud: 'two', region: 'here' },
    ]);
  });

  it('asks nobody when one part is invalid', async () => {
    const { one, two, records, ...components } = bench({}, { invalid: true });
    const launched = await launchFleet(components, parts, 5, forever);
    expect(launched).toMatchObject({ ok: false, problems: [{ code: 'QUILT_CLOUD_REGION' }] });
    expect([one.machines.size, two.machines.size, records.size]).toEqual([0, 0, 0]);
  });

  it('refuses a run id that has machines already', async () => {
    const { one, two: _two, records: _records, ...components } = bench();
    await launchFleet(components, parts, 5, forever);
    const again = await launchFleet(components, parts, 5, forever);
    expect(again).toMatchObject({ ok: false, problems: [{ code: 'QUILT_RUN_LAUNCHED' }, { code: 'QUILT_RUN_LAUNCHED' }] });
    expect(one.machines.size).toBe(3);
  });

  it('is rolled back when it does not suffice, also machines that are listed late', async () => {
    const { one, two, records, ...components } = bench({ lagLooks: 2 }, { capacity: 1, lagLooks: 2 });
    const launched = await launchFleet(components, parts, 5, forever);
    expect(launched).toMatchObject({ ok: false, problems: [{ code: 'QUILT_LAUNCH_SHORT' }, { code: 'QUILT_CLOUD_CAPACITY' }] });
    expect([one.machines.size, two.machines.size, records.size]).toEqual([0, 0, 0]);
  });

  it('goes on with fewer when that is allowed, and says why they are fewer', async () => {
    const { two, ...components } = bench({}, { capacity: 1 });
    const launched = await launchFleet(components, parts, 4, forever);
    expect(launched).toMatchObject({ ok: true, value: { refusals: [{ cause: 'capacity' }] } });
    expect(two.machines.size).toBe(1);
  });

  it('is not launched when it cannot be written down', async () => {
    const { one, two, records: _records, ...components } = bench();
    const journal = {
      write: () => {
        throw new Error('disk full');
      },
      forget: () => {},
    };
    await expect(launchFleet({ ...components, journal }, parts, 5, forever)).rejects.toThrow('disk full');
    expect([one.machines.size, two.machines.size]).toEqual([0, 0]);
  });

  it('waits for machines that end by themselves, and says when they do not', async () => {
    const { one, two, records, ...components } = bench();
    await launchFleet(components, parts, 5, forever);
    const record = records.get('r1') as FleetRecord;
    expect(await awaitEnds(components, record, 3)).toBe(false);
    let looks = 0;
    const sleep = async (): Promise<void> => {
      looks += 1;
      one.machines.clear();
      if (looks === 2) two.machines.clear();
    };
    expect(await awaitEnds({ ...components, sleep }, record, 9)).toBe(true);
    expect(looks).toBe(2);
  });

  it('keeps its record while a vendor does not answer', async () => {
    const { one, records, ...components } = bench();
    await launchFleet(components, parts, 5, forever);
    const deaf: MemoryCloud = { ...one, list: async () => ({ ok: false, problems: [{ code: 'QUILT_CLOUD_DOWN', message: 'no answer' }] }) };
    const clouds = new Map([...components.clouds, ['one', deaf]]);
    const left = await endFleet({ ...components, clouds }, records.get('r1') as FleetRecord);
    expect(left.map(({ code }) => code)).toEqual(['QUILT_FLEET_LEFT', 'QUILT_CLOUD_DOWN']);
    expect(records.has('r1')).toBe(true);
  });
});

/** The launcher's whole life, killed at call `at`; answers how many calls a life has that is not killed. */
async function liveAndReap(at: number, when: 'before' | 'after'): Promise<{ calls: number; left: number; isForgotten: boolean }> {
  const killer = new CallKiller(at, when);
  const { one, two, records, ...components } = bench({ killer, lagLooks: 1 });
  const life = launchFleet(components, parts, 5, forever).then((launched) =>
    launched.ok ? endFleet(components, launched.value.record) : [],
  );
  await life.catch((error: unknown) => {
    if (!(error instanceof Killed)) throw error;
  });
  // Only then another process starts, with nothing but what was on disk.
  for (const cloud of [one, two]) cloud.revive();
  const record = records.get('r1');
  if (record !== undefined) await endFleet(components, record);
  return { calls: killer.calls, left: one.machines.size + two.machines.size, isForgotten: records.size === 0 };
}

describe('a launcher that dies', () => {
  it('at any call leaves nothing that its record does not find', async () => {
    const { calls, left } = await liveAndReap(Number.POSITIVE_INFINITY, 'before');
    expect(left).toBe(0);
    expect(calls).toBeGreaterThan(12);
    for (let at = 1; at <= calls; at++) {
      for (const when of ['before', 'after'] as const) {
        expect({ at, when, ...(await liveAndReap(at, when)) }).toMatchObject({ left: 0, isForgotten: true });
      }
    }
  });

  it('by a signal in the middle ends what it had launched', async () => {
    const { one, two, records, ...components } = bench();
    const controller = new AbortController();
    const write = components.journal.write;
    const journal = {
      ...components.journal,
      write: (record: FleetRecord) => {
        write(record);
        queueMicrotask(() => controller.abort());
      },
    };
    const launched = await launchFleet({ ...components, journal }, parts, 5, controller.signal);
    expect(launched).toMatchObject({ ok: false, problems: [{ code: 'QUILT_LAUNCH_INTERRUPTED' }] });
    expect([one.machines.size, two.machines.size, records.size]).toEqual([0, 0, 0]);
  });
});

describe('--on', () => {
  it('reads zones, types and markets in the order of preference', () => {
    expect(parseLaunchRequest('aws:us-east-1/us-east-1a,us-east-1b:c7i.large,c6i.large=10@spot+')).toEqual({
      ok: true,
      value: {
        ...{ cloud: 'aws', region: 'us-east-1', zones: ['us-east-1a', 'us-east-1b'], machineTypes: ['c7i.large', 'c6i.large'], count: 10 },
        markets: ['spot', 'on-demand'],
      },
    });
    expect(parseLaunchRequest('rackspace:ORD:general1-4=3')).toMatchObject({ ok: true, value: { zones: [], markets: ['on-demand'] } });
  });

  it.each([
    ['aws', 'NAME:REGION:TYPE=COUNT'],
    ['aws:us-east-1:c7i.large=0', '0 machines'],
    ['aws:us-east-1:c7i.large=5000', '5000 machines'],
    ['aws:us-east-1:c7i.large=ten', 'NAME:REGION:TYPE=COUNT'],
    ['aws:us-east-1:c7i.large=1@cheap', "'@cheap' is no market"],
    ['aws:us east:c7i.large=1', "'us east' is no name"],
    ['aws:a/b/c:t=1', "'c' is no name"],
  ])('refuses %s', (text, reason) => {
    const parsed = parseLaunchRequest(text);
    expect(parsed.ok ? '' : parsed.problems[0]?.message).toContain(reason);
  });

  it('shows every mistake at once', () => {
    const parsed = parseLaunchRequests(['aws:e:t=4000', 'aws:e:t=4000', 'nothing', 'gce:e:t=4000']);
    expect(parsed.ok ? [] : parsed.problems.map(({ message }) => message)).toMatchObject([
      expect.stringContaining('twice'),
      expect.stringContaining('nothing'),
      expect.stringContaining('12000 machines'),
    ]);
    expect(parseLaunchRequests([])).toMatchObject({ ok: false, problems: [{ message: expect.stringContaining('--on') }] });
  });
});
