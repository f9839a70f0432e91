// The loop and the performer: one event at a time, ticks also under a flood, bounded inbox, nothing published before it is stored, a fault ends it.

import { describe, expect, it } from 'vitest';
import { type Effects, type NodeEvent, noEffects } from '../../node/core/events.ts';
import type { Entry } from '../../node/core/messages.ts';
import { createLoop, type EventDraft } from '../../node/runtime/loop.ts';
import { createPerformer, type PerformInit } from '../../node/runtime/perform.ts';
import { createHandClock } from '../support/hand-clock.ts';

const beat: EventDraft = { type: 'gossip', from: 'a', gossip: { type: 'beat', term: 1, beat: 1, swarmMs: 0 } };

function lab(perform: (effects: Effects) => Promise<void> = async () => {}, step?: (event: NodeEvent) => Effects) {
  const clock = createHandClock();
  const events: NodeEvent[] = [];
  const faults: unknown[] = [];
  const record = (event: NodeEvent): Effects => {
    events.push(event);
    return noEffects();
  };
  const loop = createLoop({
    clock,
    wakeAtMs: () => clock.nowMs() + 1000,
    step: step ?? record,
    perform,
    onFault: (error) => faults.push(error),
  });
  return { clock, events, faults, loop, typesSeen: () => events.map(({ type }) => type) };
}

describe('the loop', () => {
  it('ticks at least each 50 ms with nothing to do', async () => {
    const { clock, typesSeen } = lab();
    await clock.advance(500);
    expect(typesSeen().length).toBeGreaterThanOrEqual(9);
    expect(new Set(typesSeen())).toEqual(new Set(['tick']));
  });

  it('takes the next event only when the effects of the last are handed over', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { clock, loop, typesSeen } = lab(() => promise);
    loop.push(beat);
    loop.push({ type: 'peer-up', peer: 'b' });
    await clock.advance(40);
    expect(typesSeen()).toEqual(['gossip']);
    resolve();
    await clock.advance(0);
    expect(typesSeen()).toEqual(['gossip', 'peer-up']);
  });

  it('drops and counts what strangers send to a full inbox, never what its own parts say', async () => {
    const { clock, loop, typesSeen } = lab(() => new Promise(() => {}));
    loop.push({ type: 'peer-up', peer: 'first' });
    await clock.advance(0);
    for (let count = 0; count < 9000; count++) loop.push(beat);
    expect(loop.dropped()).toBe(1000);
    expect(loop.push(beat)).toBe(false);
    expect(loop.push({ type: 'signal', mode: 'now' })).toBe(true);
    expect(typesSeen()).toEqual(['peer-up']);
  });

  it('stamps events when they are stepped and ticks in between when that takes long', async () => {
    const parts = lab(async () => parts.clock.jump(30));
    const { clock, loop, events } = parts;
    for (let count = 0; count < 6; count++) loop.push(beat);
    await clock.advance(0);
    const times = events.map(({ nowMs }) => nowMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(new Set(times.slice(0, 6)).size).toBe(6);
    expect(events.slice(0, 8).some(({ type }) => type === 'tick')).toBe(true);
  });

  it('notes that the wall clock was set', async () => {
    const { clock, events } = lab();
    clock.stepWall(-60_000);
    await clock.advance(200);
    expect(events.filter(({ type }) => type === 'clock-jumped')).toMatchObject([{ byMs: -60_000 }]);
  });

  it('stops for good at an exception', async () => {
    const { clock, loop, faults } = lab(undefined, () => {
      throw new Error('broken invariant');
    });
    loop.push(beat);
    await clock.advance(500);
    expect(faults).toMatchObject([{ message: 'broken invariant' }]);
    expect(loop.push(beat)).toBe(false);
  });
});

const entry = (seq: number): Entry => ({ author: 'a', seq, kind: 'bye', body: { reason: '' } }) as unknown as Entry;
const bytes = new Uint8Array([1]);

function performer(appendOwn: () => Promise<void>): { perform: (effects: Effects) => Promise<void>; calls: string[] } {
  const calls: string[] = [];
  const call = (name: string) => (): void => void calls.push(name);
  const init = {
    mesh: {
      publish: async () => calls.push('publish'),
      send: async () => calls.push('send'),
      learn: call('learn'),
      dial: async () => ({ ok: true as const, value: null }),
    },
    store: {
      appendOwn: async () => {
        await appendOwn();
        calls.push('persist');
      },
      keep: async () => void calls.push('keep'),
      putWindows: async () => void calls.push('store'),
      windows: async () => [{ number: 1, payload: bytes }],
    },
    codec: { encodeGossip: () => bytes, encodeMessage: () => bytes, encodeEntries: () => [bytes] },
    onEntries: call('entries'),
    onWindows: call('merge'),
    onStart: call('start'),
    onStop: call('stop'),
    onReport: call('report'),
    onExit: call('exit'),
    onStorageFailed: (message: string) => calls.push(`failed: ${message}`),
    count: call('count'),
  };
  return { perform: createPerformer(init as unknown as PerformInit), calls };
}

function everything(): Effects {
  return {
    ...noEffects(),
    persist: [entry(1)],
    store: [{ node: 'b', windows: [{ number: 1, payload: bytes }], merge: true }],
    publish: [{ type: 'beat', term: 1, beat: 1, swarmMs: 0 }],
    dial: [{ peer: 'b', addresses: [], connect: false }],
    send: [{ to: 'b', message: { type: 'ballot', term: 1, pre: true, granted: true, termMax: 1 } }],
    start: [{ what: 'grant', untilMs: 1 }],
    stop: [{ what: 'load', claims: [], graceMs: 0, reason: '' }],
    report: [{ event: 'problem', message: '' }],
    exit: { exit: 'pass', message: '' },
  };
}

describe('performing effects', () => {
  it('keeps the order that the core relies on', async () => {
    const { perform, calls } = performer(async () => {});
    await perform(everything());
    expect(calls).toEqual(['persist', 'store', 'entries', 'merge', 'publish', 'learn', 'send', 'start', 'stop', 'report', 'exit']);
  });

  it('does nothing that follows from an entry which is not on disk', async () => {
    const { perform, calls } = performer(() => Promise.reject(new Error('disk full')));
    await perform(everything());
    expect(calls).toEqual(['failed: disk full']);
  });
});
