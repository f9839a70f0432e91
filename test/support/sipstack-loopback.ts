// SIP stacks on real sockets of the loopback interface, and the peers that tests play against them: a UDP socket and a TCP or TLS connection that write
// and read text. Counts and events are kept; everything that was opened is closed by `closeAll`.

import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monotonicNowMs } from '../../node/adapters/clock.ts';
import { createRng } from '../../node/core/rng.ts';
import { createUdpNetwork } from '../../node/media/udp-network.ts';
import { createTimers } from '../../node/runtime/worker-timers.ts';
import { createSipStack } from '../../node/sip/stack.ts';
import type { CallEvent, IncomingCall, InviteInit, SipAgent, SipAgentInit, SipCall, SipStack, SipStackInit } from '../../node/sip/types.ts';
import { describeEvent } from './sipstack-calls.ts';
import { SDP } from './sipstack-wire.ts';
import { until } from './until.ts';

export const HOST = '127.0.0.1';

export interface Endpoint {
  readonly stack: SipStack;
  readonly agent: SipAgent;
  readonly counts: Map<string, number>;
  /** Everything that the agent's calls were told, in order. */
  readonly events: string[];
  readonly incoming: IncomingCall[];
  readonly timersWaiting: () => number;
  readonly port: number;
  invite(target: string, over?: Partial<InviteInit>): SipCall;
  told(event: string): Promise<void>;
  counted(kind: string): Promise<void>;
}

export interface EndpointInit {
  readonly stack?: Partial<Omit<SipStackInit, 'local'>>;
  readonly transport?: SipStackInit['local']['transport'];
  readonly agent?: Partial<SipAgentInit>;
  readonly onInvite?: (call: IncomingCall) => void;
  readonly onEvent?: (event: CallEvent, call: SipCall) => void;
}

const closers: (() => Promise<unknown> | unknown)[] = [];

export async function closeAll(): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close();
}

export async function startEndpoint({
  stack: over,
  transport = 'udp',
  agent: agentOver,
  onInvite,
  onEvent,
}: EndpointInit = {}): Promise<Endpoint> {
  const counts = new Map<string, number>();
  const events: string[] = [];
  const incoming: IncomingCall[] = [];
  const network = createUdpNetwork({ nowMs: monotonicNowMs });
  const timers = createTimers({
    nowMs: monotonicNowMs,
    onFired() {},
    onFault(error) {
      throw error;
    },
  });
  const stack = await createSipStack({
    clock: timers,
    random: createRng(closers.length + 1).float,
    network,
    local: { host: HOST, transport },
    lookup: (host) => Promise.reject(new Error(`no such name: ${host}`)),
    onCount: (kind, count) => void counts.set(kind, (counts.get(kind) ?? 0) + count),
    ...over,
  });
  closers.push(async () => {
    await stack.close();
    network.close();
    timers.close();
  });
  const listen = (event: CallEvent, call: SipCall): void => {
    events.push(describeEvent(event));
    if (onEvent !== undefined) onEvent(event, call);
    else if (event.kind === 'offer') event.offer.answer(SDP);
  };
  const agent = await stack.createAgent({
    aor: 'sip:someone@example.test',
    contactUser: 'someone',
    auth: null,
    outboundProxy: null,
    localSocket: 'shared',
    userAgentName: 'test',
    onInvite(call) {
      incoming.push(call);
      call.listen(listen);
      if (onInvite === undefined) call.answer(SDP);
      else onInvite(call);
    },
    ...agentOver,
  });
  return {
    stack,
    agent,
    counts,
    events,
    incoming,
    timersWaiting: timers.waiting,
    port: stack.local.port,
    invite: (target, init = {}) => agent.invite({ target, sdp: SDP, onEvent: listen, ...init }),
    told: (event) => until(`told ${event}, not only ${events.join(', ')}`, () => events.includes(event)),
    counted: (kind) => until(`counted ${kind}, not only ${[...counts.keys()].join(', ')}`, () => (counts.get(kind) ?? 0) > 0),
  };
}

export interface Peer {
  readonly port: number;
  readonly heard: string[];
  send(text: string | Uint8Array): void;
  /** The `index`-th thing heard that begins so. */
  hears(start: string, index?: number): Promise<string>;
}

const hearing =
  (heard: readonly string[]) =>
  async (start: string, index = 0): Promise<string> => {
    const found = (): string | undefined => heard.filter((text) => text.startsWith(start))[index];
    await until(`${start} is heard, not only ${heard.map((text) => text.split('\r\n')[0]).join(', ')}`, () => found() !== undefined);
    return found() as string;
  };

/** A UDP socket that talks to a port; `onText` may answer by itself. */
export async function udpPeer(toPort: number, onText: (text: string, peer: Peer) => void = () => {}): Promise<Peer> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, HOST, resolve));
  closers.push(() => new Promise<void>((resolve) => socket.close(resolve)));
  const heard: string[] = [];
  const peer: Peer = {
    port: socket.address().port,
    heard,
    send: (text) => socket.send(text, toPort, HOST),
    hears: hearing(heard),
  };
  socket.on('message', (bytes, { port }) => {
    heard.push(bytes.toString());
    onText(bytes.toString(), peer);
  });
  return peer;
}

export interface StreamPeer extends Peer {
  readonly socket: Socket;
  readonly isClosed: () => boolean;
}

/** A TCP connection to a port; what comes is cut into messages at the start lines. */
export async function tcpPeer(toPort: number): Promise<StreamPeer> {
  const socket = connect(toPort, HOST);
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  closers.push(() => socket.destroy());
  const heard: string[] = [];
  let isClosed = false;
  let text = '';
  socket.on('error', () => {});
  socket.on('close', () => {
    isClosed = true;
  });
  socket.on('data', (bytes) => {
    text += bytes.toString();
    for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
      const length = end + 4 + Number(/^Content-Length: (\d+)/im.exec(text.slice(0, end))?.[1] ?? 0);
      if (text.length < length) return;
      heard.push(text.slice(0, length));
      text = text.slice(length);
    }
  });
  const { localPort = 0 } = socket;
  return { socket, port: localPort, heard, send: (bytes) => void socket.write(bytes), hears: hearing(heard), isClosed: () => isClosed };
}

/** A key and a certificate for 127.0.0.1 that it signs itself, PEM. */
export function selfSigned(): { readonly key: string; readonly cert: string } {
  const folder = mkdtempSync(join(tmpdir(), 'sip-tls-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  execFileSync('openssl', [...request, '-subj', '/CN=127.0.0.1', '-addext', `subjectAltName=IP:${HOST}`, '-keyout', key, '-out', cert], {
    stdio: 'ignore',
  });
  const pair = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  rmSync(folder, { recursive: true });
  return pair;
}
