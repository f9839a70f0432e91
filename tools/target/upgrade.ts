// The door of the rooms: an HTTP upgrade of ws://HOST/rooms/MEETING?token=TOKEN becomes a room socket, or is refused with
// an HTTP status (404 unknown meeting, 401 missing or wrong token, 400 no proper handshake). An upgrade is load like any
// request: it passes the same gate and meets the same injected faults. RFC 6455 section 4.2.

import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { endRequest } from './counters.ts';
import { findMeeting, participantOfToken } from './meetings.ts';
import { joinRoom } from './rooms.ts';
import type { Service } from './service.ts';
import { decide, GARBAGE, refusalOf } from './traffic.ts';

const ROUTE = 'GET /rooms/:meetingId';

/** A longer frame ends the connection at once (close code 1009); up to here a message over the limit gets a polite error. */
const FRAME_BYTES_MAX = 2 * 1_048_576;

interface Attempt {
  service: Service;
  request: IncomingMessage;
  socket: Duplex;
  head: Buffer;
}

function answer(attempt: Attempt, status: number, body: string, retryAfterSeconds?: number): void {
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'connection: close',
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    ...(retryAfterSeconds === undefined ? [] : [`retry-after: ${retryAfterSeconds}`]),
  ];
  endRequest(attempt.service.counters, ROUTE, String(status));
  attempt.socket.once('finish', () => attempt.socket.destroy());
  attempt.socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
}

type Admission = { meetingId: string; participantId: string } | { status: number; error: string; message: string };

/** Whom the address and the token of this upgrade let in, or why nobody. */
function admissionOf(service: Service, address: string): Admission {
  const url = URL.parse(address, 'http://target');
  const meetingId = /^\/rooms\/([^/]+)$/.exec(url?.pathname ?? '')?.[1];
  if (url === null || meetingId === undefined) return { status: 404, error: 'not_found', message: 'rooms are at /rooms/MEETING' };
  const found = findMeeting(service.meetings, meetingId);
  if (!found.ok) return { status: 404, error: found.refusal, message: `there is no meeting ${meetingId}` };
  const participant = participantOfToken(found.value, url.searchParams.get('token'));
  if (participant !== undefined) return { meetingId, participantId: participant.id };
  return { status: 401, error: 'wrong_token', message: 'token is missing or not of this meeting' };
}

function enter(sockets: WebSocketServer, attempt: Attempt): void {
  const { service, request, socket, head } = attempt;
  const admission = admissionOf(service, request.url ?? '/');
  if (socket.destroyed) {
    endRequest(service.counters, ROUTE, 'aborted');
  } else if ('status' in admission) {
    answer(attempt, admission.status, JSON.stringify({ error: admission.error, message: admission.message }));
  } else {
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      endRequest(service.counters, ROUTE, '101');
      joinRoom(service, admission.meetingId, admission.participantId, webSocket);
    });
  }
}

function carryOut(sockets: WebSocketServer, attempt: Attempt, retryAfterSeconds: number, fate: ReturnType<typeof decide>['fate']): void {
  const { service, socket } = attempt;
  switch (fate) {
    case 'serve':
      enter(sockets, attempt);
      break;
    case 'error':
    case 'over_capacity': {
      const refusal = refusalOf(fate);
      answer(attempt, refusal.status, JSON.stringify(refusal.body), retryAfterSeconds);
      break;
    }
    case 'garbage':
      answer(attempt, 200, GARBAGE);
      break;
    case 'reset':
      endRequest(service.counters, ROUTE, 'reset');
      (socket as Socket).resetAndDestroy();
      break;
    case 'hang':
      socket.once('close', () => endRequest(service.counters, ROUTE, 'hung'));
      // HTTP sockets are half-open and paused: unread and unended, the client's leaving would never be seen.
      socket.once('end', () => socket.destroy());
      socket.resume();
      break;
  }
}

export interface Door {
  /** Sockets in rooms and sockets still being decided. */
  openSockets(): number;
  goAway(code: number, reason: string): void;
  terminate(): void;
}

/** Attaches the rooms to the HTTP server. */
export function openDoor(service: Service, server: Server): Door {
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: FRAME_BYTES_MAX });
  const raw = new Set<Duplex>();
  sockets.on('wsClientError', (_error, socket, request) => {
    const body = JSON.stringify({ error: 'bad_request', message: 'not a proper WebSocket handshake' });
    answer({ service, request, socket, head: Buffer.alloc(0) }, 400, body);
  });
  server.on('upgrade', (request, socket, head) => {
    raw.add(socket);
    socket.once('close', () => raw.delete(socket));
    // A client may reset at any moment before ws takes over; `close` follows and is enough.
    socket.on('error', () => {});
    const decision = decide(service);
    const attempt: Attempt = { service, request, socket, head };
    service.clock.after(decision.delayMs, () => carryOut(sockets, attempt, decision.retryAfterSeconds, decision.fate));
  });
  return {
    openSockets: () => raw.size,
    goAway(code, reason) {
      for (const socket of sockets.clients) socket.close(code, reason);
    },
    terminate() {
      for (const socket of raw) socket.destroy();
    },
  };
}
