// The target's HTTP side over loopback, as a client sees it: the whole API, its limits, injected faults that can be
// counted exactly, capacity, and what stopping does to requests in flight.

import { Client, Pool } from 'undici';
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../tools/target/clock.ts';
import { faultAt } from '../../tools/target/gate.ts';
import { checkOptions, type TargetOptions } from '../../tools/target/options.ts';
import { createService } from '../../tools/target/service.ts';
import { buildHttp, startTarget, type Target } from '../../tools/target/target.ts';
import { GARBAGE } from '../../tools/target/traffic.ts';

/** Waits for what is sure to come; the bound is for a busy machine, and only a failure ever reaches it. */
const eventually = <Value>(read: () => Value) => expect.poll(read, { timeout: 10_000, interval: 5 });

const FAST = { serviceTimeMs: 0, serviceTimeJitterMs: 0 };
const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(options: Partial<TargetOptions> = {}): Promise<{ target: Target; call: typeof call }> {
  const target = await startTarget({ ...FAST, ...options });
  const pool = new Pool(target.url, { connections: 8 });
  cleanups.push(
    () => target.stop(),
    () => pool.destroy(),
  );
  async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const request = { method, path, headers } as Parameters<Pool['request']>[0];
    if (body !== undefined)
      Object.assign(request, { body: JSON.stringify(body), headers: { ...headers, 'content-type': 'application/json' } });
    const response = await pool.request(request);
    const text = await response.body.text();
    return { status: response.statusCode, headers: response.headers, text, json: parse(text) };
  }
  return { target, call };
}

