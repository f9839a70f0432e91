// The target as a registrar: bindings and their expiry, calls between registered users by redirection, and digest authentication, whose answers are
// computed here from RFC 7616's formula.

import { createHash } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { createLab, type Lab } from '../support/target-sip-lab.ts';
import { header, type Received, sdpText, withSdp } from '../support/target-sip-messages.ts';

const labs: Lab[] = [];

afterEach(() => {
  for (const lab of labs.splice(0)) lab.close();
});

function lab(...init: Parameters<typeof createLab>): Lab {
  const made = createLab(...init);
  labs.push(made);
  return made;
}

const REGISTRAR = 'sip:192.0.2.1';
const ALICE = 'sip:alice@192.0.2.1';

interface Registering {
  callId?: string;
  cseq: number;
  to?: string;
  headers: readonly string[];
}

async function register(a: Lab, { callId = 'r1', to = ALICE, ...parts }: Registering): Promise<Received> {
  await a.request('REGISTER', { uri: REGISTRAR, callId, to, ...parts });
  return a.last();
}

const contacts = (message: Received): string[] => message.headers.get('contact') ?? [];

describe('bindings', () => {
  test('added, refreshed, listed, expired, removed', async () => {
    const a = lab();
    const first = await register(a, { cseq: 1, headers: ['Contact: <sip:alice@192.0.2.9:5060>', 'Expires: 60'] });
    expect(contacts(first)).toEqual(['<sip:alice@192.0.2.9:5060>;expires=60']);
    await a.clock.advance(20_000);
    const second = await register(a, { cseq: 2, headers: ['Contact: <sip:alice@192.0.2.10>;expires=100, <sip:alice@192.0.2.9:5060>'] });
    expect(contacts(second)).toEqual(['<sip:alice@192.0.2.9:5060>;expires=3600', '<sip:alice@192.0.2.10>;expires=100']);
    expect(a.service.counters.sip.bindings).toEqual({ active: 2, peak: 2, total: 2 });
    await a.clock.advance(100_000);
    expect(contacts(await register(a, { cseq: 3, headers: [] }))).toEqual(['<sip:alice@192.0.2.9:5060>;expires=3500']);
    expect(a.service.counters.sip.bindings.active).toBe(1);
    expect(contacts(await register(a, { cseq: 4, headers: ['Contact: *', 'Expires: 0'] }))).toEqual([]);
    expect(a.service.counters.sip.bindings.active).toBe(0);
  });

  test.each([
    ['too short', 423, ['Contact: <sip:a@192.0.2.9>;expires=9'], /^Min-Expires: 10\r$/m],
    ['* without Expires: 0', 400, ['Contact: *'], /^CSeq/m],
    ['* beside another', 400, ['Contact: *, <sip:a@192.0.2.9>', 'Expires: 0'], /^CSeq/m],
    ['a contact that is none', 400, ['Contact: <<nobody>>'], /^CSeq/m],
    ['unknown extension', 420, ['Contact: <sip:a@192.0.2.9>', 'Require: time-travel'], /^Unsupported: time-travel\r$/m],
  ])('%s: %i, and nothing is changed', async (_name, status, headers, expected) => {
    const a = lab();
    await register(a, { cseq: 1, headers: ['Contact: <sip:first@192.0.2.9>'] });
    expect((await register(a, { cseq: 2, headers })).status).toBe(status);
    expect(a.last().text).toMatch(expected);
    expect(contacts(await register(a, { cseq: 3, headers: [] }))).toEqual(['<sip:first@192.0.2.9>;expires=3600']);
  });

  test('an older request of the same Call-ID changes nothing; another Call-ID may', async () => {
    const a = lab();
    await register(a, { cseq: 5, headers: ['Contact: <sip:a@192.0.2.9>'] });
    expect((await register(a, { cseq: 4, headers: ['Contact: <sip:a@192.0.2.9>;expires=0'] })).status).toBe(500);
    expect((await register(a, { callId: 'r2', cseq: 1, headers: ['Contact: <sip:a@192.0.2.9>;expires=0'] })).status).toBe(200);
    expect(a.service.counters.sip.bindings.active).toBe(0);
  });

  test('bounds: twenty contacts a user, sipBindingsMax in all; refreshing what is there is no new one', async () => {
    const many = Array.from({ length: 21 }, (_, index) => `<sip:a@192.0.2.9:${6000 + index}>`).join(', ');
    expect((await register(lab(), { cseq: 1, headers: [`Contact: ${many}`] })).status).toBe(503);
    const a = lab({ sipBindingsMax: 1 });
    await register(a, { cseq: 1, headers: ['Contact: <sip:a@192.0.2.9>'] });
    expect((await register(a, { callId: 'r2', cseq: 1, to: 'sip:bob@192.0.2.1', headers: ['Contact: <sip:b@192.0.2.9>'] })).status).toBe(
      503,
    );
    expect((await register(a, { cseq: 2, headers: ['Contact: <sip:a@192.0.2.9>'] })).status).toBe(200);
  });

  test('an INVITE to a registered user is told where it is: 302, until it has expired', async () => {
    const a = lab();
    await register(a, { cseq: 1, headers: ['Contact: <sip:alice@192.0.2.10:5062>;expires=60'] });
    const call = { uri: ALICE, ...withSdp(sdpText()) };
    await a.request('INVITE', { callId: 'c1', ...call });
    expect(a.last().status).toBe(302);
    expect(contacts(a.last())).toEqual(['<sip:alice@192.0.2.10:5062>;expires=60']);
    await a.clock.advance(60_000);
    await a.request('INVITE', { callId: 'c2', ...call });
    expect(a.last().status).toBe(404);
    expect(a.service.counters.sip.calls).toMatchObject({ total: 0, rejected: { 302: 1, 404: 1 } });
  });
});

