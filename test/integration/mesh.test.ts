// One mesh and its neighbour, on real sockets: order, answers, refusals and the errors a person acts on.

import { describe, expect, it } from 'vitest';
import { createMesh } from '../../node/adapters/mesh.ts';
import { fromText, SWARM_KEY, startMesh, stopMesh, text } from '../support/mesh-kit.ts';
import { until } from '../support/until.ts';

const codeOf = (result: { ok: boolean; problems?: readonly { code: string }[] }): string =>
  result.ok ? 'ok' : (result.problems?.[0]?.code ?? '');

describe('direct messages', () => {
  it('arrive in the order of sending, dialled on demand from the address book', async () => {
    const [a, b] = await Promise.all([startMesh(), startMesh()]);
    a.mesh.learn(b.mesh.self, b.mesh.addresses());
    const sent = await Promise.all(Array.from({ length: 300 }, (_, index) => a.mesh.send(b.mesh.self, text(`message ${index}`))));
    expect(sent.every((handedOver) => handedOver)).toBe(true);
    await until('all arrived', () => b.messages.length === 300);
    expect(b.messages.map((message) => fromText(message.bytes))).toEqual(Array.from({ length: 300 }, (_, index) => `message ${index}`));
    expect(b.messages.every((message) => message.from === a.mesh.self)).toBe(true);
  });

  it('go both ways at once, small and large', async () => {
    const [a, b] = await Promise.all([startMesh(), startMesh()]);
    await a.mesh.dial(b.mesh.self, b.mesh.addresses());
    await until('both are connected', () => b.ups.length === 1);
    const large = new Uint8Array(3 * 1024 * 1024).fill(7);
    await Promise.all([a.mesh.send(b.mesh.self, large), b.mesh.send(a.mesh.self, text('hello')), a.mesh.send(b.mesh.self, text('after'))]);
    await until('all arrived', () => b.messages.length === 2 && a.messages.length === 1);
    expect(Buffer.compare(b.messages[0]?.bytes ?? text(''), large)).toBe(0);
    expect(fromText(b.messages[1]?.bytes ?? new Uint8Array())).toBe('after');
  });

  it('to a peer that is gone are dropped and counted, and find it again when it is back', async () => {
    const a = await startMesh();
    const key = new Uint8Array(32).fill(3);
    const b = await startMesh({ privateKey: key });
    const address = b.mesh.addresses()[0] ?? '';
    a.mesh.learn(b.mesh.self, [address]);
    expect(await a.mesh.send(b.mesh.self, text('one'))).toBe(true);
    await stopMesh(b);
    await until('a noticed', () => a.downs.includes(b.mesh.self));
    expect(await a.mesh.send(b.mesh.self, text('lost'))).toBe(false);
    expect(a.mesh.counters().dropped).toBe(1);
    const again = await startMesh({ privateKey: key, listen: [address.replace(/\/p2p\/.*/, '')] });
    expect(again.mesh.self).toBe(b.mesh.self);
    expect(await a.mesh.send(b.mesh.self, text('two'))).toBe(true);
    await until('it arrived', () => again.messages.length === 1);
  });

  it('queue up to a bound and then are dropped and counted', async () => {
    const a = await startMesh({ limits: { queueMessagesMax: 10, dialMsMax: 500 } });
    const silent = 'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N';
    a.mesh.learn(silent, ['/ip4/127.0.0.1/tcp/9']);
    const sent = await Promise.all(Array.from({ length: 50 }, () => a.mesh.send(silent, text('x'))));
    expect(sent.every((handedOver) => !handedOver)).toBe(true);
    expect(a.mesh.counters().dropped).toBe(50);
  });

  it('beyond the size limit are refused at the sender', async () => {
    const [a, b] = await Promise.all([startMesh({ limits: { messageBytesMax: 1000, gossipBytesMax: 1000 } }), startMesh()]);
    a.mesh.learn(b.mesh.self, b.mesh.addresses());
    expect(await a.mesh.send(b.mesh.self, new Uint8Array(1001))).toBe(false);
    expect(await a.mesh.publish('entries', new Uint8Array(1001))).toBe(false);
    expect(a.mesh.counters().refusedOwn).toBe(2);
  });
});

