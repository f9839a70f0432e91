// The embedded target with an observer in front: it writes down when each request came, from which endpoint (header x-endpoint) and on which
// connection. It is outside everything that is measured, so what it saw is what happened, not what the swarm says happened. Times are the
// machine's monotonic clock, which the nodes use too (adapters/clock.ts).

import type { Socket } from 'node:net';
import { monotonicNowMs } from '../../../node/adapters/clock.ts';
import { systemClock } from '../../target/clock.ts';
import { DEFAULT_OPTIONS } from '../../target/options.ts';
import { createService } from '../../target/service.ts';
import { buildHttp } from '../../target/target.ts';

export interface Arrival {
  /** Slot of the endpoint within its group. */
  readonly endpoint: number;
  readonly atMs: number;
  readonly connection: number;
}

export interface RecordingTarget {
  readonly url: string;
  readonly arrivals: readonly Arrival[];
  forget(): void;
  stop(): Promise<void>;
}

export async function startRecordingTarget(): Promise<RecordingTarget> {
  const http = buildHttp(createService(DEFAULT_OPTIONS, systemClock));
  const arrivals: Arrival[] = [];
  const connections = new WeakMap<Socket, number>();
  let connectionCount = 0;
  // Node's own event, before any of fastify's work: the earliest moment at which the request can be known.
  http.server.on('request', (request) => {
    const atMs = monotonicNowMs();
    const connection = connections.get(request.socket) ?? connectionCount++;
    connections.set(request.socket, connection);
    const endpoint = request.headers['x-endpoint'];
    if (endpoint !== undefined) arrivals.push({ endpoint: Number(endpoint), atMs, connection });
  });
  const url = await http.listen({ host: '127.0.0.1', port: 0 });
  return {
    url,
    arrivals,
    forget: () => {
      arrivals.length = 0;
    },
    async stop() {
      http.server.closeAllConnections();
      await http.close();
    },
  };
}
