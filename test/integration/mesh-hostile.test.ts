// Hostile bytes at every door of the mesh: from a stranger on raw TCP, and from an insider that holds the swarm key and speaks libp2p. What counts
// each time is that the rubbish is refused and counted, that nothing of it reaches a handler, and that an honest peer is still served.

import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { multiaddr } from '@multiformats/multiaddr';
import { afterEach, describe, expect, it } from 'vitest';
import { createHost, type Host } from '../../node/adapters/mesh/host.ts';
import { DEFAULT_MESH_LIMITS } from '../../node/adapters/mesh/limits.ts';
import { fromText, type Recorded, SWARM_ID, SWARM_KEY, startMesh, text } from '../support/mesh-kit.ts';
import { until } from '../support/until.ts';

const RUBBISH = randomBytes(10 * 1024 * 1024);
const DIRECT = `/quilt/1/${SWARM_ID}/direct`;
const CONTROL = `/quilt/1/${SWARM_ID}/control`;
const ENTRIES = `quilt/1/${SWARM_ID}/entries`;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  await Promise.all(cleanups.splice(0).map((cleanup) => cleanup()));
});

/** A TCP connection to the mesh's port that says what it likes and does not mind being cut. */
async function stranger(target: Recorded): Promise<Socket> {
  const [, , , , port] = (target.mesh.addresses()[0] ?? '').split('/');
  const socket = connect(Number(port), '127.0.0.1');
  socket.on('error', () => {});
  cleanups.push(() => socket.destroy());
  await new Promise((resolve) => socket.once('connect', resolve));
  return socket;
}

/** A bare libp2p node with the right keys, connected to the mesh. */
async function insider(target: Recorded): Promise<Host> {
  const init = { privateKey: randomBytes(32), swarmKey: SWARM_KEY, swarmId: SWARM_ID, listen: [], seeds: [], handlers: undefined as never };
  const host = await createHost(init, { ...DEFAULT_MESH_LIMITS, gossipBytesMax: 64 * 1024 * 1024 }, [ENTRIES], {});
  await host.start();
  cleanups.push(() => host.stop());
  await host.dial(target.mesh.addresses().map((address) => multiaddr(address)));
  return host;
}

/** Opens a stream of the protocol and sends the chunks; being cut meanwhile is expected. */
async function say(
  host: Host,
  target: Recorded,
  protocol: string,
  chunks: readonly Uint8Array[],
): Promise<{ isOpen: () => boolean; abort: () => void }> {
  const connection = host.getConnections()[0];
  if (connection === undefined) throw new Error('not connected');
  const stream = await connection.newStream(protocol);
  try {
    for (const chunk of chunks) if (!stream.send(chunk)) await stream.onDrain({ signal: AbortSignal.timeout(5000) });
  } catch {
    // Cut off, as it should be.
  }
  return { isOpen: () => stream.status === 'open', abort: () => stream.abort(new Error('half way')) };
}

async function expectHonestService(target: Recorded): Promise<void> {
  const honest = await startMesh();
  honest.mesh.learn(target.mesh.self, target.mesh.addresses());
  expect(await honest.mesh.send(target.mesh.self, text('honest'))).toBe(true);
  await until('the honest message arrived', () => target.messages.some((message) => fromText(message.bytes) === 'honest'));
  expect(target.messages).toHaveLength(1);
  const answer = await honest.mesh.request(target.mesh.self, 'control', text('status'));
  expect(answer.ok && fromText(answer.value)).toBe('status');
}

describe('a stranger', () => {
  it('that sends 10 MB of rubbish is refused', async () => {
    const target = await startMesh({ limits: { dialMsMax: 1000 } });
    const socket = await stranger(target);
    socket.write(RUBBISH);
    await until('it is refused', () => target.mesh.counters().refusedConnections === 1);
    await expectHonestService(target);
    expect(target.ups).toHaveLength(1);
  });

  it('that says nothing, or half a handshake, is cut after a time', async () => {
    const target = await startMesh({ limits: { dialMsMax: 1000 } });
    await stranger(target);
    const half = await stranger(target);
    half.write(randomBytes(24));
    await until('both are refused', () => target.mesh.counters().refusedConnections === 2);
    await expectHonestService(target);
  });
});

describe('an insider', () => {
  it('that sends 10 MB of rubbish on a direct stream is cut off', async () => {
    const target = await startMesh();
    const host = await insider(target);
    const stream = await say(host, target, DIRECT, [new Uint8Array([0xff, 0xff, 0xff, 0xff]), RUBBISH]);
    await until('it is refused', () => target.mesh.counters().malformed === 1 && !stream.isOpen());
    await expectHonestService(target);
  });

  it('that sends 10 MB of rubbish as a request, or asks too large a one, is cut off', async () => {
    const target = await startMesh({ limits: { requestBytesMax: 1000 } });
    const host = await insider(target);
    await say(host, target, CONTROL, [new Uint8Array([0x7f, 0, 0, 0]), RUBBISH]);
    await say(host, target, CONTROL, [new Uint8Array([0, 0, 3, 233]), new Uint8Array(1001)]);
    await until('both are refused', () => target.mesh.counters().malformed === 2);
    await expectHonestService(target);
  });

  it('that stops within a frame, or drips, is cut off by the sweep', async () => {
    const target = await startMesh({ limits: { sweepMs: 50 } });
    const host = await insider(target);
    const stalled = await say(host, target, DIRECT, [new Uint8Array([0, 0, 1, 0]), new Uint8Array(10)]);
    const asking = await say(host, target, CONTROL, [new Uint8Array([0, 0, 1, 0]), new Uint8Array(10)]);
    const silent = await say(host, target, CONTROL, []);
    await until('all are refused', () => target.mesh.counters().malformed === 3);
    await until('all are cut', () => !stalled.isOpen() && !asking.isOpen() && !silent.isOpen());
    await expectHonestService(target);
  });

  it('that goes away within a frame is counted', async () => {
    const target = await startMesh();
    const host = await insider(target);
    const half = await say(host, target, DIRECT, [new Uint8Array([0, 0, 1, 0]), new Uint8Array(10)]);
    // The bytes must have arrived before the reset: a reset overtakes nothing within one connection.
    half.abort();
    await until('it is counted', () => target.mesh.counters().malformed === 1);
    await expectHonestService(target);
  });

  it('that sends 10 MB of rubbish as gossip harms nobody', async () => {
    const target = await startMesh();
    const host = await insider(target);
    await say(host, target, '/meshsub/1.2.0', [RUBBISH]);
    await say(host, target, '/meshsub/1.2.0', [new Uint8Array([5, 1, 2, 3, 4, 5]), RUBBISH.subarray(0, 1000)]);
    expect(target.gossip).toEqual([]);
    await expectHonestService(target);
  });

  it('that gossips a message larger than allowed is refused, and smaller ones still pass', async () => {
    const target = await startMesh({ limits: { gossipBytesMax: 1000 } });
    const host = await insider(target);
    const gossip = host.services.gossip;
    gossip.subscribe(ENTRIES);
    await until('they gossip with each other', () => gossip.getSubscribers(ENTRIES).length === 1);
    await gossip.publish(ENTRIES, new Uint8Array(1001));
    await until('it is refused', () => target.mesh.counters().refusedGossip === 1);
    await gossip.publish(ENTRIES, text('small'));
    await until('the small one arrived', () => target.gossip.length === 1);
    expect(target.gossip[0]?.text).toBe('small');
  });
});
