// Windows of a node: one delta of each worker in each, levels as they are, a late worker waited for, a dead one not, the end of a claim told between
// windows, numbers without gaps, a full disk told.

import { describe, expect, it } from 'vitest';
import type { GeneratorHealth, GroupLoad, Window } from '../../node/core/stats-types.ts';
import { decodeWindow } from '../../node/core/window-codec.ts';
import type { EventDraft } from '../../node/runtime/loop.ts';
import { createWindowCloser } from '../../node/runtime/windows.ts';
import { createHandClock } from '../support/hand-clock.ts';

const HEALTH: GeneratorHealth = { cpuCores: 0, memoryMb: 0, loopDelayMsMax: 0, latenessMsP99: 0, socketDrops: 0, tainted: [] };

function lab(spool: () => Promise<void> = async () => {}) {
  const clock = createHandClock();
  const events: EventDraft[] = [];
  const windows = createWindowCloser({
    clock,
    health: { add: () => {}, take: () => HEALTH, close: () => {} },
    numberLast: 4,
    toSwarmMs: (nowMs) => nowMs + 500,
    own: () => [],
    spool,
    emit: (event) => events.push(event),
  });
  const closed = (): Window[] =>
    events.flatMap((event) => {
      if (event.type !== 'window-closed') return [];
      const decoded = decodeWindow(event.window.payload);
      return decoded.ok ? [decoded.value] : [];
    });
  return { clock, events, windows, closed };
}

function delta(active: number, started: number) {
  const load: GroupLoad = { group: 'g', owned: active, active, started, finished: 0, failed: 0, claims: ['1.1'] };
  return { series: [], errors: [], load: [load] };
}
const figures = (windows: readonly Window[]) => windows.map(({ load }) => [load[0]?.active ?? null, load[0]?.started ?? null]);

describe('windows', () => {
  it('close once a second, numbered on from the spool, in swarm time', async () => {
    const { clock, windows, closed } = lab();
    const startMs = clock.nowMs();
    windows.start();
    await clock.advance(3500);
    expect(closed().map(({ number }) => number)).toEqual([5, 6, 7]);
    expect(closed().map((window) => window.startMs - startMs)).toEqual([500, 1500, 2500]);
    windows.stop();
    await clock.advance(5000);
    expect(closed()).toHaveLength(3);
  });

  it('add levels of workers, not those of one worker', async () => {
    const { clock, windows, closed } = lab();
    windows.start();
    await clock.advance(500);
    windows.add(0, delta(3, 3));
    windows.add(1, delta(4, 4));
    windows.add(1, delta(5, 1));
    await clock.advance(600);
    expect(figures(closed())).toEqual([[8, 8]]);
  });

  it('wait for a worker that is a little late, and not for long', async () => {
    const { clock, windows, closed } = lab();
    windows.start();
    await clock.advance(900);
    windows.add(0, delta(7, 7));
    await clock.advance(1300);
    windows.add(0, delta(7, 0));
    await clock.advance(100);
    expect(figures(closed())).toEqual([
      [7, 7],
      [7, 0],
    ]);
    await clock.advance(2500);
    expect(figures(closed()).slice(2)).toContainEqual([null, null]);
    expect(closed().map(({ health }) => health.tainted)).toEqual([[], [], ['worker silent'], ['worker silent']]);
  });

  it('do not wait for a worker that died', async () => {
    const { clock, windows, closed } = lab();
    windows.start();
    await clock.advance(900);
    windows.add(0, delta(1, 1));
    await clock.advance(200);
    windows.forget(0);
    windows.addError({ side: 'generator', group: 'g', cause: 'worker-died', count: 1, example: '' });
    await clock.advance(910);
    expect(closed()).toHaveLength(2);
    expect(closed()[1]?.errors).toMatchObject([{ cause: 'worker-died', count: 1 }]);
  });

  it('tell the end of a claim after the window that is being closed', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { clock, windows, events } = lab(() => promise);
    const end: EventDraft = { type: 'load-stopped', claims: [], finished: true };
    windows.emitBetweenWindows(end);
    expect(events).toEqual([end]);
    windows.start();
    await clock.advance(1000);
    windows.emitBetweenWindows(end);
    expect(events).toHaveLength(1);
    resolve();
    await clock.advance(0);
    expect(events.map(({ type }) => type)).toEqual(['load-stopped', 'window-closed', 'load-stopped']);
  });

  it('tell that the spool has failed', async () => {
    const { clock, windows, events } = lab(() => Promise.reject(new Error('no space')));
    windows.start();
    await clock.advance(1000);
    expect(events).toEqual([{ type: 'storage-failed', message: 'window 5: no space' }]);
  });
});
