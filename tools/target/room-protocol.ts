// The words of the signalling room, without sockets: one text frame in, one decided message out. Hostile bytes end as an
// `invalid` value with the reason that the client is told. The table of messages is in README.md.

export type ClientMessage =
  | { type: 'message'; id: string | number; sentAt?: number; body: unknown }
  | { type: 'ping'; id: string | number }
  | { type: 'mute' }
  | { type: 'unmute' }
  | { type: 'invalid'; reason: string };

export type ServerMessage =
  | { type: 'welcome' | 'joined' | 'left' | 'muted' | 'unmuted'; participantId: string; participants: number }
  | { type: 'message'; id: string | number; from: string; sentAt?: number; body: unknown }
  | { type: 'pong'; id: string | number }
  | { type: 'error'; reason: string }
  | { type: 'ended' };

/** RFC 6455 section 7.4: 1000 and up are the standard's, 4000 and up are the application's. */
export const CLOSE_CODES = { ended: 1000, goingAway: 1001, tooManyErrors: 1008, replaced: 4001 } as const;

const KNOWN_TYPES = 'message, ping, mute, unmute';

function invalid(reason: string): ClientMessage {
  return { type: 'invalid', reason };
}

function isId(value: unknown): value is string | number {
  return typeof value === 'number' || (typeof value === 'string' && value.length <= 128);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function parseClientMessage(raw: Buffer, isBinary: boolean, messageBytesMax: number): ClientMessage {
  if (isBinary) return invalid('binary messages are not accepted');
  if (raw.length > messageBytesMax) return invalid(`message of ${raw.length} bytes, at most ${messageBytesMax} are accepted`);
  const value = parseJson(raw.toString('utf8')) as Record<string, unknown> | null | undefined;
  if (typeof value !== 'object' || value === null) return invalid('expected a JSON object');
  const { type, id, sentAt, body } = value;
  switch (type) {
    case 'mute':
    case 'unmute':
      return { type };
    case 'ping':
      return isId(id) ? { type, id } : invalid('ping: id must be a number or a string of at most 128 characters');
    case 'message':
      if (!isId(id)) return invalid('message: id must be a number or a string of at most 128 characters');
      if (sentAt !== undefined && typeof sentAt !== 'number') return invalid('message: sentAt must be a number');
      return { type, id, sentAt, body: body ?? null };
    default:
      return invalid(`unknown type; known are ${KNOWN_TYPES}`);
  }
}
