// The target's pure parts: seeded chance, the gate's arithmetic, options, the state of meetings, and the words of a room.

import { describe, expect, test } from 'vitest';
import { drawAt, STREAMS } from '../../tools/target/chance.ts';
import { parseCommandLine } from '../../tools/target/command-line.ts';
import { isLoopback } from '../../tools/target/control.ts';
import { beginRequest, createCounters, endRequest, statsOf } from '../../tools/target/counters.ts';
import { admit, createGate, faultAt } from '../../tools/target/gate.ts';
import {
  addParticipant,
  createMeeting,
  createMeetings,
  deleteMeeting,
  listMeetings,
  loginTokenOf,
  participantOfToken,
  removeParticipant,
  userOfLoginToken,
} from '../../tools/target/meetings.ts';
import { checkOptions, checkSettings, DEFAULT_OPTIONS, settingsOf } from '../../tools/target/options.ts';
import { parseClientMessage } from '../../tools/target/room-protocol.ts';

const SETTINGS = settingsOf(DEFAULT_OPTIONS);

describe('chance', () => {
  test('draws are even: each tenth of [0, 1) gets its share, for many seeds and streams', () => {
    for (const seed of [0, 1, 2, 42, 2 ** 32 - 1]) {
      for (const stream of Object.values(STREAMS)) {
        const buckets = new Array<number>(10).fill(0);
        for (let index = 0; index < 10_000; index += 1) buckets[Math.floor(10 * drawAt(seed, stream, index))]! += 1;
        // 1,000 expected a bucket with a standard deviation of 30; five of those never happen by chance.
        for (const count of buckets) expect(Math.abs(count - 1_000)).toBeLessThan(150);
      }
    }
  });

  test('streams and seeds are not copies of each other', () => {
    const series = (seed: number, stream: 1 | 2) => Array.from({ length: 20 }, (_, index) => drawAt(seed, stream, index));
    expect(series(1, 1)).toEqual(series(1, 1));
    expect(series(1, 1)).not.toEqual(series(1, 2));
    expect(series(1, 1)).not.toEqual(series(2, 1));
  });
});

describe('gate', () => {
  test('fault rates partition the draws, and a request keeps its fate whatever the other rates are', () => {
    const settings = { ...SETTINGS, errorRate: 0.1, hangRate: 0.1, resetRate: 0.1, garbageRate: 0.1 };
    const counts: Record<string, number> = {};
    for (let index = 0; index < 10_000; index += 1) {
      const fault = faultAt(7, index, settings) ?? 'serve';
      counts[fault] = (counts[fault] ?? 0) + 1;
      if (fault === 'error') expect(faultAt(7, index, { ...SETTINGS, errorRate: 0.1 })).toBe('error');
    }
    for (const fault of ['error', 'hang', 'reset', 'garbage']) expect(Math.abs(counts[fault]! - 1_000)).toBeLessThan(150);
    expect(faultAt(7, 0, { ...SETTINGS, errorRate: 1 })).toBe('error');
    expect(faultAt(7, 0, SETTINGS)).toBeUndefined();
  });

  test('at capacity requests queue, beyond the queue they are turned away, and served ones match the capacity', () => {
    const settings = { ...SETTINGS, serviceTimeMs: 0, serviceTimeJitterMs: 0, capacityRps: 100, queueMsMax: 50 };
    const gate = createGate();
    const burst = Array.from({ length: 8 }, () => admit(gate, settings, 1, 1_000));
    expect(burst.map((decision) => decision.delayMs)).toEqual([0, 10, 20, 30, 40, 50, 0, 0]);
    expect(burst.map((decision) => decision.fate)).toEqual([...new Array(6).fill('serve'), 'over_capacity', 'over_capacity']);
    expect(burst[6]!.retryAfterSeconds).toBe(1);

    let served = 0;
    for (let offeredMs = 2_000; offeredMs < 12_000; offeredMs += 5) {
      if (admit(gate, settings, 1, offeredMs).fate === 'serve') served += 1;
    }
    expect(served).toBeGreaterThanOrEqual(1_000);
    expect(served).toBeLessThanOrEqual(1_006);
  });

  test('service time stays within its jitter and its mean is the setting', () => {
    const settings = { ...SETTINGS, serviceTimeMs: 10, serviceTimeJitterMs: 4 };
    const gate = createGate();
    const delays = Array.from({ length: 4_000 }, () => admit(gate, settings, 3, 0).delayMs);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(6);
    expect(Math.max(...delays)).toBeLessThan(14);
    expect(delays.reduce((sum, delay) => sum + delay, 0) / delays.length).toBeCloseTo(10, 0);
  });
});