// biome-ignore lint/suspicious/noExplicitAny: test bodies are looked at field by field
function parse(text: string): any {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

describe('API', () => {
  test('a meeting from its creation to its end', async () => {
    const { target, call } = await start();
    const created = await call('POST', '/api/meetings', { title: 'stand-up' });
    expect(created.status).toBe(201);
    const { id, passcode } = created.json;
    expect(created.json).toEqual({
      id,
      title: 'stand-up',
      passcode: expect.stringMatching(/^[1-9]\d{5}$/),
      joinUrl: `${target.url}/api/meetings/${id}/participants`,
      roomUrl: `${target.wsUrl}/rooms/${id}`,
      sipUri: expect.stringMatching(new RegExp(`^sip:${id}@127\\.0\\.0\\.1:\\d+$`)),
    });

    const joined = await call('POST', `/api/meetings/${id}/participants`, { name: 'Ada', passcode: Number(passcode) });
    expect(joined.status, 'a passcode may be sent as a number').toBe(201);
    const { participantId, token } = joined.json;
    expect(joined.json.roomUrl).toBe(`${target.wsUrl}/rooms/${id}?token=${token}`);
    expect((await call('POST', `/api/meetings/${id}/participants`, { name: 'Eve', passcode: 'no' })).status).toBe(403);
    expect((await call('POST', '/api/meetings/1/participants', { name: 'Eve', passcode })).status).toBe(404);

    const looked = await call('GET', `/api/meetings/${id}`);
    expect(looked).toMatchObject({ status: 200, json: { id, title: 'stand-up', participants: 1, connected: 0 } });
    expect(looked.text, 'the passcode is for the creator only').not.toContain(passcode);
    expect((await call('DELETE', `/api/meetings/${id}/participants/${participantId}`)).status).toBe(204);
    expect((await call('DELETE', `/api/meetings/${id}/participants/${participantId}`)).status).toBe(404);
    expect(await call('DELETE', `/api/meetings/${id}`)).toMatchObject({ status: 204, text: '' });
    expect((await call('DELETE', `/api/meetings/${id}`)).status).toBe(404);
    expect((await call('GET', `/api/meetings/${id}`)).json).toMatchObject({ error: 'unknown_meeting' });

    const stats = (await call('GET', '/api/stats')).json;
    expect(stats.meetings).toEqual({ active: 0, peak: 1, total: 1 });
    expect(stats.participants).toEqual({ active: 0, peak: 1, total: 1 });
    expect(stats.requests.byRoute).toEqual({
      'POST /api/meetings': { 201: 1 },
      'POST /api/meetings/:id/participants': { 201: 1, 403: 1, 404: 1 },
      'GET /api/meetings/:id': { 200: 1, 404: 1 },
      'DELETE /api/meetings/:id/participants/:participantId': { 204: 1, 404: 1 },
      'DELETE /api/meetings/:id': { 204: 1, 404: 1 },
    });
    expect(stats.requests).toMatchObject({ active: 0, total: 10 });
    expect(target.stats().requests).toEqual(stats.requests);
  });

  test('pages of meetings cover all of them once', async () => {
    const { call } = await start();
    for (let index = 0; index < 5; index += 1) await call('POST', '/api/meetings', { title: `m${index}`, passcode: 'p' });
    const titles: string[] = [];
    for (let offset: number | null = 0; offset !== null; ) {
      const { json } = await call('GET', `/api/meetings?offset=${offset}&limit=2`);
      expect(json.total).toBe(5);
      titles.push(...json.meetings.map((meeting: { title: string }) => meeting.title));
      offset = json.nextOffset;
    }
    expect(titles).toEqual(['m0', 'm1', 'm2', 'm3', 'm4']);
    expect((await call('GET', '/api/meetings?limit=0')).status).toBe(400);
    expect((await call('GET', '/api/meetings?offset=many')).status).toBe(400);
  });

  test('a journey logs in, and its token is worth something', async () => {
    const { call } = await start();
    const { status, json } = await call('POST', '/api/login', { user: 'ada', password: 'secret' });
    expect(status).toBe(200);
    expect(await call('GET', '/api/me', undefined, { authorization: `Bearer ${json.token}` })).toMatchObject({
      status: 200,
      json: { user: 'ada' },
    });
    expect((await call('GET', '/api/me', undefined, { authorization: 'Bearer nobody' })).status).toBe(401);
    expect((await call('GET', '/api/me')).status).toBe(401);
    expect((await call('POST', '/api/login', { user: 'ada', password: 'x' })).status).toBe(401);
  });

  test('bad requests get 400 with a reason, unknown routes 404, and neither harms', async () => {
    const { target, call } = await start();
    for (const body of [{}, { title: '' }, { title: 'x'.repeat(201) }, [], 'text', null]) {
      const { status, json } = await call('POST', '/api/meetings', body);
      expect({ status, error: json.error }).toEqual({ status: 400, error: 'bad_request' });
    }
    expect((await call('POST', '/api/meetings', { title: 'x', junk: 'y'.repeat(70_000) })).status).toBe(413);
    expect(await call('GET', '/nowhere')).toMatchObject({ status: 404, json: { error: 'not_found' } });
    expect(await call('GET', '/health')).toMatchObject({ status: 200, json: { status: 'ok' } });
    const { requests, controlRequests } = target.stats();
    expect(requests.byRoute).toEqual({ 'POST /api/meetings': { 400: 6, 413: 1 }, other: { 404: 1 } });
    expect(controlRequests).toBe(1);
  });

  test('limits of meetings and participants are answered with 409', async () => {
    const { call } = await start({ meetingsMax: 1, participantsMax: 1 });
    const { id, passcode } = (await call('POST', '/api/meetings', { title: 'only' })).json;
    expect(await call('POST', '/api/meetings', { title: 'more' })).toMatchObject({ status: 409, json: { error: 'too_many_meetings' } });
    const join = () => call('POST', `/api/meetings/${id}/participants`, { name: 'x', passcode });
    expect((await join()).status).toBe(201);
    expect(await join()).toMatchObject({ status: 409, json: { error: 'too_many_participants' } });
  });

  test('the same seed gives the same ids, passcodes and tokens', async () => {
    const walk = async () => {
      const { call } = await start({ seed: 99 });
      const meeting = (await call('POST', '/api/meetings', { title: 'again' })).json;
      const { token } = (await call('POST', `/api/meetings/${meeting.id}/participants`, { name: 'x', passcode: meeting.passcode })).json;
      return [meeting.id, meeting.passcode, token];
    };
    expect(await walk()).toEqual(await walk());
  });
});

describe('faults', () => {
  test('injected errors are exactly those that the seed foretells', async () => {
    const rates = { seed: 5, errorRate: 0.2, garbageRate: 0.1, resetRate: 0.05 };
    const { target, call } = await start(rates);
    const checked = checkOptions(rates);
    if (!checked.ok) throw new Error('options are good');
    const seen: string[] = [];
    for (let index = 0; index < 200; index += 1) {
      const answer = await call('GET', '/api/meetings').catch((error: NodeJS.ErrnoException) => ({
        status: 0,
        json: undefined,
        text: error.code,
      }));
      if (answer.status === 503) expect(answer.json.error).toBe('injected_error');
      else if (answer.status === 0) expect(['ECONNRESET', 'UND_ERR_SOCKET']).toContain(answer.text);
      else if (answer.json === undefined) expect(answer.text).toBe(GARBAGE);
      seen.push(answer.status === 503 ? 'error' : answer.status === 0 ? 'reset' : answer.json === undefined ? 'garbage' : 'serve');
    }
    const foretold = seen.map((_, index) => faultAt(5, index, checked.value) ?? 'serve');
    expect(seen).toEqual(foretold);
    const count = (fate: string) => foretold.filter((each) => each === fate).length;
    for (const fate of ['error', 'garbage', 'reset', 'serve']) expect(count(fate), fate).toBeGreaterThan(0);
    expect(target.stats().injected).toMatchObject({ error: count('error'), garbage: count('garbage'), reset: count('reset'), hang: 0 });
    expect(target.stats().requests.byRoute).toEqual({
      'GET /api/meetings': { 200: count('serve') + count('garbage'), 503: count('error'), reset: count('reset') },
    });
  });

  test('settings change while it runs, health and stats answer through any fault', async () => {
    const { call } = await start();
    expect((await call('GET', '/api/meetings')).status).toBe(200);
    expect(await call('PATCH', '/api/settings', { errorRate: 1 })).toMatchObject({ status: 200, json: { errorRate: 1 } });
    expect((await call('GET', '/api/meetings')).status).toBe(503);
    expect((await call('GET', '/nowhere')).status).toBe(503);
    expect((await call('GET', '/health')).status).toBe(200);
    expect((await call('GET', '/api/stats')).status).toBe(200);
    const refused = await call('PATCH', '/api/settings', { errorRate: 0, hangRate: 3, speed: 1 });
    expect(refused.status).toBe(400);
    expect(refused.json.message).toMatch(/hangRate.*speed/);
    expect((await call('GET', '/api/settings')).json.errorRate, 'nothing of a bad patch is applied').toBe(1);
    await call('PATCH', '/api/settings', { errorRate: 0 });
    expect((await call('GET', '/api/meetings')).status).toBe(200);
  });

  test('settings are refused to other machines', async () => {
    const checked = checkOptions({});
    if (!checked.ok) throw new Error('options are good');
    const http = buildHttp(createService(checked.value, systemClock));
    cleanups.push(() => http.close());
    const patch = (remoteAddress: string) =>
      http.inject({ method: 'PATCH', url: '/api/settings', payload: { errorRate: 1 }, remoteAddress });
    expect((await patch('10.1.2.3')).statusCode).toBe(403);
    expect((await http.inject('/api/settings')).json().errorRate).toBe(0);
    expect((await patch('127.0.0.1')).statusCode).toBe(200);
  });

  test('beyond capacity and queue requests get 429 with Retry-After, and all are accounted for', async () => {
    const { target, call } = await start({ capacityRps: 1, queueMsMax: 0 });
    const answers = await Promise.all(Array.from({ length: 6 }, () => call('GET', '/api/meetings')));
    const turnedAway = answers.filter((answer) => answer.status === 429);
    expect(turnedAway.length).toBeGreaterThanOrEqual(4);
    for (const answer of turnedAway) {
      expect(answer.json.error).toBe('over_capacity');
      expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    }
    expect(target.stats().injected.overCapacity).toBe(turnedAway.length);
    await call('PATCH', '/api/settings', { capacityRps: null });
    expect((await call('GET', '/api/meetings')).status).toBe(200);
  });

  test('a hung request never answers, is bounded by requestsMax, and ends when the client leaves', async () => {
    const { target, call } = await start({ hangRate: 1, requestsMax: 2 });
    const client = new Client(target.url, { pipelining: 1 });
    const other = new Client(target.url);
    const hung = [client, other].map((each) => each.request({ path: '/api/meetings', method: 'GET' }).catch((error: Error) => error));
    await eventually(() => target.stats().requests.active).toBe(2);
    expect((await call('GET', '/api/meetings')).status).toBe(429);
    expect(target.stats().refused.requests).toBe(1);
    await Promise.all([client.destroy(), other.destroy()]);
    for (const outcome of await Promise.all(hung)) expect(outcome).toBeInstanceOf(Error);
    await eventually(() => target.stats().requests.byRoute['GET /api/meetings']).toEqual({ 429: 1, hung: 2 });
  });
});

describe('stopping', () => {
  test('requests in flight are answered, and stopping twice is one stop', async () => {
    // A connection that stayed open would hold the stop for longer than the test may last.
    const { target, call } = await start({ serviceTimeMs: 100, drainMsMax: 60_000 });
    const inFlight = Promise.all(Array.from({ length: 4 }, () => call('GET', '/api/meetings')));
    await eventually(() => target.stats().requests.active).toBe(4);
    const [first, second] = await Promise.all([target.stop(), target.stop()]);
    expect(first).toEqual({ requestsCut: 0, socketsCut: 0 });
    expect(second).toBe(first);
    for (const answer of await inFlight) expect(answer.status).toBe(200);
  });

  test('what does not end by itself is cut and counted', async () => {
    const { target, call } = await start({ hangRate: 1, drainMsMax: 50 });
    const hung = call('GET', '/api/meetings').catch((error: Error) => error);
    await eventually(() => target.stats().requests.active).toBe(1);
    expect(await target.stop()).toEqual({ requestsCut: 1, socketsCut: 0 });
    expect(await hung).toBeInstanceOf(Error);
  });

  test('a port in use and wrong options are errors, not crashes', async () => {
    const { target } = await start();
    await expect(startTarget({ port: Number(new URL(target.url).port) })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await expect(startTarget({ errorRate: 7, seed: -1 })).rejects.toThrow(/errorRate.*seed|seed.*errorRate/);
  });
});
