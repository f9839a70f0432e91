// Real meshes on loopback for tests: each records what its handlers were given, and all are stopped at the end of the test.

import { createHash, randomBytes } from 'node:crypto';
import { afterEach } from 'vitest';
import { createMesh, type Mesh, type MeshInit } from '../../node/adapters/mesh.ts';

export interface Recorded {
  readonly mesh: Mesh;
  readonly gossip: { from: string; topic: string; text: string }[];
  readonly messages: { from: string; bytes: Uint8Array }[];
  readonly ups: string[];
  readonly downs: string[];
}

export const SWARM_ID = 'test-swarm';
export const SWARM_KEY = createHash('sha256').update('the swarm key of the tests').digest();
export const text = (value: string): Uint8Array => new TextEncoder().encode(value);
export const fromText = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

const running = new Set<Mesh>();
afterEach(async () => {
  await Promise.all([...running].map((mesh) => mesh.stop()));
  running.clear();
});

export interface MeshKitInit extends Partial<Omit<MeshInit, 'handlers'>> {
  request?: MeshInit['handlers']['request'];
}

/** A started mesh; listens on a free loopback port unless told otherwise. */
export async function startMesh(init: MeshKitInit = {}): Promise<Recorded> {
  const recorded = { gossip: [], messages: [], ups: [], downs: [] } as unknown as Omit<Recorded, 'mesh'>;
  const created = await createMesh({
    privateKey: randomBytes(32),
    swarmKey: SWARM_KEY,
    swarmId: SWARM_ID,
    listen: ['/ip4/127.0.0.1/tcp/0'],
    seeds: [],
    ...init,
    handlers: {
      gossip: (from, topic, bytes) => recorded.gossip.push({ from, topic, text: fromText(bytes) }),
      message: (from, bytes) => recorded.messages.push({ from, bytes }),
      request: init.request ?? ((_from, _protocol, bytes) => Promise.resolve(bytes)),
      peerUp: (peer) => recorded.ups.push(peer),
      peerDown: (peer) => recorded.downs.push(peer),
    },
  });
  if (!created.ok) throw new Error(created.problems.map((problem) => problem.code).join());
  running.add(created.value);
  return { mesh: created.value, ...recorded };
}

/** For meshes that a test stops itself. */
export async function stopMesh(recorded: Recorded): Promise<void> {
  running.delete(recorded.mesh);
  await recorded.mesh.stop();
}