describe('requests', () => {
  it('are answered, both protocols, also with a large answer', async () => {
    const blob = new Uint8Array(5 * 1024 * 1024).fill(9);
    const b = await startMesh({
      request: (from, protocol, bytes) => Promise.resolve(protocol === 'blob' ? blob : text(`${from} ${fromText(bytes)}`)),
    });
    const a = await startMesh();
    a.mesh.learn(b.mesh.self, b.mesh.addresses());
    const [control, large] = await Promise.all([
      a.mesh.request(b.mesh.self, 'control', text('status')),
      a.mesh.request(b.mesh.self, 'blob', text('hash')),
    ]);
    expect(control.ok && fromText(control.value)).toBe(`${a.mesh.self} status`);
    expect(large.ok && Buffer.compare(large.value, blob)).toBe(0);
  });

  it('fail with a code when refused, late, too large or without anybody there', async () => {
    const b = await startMesh({
      request: (_from, protocol, bytes) => {
        if (protocol === 'control') return Promise.reject(new Error('no'));
        return fromText(bytes) === 'late' ? new Promise(() => {}) : Promise.resolve(new Uint8Array(2000));
      },
    });
    const a = await startMesh({ limits: { requestMsMax: 400, responseBytesMax: 1000, requestBytesMax: 100 } });
    a.mesh.learn(b.mesh.self, b.mesh.addresses());
    expect(codeOf(await a.mesh.request(b.mesh.self, 'control', text('x')))).toBe('QUILT_REQUEST_REFUSED');
    expect(codeOf(await a.mesh.request(b.mesh.self, 'blob', text('late')))).toBe('QUILT_REQUEST_TIMEOUT');
    expect(codeOf(await a.mesh.request(b.mesh.self, 'blob', text('big')))).toBe('QUILT_RESPONSE_TOO_LARGE');
    expect(codeOf(await a.mesh.request(b.mesh.self, 'blob', new Uint8Array(101)))).toBe('QUILT_REQUEST_TOO_LARGE');
    expect(codeOf(await a.mesh.request('not a peer', 'blob', text('x')))).toBe('QUILT_DIAL_NO_ADDRESS');
    expect(b.mesh.counters().refusedRequests).toBe(1);
  });

  it('of one peer are bounded', async () => {
    const b = await startMesh({ limits: { requestsPerPeerMax: 2 }, request: () => new Promise(() => {}) });
    const a = await startMesh({ limits: { requestMsMax: 500 } });
    a.mesh.learn(b.mesh.self, b.mesh.addresses());
    const answers = await Promise.all([1, 2, 3, 4].map(() => a.mesh.request(b.mesh.self, 'control', text('x'))));
    expect(answers.map(codeOf).sort()).toEqual(
      ['QUILT_REQUEST_REFUSED', 'QUILT_REQUEST_REFUSED', 'QUILT_REQUEST_TIMEOUT', 'QUILT_REQUEST_TIMEOUT'].sort(),
    );
  });
});

