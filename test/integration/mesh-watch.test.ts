// Connections that only look alive are cut, so that both ends dial anew. A proxy that swallows everything plays the partition: writes keep succeeding
// into the void, as they do for minutes on a real one.

import { randomBytes } from 'node:crypto';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { multiaddr } from '@multiformats/multiaddr';
import { afterEach, describe, expect, it } from 'vitest';
import { createHost } from '../../node/adapters/mesh/host.ts';
import { DEFAULT_MESH_LIMITS } from '../../node/adapters/mesh/limits.ts';
import { SWARM_ID, SWARM_KEY, startMesh, text } from '../support/mesh-kit.ts';
import { until } from '../support/until.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  await Promise.all(cleanups.splice(0).map((cleanup) => cleanup()));
});

/** Passes bytes on to 127.0.0.1:port until frozen; sockets stay open either way. */
async function startProxy(port: number): Promise<{ port: number; freeze: (frozen: boolean) => void }> {
  let frozen = false;
  const sockets = new Set<Socket>();
  const pass = (from: Socket, to: Socket): void => {
    sockets.add(from);
    from.on('error', () => {}).on('data', (chunk) => !frozen && to.write(chunk));
  };
  const server: Server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    pass(near, far);
    pass(far, near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, freeze: (value) => (frozen = value) };
}

describe('a connection', () => {
  it('that went silent is cut at both ends, and works again when dialled anew', async () => {
    const limits = { sweepMs: 50, silenceMsMax: 600 };
    const [a, b] = await Promise.all([startMesh({ limits }), startMesh({ limits })]);
    const [, , , , port] = (b.mesh.addresses()[0] ?? '').split('/');
    const proxy = await startProxy(Number(port));
    a.mesh.learn(b.mesh.self, [`/ip4/127.0.0.1/tcp/${proxy.port}`]);
    expect(await a.mesh.send(b.mesh.self, text('before'))).toBe(true);
    await until('gossip flows', async () => {
      await Promise.all([a.mesh.publish('beats', text('beat')), b.mesh.publish('beats', text('beat'))]);
      return a.gossip.length > 0 && b.gossip.length > 0;
    });

    proxy.freeze(true);
    await until('both gave the connection up', async () => {
      // Somebody who keeps talking does not keep it alive.
      if (a.downs.length === 0) void a.mesh.send(b.mesh.self, text('into the void'));
      return a.downs.length > 0 && b.downs.length > 0;
    });
    expect(a.mesh.counters().cutSilent).toBeGreaterThan(0);
    expect(b.mesh.counters().cutSilent).toBeGreaterThan(0);

    proxy.freeze(false);
    await until('they talk again', async () => {
      await a.mesh.send(b.mesh.self, text('after'));
      return b.messages.some((message) => new TextDecoder().decode(message.bytes) === 'after');
    });
  });

  it('that is idle stays', async () => {
    const limits = { sweepMs: 20, silenceMsMax: 300 };
    const [a, b] = await Promise.all([startMesh({ limits }), startMesh({ limits })]);
    await a.mesh.dial(b.mesh.self, b.mesh.addresses());
    const wireBytes = (): number => a.mesh.counters().wireInBytes;
    const settled = wireBytes();
    // Several keep-alives, hence several times the silence that would be fatal.
    await until('keep-alives have passed', () => wireBytes() > settled + 2000);
    expect([a.downs, b.downs]).toEqual([[], []]);
  });

  it('that lost its gossip is cut', async () => {
    const target = await startMesh({ limits: { sweepMs: 20, silenceMsMax: 200 } });
    const init = {
      privateKey: randomBytes(32),
      swarmKey: SWARM_KEY,
      swarmId: SWARM_ID,
      listen: [],
      seeds: [],
      handlers: undefined as never,
    };
    const host = await createHost(init, DEFAULT_MESH_LIMITS, [], {});
    await host.start();
    cleanups.push(() => host.stop());
    await host.dial(target.mesh.addresses().map((address) => multiaddr(address)));
    await until('gossip flows', () => host.services.gossip.getPeers().length === 1);
    await (host.services.gossip as unknown as { stop: () => Promise<void> }).stop();
    await until('it is cut', () => target.mesh.counters().cutGossipless > 0);
    expect(target.mesh.counters().cutSilent).toBe(0);
  });
});
