// Who may look and who may steer: a link from the operator's terminal holds a code, good once and for ten minutes; it becomes a session, which a cookie carries. A reader's code is good
// as often as it is used, for a week, and gives a session that can change nothing. Codes travel in the fragment of an address, which no server and no log ever sees. Scripts have tokens, which
// they send in a header: no code and no cookie is one, and no token is either. All of it is random, compared by hash, bounded in number and in time. A keeper makes sessions and tokens
// outlive the server, so that an open page comes back to one that was restarted: it gets hashes only.

import { createHash, randomBytes } from 'node:crypto';

export type Role = 'operator' | 'reader';

export interface Sessions {
  /** For a link; an operator's code is good once. */
  code(role: Role): string;
  /** The session's token, or null when the code is wrong, used or too old. */
  login(code: string): string | null;
  roleOf(token: string | undefined): Role | null;
  logout(token: string): void;
  /** For a script; good until it expires or is ended. */
  token(role: Role): string;
  roleOfToken(token: string | undefined): Role | null;
  endToken(token: string): void;
  /** Ends every session, link and token there is. */
  forget(): void;
}

/** Holds one text over restarts. */
export interface SessionKeeper {
  load(): string | null;
  save(text: string): void;
}

export interface SessionsInit {
  /** Wall clock: what is kept is read by a later process. */
  readonly wallNowMs: () => number;
  readonly keeper?: SessionKeeper;
  readonly random?: () => string;
}

const CODE_MS_MAX = 10 * 60_000;
const READER_CODE_MS_MAX = 7 * 24 * 3_600_000;
const SESSION_MS_MAX = 12 * 3_600_000;
const SESSIONS_MAX = 64;
/** A script outlives its author's day; a token that was lost does not outlive the week. */
const TOKEN_MS_MAX = 7 * 24 * 3_600_000;
const TOKENS_MAX = 64;
const CODES_MAX = 64;
const BYTES = 18;

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

interface Kept {
  readonly role: Role;
  readonly untilMs: number;
}
type Book = Map<string, Kept>;

const HASH = /^[0-9a-f]{64}$/;

function bookOf(rows: unknown): Book {
  const book: Book = new Map();
  for (const row of Array.isArray(rows) ? (rows as unknown[]) : []) {
    const [hash, kept] = (Array.isArray(row) ? row : []) as [unknown, Partial<Kept> | null | undefined];
    const { role, untilMs } = kept ?? {};
    if (typeof hash === 'string' && HASH.test(hash) && (role === 'operator' || role === 'reader') && Number.isFinite(untilMs))
      book.set(hash, { role, untilMs: untilMs as number });
  }
  return book;
}

/** What cannot be read is forgotten: people log in again. */
function restore(text: string | null): { codes: Book; sessions: Book; tokens: Book } {
  try {
    const { codes, sessions, tokens } = JSON.parse(text ?? '{}') as { codes?: unknown; sessions?: unknown; tokens?: unknown };
    return { codes: bookOf(codes), sessions: bookOf(sessions), tokens: bookOf(tokens) };
  } catch {
    return { codes: new Map(), sessions: new Map(), tokens: new Map() };
  }
}

const anyToken = (): string => randomBytes(BYTES).toString('base64url');

export function createSessions({ wallNowMs, keeper, random = anyToken }: SessionsInit): Sessions {
  const { codes, sessions, tokens } = restore(keeper?.load() ?? null);
  const save = (): void => keeper?.save(JSON.stringify({ codes: [...codes], sessions: [...sessions], tokens: [...tokens] }));
  const keep = (book: Book, key: string, kept: Kept, max: number): void => {
    for (const [other, { untilMs }] of book) if (untilMs <= wallNowMs()) book.delete(other);
    const [oldest] = book.keys();
    if (book.size >= max && oldest !== undefined) book.delete(oldest);
    book.set(key, kept);
    save();
  };
  const roleIn = (book: Book, secret: string | undefined): Role | null => {
    const found = secret === undefined ? undefined : book.get(hashOf(secret));
    return found === undefined || found.untilMs <= wallNowMs() ? null : found.role;
  };
  return {
    code(role) {
      const code = random();
      const untilMs = wallNowMs() + (role === 'reader' ? READER_CODE_MS_MAX : CODE_MS_MAX);
      keep(codes, hashOf(code), { role, untilMs }, CODES_MAX);
      return code;
    },
    login(code) {
      const key = hashOf(code);
      const found = codes.get(key);
      if (found === undefined || found.untilMs <= wallNowMs()) return null;
      if (found.role === 'operator') codes.delete(key);
      const token = random();
      keep(sessions, hashOf(token), { role: found.role, untilMs: wallNowMs() + SESSION_MS_MAX }, SESSIONS_MAX);
      return token;
    },
    roleOf: (token) => roleIn(sessions, token),
    logout(token) {
      if (sessions.delete(hashOf(token))) save();
    },
    token(role) {
      const token = random();
      keep(tokens, hashOf(token), { role, untilMs: wallNowMs() + TOKEN_MS_MAX }, TOKENS_MAX);
      return token;
    },
    roleOfToken: (token) => roleIn(tokens, token),
    endToken(token) {
      if (tokens.delete(hashOf(token))) save();
    },
    forget() {
      for (const book of [codes, sessions, tokens]) book.clear();
      save();
    },
  };
}