describe('connecting', () => {
  it('with another swarm key is refused and counted', async () => {
    const inside = await startMesh({ limits: { dialMsMax: 1500 } });
    const outside = await startMesh({ swarmKey: new Uint8Array(32).fill(1), limits: { dialMsMax: 1500 } });
    expect(codeOf(await outside.mesh.dial(inside.mesh.self, inside.mesh.addresses()))).toBe('QUILT_DIAL_HANDSHAKE');
    await until('it is counted', () => inside.mesh.counters().refusedConnections === 1);
    expect(inside.ups).toEqual([]);
    expect(outside.mesh.counters().dialsFailed).toBe(1);
  });

  it('tells nobody there, another node there, and no usable address apart', async () => {
    const [a, b, c] = await Promise.all([startMesh(), startMesh(), startMesh()]);
    const addressOfB = (b.mesh.addresses()[0] ?? '').replace(/\/p2p\/.*/, '');
    expect(codeOf(await a.mesh.dial(c.mesh.self, [addressOfB]))).toBe('QUILT_DIAL_WRONG_PEER');
    await stopMesh(b);
    expect(codeOf(await a.mesh.dial(b.mesh.self, [addressOfB]))).toBe('QUILT_DIAL_REFUSED');
    expect(codeOf(await a.mesh.dial(b.mesh.self, [addressOfB, 'nonsense', '/ip4/1.2.3.4']))).toBe('QUILT_DIAL_REFUSED');
    const stranger = await startMesh();
    expect(codeOf(await a.mesh.dial(stranger.mesh.self, ['nonsense']))).toBe('QUILT_DIAL_NO_ADDRESS');
    expect(codeOf(await a.mesh.dial(a.mesh.self, a.mesh.addresses()))).toBe('QUILT_DIAL_NO_ADDRESS');
  });

  it('to another swarm with the same key has nothing to say', async () => {
    const [a, b] = await Promise.all([startMesh(), startMesh({ swarmId: 'other' })]);
    a.mesh.learn(b.mesh.self, b.mesh.addresses());
    expect(await a.mesh.send(b.mesh.self, text('x'))).toBe(false);
    expect(codeOf(await a.mesh.request(b.mesh.self, 'control', text('x')))).toBe('QUILT_NO_STREAM');
    expect(b.messages).toEqual([]);
  });

  it('reports peers going up and down', async () => {
    const [a, b] = await Promise.all([startMesh(), startMesh()]);
    expect(codeOf(await a.mesh.dial(b.mesh.self, b.mesh.addresses()))).toBe('ok');
    await until('both know', () => a.ups.includes(b.mesh.self) && b.ups.includes(a.mesh.self));
    expect(a.mesh.peers()).toEqual([b.mesh.self]);
    await a.mesh.disconnect(b.mesh.self);
    await until('both know', () => a.downs.includes(b.mesh.self) && b.downs.includes(a.mesh.self));
  });

  it('on a port in use is a problem with a code', async () => {
    const a = await startMesh();
    const handlers = {
      gossip: () => {},
      message: () => {},
      request: () => Promise.reject(new Error()),
      peerUp: () => {},
      peerDown: () => {},
    };
    const listen = [(a.mesh.addresses()[0] ?? '').replace(/\/p2p\/.*/, '')];
    const created = await createMesh({
      privateKey: new Uint8Array(32).fill(5),
      swarmKey: SWARM_KEY,
      swarmId: 'x',
      listen,
      seeds: [],
      handlers,
    });
    expect(codeOf(created)).toBe('QUILT_PORT_IN_USE');
  });

  it('counts what went over the wire', async () => {
    const [a, b] = await Promise.all([startMesh(), startMesh()]);
    a.mesh.learn(b.mesh.self, b.mesh.addresses());
    await a.mesh.send(b.mesh.self, new Uint8Array(100_000));
    await until('it arrived', () => b.messages.length === 1);
    expect(a.mesh.counters().wireOutBytes).toBeGreaterThan(100_000);
    expect(b.mesh.counters().wireInBytes).toBeGreaterThan(100_000);
    expect(a.mesh.counters().connections).toBe(1);
  });
});

describe('a node that only dials out', () => {
  it('is reached through the seed that relays, for messages, requests and gossip', async () => {
    const seed = await startMesh({ relay: true });
    const seeds = seed.mesh.addresses();
    const hidden = await startMesh({ listen: [], relayed: true, seeds });
    await until('it has a relay slot', () => hidden.mesh.addresses().some((address) => address.includes('/p2p-circuit')));
    const other = await startMesh();
    other.mesh.learn(hidden.mesh.self, hidden.mesh.addresses());
    // More than the 128 KiB after which a default relay would cut.
    expect(await other.mesh.send(hidden.mesh.self, new Uint8Array(500_000))).toBe(true);
    await until('the message arrived', () => hidden.messages.length === 1);
    const answer = await other.mesh.request(hidden.mesh.self, 'control', text('ping'));
    expect(answer.ok && fromText(answer.value)).toBe('ping');
    await until('gossip arrives', async () => {
      await other.mesh.publish('entries', text('through the relay'));
      return hidden.gossip.some((item) => item.from === other.mesh.self);
    });
  });
});