describe('digest', () => {
  const hashOf = { md5: 'md5', 'sha-256': 'sha256' } as const;

  /** RFC 7616, 3.4.1, with qop=auth. */
  function authorization(challenge: string, method: string, uri: string, password: string, algorithm: keyof typeof hashOf): string {
    const hash = (text: string): string => createHash(hashOf[algorithm]).update(text).digest('hex');
    const nonce = /nonce="([^"]+)"/.exec(challenge)?.[1] ?? '';
    const realm = /realm="([^"]+)"/.exec(challenge)?.[1] ?? '';
    const response = hash(`${hash(`alice:${realm}:${password}`)}:${nonce}:00000001:xyz:auth:${hash(`${method}:${uri}`)}`);
    const named = algorithm === 'md5' ? 'MD5' : 'SHA-256';
    return `Authorization: Digest username="alice", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${response}", algorithm=${named}, qop=auth, nc=00000001, cnonce="xyz"`;
  }

  const contact = 'Contact: <sip:alice@192.0.2.9>';

  test.each(['md5', 'sha-256'] as const)('%s: challenged, right, wrong, stale, for another URI', async (sipAuth) => {
    const a = lab({ sipAuth, sipNonceMs: 60_000, sipPassword: 'pass' });
    const challenged = await register(a, { cseq: 1, headers: [contact] });
    expect(challenged.status).toBe(401);
    const challenge = header(challenged, 'www-authenticate');
    expect(challenge).toMatch(/^Digest realm="quilt-target", nonce="[^"]+", algorithm=(MD5|SHA-256), qop="auth"$/);
    const right = authorization(challenge, 'REGISTER', REGISTRAR, 'pass', sipAuth);
    expect((await register(a, { cseq: 2, headers: [contact, right] })).status).toBe(200);
    const wrong = authorization(challenge, 'REGISTER', REGISTRAR, 'word', sipAuth);
    expect((await register(a, { cseq: 3, headers: [contact, wrong] })).status).toBe(401);
    expect(header(a.last(), 'www-authenticate')).not.toContain('stale');
    const elsewhere = authorization(challenge, 'REGISTER', 'sip:elsewhere', 'pass', sipAuth);
    expect((await register(a, { cseq: 4, headers: [contact, elsewhere] })).status).toBe(401);
    const forged = right.replace(/nonce="(.)/, 'nonce="9$1');
    expect((await register(a, { cseq: 5, headers: [contact, forged] })).status).toBe(401);
    expect((await register(a, { cseq: 6, headers: [contact, 'Authorization: Basic YTpi', 'Authorization: Digest ,,='] })).status).toBe(401);
    await a.clock.advance(60_001);
    expect((await register(a, { cseq: 7, headers: [contact, right] })).status).toBe(401);
    expect(header(a.last(), 'www-authenticate')).toContain('stale=true');
    const fresh = authorization(header(a.last(), 'www-authenticate'), 'REGISTER', REGISTRAR, 'pass', sipAuth);
    expect((await register(a, { cseq: 8, headers: [contact, fresh] })).status).toBe(200);
    expect(a.service.counters.sip).toMatchObject({ challenges: 6, wrongCredentials: 1 });
  });

  test('new INVITEs are challenged, requests within the call and OPTIONS are not', async () => {
    const a = lab({ sipAuth: 'md5' });
    await a.request('OPTIONS', { callId: 'o1' });
    expect(a.last().status).toBe(200);
    const { headers = [], body } = withSdp(sdpText());
    await a.request('INVITE', { callId: 'c1', headers, body: body! });
    expect(a.last().status).toBe(401);
    const answer = authorization(header(a.last(), 'www-authenticate'), 'INVITE', a.uri, 'secret', 'md5');
    await a.request('INVITE', { callId: 'c1', cseq: 2, headers: [...headers, answer], body: body! });
    expect(a.last().status).toBe(200);
    const toTag = /tag=(.+)/.exec(header(a.last(), 'to'))![1]!;
    await a.request('ACK', { callId: 'c1', toTag, cseq: 2 });
    await a.request('BYE', { callId: 'c1', toTag, cseq: 3 });
    expect(a.last()).toMatchObject({ status: 200, method: 'BYE' });
  });

  test('sipAuthLoop: 401 whatever the credentials, counted', async () => {
    const a = lab({ sipAuth: 'md5', sipAuthLoop: 'on' });
    for (let cseq = 1; cseq <= 3; cseq += 1) {
      const challenge = cseq === 1 ? '' : header(a.last(), 'www-authenticate');
      const more = challenge === '' ? [] : [authorization(challenge, 'REGISTER', REGISTRAR, 'secret', 'md5')];
      expect((await register(a, { cseq, headers: [contact, ...more] })).status).toBe(401);
    }
    expect(a.service.counters.sip).toMatchObject({ injected: { authLoop: 3 }, wrongCredentials: 0, bindings: { total: 0 } });
  });
});
