// The target's SIP side without sockets and on a clock moved by hand: messages go in as text, what is sent is kept. Media runs over an in-memory network.

import type { NetAddress, UdpNetwork, UdpSocketInit } from '../../node/media/udp.ts';
import { parseSip } from '../../node/wire/sip/parse.ts';
import type { Clock } from '../../tools/target/clock.ts';
import { createMeeting, type Meeting } from '../../tools/target/meetings.ts';
import { checkOptions, type TargetOptions } from '../../tools/target/options.ts';
import { createService, type Service } from '../../tools/target/service.ts';
import { receiveMessage } from '../../tools/target/sip/agent.ts';
import { type Bridge, createBridge } from '../../tools/target/sip/bridge.ts';
import type { Flow } from '../../tools/target/sip/flow.ts';
import { createMedia } from '../../tools/target/sip/media.ts';
import { createMeetingCalls } from '../../tools/target/sip/meeting-calls.ts';
import { type Parts, type Received, readMessage, requestText } from './target-sip-messages.ts';

export interface LabClock extends Clock {
  /** Moves time on, running what is due in its order, with a turn for promises after each. */
  advance(ms: number): Promise<void>;
  timers(): number;
}

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
};

export function createLabClock(): LabClock {
  let nowMs = 1_000;
  let timers: { atMs: number; action: () => void }[] = [];
  const after = (delayMs: number, action: () => void): (() => void) => {
    if (delayMs < 0.5) {
      action();
      return () => {};
    }
    const timer = { atMs: nowMs + delayMs, action };
    timers.push(timer);
    return () => {
      timers = timers.filter((each) => each !== timer);
    };
  };
  return {
    nowMs: () => nowMs,
    after,
    every(periodMs, action) {
      let cancel = (): void => {};
      const wait = (): void => {
        cancel = after(periodMs, () => {
          wait();
          action();
        });
      };
      wait();
      return () => cancel();
    },
    within: (_boundMs, work) => work.then(() => true),
    async advance(ms) {
      const endMs = nowMs + ms;
      await settle();
      for (;;) {
        const [next] = timers.filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs);
        if (next === undefined) break;
        timers = timers.filter((each) => each !== next);
        nowMs = next.atMs;
        next.action();
        await settle();
      }
      nowMs = endMs;
    },
    timers: () => timers.length,
  };
}

const FIRST_PORT = 20_000;

export interface Datagram {
  fromPort: number;
  to: NetAddress;
  bytes: Uint8Array;
}

export interface LabNetwork extends UdpNetwork {
  sent: Datagram[];
  openPorts(): number[];
  deliver(bytes: Uint8Array, from: NetAddress, toPort: number): void;
}

export function createLabNetwork(): LabNetwork {
  const addresses: NetAddress[] = [];
  const sockets = new Map<number, UdpSocketInit>();
  const sent: Datagram[] = [];
  let nextPort = FIRST_PORT;
  const address = (host: string, port: number): NetAddress => {
    const known = addresses.find((each) => each.host === host && each.port === port);
    const made = known ?? { host, port, family: 4, index: addresses.length };
    if (known === undefined) addresses.push(made);
    return made;
  };
  return {
    kind: 'dgram',
    sent,
    address,
    open(init) {
      while (sockets.has(nextPort)) nextPort += 1;
      const port = init.port === 0 ? nextPort++ : init.port;
      if (sockets.has(port)) throw Object.assign(new Error('in use'), { code: 'EADDRINUSE' });
      sockets.set(port, init);
      const send = (bytes: Uint8Array, to: NetAddress): void => void sent.push({ fromPort: port, to, bytes: Uint8Array.from(bytes) });
      return { local: address(init.host, port), send, flush() {}, close: () => void sockets.delete(port) };
    },
    counters: () => ({ packetsSent: sent.length, packetsReceived: 0, sendFailures: new Map(), receiveDrops: 0 }),
    close: () => sockets.clear(),
    openPorts: () => [...sockets.keys()],
    deliver: (bytes, from, toPort) => sockets.get(toPort)?.onPacket(Uint8Array.from(bytes), from, 0),
  };
}

export interface Lab {
  service: Service;
  bridge: Bridge;
  clock: LabClock;
  network: LabNetwork;
  meeting: Meeting;
  uri: string;
  /** All that was sent to the caller, in order. */
  sent: Received[];
  flow: Flow;
  receive(text: string): Promise<void>;
  request(method: string, parts: Omit<Parts, 'uri'> & { uri?: string }): Promise<void>;
  last(): Received;
  close(): void;
}

export function createLab(options: Partial<TargetOptions> = {}, transport: 'UDP' | 'TCP' = 'UDP'): Lab {
  const checked = checkOptions({ sipAnswerDelayMs: 0, ...options });
  if (!checked.ok) throw new Error(checked.errors.join('; '));
  const clock = createLabClock();
  const network = createLabNetwork();
  const service = createService(checked.value, clock);
  const sent: Received[] = [];
  const flow: Flow = {
    transport,
    host: '192.0.2.9',
    port: 5060,
    localHost: '192.0.2.1',
    localPort: 5070,
    send: (bytes) => sent.push(readMessage(Buffer.from(bytes).toString('utf8'))) > 0,
  };
  const media = createMedia(service, network, '127.0.0.1');
  const bridge = createBridge({ service, flows: { udpTo: () => flow }, media });
  service.calls = createMeetingCalls(bridge, 5070);
  const created = createMeeting(service.meetings, service.options, 'lab');
  if (!created.ok) throw new Error(created.refusal);
  const uri = service.calls.meetingUri(created.value.id, '192.0.2.1');
  const receive = async (text: string): Promise<void> => {
    const parsed = parseSip(Buffer.from(text, 'utf8'));
    if (!parsed.ok) throw new Error(`${parsed.failure.kind}: ${parsed.failure.detail}`);
    receiveMessage(bridge, parsed.message, flow);
    await settle();
  };
  return {
    service,
    bridge,
    clock,
    network,
    meeting: created.value,
    uri,
    sent,
    flow,
    receive,
    request: (method, parts) => receive(requestText(method, { uri, transport, ...parts })),
    last: () => sent.at(-1)!,
    close() {
      bridge.transactions.stop();
      media.stop();
    },
  };
}

/** A call that is answered and acknowledged; returns our tag. */
export async function answered(lab: Lab, callId: string, parts: Pick<Parts, 'headers' | 'body'>, isAcknowledged = true): Promise<string> {
  await lab.request('INVITE', { callId, ...parts });
  const ok = lab.last();
  if (ok.status !== 200) throw new Error(`not answered: ${ok.start}`);
  const toTag = /;tag=([^;]+)/.exec(ok.headers.get('to')?.[0] ?? '')?.[1] ?? '';
  if (isAcknowledged) await lab.request('ACK', { callId, toTag });
  return toTag;
}
