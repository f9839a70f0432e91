// Who is registered where (RFC 3261, section 10.3), as plain state: contacts of users with their expiry, bounded. A user is the user part of the
// address; its domain is not looked at, as a test is the only one. Parsing, credentials and answers are register.ts's part.

import { begin, end, type Tally } from '../counters.ts';

interface Binding {
  uri: string;
  expiresAtMs: number;
  callId: string;
  cseq: number;
}

export interface Registrar {
  readonly users: Map<string, Binding[]>;
  readonly tally: Tally;
  readonly bindingsMax: number;
}

/** What one Contact of a REGISTER asks for. */
export interface ContactChange {
  readonly uri: string;
  readonly expiresS: number;
}

export type Contact = ContactChange;

/** Shorter would make a registrar of a million phones busy with nothing else; answered 423. Zero removes. */
export const EXPIRES_S_MIN = 10;
export const EXPIRES_S_MAX = 86_400;
const BINDINGS_PER_USER_MAX = 20;

export const createRegistrar = (tally: Tally, bindingsMax: number): Registrar => ({ users: new Map(), tally, bindingsMax });

/** Live contacts of a user, the latest first; what expired is forgotten. */
export function contactsOf(registrar: Registrar, user: string, nowMs: number): Contact[] {
  const bindings = registrar.users.get(user) ?? [];
  const live = bindings.filter(({ expiresAtMs }) => expiresAtMs > nowMs);
  keep(registrar, user, live, bindings.length);
  return live.toReversed().map(({ uri, expiresAtMs }) => ({ uri, expiresS: Math.ceil((expiresAtMs - nowMs) / 1000) }));
}

function keep(registrar: Registrar, user: string, bindings: Binding[], before: number): void {
  if (bindings.length === 0) registrar.users.delete(user);
  else registrar.users.set(user, bindings);
  if (before > bindings.length) end(registrar.tally, before - bindings.length);
}

/** Forgets all that expired, so that phones that never come back cost nothing. */
export function sweepRegistrar(registrar: Registrar, nowMs: number): void {
  for (const user of registrar.users.keys()) contactsOf(registrar, user, nowMs);
}

/**
 * Applies a REGISTER as a whole or not at all (10.3, step 7). `changes` null: remove every contact (`*`). `out-of-order`: an older request of the
 * same Call-ID than one already applied.
 */
export function applyRegister(
  registrar: Registrar,
  request: { user: string; callId: string; cseq: number },
  changes: readonly ContactChange[] | null,
  nowMs: number,
): 'done' | 'out-of-order' | 'full' {
  contactsOf(registrar, request.user, nowMs);
  const { user, callId, cseq } = request;
  const before = registrar.users.get(user) ?? [];
  const touched = (uri: string): boolean => changes === null || changes.some((change) => change.uri === uri);
  if (before.some((each) => touched(each.uri) && each.callId === callId && each.cseq >= cseq)) return 'out-of-order';
  const after = before.filter(({ uri }) => !touched(uri));
  for (const { uri, expiresS } of changes ?? []) {
    if (expiresS > 0) after.push({ uri, expiresAtMs: nowMs + expiresS * 1000, callId, cseq });
  }
  const added = after.length - before.length;
  if (after.length > BINDINGS_PER_USER_MAX || (added > 0 && registrar.tally.active + added > registrar.bindingsMax)) return 'full';
  for (let index = 0; index < added; index += 1) begin(registrar.tally);
  keep(registrar, user, after, before.length);
  return 'done';
}
