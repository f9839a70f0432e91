// The feed of the console, by hand: what watchers get when the swarm goes away before it told what its run came to, what those get who come after the end, and who is asked when nobody looks.

import { expect, it } from 'vitest';
import { fail, ok, type Result } from '../../node/core/errors.ts';
import type { LiveTimeline, Report } from '../../node/runtime/collector.ts';
import type { EventNote } from '../../node/runtime/node-names.ts';
import type { StatusView } from '../../node/runtime/node-status.ts';
import type { LiveMessage, StartedView } from '../../tools/console/protocol.ts';
import { createLiveFeed, type FeedSource } from '../../tools/console/server/live-feed.ts';

const gone = fail({ code: 'QUILT_RUN_OVER', message: 'nobody answers' });

type Swarm = { -readonly [name in keyof FeedSource]: FeedSource[name] };

function lab(parts: Partial<Swarm> = {}, started: () => StartedView | null = () => null) {
  const due: { ms: number; callback: () => void }[] = [];
  const swarm: Swarm = {
    ...{ id: 'here', isFar: false, status: async () => gone, timeline: async () => gone, report: async () => gone, log: async () => gone },
    ...parts,
  };
  let wallMs = 0;
  const feed = createLiveFeed({
    source: () => swarm,
    waiting: () => 'nothing runs',
    started,
    wallNowMs: () => ++wallMs,
    after: (ms, callback) => {
      const one = { ms, callback };
      due.push(one);
      return () => void (due.includes(one) && due.splice(due.indexOf(one), 1));
    },
  });
  const settle = (): Promise<void> => new Promise((done) => setImmediate(done));
  return {
    feed,
    swarm,
    due,
    /** Somebody who looks: what came since the last time. */
    watcher(isOperator = true) {
      const messages: LiveMessage[] = [];
      const stop = feed.watch({ isOperator, send: (text) => messages.push(JSON.parse(text) as LiveMessage) > 0 });
      return { stop, news: () => messages.splice(0) };
    },
    /** The next look is due. Answers how long the pause before it was. */
    async turn(): Promise<number | null> {
      await settle();
      const [next] = due.splice(0);
      next?.callback();
      await settle();
      return next?.ms ?? null;
    },
  };
}

const summary = { verdict: { verdict: 'pass' }, run: { runId: 'r1' }, events: [] } as unknown as Report['summary'];
const written = ok({ summary, text: '' });
const statusIn = (phase: StatusView['phase'], runId = 'r1'): Result<StatusView> =>
  ok({
    ...{ swarmId: 's1', runId, phase, nodes: [], notes: [], scales: [], thresholds: [], nowSwarmMs: 1, sinceT0Ms: 1 },
    board: { phase, scenario: 'x', groups: [] },
  } as unknown as StatusView);
const timelineOf = (...atMs: number[]): LiveTimeline => ({
  timeline: { timelineVersion: 1, stepMs: 1000, atMs, groups: [], metrics: [] },
  heat: [],
  ...{ node: 'n1', notes: [] },
});
const typesOf = (messages: readonly LiveMessage[]): string[] => messages.map(({ type }) => type);

it('tells what the run came to when its nodes are gone already, once, and to who comes later', async () => {
  const { watcher, swarm, turn } = lab();
  const { news } = watcher();
  await turn();
  expect(new Set(typesOf(news()))).toEqual(new Set(['away']));
  swarm.report = async () => written;
  swarm.timeline = async () => ok(timelineOf(0, 1000));
  await turn();
  expect(news()).toMatchObject([
    { type: 'report', summary },
    { type: 'timeline', isWhole: true },
    { type: 'away', isOver: true },
  ]);
  await turn();
  expect(typesOf(news())).toEqual(['away']);
  expect(watcher().news()).toMatchObject([{ type: 'timeline', isWhole: true }, { type: 'report', summary }, { type: 'away' }]);
});

it('asks nobody while nobody looks', async () => {
  const { watcher, turn, due } = lab();
  expect(due).toEqual([]);
  const { stop } = watcher();
  await turn();
  stop();
  await turn();
  expect(due).toEqual([]);
});

it('watches for the end of a far swarm also while nobody looks, and keeps it for who comes later', async () => {
  const { swarm, turn, due, watcher } = lab({
    isFar: true,
    status: async () => statusIn('running'),
    timeline: async (fromMs) => ok(fromMs === undefined ? timelineOf(0, 1000, 2000) : timelineOf(2000, 3000)),
  });
  expect(await turn()).toBe(1000);
  swarm.status = async () => statusIn('draining');
  expect(await turn()).toBe(1000);
  expect(await turn(), 'the end is near: there is half a second for its report').toBe(100);
  swarm.report = async () => written;
  await turn();
  swarm.status = async () => gone;
  swarm.report = async () => gone;
  swarm.timeline = async () => gone;
  await turn();
  await turn();
  expect(due, 'it is known: nobody needs to be asked any more').toEqual([]);
  const messages = watcher().news();
  expect(typesOf(messages)).toEqual(['state', 'timeline', 'report', 'away']);
  expect(messages[1]).toMatchObject({ isWhole: true, timeline: { atMs: [0, 1000, 2000, 3000] } });
  expect(messages[3]).toMatchObject({ isOver: true, heardWallMs: expect.any(Number) });
});

it('says when a swarm was heard last, and whether it was ending then', async () => {
  const { swarm, turn, watcher } = lab({ isFar: true, status: async () => statusIn('running') });
  const { news } = watcher();
  await turn();
  swarm.status = async () => gone;
  await turn();
  expect(news().at(-1)).toMatchObject({ type: 'away', isOver: false, heardWallMs: expect.any(Number) });
  swarm.status = async () => statusIn('draining');
  await turn();
  swarm.status = async () => gone;
  for (let looks = 0; looks < 11; looks++) await turn();
  expect(news().at(-1)).toMatchObject({ type: 'away', isOver: true });
});

