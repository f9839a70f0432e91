// The SIP stack over the sockets of loopback: calls over each transport, what TCP does to messages, strangers and forgeries, registrars, redirects and
// refusals, and a stack's end. What needs time is in virtual time: test/unit/sipstack-transactions.test.ts.

import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { RegistrationEvent, RequestResult, SipTransportName } from '../../node/sip/types.ts';
import { closeAll, type Endpoint, HOST, selfSigned, startEndpoint, tcpPeer, udpPeer } from '../support/sipstack-loopback.ts';
import { headerIn, peerRequest, replyText, SDP, tagIn } from '../support/sipstack-wire.ts';
import { until } from '../support/until.ts';

afterEach(closeAll);

const uriOf = ({ port }: Endpoint, transport: SipTransportName = 'udp', user = 'someone'): string =>
  `sip:${user}@${HOST}:${port}${transport === 'udp' ? '' : `;transport=${transport}`}`;

const ask = (endpoint: Endpoint, target: string): Promise<RequestResult> =>
  new Promise((resolve) => endpoint.agent.request({ method: 'OPTIONS', target, onResult: resolve }));

describe('a call', () => {
  it.each(['udp', 'tcp', 'tls'] as const)('stands, is asked, put on hold and hung up over %s', async (transport) => {
    const tls = transport === 'tls' ? { ...selfSigned(), isVerified: true } : undefined;
    const stack = tls === undefined ? {} : { tls: { ...tls, ca: tls.cert } };
    const [caller, called] = [await startEndpoint({ transport, stack }), await startEndpoint({ transport, stack })];
    const call = caller.invite(uriOf(called, transport));
    await caller.told('answered 200');
    await called.told('answered 200');
    call.options();
    await caller.told('response OPTIONS 200');
    call.info('text/plain', 'hello');
    await called.told('info');
    call.reinvite(SDP);
    await caller.told('response INVITE 200');
    called.incoming[0]?.update(SDP);
    await called.told('response UPDATE 200');
    called.incoming[0]?.hangUp();
    await caller.told('ended by remote');
    await called.told('ended by local');
    expect([...caller.counts.keys(), ...called.counts.keys()]).toEqual([]);
    expect(caller.stack.gauges().calls + called.stack.gauges().calls).toBe(0);
    // One connection each way: in-dialog requests go to the Contact.
    expect(caller.stack.gauges().connections).toBe(transport === 'udp' ? 0 : 2);
  });

  it('fails over TLS when the certificate is not trusted', async () => {
    const called = await startEndpoint({ transport: 'tls', stack: { tls: { ...selfSigned(), isVerified: true } } });
    const caller = await startEndpoint({ transport: 'tls', stack: { tls: { isVerified: true } } });
    caller.invite(uriOf(called, 'tls'));
    await until('the call has failed', () => caller.events.length > 0);
    expect(caller.events).toEqual(['failed transport DEPTH_ZERO_SELF_SIGNED_CERT']);
    expect(caller.counts.get('connect-failed')).toBe(1);
    expect(caller.stack.gauges()).toMatchObject({ calls: 0, connections: 0 });
  });

  it('over TLS goes through where any certificate will do, and comes back over the connection that was opened', async () => {
    const called = await startEndpoint({ transport: 'tls', stack: { tls: { ...selfSigned(), isVerified: true } } });
    const caller = await startEndpoint({ transport: 'tls', stack: { tls: { isVerified: false } } });
    caller.invite(uriOf(called, 'tls'));
    await caller.told('answered 200');
    expect(called.stack.gauges().connections).toBe(1);
  });

  it.each(['supported', 'required'] as const)('rings reliably where 100rel is %s, both ways', async (reliableProvisionals) => {
    const agent = { reliableProvisionals };
    const onInvite = (call: Endpoint['incoming'][number]): void => {
      call.ring(183, { isReliable: true, sdp: SDP });
      call.ring(180, { isReliable: true });
      call.answer(SDP);
    };
    const [one, other] = [await startEndpoint({ agent, onInvite }), await startEndpoint({ agent, onInvite })];
    for (const [caller, called] of [
      [one, other],
      [other, one],
    ] as const) {
      const call = caller.invite(uriOf(called));
      await until('it is answered', () => call.state() === 'established');
      call.hangUp();
      await until('it is over', () => call.state() === 'over');
      expect(caller.events.slice(0, 2)).toEqual(['ringing 183 reliable', 'answered 200']);
      caller.events.length = 0;
      await until('it is over there', () => called.events.some((event) => event.startsWith('ended')));
      called.events.length = 0;
    }
    expect(one.counts.size + other.counts.size).toBe(0);
  });
});

