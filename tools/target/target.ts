// The embedded system under test: a small conference service (HTTP API and signalling rooms on fastify and ws, a SIP server
// with media) for the demo and the tests. This file puts the parts together and takes them down: on stop, requests in flight
// finish, room sockets are told to go away, callers get their BYE, and what is left after drainMsMax is cut and counted.

import type { Server } from 'node:http';
import fastify, { type FastifyError, type FastifyInstance } from 'fastify';
import { loadRoutes } from './api.ts';
import { type Clock, systemClock } from './clock.ts';
import { controlRoutes, targetStats } from './control.ts';
import type { TargetStats } from './counters.ts';
import { checkOptions, type TargetOptions } from './options.ts';
import { CLOSE_CODES } from './room-protocol.ts';
import { sweepRooms } from './rooms.ts';
import { createService, type Service } from './service.ts';
import { type SipServer, startSip } from './sip/server.ts';
import { type Door, openDoor } from './upgrade.ts';

export interface StopReport {
  /** What had to be cut because it was not done within drainMsMax. */
  requestsCut: number;
  socketsCut: number;
}

export interface Target {
  readonly url: string;
  readonly wsUrl: string;
  /** UDP and TCP, on the same host; null with `sip: 'off'`. */
  readonly sipPort: number | null;
  stats(): TargetStats;
  /** Drains and closes; calling it again returns the same promise. */
  stop(): Promise<StopReport>;
}

const BODY_BYTES_MAX = 65_536;
/** A spike of connections waits here; Linux caps it at net.core.somaxconn (4096). */
const BACKLOG = 4096;

/** Adds at most this much to a stop. */
const IDLE_SWEEP_MS = 20;

/** The HTTP side without a listening socket; tests may inject requests into it. */
export function buildHttp(service: Service): FastifyInstance {
  const http = fastify({ logger: false, bodyLimit: BODY_BYTES_MAX, routerOptions: { ignoreTrailingSlash: true } });
  http.setErrorHandler((error: FastifyError, _request, reply) => {
    const status = error.statusCode ?? 500;
    return reply.code(status).send({ error: status < 500 ? 'bad_request' : 'internal', message: error.message });
  });
  http.register(controlRoutes, { service });
  http.register(loadRoutes, { service });
  return http;
}

interface Parts {
  readonly service: Service;
  readonly http: FastifyInstance;
  readonly server: Server;
  readonly door: Door;
  readonly sip: SipServer | null;
}

async function stopAll({ service, http, server, door, sip }: Parts): Promise<StopReport> {
  const silenced = sip?.stop();
  door.goAway(CLOSE_CODES.goingAway, 'server is stopping');
  const closed = http.close();
  // Kept-alive connections that were busy when the server closed become idle later, and would hold it open.
  const stopSweeping = service.clock.every(IDLE_SWEEP_MS, () => server.closeIdleConnections());
  const isDrained = await service.clock.within(service.options.drainMsMax, closed);
  stopSweeping();
  await silenced;
  if (isDrained) return { requestsCut: 0, socketsCut: 0 };
  const report = { requestsCut: service.counters.requests.active, socketsCut: door.openSockets() };
  door.terminate();
  server.closeAllConnections();
  await closed;
  return report;
}

/** Starts a target; rejects with the system's error when it cannot listen, and with a list when the options are wrong. */
export async function startTarget(options: Partial<TargetOptions> = {}, clock: Clock = systemClock): Promise<Target> {
  const checked = checkOptions(options);
  if (!checked.ok) throw new TypeError(checked.errors.join('; '));
  const service = createService(checked.value, clock);
  const http = buildHttp(service);
  const server = http.server as Server;
  server.maxConnections = service.options.connectionsMax;
  server.on('drop', () => {
    service.counters.refused.connections += 1;
  });
  const door = openDoor(service, server);
  const { host, port } = service.options;
  const sip = service.options.sip === 'on' ? await startSip(service) : null;
  service.calls = sip;
  const url = await http.listen({ host, port, backlog: BACKLOG }).catch(async (error: unknown) => {
    await sip?.stop();
    throw error;
  });
  const stopHeartbeat = clock.every(service.options.heartbeatMs, () => sweepRooms(service));
  let stopping: Promise<StopReport> | undefined;
  return {
    url,
    wsUrl: url.replace(/^http/, 'ws'),
    sipPort: sip?.port ?? null,
    stats: () => targetStats(service),
    stop() {
      stopHeartbeat();
      stopping ??= stopAll({ service, http, server, door, sip });
      return stopping;
    },
  };
}