describe('options', () => {
  test('all errors come at once', () => {
    const checked = checkOptions({ port: 70_000, errorRate: 0.7, hangRate: 0.7, seed: 1.5, colour: 'red' } as never);
    expect(checked.ok).toBe(false);
    if (checked.ok) return;
    expect(checked.errors.join('\n')).toMatch(/port.*\n.*seed.*\n.*colour: unknown.*\n.*at most 1, got 1.4/s);
  });

  test('a settings patch is applied whole or not at all, and fixed options are not settings', () => {
    expect(checkSettings(SETTINGS, { errorRate: 0.5, capacityRps: 10 })).toEqual({
      ok: true,
      value: { ...SETTINGS, errorRate: 0.5, capacityRps: 10 },
    });
    expect(checkSettings({ ...SETTINGS, capacityRps: 10 }, { capacityRps: null })).toMatchObject({
      ok: true,
      value: { capacityRps: null },
    });
    for (const patch of [{ errorRate: '0.5' }, { port: 1 }, { serviceTimeMs: null }, [], null, 'x', { errorRate: 2, hangRate: 0 }]) {
      expect(checkSettings(SETTINGS, patch).ok).toBe(false);
    }
  });

  test('the command line takes both spellings and reports every wrong flag', () => {
    const good = parseCommandLine([
      '--port',
      '0',
      '--error-rate=0.25',
      '--capacity-rps',
      '5000',
      '--host=127.0.0.2',
      '--exit-on-stdin-close',
    ]);
    expect(good).toMatchObject({
      ok: true,
      value: { options: { port: 0, errorRate: 0.25, capacityRps: 5000, host: '127.0.0.2' }, exitOnStdinClose: true },
    });
    const bad = parseCommandLine(['--prot', '--seed', 'x', '--max-meetings']);
    expect(bad.ok ? [] : bad.errors).toHaveLength(3);
  });
});

describe('meetings', () => {
  const options = { ...DEFAULT_OPTIONS, meetingsMax: 2, participantsMax: 2, participantsTotalMax: 3 };

  test('limits of meetings and participants hold, and room is made again by leaving', () => {
    const state = createMeetings();
    const [first, second] = [createMeeting(state, options, 'a', '1'), createMeeting(state, options, 'b', '2')];
    if (!first.ok || !second.ok) throw new Error('expected two meetings');
    expect(createMeeting(state, options, 'c')).toEqual({ ok: false, refusal: 'too_many_meetings' });
    const add = (id: string, passcode: string) => addParticipant(state, options, id, 'someone', passcode);
    expect(add(first.value.id, 'wrong')).toEqual({ ok: false, refusal: 'wrong_passcode' });
    expect(add('0', '1')).toEqual({ ok: false, refusal: 'unknown_meeting' });
    const one = add(first.value.id, '1');
    expect(add(first.value.id, '1').ok).toBe(true);
    expect(add(first.value.id, '1')).toEqual({ ok: false, refusal: 'too_many_participants' });
    expect(add(second.value.id, '2').ok).toBe(true);
    expect(add(second.value.id, '2')).toEqual({ ok: false, refusal: 'too_many_participants' });
    if (!one.ok) throw new Error('expected a participant');
    expect(removeParticipant(state, first.value.id, one.value.id).ok).toBe(true);
    expect(removeParticipant(state, first.value.id, one.value.id)).toEqual({ ok: false, refusal: 'unknown_participant' });
    expect(add(second.value.id, '2').ok).toBe(true);
    expect(deleteMeeting(state, second.value.id).ok).toBe(true);
    expect(state.participantsTotal).toBe(1);
    expect(listMeetings(state, 0, 10).map((meeting) => meeting.title)).toEqual(['a']);
  });

  test('a token admits its participant to its meeting only', () => {
    const state = createMeetings();
    const [first, second] = [createMeeting(state, options, 'a', '1'), createMeeting(state, options, 'b', '1')];
    if (!first.ok || !second.ok) throw new Error('expected two meetings');
    const one = addParticipant(state, options, first.value.id, 'one', '1');
    const other = addParticipant(state, options, second.value.id, 'other', '1');
    if (!one.ok || !other.ok) throw new Error('expected two participants');
    expect(participantOfToken(first.value, one.value.token)).toBe(one.value);
    for (const token of [null, '', '.', one.value.id, `${one.value.id}.`, other.value.token]) {
      expect(participantOfToken(first.value, token)).toBeUndefined();
    }
  });

  test('login tokens carry their user and nobody else', () => {
    const token = loginTokenOf(1, 'zoë@example.com');
    expect(userOfLoginToken(1, token)).toBe('zoë@example.com');
    expect(userOfLoginToken(2, token)).toBeUndefined();
    expect(userOfLoginToken(1, `x${token}`)).toBeUndefined();
    expect(userOfLoginToken(1, '')).toBeUndefined();
  });
});

