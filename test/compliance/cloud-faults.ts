// What a cloud must keep when its vendor or its launcher fails, as a second suite for vendors whose lab can make them fail (cloud.ts is the one for all): too little
// capacity, machines of others in the account, a launcher that is aborted or dies at any of its calls. The launcher's death is a cut connection with
// the last answer lost; a new launcher then lists and ends as `fleet.ts` does, and nothing may be left: machine, group or address.

import { describe, expect, it } from 'vitest';
import type { Cloud, CloudType, LaunchOrder } from '../../bootstrap/cloud.ts';
import type { CloudLab } from './cloud.ts';

export interface FaultyCloudLab extends CloudLab {
  /** A new launcher with the same account. */
  reopen(): Promise<Cloud>;
  /** After so many more calls were carried out no answer comes any more, the last one's neither; `mend` ends that. */
  cutAfter(calls: number): void;
  mend(): void;
  /** Calls so far, those included that were cut off. */
  calls(): number;
  /** Before the vendor answers this call, counted from now: 1 is the next. */
  atCall(call: number, act: () => void): void;
  /** What the vendor would still let somebody pay for, by the vendor's own word. */
  leftovers(): Promise<readonly string[]>;
  /** So many machines more and the vendor has none. */
  allow(machines: number): void;
  /** A machine of somebody else in the same account and region; its id. */
  addStranger(): Promise<string>;
}

/** A launch has fewer calls than this; one that has more would make the suite long, not wrong. */
const CALLS_MAX = 80;
const EMPTY_LOOKS = 3;
const LOOKS_MAX = 60;
const never = new AbortController().signal;

export function cloudFaultCompliance(type: CloudType, openLab: () => Promise<FaultyCloudLab>): void {
  const orderFor = (lab: CloudLab, changes: Partial<LaunchOrder> = {}): LaunchOrder => ({
    ...{ runId: 'run1', orderId: 'order-0', expiresWallMs: 1_900_000_000_000, region: lab.region, zones: [], image: null },
    ...{ machineTypes: [lab.machineType], count: 3, userData: lab.userData, markets: ['on-demand'], address: 'reserved' },
    ...{ meshPort: 4001, wallMsMax: 600_000, ...changes },
  });

  /** As the fleet does it: lists and ends until nothing was listed several times in a row. */
  const endAll = async (lab: FaultyCloudLab, cloud: Cloud): Promise<void> => {
    const filter = { region: lab.region, runId: 'run1' };
    let emptyLooks = 0;
    for (let look = 0; look < LOOKS_MAX && emptyLooks < EMPTY_LOOKS; look++) {
      const listed = await cloud.list(filter);
      if (!listed.ok) throw new Error(JSON.stringify(listed.problems));
      const alive = listed.value.filter(({ state }) => state === 'pending' || state === 'running').map(({ id }) => id);
      const { refusals } = await cloud.terminate(filter, alive);
      emptyLooks = alive.length === 0 && refusals.length === 0 ? emptyLooks + 1 : 0;
      let hasPaused = false;
      await lab.until(async () => {
        const before = hasPaused;
        hasPaused = true;
        return before;
      });
    }
  };

  /** `work` once for each k from 1, each time in a new lab, until k is more than the calls there are. Answers how many k there were. */
  const forEveryCall = async (work: (lab: FaultyCloudLab, k: number) => Promise<{ callsMade: number }>): Promise<number> => {
    for (let k = 1; k <= CALLS_MAX; k++) {
      const lab = await openLab();
      try {
        const { callsMade } = await work(lab, k);
        if (callsMade < k) return k;
      } finally {
        await lab.close();
      }
    }
    throw new Error(`more than ${CALLS_MAX} calls`);
  };

  describe(`the cloud ${type.name} in trouble`, { timeout: 120_000 }, () => {
    it('gives what there is and says why there is not more', async () => {
      const lab = await openLab();
      lab.allow(2);
      const { instances, refusals } = await lab.cloud.launch(orderFor(lab), never);
      expect(instances.length).toBe(2);
      expect(await lab.count()).toBe(2);
      expect(refusals.length).toBeGreaterThan(0);
      for (const { code, cause, hint } of refusals) {
        expect(code).toMatch(/^QUILT_/);
        expect(['capacity', 'quota']).toContain(cause);
        expect(hint ?? '').not.toBe('');
      }
      await lab.close();
    });

    it('neither lists nor ends what does not carry its marks', async () => {
      const lab = await openLab();
      const stranger = await lab.addStranger();
      const { instances } = await lab.cloud.launch(orderFor(lab), never);
      const all = await lab.cloud.list({ region: lab.region, runId: null });
      expect(all.ok && all.value.map(({ id }) => id).sort()).toEqual(instances.map(({ id }) => id).sort());
      await lab.cloud.terminate({ region: lab.region, runId: 'run1' }, [stranger, ...instances.map(({ id }) => id)]);
      await endAll(lab, lab.cloud);
      expect(await lab.leftovers()).toEqual([stranger]);
      await lab.close();
    });

    it('leaves nothing that listing and ending does not find, whichever call its launcher dies at', async () => {
      const ks = await forEveryCall(async (lab, k) => {
        lab.cutAfter(k);
        await lab.cloud.launch(orderFor(lab), never);
        const callsMade = lab.calls();
        lab.mend();
        await endAll(lab, await lab.reopen());
        expect(await lab.leftovers(), `killed at call ${k}`).toEqual([]);
        return { callsMade };
      });
      expect(ks).toBeGreaterThan(3);
    });

    it('leaves nothing when it dies while it ends, at any call', async () => {
      await forEveryCall(async (lab, k) => {
        const { instances } = await lab.cloud.launch(orderFor(lab), never);
        const before = lab.calls();
        lab.cutAfter(k);
        await lab.cloud.terminate(
          { region: lab.region, runId: 'run1' },
          instances.map(({ id }) => id),
        );
        const callsMade = lab.calls() - before;
        lab.mend();
        await endAll(lab, await lab.reopen());
        expect(await lab.leftovers(), `killed at call ${k}`).toEqual([]);
        return { callsMade };
      });
    });

    it('has the ordered number in the end when the same order is launched again after a death at any call', async () => {
      await forEveryCall(async (lab, k) => {
        lab.cutAfter(k);
        await lab.cloud.launch(orderFor(lab), never);
        const callsMade = lab.calls();
        lab.mend();
        const { instances, refusals } = await (await lab.reopen()).launch(orderFor(lab), never);
        expect(refusals, `killed at call ${k}`).toEqual([]);
        expect(new Set(instances.map(({ id }) => id)).size).toBe(3);
        expect(await lab.count(), `killed at call ${k}`).toBe(3);
        return { callsMade };
      });
    });

    it('is aborted at any call: lists what there is, and leaves nothing after the end', async () => {
      await forEveryCall(async (lab, k) => {
        const controller = new AbortController();
        lab.atCall(k, () => controller.abort());
        const { instances } = await lab.cloud.launch(orderFor(lab), controller.signal);
        const callsMade = lab.calls();
        await lab.until(async () => {
          const listed = await lab.cloud.list({ region: lab.region, runId: 'run1' });
          const ids = listed.ok ? listed.value.map(({ id }) => id) : [];
          return instances.every(({ id }) => ids.includes(id)) && ids.length === (await lab.count());
        });
        await endAll(lab, lab.cloud);
        expect(await lab.leftovers(), `aborted at call ${k}`).toEqual([]);
        return { callsMade };
      });
    });
  });
}
