// A cloud in memory for tests of the fleet: lists late, runs out of capacity, refuses to end, and can stop answering at the k-th call as when the launcher's
// machine dies. Counts its calls, so that a test can go through all of them.

import type { Cloud, Instance, LaunchOrder } from '../../../bootstrap/cloud.ts';
import { ok } from '../../../node/core/errors.ts';

export class Killed extends Error {}

export interface MemoryCloudInit {
  readonly capacity: number;
  /** Looks for which a new machine is not yet listed. */
  readonly lagLooks?: number;
  /** The call, counted from 1 over all clouds that share the counter, at which the launcher dies: before it or after the vendor did it. */
  readonly killer?: CallKiller;
  readonly invalid?: boolean;
}

export class CallKiller {
  calls = 0;
  readonly at: number;
  readonly when: 'before' | 'after';
  constructor(at: number, when: 'before' | 'after') {
    this.at = at;
    this.when = when;
  }
  /** Calls `work` unless dead; once dead, nothing more is done by anybody. */
  call<T>(work: () => T): T {
    this.calls += 1;
    if (this.calls > this.at || (this.calls === this.at && this.when === 'before')) throw new Killed();
    const result = work();
    if (this.calls === this.at) throw new Killed();
    return result;
  }
}

export interface MemoryCloud extends Cloud {
  readonly machines: Map<string, Instance & { looksUntilListed: number }>;
  /** A new launcher: calls are answered again. */
  revive(): void;
}

export function memoryCloud({ capacity, lagLooks = 0, killer, invalid = false }: MemoryCloudInit): MemoryCloud {
  const machines: MemoryCloud['machines'] = new Map();
  let guard = killer;
  const call = <T>(work: () => T): T => (guard === undefined ? work() : guard.call(work));
  const make = (order: LaunchOrder, index: number): Instance => {
    const id = `${order.orderId}-${index}`;
    const { runId, orderId, expiresWallMs, region } = order;
    const machine = {
      ...{ id, runId, orderId, expiresWallMs, region, zone: null, machineType: order.machineTypes[0] ?? '', market: 'on-demand' as const },
      ...{ state: 'running' as const, publicAddress: null, privateAddress: null, looksUntilListed: lagLooks },
    };
    machines.set(id, machine);
    return machine;
  };
  return {
    machines,
    revive() {
      guard = undefined;
    },
    validate: async () =>
      invalid ? [{ code: 'QUILT_CLOUD_REGION', message: 'no such region', cause: 'not-found', hint: 'another one' }] : [],
    plan: ({ count }) => ({ batches: [count], notes: [] }),
    async launch(order, signal) {
      const instances: Instance[] = [];
      for (let index = 0; index < order.count; index++) {
        if (signal.aborted) break;
        if (machines.size >= capacity) {
          return { instances, refusals: [{ code: 'QUILT_CLOUD_CAPACITY', message: 'no more machines', cause: 'capacity' }] };
        }
        instances.push(call(() => make(order, index)));
      }
      return { instances, refusals: [] };
    },
    async list({ region, runId }) {
      return call(() => {
        const listed: Instance[] = [];
        for (const machine of machines.values()) {
          machine.looksUntilListed -= 1;
          const isWanted = machine.region === region && (runId === null || machine.runId === runId);
          if (isWanted && machine.looksUntilListed < 0) listed.push(machine);
        }
        return ok(listed);
      });
    },
    async terminate(_filter, ids) {
      for (const id of ids) call(() => machines.delete(id));
      return { ended: ids, refusals: [] };
    },
    check: async () => [],
  };
}
