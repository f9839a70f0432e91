// Signalling rooms: which sockets are in which meeting, fan-out, presence, and the bounds that keep one bad client from
// hurting the rest. A broadcast is encoded once and sent to all. A socket that reads too slowly (bufferedBytesMax), stays
// silent over two heartbeats, or sends ten refused messages is dropped and counted. Who may enter is upgrade.ts's part.

import { WebSocket } from 'ws';
import { drawAt, STREAMS } from './chance.ts';
import { begin, end } from './counters.ts';
import { CLOSE_CODES, parseClientMessage, type ServerMessage } from './room-protocol.ts';
import type { Service } from './service.ts';

interface Member {
  participantId: string;
  meetingId: string;
  socket: WebSocket;
  refusedMessages: number;
  heardSinceHeartbeat: boolean;
}

export type Rooms = Map<string, Map<string, Member>>;

/** More would let one broken client keep the server busy with refusals. */
const REFUSED_MESSAGES_MAX = 10;

export function createRooms(): Rooms {
  return new Map();
}

function encode(message: ServerMessage): Buffer {
  return Buffer.from(JSON.stringify(message), 'utf8');
}

/** True when the bytes were handed to the socket. */
function send(service: Service, member: Member, bytes: Buffer): boolean {
  if (member.socket.readyState !== WebSocket.OPEN) return false;
  if (member.socket.bufferedAmount > service.options.bufferedBytesMax) {
    service.counters.sockets.slowDropped += 1;
    member.socket.terminate();
    return false;
  }
  member.socket.send(bytes, { binary: false });
  service.counters.messages.bytesOut += bytes.length;
  return true;
}

function announce(service: Service, meetingId: string, type: 'joined' | 'left' | 'muted' | 'unmuted', participantId: string): void {
  const room = service.rooms.get(meetingId);
  if (room === undefined) return;
  if (room.size > service.options.presenceMembersMax) {
    service.counters.messages.presenceSuppressed += 1;
    return;
  }
  const bytes = encode({ type, participantId, participants: room.size });
  for (const member of room.values()) {
    const isNewcomer = type === 'joined' && member.participantId === participantId;
    if (!isNewcomer && send(service, member, bytes)) service.counters.messages.presenceOut += 1;
  }
}

function deliver(service: Service, from: Member, message: ServerMessage): void {
  service.counters.messages.in += 1;
  const isDropped = drawAt(service.options.seed, STREAMS.messageDrop, service.counters.messages.in) < service.settings.messageDropRate;
  if (isDropped) {
    service.counters.injected.messageDrop += 1;
    return;
  }
  const bytes = encode(message);
  service.clock.after(service.settings.roomDelayMs, () => {
    for (const member of service.rooms.get(from.meetingId)?.values() ?? []) {
      if (send(service, member, bytes)) service.counters.messages.out += 1;
    }
  });
}

function refuse(service: Service, member: Member, reason: string): void {
  service.counters.messages.refused += 1;
  member.refusedMessages += 1;
  send(service, member, encode({ type: 'error', reason }));
  if (member.refusedMessages < REFUSED_MESSAGES_MAX || member.socket.readyState !== WebSocket.OPEN) return;
  service.counters.sockets.closedForErrors += 1;
  member.socket.close(CLOSE_CODES.tooManyErrors, 'too many refused messages');
}

function receive(service: Service, member: Member, raw: Buffer, isBinary: boolean): void {
  member.heardSinceHeartbeat = true;
  service.counters.messages.bytesIn += raw.length;
  const message = parseClientMessage(raw, isBinary, service.options.messageBytesMax);
  switch (message.type) {
    case 'message':
      deliver(service, member, { ...message, from: member.participantId });
      break;
    case 'ping':
      service.counters.messages.pings += 1;
      service.clock.after(service.settings.roomDelayMs, () => send(service, member, encode({ type: 'pong', id: message.id })));
      break;
    case 'mute':
    case 'unmute':
      announce(service, member.meetingId, `${message.type}d`, member.participantId);
      break;
    case 'invalid':
      refuse(service, member, message.reason);
      break;
  }
}

/** Takes the member out if the room still means this socket; a replaced one leaves silently. */
function forget(service: Service, member: Member): void {
  const room = service.rooms.get(member.meetingId);
  if (room?.get(member.participantId) !== member) return;
  room.delete(member.participantId);
  if (room.size === 0) service.rooms.delete(member.meetingId);
  announce(service, member.meetingId, 'left', member.participantId);
}

/** Puts an accepted socket into its room. A second socket of one participant replaces the first: that is how clients reconnect. */
export function joinRoom(service: Service, meetingId: string, participantId: string, socket: WebSocket): void {
  const member: Member = { participantId, meetingId, socket, refusedMessages: 0, heardSinceHeartbeat: true };
  const room = service.rooms.get(meetingId) ?? new Map<string, Member>();
  service.rooms.set(meetingId, room);
  const previous = room.get(participantId);
  room.set(participantId, member);
  begin(service.counters.sockets);
  socket.on('message', (raw: Buffer, isBinary: boolean) => receive(service, member, raw, isBinary));
  socket.on('pong', () => {
    member.heardSinceHeartbeat = true;
  });
  // ws reports protocol errors and resets here and then closes; `close` does the accounting.
  socket.on('error', () => {});
  socket.on('close', () => {
    end(service.counters.sockets);
    forget(service, member);
  });
  send(service, member, encode({ type: 'welcome', participantId, participants: room.size }));
  if (previous === undefined) announce(service, meetingId, 'joined', participantId);
  else {
    service.counters.sockets.replaced += 1;
    previous.socket.close(CLOSE_CODES.replaced, 'replaced by a newer connection');
  }
}

export function leaveRoom(service: Service, meetingId: string, participantId: string): void {
  const member = service.rooms.get(meetingId)?.get(participantId);
  if (member === undefined) return;
  forget(service, member);
  member.socket.close(CLOSE_CODES.ended, 'participant removed');
}

export function endRoom(service: Service, meetingId: string): void {
  const bytes = encode({ type: 'ended' });
  const members = service.rooms.get(meetingId)?.values() ?? [];
  service.rooms.delete(meetingId);
  for (const member of members) {
    send(service, member, bytes);
    member.socket.close(CLOSE_CODES.ended, 'meeting ended');
  }
}

/** Called once a heartbeat: drops whoever did not answer the last ping, and pings the rest. */
export function sweepRooms(service: Service): void {
  for (const member of service.rooms.values().flatMap((room) => room.values())) {
    if (!member.heardSinceHeartbeat) {
      service.counters.sockets.silentDropped += 1;
      member.socket.terminate();
    } else if (member.socket.readyState === WebSocket.OPEN) {
      member.heardSinceHeartbeat = false;
      member.socket.ping();
    }
  }
}
