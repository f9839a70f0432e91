// What every cloud must keep (bootstrap/cloud.ts), as a suite that each vendor's test runs over its own lab: the same order twice launches once, only what carries
// the run's marks is listed and ended, ending is idempotent, an abort leaves nothing that the list does not show, a wrong order is refused before
// anything is made. How a vendor's machines come to be seen as running or gone is the lab's to wait for.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Cloud, CloudType, Instance, LaunchOrder } from '../../bootstrap/cloud.ts';

export interface CloudLab {
  readonly cloud: Cloud;
  readonly region: string;
  readonly machineType: string;
  /** User data of a machine that lives until it is ended. */
  readonly userData: string;
  /** Machines that the vendor has and that are not gone, by the vendor's own word and not by the cloud file's. */
  count(): Promise<number>;
  /** Waits as the vendor needs it until `predicate` holds; rejects when it never does. */
  until(predicate: () => Promise<boolean>): Promise<void>;
  close(): Promise<void>;
}

const never = new AbortController().signal;

export function cloudCompliance(type: CloudType, openLab: () => Promise<CloudLab>): void {
  let lab: CloudLab;
  const order = (changes: Partial<LaunchOrder> = {}): LaunchOrder => ({
    ...{ runId: 'run1', orderId: 'order-0', expiresWallMs: 1_900_000_000_000, region: lab.region, zones: [], image: null },
    ...{ machineTypes: [lab.machineType], count: 3, userData: lab.userData, markets: ['on-demand'], address: 'ephemeral' },
    ...{ meshPort: 4001, wallMsMax: 600_000, ...changes },
  });
  const listed = async (runId: string | null = 'run1'): Promise<readonly Instance[]> => {
    const result = await lab.cloud.list({ region: lab.region, runId });
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    return result.value.filter(({ state }) => state === 'pending' || state === 'running');
  };
  const idsOf = (instances: readonly Instance[]): string[] => instances.map(({ id }) => id).sort();
  const launch = async (changes?: Partial<LaunchOrder>): Promise<readonly Instance[]> => {
    const { instances, refusals } = await lab.cloud.launch(order(changes), never);
    expect(refusals).toEqual([]);
    return instances;
  };

  describe(`the cloud ${type.name}`, { timeout: 120_000 }, () => {
    beforeEach(async () => {
      lab = await openLab();
    });
    afterEach(() => lab.close());

    it('says what it is', () => {
      expect(type.name).toMatch(/^[a-z][a-z0-9-]*$/);
      expect(type.summary.length).toBeGreaterThan(10);
      expect(type.userDataBytesMax).toBeGreaterThanOrEqual(16_384);
      expect(type.markets).toContain('on-demand');
      expect(type.joinFlags(lab.machineType).every((word) => typeof word === 'string')).toBe(true);
    });

    it('has nothing wrong with a good order, and plans all of it', async () => {
      expect(await lab.cloud.validate(order())).toEqual([]);
      expect(lab.cloud.plan(order()).batches.reduce((sum, size) => sum + size, 0)).toBe(3);
      expect(await lab.count()).toBe(0);
    });

    it.each([
      ['an unknown machine type', { machineTypes: ['no-such-type'] }],
      ['user data over the limit', { userData: `#!/bin/sh\n${'#'.repeat(type.userDataBytesMax)}` }],
      ['no machines', { count: 0 }],
    ])('refuses %s with what to do, and makes nothing', async (_title, changes) => {
      const refusals = await lab.cloud.validate(order(changes));
      expect(refusals.length).toBeGreaterThan(0);
      for (const { code, message, hint } of refusals) {
        expect(code).toMatch(/^QUILT_/);
        expect(message).not.toBe('');
        expect(hint ?? '').not.toBe('');
      }
      expect(await lab.count()).toBe(0);
    });

    it('launches what was ordered, marked with the run, and lists it', async () => {
      const instances = await launch();
      expect(idsOf(await listed())).toEqual(idsOf(instances));
      expect(new Set(idsOf(instances)).size).toBe(3);
      for (const instance of await listed())
        expect(instance).toMatchObject({
          runId: 'run1',
          orderId: 'order-0',
          region: lab.region,
          machineType: lab.machineType,
          market: 'on-demand',
        });
      expect(await lab.count()).toBe(3);
    });

    it('launches the same order once, however often it is asked', async () => {
      const first = await launch();
      expect(idsOf(await launch())).toEqual(idsOf(first));
      expect(await lab.count()).toBe(3);
    });

    it('tells orders and runs apart', async () => {
      await launch({ count: 1 });
      await launch({ count: 1, orderId: 'order-1' });
      await launch({ count: 1, runId: 'run2' });
      expect((await listed()).length).toBe(2);
      expect((await listed('run2')).length).toBe(1);
      expect((await listed(null)).length).toBe(3);
    });

    it('ends what it is told and nothing else, also twice', async () => {
      const [first, second] = idsOf(await launch({ count: 2 })) as [string, string];
      const other = await launch({ count: 1, runId: 'run2' });
      const filter = { region: lab.region, runId: 'run1' };
      expect((await lab.cloud.terminate(filter, [first, ...idsOf(other)])).refusals).toEqual([]);
      await lab.until(async () => (await lab.count()) === 2);
      expect(idsOf(await listed())).toEqual([second]);
      expect(idsOf(await listed('run2'))).toEqual(idsOf(other));
      expect((await lab.cloud.terminate(filter, [first, second])).refusals).toEqual([]);
      expect((await lab.cloud.terminate(filter, [first, second])).refusals).toEqual([]);
      await lab.until(async () => (await lab.count()) === 1);
    });

    it('asks nothing of the vendor when the launch was aborted before', async () => {
      const { instances } = await lab.cloud.launch(order(), AbortSignal.abort());
      expect(instances).toEqual([]);
      expect(await lab.count()).toBe(0);
    });

    it('shows in its list all that an abort in the middle left', async () => {
      const controller = new AbortController();
      const launching = lab.cloud.launch(order(), controller.signal);
      queueMicrotask(() => controller.abort());
      await launching;
      await lab.until(async () => (await listed()).length === (await lab.count()));
      await lab.cloud.terminate({ region: lab.region, runId: 'run1' }, idsOf(await listed()));
      await lab.until(async () => (await lab.count()) === 0);
    });

    it('can be checked', async () => {
      const findings = await lab.cloud.check(lab.region);
      expect(findings.length).toBeGreaterThan(0);
      for (const { name, isOk, remedy } of findings) expect({ name, isOk, remedy }).toMatchObject({ isOk: true });
    });
  });
}
