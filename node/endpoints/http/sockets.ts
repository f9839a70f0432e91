// The connector of the http type: undici's own, with the time it took measured and the bytes of every socket counted. Bytes are read from the
// sockets' own counters, so they include headers; a sweep now and then costs less than counting at each request.

import type { Socket } from 'node:net';
import { buildConnector } from 'undici';
import type { Recorder } from '../../core/stats-types.ts';
import type { Clock } from '../endpoint.ts';

export interface Sockets {
  readonly connect: buildConnector.connector;
  /** Counts a connection that somebody else made, and how long that took. */
  readonly adopt: (socket: Socket, tookMs: number) => void;
  /** Adds what went over all sockets since the last call to data_sent and data_received. */
  readonly countBytes: () => void;
  readonly destroyAll: () => void;
}

export interface SocketsInit {
  readonly recorder: Recorder;
  readonly clock: Clock;
  readonly connectTimeoutMs: number;
  readonly rejectUnauthorized: boolean;
}

interface Counted {
  readonly socket: Socket;
  sent: number;
  received: number;
}

export function createSockets({ recorder, clock, connectTimeoutMs, rejectUnauthorized }: SocketsInit): Sockets {
  const sent = recorder.counter('data_sent');
  const received = recorder.counter('data_received');
  const connecting = recorder.trend('http_req_connecting');
  const open = new Set<Counted>();
  // HTTP/2 is off: many streams on one connection are another kind of load.
  const connect = buildConnector({ timeout: connectTimeoutMs, allowH2: false, rejectUnauthorized });

  const count = (counted: Counted): void => {
    const { bytesWritten, bytesRead } = counted.socket;
    sent.add(bytesWritten - counted.sent);
    received.add(bytesRead - counted.received);
    counted.sent = bytesWritten;
    counted.received = bytesRead;
  };
  const adopt = (socket: Socket, tookMs: number): void => {
    connecting.record(tookMs);
    const counted = { socket, sent: 0, received: 0 };
    open.add(counted);
    socket.once('close', () => {
      count(counted);
      open.delete(counted);
    });
  };
  return {
    adopt,
    connect(target, callback) {
      const startedMs = clock.nowMs();
      connect(target, (error, socket) => {
        if (error !== null || socket === undefined) return callback(error ?? new Error('no socket'), null);
        adopt(socket, clock.nowMs() - startedMs);
        callback(null, socket);
      });
    },
    countBytes() {
      for (const counted of open) count(counted);
    },
    destroyAll() {
      for (const { socket } of open) socket.destroy();
    },
  };
}
