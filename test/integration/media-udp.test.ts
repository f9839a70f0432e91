// The contract of UDP networks, run over each of them on loopback: whoever codes against udp.ts and packet-batch.ts finds the same behaviour in both.

import { afterEach, describe, expect, it } from 'vitest';
import { monotonicNowMs } from '../../node/adapters/clock.ts';
import type { PacketNetwork } from '../../node/media/packet-batch.ts';
import type { NetAddress } from '../../node/media/udp.ts';
import { linuxCalls } from '../../node/media/udp-linux-calls.ts';
import { createUdpNetwork } from '../../node/media/udp-network.ts';
import { until } from '../support/until.ts';

const kinds = linuxCalls() === null ? (['dgram'] as const) : (['mmsg', 'dgram'] as const);

interface Heard {
  readonly text: string;
  readonly from: NetAddress;
  readonly atMs: number;
}

describe.each(kinds)('UDP network %s', (kind) => {
  let network: PacketNetwork;
  const make = (): PacketNetwork => {
    network = createUdpNetwork({ nowMs: monotonicNowMs, kind });
    return network;
  };
  const hear = async (host: string) => {
    const heard: Heard[] = [];
    const socket = await network.open({
      host,
      port: 0,
      onPacket: (bytes, from, atMs) => heard.push({ text: Buffer.from(bytes).toString('latin1'), from, atMs }),
    });
    return { socket, heard };
  };
  afterEach(() => network.close());

  it.each(['127.0.0.1', '::1'])('carries datagrams both ways over %s, with the sender known and the time of arrival', async (host) => {
    make();
    const [a, b] = [await hear(host), await hear(host)];
    const sentMs = monotonicNowMs();
    a.socket.send(Buffer.from('hello'), b.socket.local);
    await until('it arrives', () => b.heard.length === 1);
    expect(b.heard[0]).toMatchObject({ text: 'hello' });
    expect(b.heard[0]?.from).toBe(a.socket.local);
    expect(b.heard[0]?.atMs).toBeGreaterThanOrEqual(sentMs - 1);
    expect(b.heard[0]?.atMs).toBeLessThanOrEqual(monotonicNowMs());
    b.socket.send(Buffer.from('back'), b.heard[0]?.from as NetAddress);
    await until('the answer arrives', () => a.heard.length === 1);
    expect(network.counters()).toMatchObject({ packetsSent: 2, packetsReceived: 2, receiveDrops: 0 });
  });

  it('copies what is sent and keeps its order, through more than one batch', async () => {
    make();
    const [a, b] = [await hear('127.0.0.1'), await hear('127.0.0.1')];
    const bytes = Buffer.alloc(4);
    const expected: string[] = [];
    for (let index = 0; index < 300; index++) {
      bytes.writeUInt32BE(index);
      expected.push(bytes.toString('latin1'));
      a.socket.send(bytes, b.socket.local);
    }
    await until('all arrive', () => b.heard.length === 300);
    expect(b.heard.map(({ text }) => text)).toEqual(expected);
  });

  it('carries an empty datagram and one of the largest', async () => {
    make();
    const [a, b] = [await hear('127.0.0.1'), await hear('127.0.0.1')];
    a.socket.send(new Uint8Array(0), b.socket.local);
    a.socket.send(new Uint8Array(65_507).fill(65), b.socket.local);
    await until('both arrive', () => b.heard.length === 2);
    expect(b.heard.map(({ text }) => text.length)).toEqual([0, 65_507]);
  });

  it('tells why a socket cannot be had, with a code', async () => {
    make();
    const { socket } = await hear('127.0.0.1');
    const opening = async (host: string, port: number) => network.open({ host, port, onPacket() {} });
    await expect(opening('127.0.0.1', socket.local.port)).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await expect(opening('192.0.2.1', 0)).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' });
    await expect(opening('localhost', 0)).rejects.toThrow('no IP literal');
  });

  it('counts what the kernel refuses to send', async () => {
    make();
    const { socket } = await hear('127.0.0.1');
    // A loopback sender cannot reach any other network.
    socket.send(Buffer.from('lost'), network.address('192.0.2.1', 9));
    await until('it is counted', () => network.counters().sendFailures.size > 0);
    expect([...network.counters().sendFailures.values()]).toEqual([1]);
    expect(network.counters().packetsSent).toBe(0);
  });

  it('interns addresses, whatever the spelling', () => {
    const { address } = make();
    expect(address('127.0.0.1', 5060)).toBe(address('127.0.0.1', 5060));
    expect(address('::1', 5060)).toBe(address('0:0:0:0:0:0:0:1', 5060));
    expect(address('2001:DB8:0::A', 1).host).toBe('2001:db8::a');
    expect(address('::ffff:192.0.2.7', 1).host).toBe('::ffff:c000:207');
    expect(address('127.0.0.1', 5060)).not.toBe(address('127.0.0.1', 5061));
    for (const [host, port] of [
      ['', 1],
      ['example.org', 1],
      ['fe80::1%eth0', 1],
      ['127.0.0.1', 65_536],
    ] as const)
      expect(() => address(host, port)).toThrow(TypeError);
  });

  it("takes the engine's packets: a header in front of a stored payload, senders by index, strangers as -1", async () => {
    make();
    const packets: { tag: number; bytes: string; from: number }[] = [];
    network.setSink({
      packet: (tag, offset, length, from) =>
        packets.push({ tag, bytes: Buffer.from(network.received.subarray(offset, offset + Math.abs(length))).toString('hex'), from }),
      unsent() {},
    });
    const receiver = await network.openPackets({ host: '127.0.0.1', port: 0, tag: 7 });
    const sender = await network.openPackets({ host: '127.0.0.1', port: 0, tag: 8 });
    const store = network.storePayloads([Uint8Array.of(1, 2), Uint8Array.of(3, 4, 5)]);
    sender.push(0x80 | 8, 0x1_ffff, 0x1_0000_0002, 0xdeadbeef, store, 1, receiver.local.index, 0);
    network.wake();
    await until('it arrives', () => packets.length === 1);
    expect(packets[0]).toEqual({ tag: 7, bytes: '8088ffff00000002deadbeef030405', from: sender.local.index });

    const other = createUdpNetwork({ nowMs: monotonicNowMs, kind });
    const stranger = await other.open({ host: '127.0.0.1', port: 0, onPacket() {} });
    stranger.send(new Uint8Array(3_000), other.address('127.0.0.1', receiver.local.port));
    await until('the strange packet arrives', () => packets.length === 2);
    expect(packets[1]?.from).toBe(-1);
    other.close();
  });

  it('sleeps when nothing is open, and wakes for parts of the turn', async () => {
    make();
    let turns = 0;
    const leave = network.joinTurns((nowMs) => (++turns < 3 ? nowMs + 2 : Number.POSITIVE_INFINITY));
    await until('three turns were made', () => turns === 3);
    network.wake();
    await until('a fourth', () => turns === 4);
    leave();
    network.turn();
    expect(turns).toBe(4);
  });
});