describe('what the other side says', () => {
  it('OPTIONS is answered with what is understood', async () => {
    const endpoint = await startEndpoint();
    expect(await ask(await startEndpoint(), uriOf(endpoint))).toMatchObject({ status: 200, cause: null });
    expect(await ask(await startEndpoint(), uriOf(endpoint, 'udp', 'nobody'))).toMatchObject({ status: 404 });
  });

  it('a redirect is followed, best contact first', async () => {
    const [caller, last] = [await startEndpoint(), await startEndpoint()];
    const contact: [string, string] = ['Contact', `<sip:x@${HOST}:1>;q=0.1, <${uriOf(last)}>;q=0.9`];
    const first = await startEndpoint({ onInvite: (call) => call.reject(302, 'Moved', [contact]) });
    caller.invite(uriOf(first));
    await caller.told('answered 200');
    expect(last.incoming).toHaveLength(1);
  });

  it('redirects in a circle come to an end', async () => {
    const caller = await startEndpoint();
    const circle: Endpoint = await startEndpoint({ onInvite: (call) => call.reject(302, 'Moved', [['Contact', `<${uriOf(circle)}>`]]) });
    caller.invite(uriOf(circle), { redirectsMax: 3 });
    await caller.told('failed redirect-limit 302 Moved');
    expect(circle.incoming).toHaveLength(4);
  });

  it('503 is told with its Retry-After', async () => {
    const refusing = await startEndpoint({ onInvite: (call) => call.reject(503, undefined, [['Retry-After', '7 (later)']]) });
    const caller = await startEndpoint({ onEvent: (event) => void failures.push(event) });
    const failures: unknown[] = [];
    caller.invite(uriOf(refusing));
    await until('it has failed', () => failures.length > 0);
    expect(failures.at(-1)).toMatchObject({ kind: 'failed', cause: 'unavailable', status: 503, retryAfterMs: 7000 });
  });
});

const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

/** The nonce of a request whose credentials are those of a1:secret by RFC 7616, 3.4; null without, or with wrong ones. */
function provenNonce(text: string): string | null {
  const credentials = headerIn(text, 'Authorization');
  const field = (name: string): string => new RegExp(`[ ,]${name}="?([^",]+)`).exec(credentials)?.[1] ?? '';
  const [method = '', uri = ''] = text.split(' ');
  const secret = md5(`a1:${field('realm')}:secret`);
  const proof = md5(`${secret}:${field('nonce')}:${field('nc')}:${field('cnonce')}:auth:${md5(`${method}:${uri}`)}`);
  return field('uri') === uri && proof === field('response') ? field('nonce') : null;
}

describe('a registration', () => {
  it('lengthens after 423, proves itself, is refreshed with what it knows, and learns that its nonce is stale', async () => {
    const endpoint = await startEndpoint({ agent: { auth: { user: 'a1', password: 'secret' } } });
    let nonce = 'first';
    const challenge = (isStale: boolean) => ({
      headers: [`WWW-Authenticate: Digest realm="r", nonce="${nonce}", algorithm=MD5, qop="auth"${isStale ? ', stale=true' : ''}`],
    });
    const registrar = await udpPeer(endpoint.port, (text, peer) => {
      const proven = provenNonce(text);
      const expiresS = Number(headerIn(text, 'Expires'));
      if (expiresS > 0 && expiresS < 600) peer.send(replyText(text, 423, { headers: ['Min-Expires: 600'] }));
      else if (proven !== nonce) peer.send(replyText(text, 401, challenge(proven !== null)));
      else peer.send(replyText(text, 200, { headers: [`Contact: ${headerIn(text, 'Contact').replace(/expires=\d+/, 'expires=1')}`] }));
    });
    const told: RegistrationEvent[] = [];
    const registration = endpoint.agent.register({
      registrar: `sip:${HOST}:${registrar.port}`,
      expiresS: 60,
      refreshShare: 0.05,
      onState: (event) => void told.push(event),
    });
    await until('it was refreshed', () => told.length === 2);
    nonce = 'second';
    await until('it was refreshed with the new nonce', () => told.length >= 4);
    registration.unregister();
    await until('it is gone', () => told.at(-1)?.kind === 'unregistered');
    expect(told[0]).toMatchObject({ kind: 'registered', expiresS: 1, isRefresh: false, challenges: 1 });
    expect(told[1]).toMatchObject({ kind: 'registered', isRefresh: true, challenges: 0 });
    expect(told.filter((event) => event.kind === 'registered' && event.isRefresh && event.challenges === 1)).toHaveLength(1);
    expect(told.at(-1)).toMatchObject({ status: 200 });
    expect(registrar.heard.filter((text) => headerIn(text, 'Expires') === '60')).toHaveLength(1);
    expect(new Set(registrar.heard.map((text) => headerIn(text, 'Call-ID'))).size).toBe(1);
  });

  it('is refused when the password is wrong, without a loop', async () => {
    const endpoint = await startEndpoint({ agent: { auth: { user: 'a1', password: 'wrong' } } });
    let asked = 0;
    const registrar = await udpPeer(endpoint.port, (text, peer) => {
      peer.send(replyText(text, 401, { headers: [`WWW-Authenticate: Digest realm="r", nonce="n${++asked}", qop="auth"`] }));
    });
    const told: RegistrationEvent[] = [];
    endpoint.agent.register({ registrar: `sip:${HOST}:${registrar.port}`, expiresS: 60, onState: (event) => void told.push(event) });
    await until('it has failed', () => told.length > 0);
    expect(told).toMatchObject([{ kind: 'failed', cause: 'auth-rejected', status: 401 }]);
    expect(asked).toBe(2);
  });
});

