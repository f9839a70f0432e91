// SIP stacks without sockets: a clock moved by hand and a network of memory that loses, doubles and delays datagrams as a seed or a story says.
// Everything is synchronous once the stacks are open, so that a whole minute of retransmissions is a millisecond of test.

import { createRng, type Rng } from '../../node/core/rng.ts';
import type { TimerEntry } from '../../node/endpoints/endpoint.ts';
import type { NetAddress, UdpNetwork, UdpSocketInit } from '../../node/media/udp.ts';
import { createSipStack } from '../../node/sip/stack.ts';
import type { SipAgentInit, SipStack, SipStackInit } from '../../node/sip/types.ts';

export interface SimClock {
  nowMs(): number;
  at(atMs: number, callback: () => void): TimerEntry;
  cancel(entry: TimerEntry): void;
  /** Moves time on to `atMs`, firing what is due in its order. */
  runTo(atMs: number): void;
  waiting(): number;
}

export function createSimClock(): SimClock {
  let nowMs = 0;
  let orders = 0;
  const entries: TimerEntry[] = [];
  return {
    nowMs: () => nowMs,
    at(atMs, callback) {
      const entry: TimerEntry = { atMs, order: orders++, callback };
      let index = entries.length;
      while (index > 0 && (entries[index - 1] as TimerEntry).atMs > atMs) index--;
      entries.splice(index, 0, entry);
      return entry;
    },
    cancel(entry) {
      entry.callback = null;
    },
    runTo(atMs) {
      for (let next = entries[0]; next !== undefined && next.atMs <= atMs; next = entries[0]) {
        entries.shift();
        nowMs = Math.max(nowMs, next.atMs);
        const { callback } = next;
        next.callback = null;
        callback?.();
      }
      nowMs = Math.max(nowMs, atMs);
    },
    waiting: () => entries.filter(({ callback }) => callback !== null).length,
  };
}

/** What becomes of a datagram: the delays after which copies of it arrive, ms. Empty: lost. */
export type Fate = (text: string, from: NetAddress, to: NetAddress) => readonly number[];

export interface SimNetwork extends UdpNetwork {
  /** Sees every datagram that is sent, with its fate. */
  onSent: (text: string, from: NetAddress, to: NetAddress, delays: readonly number[]) => void;
  fate: Fate;
  openSockets(): number;
}

export function createSimNetwork(clock: SimClock): SimNetwork {
  const addresses = new Map<string, NetAddress>();
  const sockets = new Map<NetAddress, UdpSocketInit>();
  let ports = 40_000;
  const address = (host: string, port: number): NetAddress => {
    const key = `${host} ${port}`;
    const known = addresses.get(key) ?? { host, port, family: 4 as const, index: addresses.size };
    addresses.set(key, known);
    return known;
  };
  const network: SimNetwork = {
    kind: 'dgram',
    address,
    onSent: () => {},
    fate: () => [1],
    open(init) {
      const local = address(init.host, init.port === 0 ? ports++ : init.port);
      sockets.set(local, init);
      return {
        local,
        send(bytes, to) {
          const text = Buffer.from(bytes).toString();
          const delays = network.fate(text, local, to);
          network.onSent(text, local, to, delays);
          for (const delayMs of delays) {
            clock.at(clock.nowMs() + delayMs, () => sockets.get(to)?.onPacket(Buffer.from(text), local, clock.nowMs()));
          }
        },
        flush: () => {},
        close: () => sockets.delete(local),
      };
    },
    counters: () => ({ packetsSent: 0, packetsReceived: 0, sendFailures: new Map(), receiveDrops: 0 }),
    close: () => sockets.clear(),
    openSockets: () => sockets.size,
  };
  return network;
}

/** Loses, doubles and delays by chance. */
export const lossy =
  (rng: Rng, { loss = 0, duplicate = 0, delayMsMax = 50 }): Fate =>
  () => {
    if (rng.float() < loss) return [];
    const delay = (): number => 1 + rng.below(delayMsMax);
    return rng.float() < duplicate ? [delay(), delay()] : [delay()];
  };

export interface Host {
  readonly stack: SipStack;
  readonly counts: Map<string, number>;
}

export interface SipLab {
  readonly clock: SimClock;
  readonly network: SimNetwork;
  readonly rng: Rng;
  host(ip: string, over?: Partial<SipStackInit>): Promise<Host>;
}

export function createSipLab(seed = 1): SipLab {
  const clock = createSimClock();
  const network = createSimNetwork(clock);
  const rng = createRng(seed);
  return {
    clock,
    network,
    rng,
    async host(ip, over = {}) {
      const counts = new Map<string, number>();
      const stack = await createSipStack({
        clock,
        random: rng.float,
        network,
        local: { host: ip, port: 5060, transport: 'udp' },
        lookup: (host) => Promise.reject(new Error(`no such name: ${host}`)),
        onCount: (kind, count) => counts.set(kind, (counts.get(kind) ?? 0) + count),
        ...over,
      });
      return { stack, counts };
    },
  };
}

export const agentInit = (user: string, ip: string, over: Partial<SipAgentInit> = {}): SipAgentInit => ({
  aor: `sip:${user}@${ip}`,
  contactUser: user,
  auth: null,
  outboundProxy: null,
  localSocket: 'shared',
  userAgentName: 'lab',
  ...over,
});
