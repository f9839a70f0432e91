// One packet engine for all groups of a worker: they share its sockets' loop and its pacer, so that a core's packets are sent by one schedule. The first
// group makes it, the last one closes it. Keyed by the worker's clock, because tests run several workers in one process.

import { createMediaEngine } from './engine.ts';
import type { MediaEngine, MediaEngineInit } from './engine-types.ts';
import { createUdpNetwork } from './udp-network.ts';

interface Shared {
  readonly engine: Promise<MediaEngine>;
  users: number;
}

const engines = new WeakMap<object, Shared>();

/** `release` once, when the group is closed. */
export async function acquireEngine(
  init: Omit<MediaEngineInit, 'network'>,
  key: object,
): Promise<{ readonly engine: MediaEngine; readonly release: () => void }> {
  let shared = engines.get(key);
  if (shared === undefined) {
    shared = { engine: createEngine(init), users: 0 };
    engines.set(key, shared);
  }
  const { engine } = shared;
  shared.users++;
  const mine = shared;
  const made = await engine;
  return {
    engine: made,
    release() {
      mine.users--;
      if (mine.users > 0) return;
      engines.delete(key);
      made.close();
      made.network.close();
    },
  };
}

async function createEngine(init: Omit<MediaEngineInit, 'network'>): Promise<MediaEngine> {
  const network = await createUdpNetwork({ nowMs: init.nowMs });
  return createMediaEngine({ ...init, network });
}