describe('strangers', () => {
  it('a forged BYE is answered 481 and counted, and the call stays', async () => {
    const called = await startEndpoint();
    const [caller, stranger] = [await udpPeer(called.port), await udpPeer(called.port)];
    const uri = uriOf(called);
    const invite = { uri, at: `${HOST}:${caller.port}` };
    caller.send(peerRequest('INVITE', { ...invite, body: SDP }));
    const dialog = { uri, callId: 'call', fromTag: 'peer', toTag: tagIn(await caller.hears('SIP/2.0 200'), 'To') };
    caller.send(peerRequest('ACK', { ...invite, ...dialog, branch: 'z9hG4bK-ack' }));
    await called.told('answered 200');
    const forge = (part: object): void =>
      stranger.send(
        peerRequest('BYE', { at: `${HOST}:${stranger.port}`, ...dialog, cseq: 9, branch: `z9hG4bK-${Object.keys(part)}`, ...part }),
      );
    forge({ fromTag: 'guess' });
    forge({ callId: 'guess' });
    forge({ toTag: 'guess' });
    await stranger.hears('SIP/2.0 481', 2);
    expect(called.counts).toEqual(
      new Map([
        ['forged', 2],
        ['stray-request', 1],
      ]),
    );
    expect(called.stack.gauges().calls).toBe(1);
    caller.send(peerRequest('BYE', { ...invite, ...dialog, cseq: 2 }));
    expect(headerIn(await caller.hears('SIP/2.0 200', 1), 'CSeq')).toBe('2 BYE');
    expect(called.events).toEqual(['answered 200', 'ended by remote']);
  });

  it('a response with a second Via was meant for somebody else (8.1.3.3)', async () => {
    const endpoint = await startEndpoint();
    const peer = await udpPeer(endpoint.port, (text, self) => {
      const other = `Via: SIP/2.0/UDP ${HOST}:9;branch=z9hG4bK-other\r\n`;
      self.send(replyText(text, 603).replace('From: ', `${other}From: `));
      self.send(replyText(text, 200));
    });
    expect(await ask(endpoint, `sip:${HOST}:${peer.port}`)).toMatchObject({ status: 200 });
    expect(endpoint.counts.get('stray-response')).toBe(1);
  });

  it('responses, ACKs and rubbish to nobody are counted by kind and leave nothing', async () => {
    const endpoint = await startEndpoint();
    const stranger = await udpPeer(endpoint.port);
    const at = `${HOST}:${stranger.port}`;
    stranger.send(replyText(peerRequest('INVITE', { at }), 200));
    stranger.send(peerRequest('ACK', { at, uri: uriOf(endpoint), toTag: 'x' }));
    stranger.send('\r\n\r\n');
    stranger.send('not sip at all\r\n\r\n');
    stranger.send(Buffer.alloc(600, 0xff));
    stranger.send(peerRequest('OPTIONS', { at, uri: uriOf(endpoint) }).replace(/^Call-ID: .*\r\n/m, ''));
    for (const kind of ['stray-response', 'stray-ack', 'keep-alive']) await endpoint.counted(kind);
    expect(await ask(endpoint, uriOf(endpoint))).toMatchObject({ status: 200 });
    expect([...endpoint.counts].filter(([kind]) => kind.startsWith('malformed-')).reduce((sum, [, count]) => sum + count, 0)).toBe(3);
    expect(await stranger.hears('SIP/2.0 400')).toContain('CSeq: 1 OPTIONS');
    expect(endpoint.stack.gauges().calls).toBe(0);
  });
});

