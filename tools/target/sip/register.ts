// REGISTER as a registrar answers it (RFC 3261, section 10.3): what the request asks for, checked and applied as a whole, and the list of contacts that
// are bound now. Credentials were looked at before (arrival.ts); the bindings are registrar.ts's.

import { addressHeader, contactsOf as contactsIn, numberHeader } from '../../../node/wire/sip/headers.ts';
import type { SipHeader, SipRequest } from '../../../node/wire/sip/message.ts';
import { parseUri, unescaped } from '../../../node/wire/sip/uri.ts';
import { type Bridge, reply } from './bridge.ts';
import { applyRegister, type Contact, type ContactChange, contactsOf, EXPIRES_S_MAX, EXPIRES_S_MIN } from './registrar.ts';
import type { ServerTransaction } from './transactions.ts';

const EXPIRES_S_DEFAULT = 3_600;

/** The user that a To or a Request-URI names; null when it names none. */
export function userOf(uri: string): string | null {
  const parsed = parseUri(uri);
  return parsed?.kind === 'sip' && parsed.user !== null ? unescaped(parsed.user) : null;
}

export const contactHeaders = (contacts: readonly Contact[]): SipHeader[] =>
  contacts.map(({ uri, expiresS }) => ({ name: 'contact', value: `<${uri}>;expires=${expiresS}` }));

/** The changes that a request asks for, null for "remove all"; or the status that refuses it. */
function changesOf(request: SipRequest): readonly ContactChange[] | null | 400 | 423 {
  const contacts = contactsIn(request);
  const header = numberHeader(request, 'expires') ?? EXPIRES_S_DEFAULT;
  if (contacts === null) return 400;
  if (contacts === '*') return header === 0 ? null : 400;
  const changes = contacts.map(({ uri, expiresSeconds }) => ({ uri, expiresS: Math.min(expiresSeconds ?? header, EXPIRES_S_MAX) }));
  return changes.some(({ expiresS }) => expiresS > 0 && expiresS < EXPIRES_S_MIN) ? 423 : changes;
}

export function receiveRegister(bridge: Bridge, transaction: ServerTransaction): void {
  const { request } = transaction;
  const nowMs = bridge.service.clock.nowMs();
  const user = userOf(addressHeader(request, 'to')?.uri ?? '');
  const changes = changesOf(request);
  if (user === null) return reply(bridge, transaction, 404);
  if (changes === 400) return reply(bridge, transaction, 400);
  if (changes === 423) return reply(bridge, transaction, 423, [{ name: 'min-expires', value: String(EXPIRES_S_MIN) }]);
  const { callId, cseq } = request;
  const applied = applyRegister(bridge.registrar, { user, callId, cseq }, changes, nowMs);
  if (applied === 'out-of-order') return reply(bridge, transaction, 500);
  if (applied === 'full') return reply(bridge, transaction, 503, [{ name: 'retry-after', value: '60' }]);
  reply(bridge, transaction, 200, contactHeaders(contactsOf(bridge.registrar, user, nowMs)));
}
