// Digest authentication against the RFCs' own figures, between our client and our server, and on text that is none.

import { describe, expect, it } from 'vitest';
import { authenticationInfo, createDigestClient, isAuthorized, passwordHash, strongestChallenge } from '../../node/wire/sip/digest.ts';
import {
  type DigestAlgorithm,
  type DigestChallenge,
  digestAlgorithms,
  formatChallenge,
  formatCredentials,
  parseAuthenticationInfo,
  parseChallenge,
  parseCredentials,
} from '../../node/wire/sip/digest-text.ts';
import { parseSip } from '../../node/wire/sip/parse.ts';
import { sipBytes, unauthorized } from '../support/sip-samples.ts';

function challengeOf(text: string): DigestChallenge {
  const challenge = parseChallenge(text);
  if (challenge === null) throw new Error(`no challenge: ${text}`);
  return challenge;
}

describe('the figures of', () => {
  const mufasa = 'realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"';
  const circle =
    'realm="http-auth@example.org", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"';
  const longCnonce = 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ';

  it.each([
    ['RFC 2617, 3.5', `Digest ${mufasa}, qop="auth,auth-int"`, 'Circle Of Life', '0a4f113b', '6629fae49393a05397450978507c4ef1'],
    // RFC 2069, 2.4, as corrected by its erratum 749.
    ['RFC 2069, 2.4', `Digest ${mufasa}`, 'CircleOfLife', '', '1949323746fe6a43ef61f9606e7febea'],
    [
      'RFC 7616, 3.9.1, MD5',
      `Digest ${circle}, qop="auth, auth-int", algorithm=MD5`,
      'Circle of Life',
      longCnonce,
      '8ca523f5e9506fed4657c9700eebdbec',
    ],
    [
      'RFC 7616, 3.9.1, SHA-256',
      `Digest ${circle}, qop="auth, auth-int", algorithm=SHA-256`,
      'Circle of Life',
      longCnonce,
      '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1',
    ],
  ])('%s', (_source, text, password, cnonce, response) => {
    const client = createDigestClient({ challenge: challengeOf(text), username: 'Mufasa', password, cnonce });
    expect(client.authorize('GET', '/dir/index.html').response).toBe(response);
  });
});

describe('challenges', () => {
  it('are chosen by strength, the first of equals', () => {
    const choose = (...challenges: string[]) => {
      const fields = challenges.map((text) => `WWW-Authenticate: ${text}`).join('\r\n');
      const result = parseSip(sipBytes(unauthorized.replace(/WWW-Auth.*\r\nWWW-Auth.*/, fields)));
      if (!result.ok) throw new Error(result.failure.detail);
      return strongestChallenge(result.message, 'www-authenticate');
    };
    const digest = (nonce: string, more = '') => `Digest realm="r", nonce="${nonce}"${more}`;
    expect(choose(digest('a'), digest('b', ',algorithm=sha-256'), digest('c', ',algorithm=SHA-256'))?.nonce).toBe('b');
    expect(choose(digest('a'), digest('b', ',algorithm=SHA-512-256'), digest('c', ',algorithm=SHA-256-sess'))?.nonce).toBe('b');
    expect(choose(digest('a', ',algorithm=SHA-1'), 'Basic realm="r"', digest('d', ',algorithm=MD5-sess'))?.nonce).toBe('d');
    expect(choose('NTLM x')).toBeNull();
  });

  it('are read in any form', () => {
    expect(parseChallenge('dIGEST Realm = "a \\"b\\", c" ,, NONCE="n",stale=TRUE,qop=auth , x=y, algorithm="sha-256"')).toEqual({
      realm: 'a \\"b\\", c',
      nonce: 'n',
      opaque: null,
      algorithm: 'SHA-256',
      qop: ['auth'],
      isStale: true,
    });
  });

  it.each([
    ['', 'Digest', 'Digestrealm="r",nonce="n"', 'Digest realm="r"', 'Digest nonce="n"', 'Basic realm="r", nonce="n"'],
    [
      'Digest realm="r, nonce="n"',
      'Digest realm="r" nonce="n"',
      'Digest realm=, nonce="n"',
      'Digest realm="r", nonce="n", =x',
      'Digest realm',
    ],
    ['Digest realm="r", nonce="n", qop="auth-conf"', 'Digest realm="r", nonce="n", algorithm=MD6'],
  ])('are not %j ...', (...texts) => {
    expect(texts.filter((text) => parseChallenge(text) !== null)).toEqual([]);
  });
});

