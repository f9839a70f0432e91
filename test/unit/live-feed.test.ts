// The feed of the console, by hand: what watchers get when the swarm goes away before it told what its run came to.

import { expect, it } from 'vitest';
import { fail, ok, type Result } from '../../node/core/errors.ts';
import type { Report } from '../../node/runtime/collector.ts';
import type { LiveMessage, StartedView } from '../../tools/console/protocol.ts';
import { createLiveFeed } from '../../tools/console/server/live-feed.ts';

const gone = fail({ code: 'QUILT_RUN_OVER', message: 'nobody answers' });

function lab(report: () => Result<Report>, started: () => StartedView | null = () => null) {
  const due: (() => void)[] = [];
  const messages: LiveMessage[] = [];
  const feed = createLiveFeed({
    source: () => ({ status: async () => gone, timeline: async () => gone, report: async () => report(), log: async () => gone }),
    waiting: () => 'nothing runs',
    started,
    wallNowMs: () => 0,
    after: (_ms, callback) => {
      due.push(callback);
      return () => void due.splice(due.indexOf(callback), 1);
    },
  });
  const stop = feed.watch({ isOperator: true, send: (text) => messages.push(JSON.parse(text) as LiveMessage) > 0 });
  const turn = async (): Promise<LiveMessage[]> => {
    await new Promise(setImmediate);
    for (const callback of due.splice(0)) callback();
    await new Promise(setImmediate);
    return messages.splice(0);
  };
  return { feed, stop, turn, due };
}

const summary = { verdict: { verdict: 'pass' } } as unknown as Report['summary'];

it('tells what the run came to when its nodes are gone already, once, and to who comes later', async () => {
  let written: Result<Report> = gone;
  const { feed, turn } = lab(() => written);
  expect(new Set((await turn()).map(({ type }) => type))).toEqual(new Set(['away']));
  written = ok({ summary, text: '' });
  expect((await turn()).filter(({ type }) => type === 'report')).toEqual([{ type: 'report', summary }]);
  expect((await turn()).filter(({ type }) => type === 'report')).toEqual([]);
  const later: string[] = [];
  feed.watch({ isOperator: true, send: (text) => later.push(text) > 0 });
  expect(JSON.parse(later[0] ?? '{}')).toEqual({ type: 'report', summary });
});

it('asks nobody while nobody looks', async () => {
  const { stop, turn, due } = lab(() => gone);
  await turn();
  stop();
  await turn();
  expect(due).toEqual([]);
});

it('tells what was started when there is something new about it, and to who comes later', async () => {
  const begun = {
    command: 'quilt-swarm launch',
    verb: 'launch' as const,
    isRunning: true,
    exitCode: null,
    said: [],
    run: null,
    hasFailed: false,
  };
  let started: StartedView | null = null;
  const { feed, turn } = lab(
    () => gone,
    () => started,
  );
  const told = async (): Promise<StartedView[]> =>
    (await turn()).flatMap((message) => (message.type === 'started' ? [message.started] : []));
  expect(await told()).toEqual([]);
  started = begun;
  expect(await told()).toEqual([begun]);
  expect(await told(), 'nothing new').toEqual([]);
  started = { ...begun, said: ['launching 2 machines'] };
  expect(await told()).toEqual([started]);
  const later: string[] = [];
  feed.watch({ isOperator: true, send: (text) => later.push(text) > 0 });
  expect(JSON.parse(later[0] ?? '{}')).toEqual({ type: 'started', started });
  const reader: string[] = [];
  feed.watch({ isOperator: false, send: (text) => reader.push(text) > 0 });
  started = { ...begun, said: ['2 machines are starting'] };
  expect(await told()).toEqual([started]);
  expect([reader.length > 0, reader.some((text) => text.includes('started'))], 'who only reads').toEqual([true, false]);
});