describe('TCP', () => {
  const requestOf = (endpoint: Endpoint, port: number, cseq: number): string =>
    peerRequest('OPTIONS', { at: `${HOST}:${port}`, uri: uriOf(endpoint, 'tcp'), transport: 'TCP', cseq });

  it('messages in pieces and messages in one piece are the same messages', async () => {
    const endpoint = await startEndpoint({ transport: 'tcp' });
    const peer = await tcpPeer(endpoint.port);
    for (const byte of Buffer.from(requestOf(endpoint, peer.port, 1))) {
      peer.send(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await peer.hears('SIP/2.0 200');
    peer.send([2, 3, 4].map((cseq) => requestOf(endpoint, peer.port, cseq)).join('\r\n'));
    await peer.hears('SIP/2.0 200', 3);
    expect(peer.heard.map((text) => headerIn(text, 'CSeq'))).toEqual([1, 2, 3, 4].map((cseq) => `${cseq} OPTIONS`));
    expect(endpoint.stack.gauges()).toMatchObject({ connections: 1, transactions: 0 });
  });

  it('a message that is too large is refused before it is read, and the connection closed', async () => {
    const endpoint = await startEndpoint({ transport: 'tcp', stack: { limits: { messageBytes: 4096 } } });
    const peer = await tcpPeer(endpoint.port);
    peer.send(requestOf(endpoint, peer.port, 1).replace('Content-Length: 0', 'Content-Length: 5000000'));
    await peer.hears('SIP/2.0 413');
    await until('it is closed', peer.isClosed);
    const endless = await tcpPeer(endpoint.port);
    endless.send(`OPTIONS ${uriOf(endpoint)} SIP/2.0\r\nSubject: ${'x'.repeat(10_000)}`);
    await until('it is closed', endless.isClosed);
    expect(endpoint.counts.get('oversized')).toBe(2);
    expect(endpoint.stack.gauges().connections).toBe(0);
  });

  it('half a message that stays half is closed; a busy connection with half a message behind each piece is not', async () => {
    const endpoint = await startEndpoint({ transport: 'tcp', stack: { limits: { partialMessageMs: 400 } } });
    const [dead, busy] = [await tcpPeer(endpoint.port), await tcpPeer(endpoint.port)];
    dead.send(requestOf(endpoint, dead.port, 1).slice(0, 100));
    let cseq = 0;
    let rest = '';
    while (!dead.isClosed() || cseq < 20) {
      const next = requestOf(endpoint, busy.port, ++cseq);
      busy.send(rest + next.slice(0, 100));
      rest = next.slice(100);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    busy.send(rest);
    await busy.hears('SIP/2.0 200', cseq - 1);
    expect(busy.isClosed()).toBe(false);
    expect(endpoint.counts.get('half-open')).toBe(1);
  });

  it('a connection that breaks fails what waits for an answer on it, and the next request opens another', async () => {
    const endpoint = await startEndpoint({ transport: 'tcp' });
    const other = await startEndpoint({ transport: 'tcp', onInvite: () => void other.stack.close() });
    endpoint.invite(uriOf(other, 'tcp'));
    await until('the call has failed', () => endpoint.events.some((event) => event.startsWith('failed transport')));
    expect(endpoint.stack.gauges().calls).toBe(0);
    const again = await startEndpoint({ transport: 'tcp' });
    endpoint.invite(uriOf(again, 'tcp'));
    await endpoint.told('answered 200');
  });
});

describe('close', () => {
  it('leaves no call, timer, connection or callback, and does not wait for handshakes that never end', async () => {
    const tls = { ...selfSigned(), isVerified: false };
    const endpoint = await startEndpoint({ transport: 'tls', stack: { tls }, onInvite: (call) => call.ring() });
    const caller = await startEndpoint({ transport: 'tls', stack: { tls } });
    caller.invite(uriOf(endpoint, 'tls'));
    await caller.told('ringing 180');
    const silent = connect(endpoint.port, HOST);
    const gone = new Promise<void>((resolve) => silent.once('close', () => resolve()));
    silent.on('error', () => {});
    await new Promise<void>((resolve) => silent.once('connect', resolve));
    const told: RegistrationEvent[] = [];
    const silence = await udpPeer(endpoint.port);
    const registrar = `sip:${HOST}:${silence.port};transport=tls`;
    endpoint.agent.register({ registrar, expiresS: 60, onState: (event) => void told.push(event) });
    await endpoint.stack.close();
    await gone;
    expect(endpoint.stack.gauges()).toEqual({ agents: 0, calls: 0, transactions: 0, connections: 0 });
    expect(endpoint.timersWaiting()).toBe(0);
    expect(endpoint.events).toEqual([]);
    expect(told).toEqual([]);
    await expect(endpoint.stack.createAgent({ ...late, localSocket: 'own' })).rejects.toThrow('the stack is closed');
    await until('the caller lost its connection', () => caller.events.some((event) => event.startsWith('failed transport')));
  });
});

const late = { aor: 'sip:l@x', contactUser: 'l', auth: null, outboundProxy: null, localSocket: 'shared', userAgentName: 't' } as const;
