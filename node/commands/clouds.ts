// The clouds that a command names, opened: their files loaded, their credentials found, and the launch journal beside them. What a cloud gets from outside
// (environment, clock, waiting, randomness) is put together here, for `launch` and `reap` alike.

import { randomBytes } from 'node:crypto';
import type { Cloud, CloudComponents, CloudType } from '../../bootstrap/cloud.ts';
import type { FleetComponents } from '../../bootstrap/fleet.ts';
import { createLaunchJournal, type LaunchJournal } from '../../bootstrap/launch-journal.ts';
import { monotonicNowMs, wallNowMs } from '../adapters/clock.ts';
import { environmentVariable } from '../adapters/environment.ts';
import { fail, ok, type Problem, type Result } from '../core/errors.ts';
import { loadCloudType } from '../runtime/cloud-registry.ts';
import { createRuntimeClock } from '../runtime/runtime-clock.ts';

const LAUNCHES_FOLDER = '.quilt/launches';

export interface OpenClouds {
  readonly fleet: FleetComponents;
  typeOf(name: string): CloudType;
  cloudOf(name: string): Cloud;
}

export const openJournal = (): LaunchJournal => createLaunchJournal(LAUNCHES_FOLDER);

const clock = createRuntimeClock(monotonicNowMs, wallNowMs);

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = (): void => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

const components: CloudComponents = {
  environment: environmentVariable,
  wallNowMs,
  sleep,
  random: () => randomBytes(4).readUInt32LE() / 2 ** 32,
};

/** Every problem of every cloud at once. */
export async function openClouds(names: readonly string[]): Promise<Result<OpenClouds>> {
  const types = new Map<string, CloudType>();
  const clouds = new Map<string, Cloud>();
  const problems: Problem[] = [];
  for (const name of new Set(names)) {
    const type = await loadCloudType(name);
    const cloud = type.ok ? await type.value.create(components) : type;
    if (!cloud.ok) problems.push(...cloud.problems);
    if (!cloud.ok || !type.ok) continue;
    types.set(name, type.value);
    clouds.set(name, cloud.value);
  }
  if (problems.length > 0) return fail(...problems);
  const one = <T>(map: ReadonlyMap<string, T>, name: string): T => {
    const found = map.get(name);
    if (found === undefined) throw new Error(`cloud ${name} was not opened`);
    return found;
  };
  return ok({ fleet: { clouds, journal: openJournal(), sleep }, typeOf: (name) => one(types, name), cloudOf: (name) => one(clouds, name) });
}
