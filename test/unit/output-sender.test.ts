// Sending to a receiver that is slow, full, away or rude: what is tried again and when, what is dropped, what people are told, and that an end comes.

import { describe, expect, it } from 'vitest';
import { parseListenAddress } from '../../node/core/host-port.ts';
import { headersOf, outputUrl } from '../../node/outputs/address.ts';
import { type Answer, createSender, retryAfterMs } from '../../node/outputs/sender.ts';
import { createHandClock } from '../support/hand-clock.ts';

const good: Answer = { status: 200, retryAfter: null, text: '{}' };
const body = (mark: number, size = 1): Uint8Array => new Uint8Array(size).fill(mark);

/** `answers`: one for each attempt, the last for all after it. An error is a connection that failed, 'hang' never ends but by the signal. */
function lab(answers: readonly (Answer | Error | 'hang')[]) {
  const clock = createHandClock();
  const startMs = clock.nowMs();
  const attempts: { atMs: number; mark: number }[] = [];
  const notes: string[] = [];
  const sender = createSender({
    ...{ clock, name: 'otlp', url: 'http://metrics.example/v1/metrics?token=secret', random: () => 1 },
    headers: { authorization: 'Bearer secret' },
    note: (level, text) => notes.push(`${level}: ${text}`),
    complaint: (text) => (text === 'in part' ? 'too old' : null),
    post: async (_url, _headers, sent, signal) => {
      const answer = answers[Math.min(attempts.length, answers.length - 1)]!;
      attempts.push({ atMs: clock.nowMs() - startMs, mark: sent[0] ?? -1 });
      if (answer === 'hang') return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
      if (answer instanceof Error) throw answer;
      return answer;
    },
  });
  return { clock, attempts, notes, sender, marks: () => attempts.map(({ mark }) => mark) };
}

