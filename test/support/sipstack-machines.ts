// One transaction on a clock moved by hand, over a path that only writes down what is sent: the transcript says when what was sent, told and forgotten.
// Times go up in the steps of the stack's wheel (5 ms).

import { type ClientOwner, ClientTransactions } from '../../node/sip/client-transactions.ts';
import { defaultTimers } from '../../node/sip/machine.ts';
import { newRequest } from '../../node/sip/outgoing-request.ts';
import type { Path, Port } from '../../node/sip/path.ts';
import { type ServerOwner, ServerTransactions } from '../../node/sip/server-transactions.ts';
import { createSimClock } from './sipstack-lab.ts';
import { brief, parsedRequest, parsedResponse, peerRequest, replyText } from './sipstack-wire.ts';

const STEP_MS = 5;

export interface MachineInit {
  readonly isReliable?: boolean;
  /** What the path says to the first sending. */
  readonly isSendable?: boolean;
}

function createScene({ isReliable = false, isSendable = true }: MachineInit) {
  const clock = createSimClock();
  const lines: string[] = [];
  const note = (text: string): void => {
    lines.push(`${String(clock.nowMs()).padStart(6)} ${text}`);
  };
  const path: Path = {
    transport: isReliable ? 'tcp' : 'udp',
    isReliable,
    via: `SIP/2.0/${isReliable ? 'TCP' : 'UDP'} 10.0.0.1:5060`,
    remote: { host: '10.0.0.2', port: 5060 },
    port: {} as Port,
    isOpen: isSendable,
    send(message) {
      note(`sends ${brief(message.toString())}`);
      return isSendable;
    },
  };
  let size = 0;
  const watch = (sizeNow: number): void => {
    if (sizeNow < size) note('forgotten');
    size = sizeNow;
  };
  const to = (atMs: number, sizeNow: () => number): void => {
    while (clock.nowMs() < atMs) {
      clock.runTo(Math.min(atMs, clock.nowMs() + STEP_MS));
      watch(sizeNow());
    }
  };
  const init = { clock, timers: defaultTimers, countMax: 10, count: (kind: string) => note(`counts ${kind}`) };
  return { clock, lines, note, path, watch, to, init };
}

export function clientMachine(method: string, over: MachineInit = {}) {
  const { clock, lines, note, path, watch, to, init } = createScene(over);
  const clients = new ClientTransactions(init);
  const owner: ClientOwner = {
    onResponse: (_request, response) => note(`told ${response.status}`),
    onNoResponse: (_request, cause, detail) => note(`told ${cause}: ${detail}`),
  };
  const text = peerRequest(method, { branch: 'z9hG4bK-1' });
  const transaction = clients.start('z9hG4bK-1', text, path, owner, newRequest(method, 1, '', '', '', clock.nowMs()));
  watch(clients.size);
  return {
    lines,
    to: (atMs: number) => to(atMs, () => clients.size),
    receive(status: number): void {
      note(`gets ${status}`);
      if (!clients.receive(parsedResponse(replyText(text, status)), clock.nowMs())) note('nobody waits for it');
      watch(clients.size);
    },
    breakPath(): void {
      note('connection breaks');
      clients.pathLost(path, 'ECONNRESET');
      watch(clients.size);
    },
    abandon(): void {
      note('is given up');
      if (transaction !== null) clients.abandon(transaction);
      watch(clients.size);
    },
    size: () => clients.size,
  };
}

export function serverMachine(method: string, over: MachineInit = {}) {
  const { clock, lines, note, path, watch, to, init } = createScene(over);
  const servers = new ServerTransactions(init);
  const request = parsedRequest(peerRequest(method, { branch: 'z9hG4bK-1' }));
  note(`gets ${method}`);
  const transaction = servers.serve(request, path, path);
  if (transaction === null) throw new Error('no room');
  const owner: ServerOwner = { onAck: () => note('told ACK'), onNoAck: () => note('told: no ACK') };
  transaction.owner = owner;
  watch(servers.size);
  const receive = (what: string): void => {
    note(`gets ${what}`);
    const known = servers.absorb(parsedRequest(peerRequest(what, { branch: 'z9hG4bK-1' })), clock.nowMs());
    if (!known) note('belongs to no transaction');
    watch(servers.size);
  };
  return {
    lines,
    to: (atMs: number) => to(atMs, () => servers.size),
    /** The same request once more, or its ACK. */
    receive,
    respond(status: number): void {
      note(`answers ${status}`);
      servers.respond(transaction, { status, toTag: 'us' });
      watch(servers.size);
    },
    repeat(): void {
      note('repeats');
      servers.repeat(transaction);
    },
    size: () => servers.size,
  };
}