describe('room protocol', () => {
  const parse = (text: string) => parseClientMessage(Buffer.from(text), false, 64);

  test.each([
    ['{"type":"message","id":1,"sentAt":5.5,"body":{"a":[1]}}', { type: 'message', id: 1, sentAt: 5.5, body: { a: [1] } }],
    ['{"type":"message","id":"x"}', { type: 'message', id: 'x', sentAt: undefined, body: null }],
    ['{"type":"ping","id":7}', { type: 'ping', id: 7 }],
    ['{"type":"mute","extra":true}', { type: 'mute' }],
    ['{"type":"unmute"}', { type: 'unmute' }],
  ])('%s is understood', (text, expected) => {
    expect(parse(text)).toEqual(expected);
  });

  test.each([
    ['', /JSON object/],
    ['[', /JSON object/],
    ['null', /JSON object/],
    ['"ping"', /JSON object/],
    ['{"type":"dance"}', /unknown type/],
    ['{}', /unknown type/],
    ['{"type":"ping"}', /id/],
    ['{"type":"message","id":{}}', /id/],
    ['{"type":"message","id":1,"sentAt":"now"}', /sentAt/],
    [`{"type":"ping","id":"${'x'.repeat(64)}"}`, /at most 64/],
  ])('%s is refused with a reason', (text, reason) => {
    const message = parse(text);
    expect(message.type).toBe('invalid');
    expect(message.type === 'invalid' ? message.reason : '').toMatch(reason);
  });

  test('binary frames are refused', () => {
    expect(parseClientMessage(Buffer.from('{"type":"mute"}'), true, 64).type).toBe('invalid');
  });
});

test('counters: the peak second, the peak in flight, and outcomes that add up', () => {
  const counters = createCounters();
  for (const nowMs of [100, 200, 999, 1_000, 1_001]) beginRequest(counters, nowMs);
  for (const outcome of ['200', '200', 'hung']) endRequest(counters, 'GET /a', outcome);
  const stats = statsOf(counters, 12.4);
  expect(stats.requests).toEqual({ active: 2, peak: 5, total: 5, perSecondPeak: 3, byRoute: { 'GET /a': { 200: 2, hung: 1 } } });
  expect(stats.uptimeMs).toBe(12);
  endRequest(counters, 'GET /a', '200');
  expect(stats.requests.active, 'stats are a copy').toBe(2);
});

test.each([
  ['127.0.0.1', true],
  ['127.8.9.1', true],
  ['::1', true],
  ['::ffff:127.0.0.1', true],
  ['10.0.0.1', false],
  ['::ffff:10.0.0.1', false],
  ['128.127.0.0.1', false],
  [undefined, false],
])('isLoopback(%s) is %s', (address, expected) => {
  expect(isLoopback(address)).toBe(expected);
});