it('forgets a run when another one answers, and gives everybody the whole of that', async () => {
  const { swarm, turn, watcher } = lab({ status: async () => statusIn('sealed'), report: async () => written });
  swarm.timeline = async () => ok(timelineOf(0, 1000));
  const { news } = watcher();
  await turn();
  news();
  swarm.status = async () => statusIn('running', 'r2');
  swarm.report = async () => gone;
  await turn();
  expect(news()).toMatchObject([
    { type: 'state', state: { runId: 'r2' } },
    { type: 'timeline', isWhole: true },
  ]);
  expect(typesOf(watcher().news())).toEqual(['state', 'timeline']);
});

it('asks once more before its node is gone', async () => {
  const { feed, swarm, turn, watcher } = lab({ status: async () => statusIn('running') });
  const { news } = watcher();
  await turn();
  news();
  swarm.status = async () => gone;
  swarm.report = async () => written;
  await feed.finish();
  expect(typesOf(news())).toEqual(['report', 'away']);
});

it('tells operators what was started when there is something new about it, and those of them who come later', async () => {
  const begun: StartedView = {
    ...{ command: 'quilt-swarm launch', verb: 'launch', isRunning: true, exitCode: null, said: [], run: null, hasFailed: false },
  };
  let started: StartedView | null = null;
  const { turn, watcher } = lab({}, () => started);
  const { news } = watcher();
  const told = async (): Promise<StartedView[]> => {
    await turn();
    return news().flatMap((message) => (message.type === 'started' ? [message.started] : []));
  };
  expect(await told()).toEqual([]);
  started = begun;
  expect(await told()).toEqual([begun]);
  expect(await told(), 'nothing new').toEqual([]);
  started = { ...begun, said: ['launching 2 machines'] };
  expect(await told()).toEqual([started]);
  expect(watcher().news()).toContainEqual({ type: 'started', started });
  const reader = watcher(false);
  started = { ...begun, said: ['2 machines are starting'] };
  expect(await told()).toEqual([started]);
  expect(typesOf(reader.news()), 'who only reads').not.toContain('started');
});

const note = (number: number, text: string): EventNote => ({ number, atSwarmMs: number * 10_000, level: 'info', kind: 'join', text });
const statusWith = (notes: readonly EventNote[], sinceT0Ms: number | null, node = 'a'): Result<StatusView> => {
  const status = statusIn('running');
  return status.ok ? ok({ ...status.value, node, notes, sinceT0Ms, nowSwarmMs: 100_000 }) : status;
};
const eventsIn = (messages: readonly LiveMessage[]): unknown[] =>
  messages.flatMap((message) =>
    message.type === 'events' ? [[message.isWhole, ...message.events.map(({ atMs, text }) => `${text} ${atMs}`)]] : [],
  );

it('tells what happened once, then what is new, and all of it again when T0 is known', async () => {
  const { swarm, turn, watcher } = lab({ status: async () => statusWith([note(1, 'a')], null) });
  const { news } = watcher();
  await turn();
  expect(eventsIn(news())).toEqual([[true, 'a -90000']]);
  swarm.status = async () => statusWith([note(1, 'a'), note(2, 'b')], 50_000);
  await turn();
  expect(eventsIn(news())).toEqual([[true, 'a -40000', 'b -30000']]);
  swarm.status = async () => statusWith([note(2, 'b'), note(3, 'c')], 50_000);
  await turn();
  await turn();
  expect(eventsIn(news()), 'once').toEqual([[false, 'c -20000']]);
  swarm.status = async () => statusWith([note(1, 'c'), note(4, 'd')], 50_000, 'successor');
  await turn();
  expect(eventsIn(news()), 'of a successor what is newer').toEqual([[false, 'd -10000']]);
  swarm.status = async () => gone;
  await turn();
  expect(eventsIn(watcher().news()), 'also when the swarm is gone').toEqual([[true, 'a -40000', 'b -30000', 'c -20000', 'd -10000']]);
});

it('asks a successor for the whole again, once it was sent what others have', async () => {
  const asked: (number | undefined)[] = [];
  const answerOf = (node: string) => async (fromMs: number | undefined) => {
    asked.push(fromMs);
    return ok({ ...timelineOf(8000, 9000), node, notes: [] });
  };
  const { swarm, turn, watcher } = lab({ status: async () => statusIn('running'), timeline: answerOf('a') });
  watcher();
  for (let look = 0; look < 40; look++) await turn();
  expect(asked.map((fromMs) => fromMs === undefined).lastIndexOf(true), 'only at first').toBe(0);
  asked.length = 0;
  swarm.timeline = answerOf('b');
  for (let look = 0; look < 40; look++) await turn();
  expect(asked.flatMap((fromMs, look) => (fromMs === undefined ? [look] : []))).toEqual([5, 15, 30]);
});

it('takes what was written down of the last seconds when nobody answers any more, once', async () => {
  const { swarm, turn, watcher } = lab({ status: async () => statusIn('running'), timeline: async () => ok(timelineOf(0, 1000)) });
  const { news } = watcher();
  await turn();
  swarm.status = async () => gone;
  swarm.report = async () => written;
  swarm.timeline = async (fromMs) => (fromMs === undefined ? ok(timelineOf(0, 1000, 2000, 3000)) : gone);
  news();
  await turn();
  expect(news()).toMatchObject([
    { type: 'report' },
    { type: 'timeline', isWhole: true, timeline: { atMs: [0, 1000, 2000, 3000] } },
    { type: 'away' },
  ]);
  await turn();
  expect(typesOf(news())).toEqual(['away']);
});