describe('client and server', () => {
  const password = 'pass:word ü';
  const challenge = (algorithm: DigestAlgorithm, qop: DigestChallenge['qop']): DigestChallenge => ({
    realm: 'a \\"realm\\"',
    nonce: 'n0',
    opaque: 'o',
    algorithm,
    qop,
    isStale: false,
  });
  const body = Buffer.from('v=0\r\n');
  const forms = digestAlgorithms.flatMap((algorithm) => [[], ['auth'], ['auth-int']].map((qop) => [algorithm, qop] as const));

  it.each(forms)('agree: %s, qop %j', (algorithm, qop) => {
    const sent = challenge(algorithm, qop as DigestChallenge['qop']);
    const received = challengeOf(formatChallenge(sent));
    expect(received).toEqual(sent);
    const client = createDigestClient({ challenge: received, username: 'no "ra"', password, cnonce: 'c0' });
    const asked = client.authorize('INVITE', 'sip:x', body);
    const credentials = parseCredentials(formatCredentials(asked));
    expect(credentials).toEqual(asked);
    if (credentials === null) return;
    const key = passwordHash(credentials.algorithm, credentials.username, credentials.realm, password);
    expect(isAuthorized(credentials, key, 'INVITE', body)).toBe(true);
    expect(isAuthorized(credentials, key, 'BYE', body)).toBe(false);
    expect(isAuthorized({ ...credentials, uri: 'sip:y' }, key, 'INVITE', body)).toBe(false);
    expect(isAuthorized({ ...credentials, nonce: 'n1' }, key, 'INVITE', body)).toBe(false);
    expect(isAuthorized(credentials, key, 'INVITE', Buffer.from('v=1'))).toBe(!qop.includes('auth-int'));
    expect(isAuthorized(credentials, passwordHash(algorithm, credentials.username, credentials.realm, 'x'), 'INVITE', body)).toBe(false);
    const info = parseAuthenticationInfo(authenticationInfo(credentials, key, body, 'n9'));
    expect(info?.nextNonce).toBe('n9');
    expect(info !== null && client.isProven(info, asked, body)).toBe(true);
    expect(info !== null && client.isProven({ ...info, responseAuth: 'ff' }, asked, body)).toBe(false);
  });

  it('count each request with a nonce, and begin again with the next', () => {
    const client = createDigestClient({ challenge: challenge('SHA-256', ['auth']), username: 'u', password, cnonce: 'c' });
    const seen = [client.authorize('A', 'sip:x'), client.authorize('A', 'sip:x')];
    client.renew('n1');
    seen.push(client.authorize('A', 'sip:x'));
    expect(seen.map(({ nonce, nc }) => [nonce, nc])).toEqual([
      ['n0', 1],
      ['n0', 2],
      ['n1', 1],
    ]);
    expect(new Set(seen.map(({ response }) => response)).size).toBe(3);
    expect(seen.map(formatCredentials)[1]).toMatch(/, cnonce="c", qop=auth, nc=00000002$/);
    expect(client.isProven({ nextNonce: null, responseAuth: null }, seen[0] ?? client.authorize('A', 'sip:x'))).toBeNull();
  });

  it('tell the server which body is meant only where asked to', () => {
    const both = createDigestClient({ challenge: challenge('MD5', ['auth-int', 'auth']), username: 'u', password, cnonce: 'c' });
    expect(both.authorize('A', 'sip:x').qop).toBe('auth');
  });

  it('let no value out of its quotes', () => {
    expect(() => formatChallenge({ ...challenge('MD5', []), realm: 'a", qop="auth' })).toThrow('quoted text');
    expect(() => formatChallenge({ ...challenge('MD5', []), nonce: 'a\\' })).toThrow('quoted text');
  });
});

describe('credentials', () => {
  const good = 'Digest username="u", realm="r", nonce="n", uri="sip:x", response="0123456789abcdef0123456789ABCDEF"';

  it('are read', () => {
    expect(parseCredentials(good)).toMatchObject({
      username: 'u',
      response: '0123456789abcdef0123456789abcdef',
      algorithm: 'MD5',
      qop: null,
      nc: 0,
    });
    expect(parseCredentials(`${good}, qop="auth", nc=0000001F, cnonce="c"`)).toMatchObject({ qop: 'auth', nc: 31, cnonce: 'c' });
  });

  it.each([
    ['another scheme', good.replace('Digest', 'Bearer')],
    ['no name', good.replace('username', 'user')],
    ['a response that is none', good.replace('0123', 'xyz!')],
    ['a count of seven digits', `${good}, qop=auth, nc=0000001, cnonce="c"`],
    ['no cnonce', `${good}, qop=auth, nc=00000001`],
    ['an unknown qop', `${good}, qop=auth-x, nc=00000001, cnonce="c"`],
    ['an unknown algorithm', `${good}, algorithm=MD9`],
  ])('are not: %s', (_what, text) => {
    expect(parseCredentials(text)).toBeNull();
  });

  it('of a server may say nothing', () => {
    expect(parseAuthenticationInfo('qop=auth')).toEqual({ nextNonce: null, responseAuth: null });
    expect(parseAuthenticationInfo('nextnonce')).toBeNull();
  });
});
