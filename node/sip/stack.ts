// Makes a stack: sockets, tables, and the thread between them. It decides the defaults of its bounds; the work is in the files that it puts together.

import { Agent } from './agent.ts';
import type { Call } from './call.ts';
import { ClientTransactions } from './client-transactions.ts';
import type { Core } from './core.ts';
import { createDestinations } from './destinations.ts';
import { createIds } from './ids.ts';
import { onMalformed, onMessage } from './inbound.ts';
import { defaultTimers } from './machine.ts';
import type { Port, PortEvents } from './path.ts';
import { ServerTransactions } from './server-transactions.ts';
import { StreamPool } from './stream-pool.ts';
import { StreamPort } from './stream-port.ts';
import type { SipAgentInit, SipLimits, SipStack, SipStackInit } from './types.ts';
import { UdpPort } from './udp-port.ts';
import { Wheel } from './wheel.ts';

export const defaultLimits: SipLimits = {
  // Each lingers for 32 s after its end and takes about 520 bytes then; at 10,000 calls a second that is 640,000.
  transactions: 1_000_000,
  calls: 100_000,
  connections: 20_000,
  connectionQueueBytes: 1_000_000,
  messageBytes: 256 * 1024,
  connectTimeoutMs: 5000,
  partialMessageMs: 32_000,
};

/** Rejects with the socket's error when the local address cannot be had. */
export async function createSipStack(init: SipStackInit): Promise<SipStack> {
  const core = createCore(init);
  const events: PortEvents = {
    onMessage: (message, path, atMs) => {
      if (!core.isClosed) onMessage(core, message, path, atMs);
    },
    onMalformed: (failure, path) => {
      if (!core.isClosed) onMalformed(core, failure, path);
    },
    onLost: (path, detail) => {
      if (!core.isClosed) core.clients.pathLost(path, detail);
    },
  };
  const shared = await openPort(init, core, events, null);
  return {
    local: shared.local,
    async createAgent(agentInit: SipAgentInit) {
      const isOwn = agentInit.localSocket === 'own';
      const port = isOwn ? await openPort(init, core, events, shared) : shared;
      if (core.isClosed) {
        if (isOwn) await port.close();
        throw new Error('the stack is closed');
      }
      const agent = new Agent(core, port, agentInit);
      core.agents.set(agentInit.contactUser, agent);
      if (isOwn) core.agentOfPort.set(port, agent);
      return agent;
    },
    gauges: () => ({
      agents: core.agents.size,
      calls: core.calls.size,
      transactions: core.clients.size + core.servers.size,
      connections: [shared, ...core.agentOfPort.keys()].reduce((sum, port) => sum + port.connectionCount(), 0),
    }),
    async close() {
      if (core.isClosed) return;
      core.isClosed = true;
      const ports = [shared, ...core.agentOfPort.keys()];
      for (const agent of [...core.agents.values()]) agent.close();
      core.clients.close();
      core.servers.close();
      core.wheel.close();
      await Promise.all(ports.map((port) => port.close()));
    },
  };
}

/** `shared`: the stack's port, for one of an agent's own; null for the stack's. */
async function openPort(init: SipStackInit, core: Core, events: PortEvents, shared: Port | null): Promise<Port> {
  const { network, tls, keepAliveMs = 0, onCount: count } = init;
  const { host, transport, port = 0, advertisedHost = host } = init.local;
  const { clock, limits } = core;
  const streams = new StreamPool({ clock, host, tls, limits, keepAliveMs, events, count });
  if (transport === 'udp') return UdpPort.open({ network, host, port: shared === null ? port : 0, advertisedHost, streams, events, count });
  if (shared !== null) return new StreamPort(advertisedHost, shared.local.port, streams);
  const canListen = transport === 'tcp' || (tls?.cert !== undefined && tls.key !== undefined);
  return StreamPort.open(advertisedHost, transport, canListen ? port : null, streams);
}

function createCore(init: SipStackInit): Core {
  const { clock, random, onCount } = init;
  const timers = { ...defaultTimers, ...init.timers };
  const limits = { ...defaultLimits, ...init.limits };
  const transactions = { clock, timers, countMax: limits.transactions, count: onCount };
  return {
    clock,
    random,
    timers,
    limits,
    transport: init.local.transport,
    largeByTcp: init.largeByTcp ?? false,
    ids: createIds(random),
    count: onCount,
    admit: init.admit ?? (() => {}),
    destinations: createDestinations(init.lookup, init.local.transport),
    clients: new ClientTransactions(transactions),
    servers: new ServerTransactions(transactions),
    wheel: new Wheel<Call>(clock, (call, nowMs) => call.onWake(nowMs)),
    calls: new Map(),
    agents: new Map(),
    agentOfPort: new Map(),
    paths: new Map(),
    merged: new Set(),
    isClosed: false,
  };
}