describe('a sender', () => {
  it('sends in order, and says nothing when all is well', async () => {
    const { clock, sender, marks, notes } = lab([good]);
    sender.push([body(1), body(2)]);
    sender.push([body(3)]);
    await clock.advance(0);
    expect(marks()).toEqual([1, 2, 3]);
    await sender.finish([body(4)], 4_000);
    expect(marks()).toEqual([1, 2, 3, 4]);
    expect(notes).toEqual([]);
  });

  it.each([429, 500, 503])('tries again after %i, waits longer each time, and tells it once', async (status) => {
    const bad: Answer = { status, retryAfter: null, text: '' };
    const { clock, sender, attempts, notes } = lab([bad, bad, bad, good]);
    sender.push([body(1)]);
    await clock.advance(10_000);
    expect(attempts.map(({ atMs }) => atMs)).toEqual([0, 500, 1500, 3500]);
    expect(notes).toEqual([
      `warning: --out otlp: http://metrics.example/v1/metrics answers ${status}; it is tried again, and the run goes on without it`,
      'info: --out otlp: http://metrics.example/v1/metrics takes them again',
    ]);
  });

  it('waits as long as it is asked to', async () => {
    const { clock, sender, attempts } = lab([{ status: 429, retryAfter: '7', text: '' }, good]);
    sender.push([body(1)]);
    await clock.advance(20_000);
    expect(attempts.map(({ atMs }) => atMs)).toEqual([0, 7000]);
    expect(retryAfterMs('Thu, 01 Jan 1970 00:00:10 GMT', 4_000)).toBe(6_000);
    expect([retryAfterMs('100000', 0), retryAfterMs('soon', 0), retryAfterMs(null, 0), retryAfterMs('-3', 0)]).toEqual([60_000, 0, 0, 0]);
  });

  it('does not repeat what is refused, and says where credentials come from without showing any', async () => {
    const { clock, sender, marks, notes } = lab([{ status: 401, retryAfter: null, text: 'who\nare you' }, good]);
    sender.push([body(1), body(2)]);
    await clock.advance(60_000);
    expect(marks()).toEqual([1, 2]);
    expect(notes[0]).toContain('refuses with 401: who are you; credentials come by environment');
    await sender.finish([], 4_000);
    expect(notes.at(-1)).toContain('1 of 2 batches were not delivered');
    expect(notes.join()).not.toContain('secret');
  });

  it('keeps a bounded number of batches and bytes, the newest', async () => {
    const { clock, sender, marks } = lab([new Error('refused'), ...Array<Answer>(200).fill(good)]);
    for (let mark = 1; mark <= 100; mark++) sender.push([body(mark)]);
    for (let count = 0; count < 10; count++) await clock.advance(100);
    // The first was on its way when the others came.
    expect(marks().slice(0, 3)).toEqual([1, 1, 38]);
    expect(marks().at(-1)).toBe(100);
    const large = lab([new Error('refused'), good]);
    for (let mark = 1; mark <= 5; mark++) large.sender.push([body(mark, 10 * 1024 * 1024)]);
    await large.clock.advance(600);
    expect(large.marks()).toEqual([1, 1, 4, 5]);
  });

  it('gives up an attempt that gets no answer', async () => {
    const { clock, sender, attempts, notes } = lab(['hang', good]);
    sender.push([body(1)]);
    await clock.advance(11_000);
    expect(attempts.map(({ atMs }) => atMs)).toEqual([0, 10_500]);
    expect(notes[0]).toContain('gave no answer within 10 s');
  });

  it.each([['hang' as const], [new Error('refused')], [{ status: 503, retryAfter: '60', text: '' }]])(
    'ends in time, whatever the receiver does (%s)',
    async (answer) => {
      const { clock, sender, notes } = lab([answer]);
      sender.push([body(1), body(2)]);
      await clock.advance(100);
      let isOver = false;
      const end = sender.finish([body(3)], 4_000).then(() => {
        isOver = true;
      });
      await clock.advance(3_900);
      expect(isOver).toBe(false);
      await clock.advance(200);
      expect(isOver).toBe(true);
      await end;
      expect(notes.at(-1)).toContain('the last among them: its totals are short');
    },
  );

  it('sends the last one at once when the receiver is back, instead of what waited', async () => {
    const { clock, sender, marks, notes } = lab([{ status: 503, retryAfter: '60', text: '' }, good]);
    sender.push([body(1), body(2), body(3)]);
    await clock.advance(100);
    await sender.finish([body(9)], 4_000);
    expect(marks()).toEqual([1, 9]);
    expect(notes.at(-1)).toBe('warning: --out otlp: 3 of 4 batches were not delivered; later ones hold their totals');
  });

  it('passes on what a receiver took in part only', async () => {
    const { clock, sender, notes } = lab([{ ...good, text: 'in part' }]);
    sender.push([body(1)]);
    await clock.advance(0);
    expect(notes).toEqual(['warning: --out otlp: http://metrics.example/v1/metrics took a batch in part: too old']);
  });
});

describe('flags and environment', () => {
  it('take addresses without credentials and headers with', () => {
    expect(outputUrl('otlp', 'https://x.example:4318/a?b').ok).toBe(true);
    for (const wrong of ['x.example', 'ftp://x', '', 'http://']) expect(outputUrl('otlp', wrong).ok).toBe(false);
    const refused = outputUrl('otlp', 'https://me:hunter2@x.example');
    expect(JSON.stringify(refused)).toContain('credentials');
    expect(JSON.stringify(refused)).not.toContain('hunter2');
    expect(headersOf('X', 'Authorization=Bearer%20a%3D%2C, x-scope=team=1,')).toEqual({
      ok: true,
      value: { authorization: 'Bearer a=,', 'x-scope': 'team=1' },
    });
    expect(headersOf('X', undefined)).toEqual({ ok: true, value: {} });
    for (const wrong of ['hunter2', '=hunter2', 'a b=hunter2', 'a=%zzhunter2', 'a=hunter2%0d%0ab: c']) {
      const result = headersOf('X', wrong);
      expect(result.ok, wrong).toBe(false);
      expect(JSON.stringify(result)).not.toContain('hunter2');
    }
  });

  it.each([
    ['9464', { host: '127.0.0.1', port: 9464 }],
    ['0', { host: '127.0.0.1', port: 0 }],
    ['0.0.0.0:9464', { host: '0.0.0.0', port: 9464 }],
    ['[::1]:9464', { host: '::1', port: 9464 }],
    ['node.example:1', { host: 'node.example', port: 1 }],
    [':9464', null],
    ['70000', null],
    ['host', null],
    ['', null],
    ['a:b:1', null],
  ])('listen on %s', (text, address) => {
    expect(parseListenAddress(text)).toEqual(address);
  });
});
