// Who may look and who may steer: a link from the operator's terminal holds a code, good once and for ten minutes; it becomes a session, which a cookie carries. A reader's code is good
// as often as it is used, and gives a session that can change nothing. Codes travel in the fragment of an address, which no server and no log ever sees. All of it is
// random, compared by hash, bounded in number and in time; nothing is kept on disk.

import { createHash, randomBytes } from 'node:crypto';

export type Role = 'operator' | 'reader';

export interface Sessions {
  /** For a link; an operator's code is good once. */
  code(role: Role): string;
  /** The session's token, or null when the code is wrong, used or too old. */
  login(code: string): string | null;
  roleOf(token: string | undefined): Role | null;
  logout(token: string): void;
}

const CODE_MS_MAX = 10 * 60_000;
const SESSION_MS_MAX = 12 * 3_600_000;
const SESSIONS_MAX = 64;
const CODES_MAX = 64;
const BYTES = 18;

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

interface Kept {
  readonly role: Role;
  readonly untilMs: number;
}

export function createSessions(nowMs: () => number, random = (): string => randomBytes(BYTES).toString('base64url')): Sessions {
  const codes = new Map<string, Kept>();
  const sessions = new Map<string, Kept>();
  const keep = (map: Map<string, Kept>, key: string, kept: Kept, max: number): void => {
    for (const [other, { untilMs }] of map) if (untilMs <= nowMs()) map.delete(other);
    const [oldest] = map.keys();
    if (map.size >= max && oldest !== undefined) map.delete(oldest);
    map.set(key, kept);
  };
  return {
    code(role) {
      const code = random();
      const untilMs = role === 'reader' ? Number.POSITIVE_INFINITY : nowMs() + CODE_MS_MAX;
      keep(codes, hashOf(code), { role, untilMs }, CODES_MAX);
      return code;
    },
    login(code) {
      const key = hashOf(code);
      const found = codes.get(key);
      if (found === undefined || found.untilMs <= nowMs()) return null;
      if (found.role === 'operator') codes.delete(key);
      const token = random();
      keep(sessions, hashOf(token), { role: found.role, untilMs: nowMs() + SESSION_MS_MAX }, SESSIONS_MAX);
      return token;
    },
    roleOf(token) {
      const found = token === undefined ? undefined : sessions.get(hashOf(token));
      return found === undefined || found.untilMs <= nowMs() ? null : found.role;
    },
    logout: (token) => void sessions.delete(hashOf(token)),
  };
}
