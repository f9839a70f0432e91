// The page of a swarm served by its nodes (seed --console, join --console): each shows the same, the one with the operator's key steers, and it ends with its node, but not before it told
// what the run came to. A console with the ticket still knows the run when nobody is left. And what the same nodes tell Prometheus (--metrics-listen).

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import WebSocket from 'ws';
import type { LiveMessage, LiveState, SessionView } from '../../tools/console/protocol.ts';
import { liveMessage } from '../../tools/console/schemas/live.ts';
import { expectAsDescribed } from '../support/api-answers.ts';
import { createSwarmKit, PATIENCE_MS, type Ran, type SwarmKit } from '../support/swarm-kit.ts';
import { until } from '../support/until.ts';

let kit: SwarmKit;
beforeAll(async () => {
  kit = await createSwarmKit();
}, PATIENCE_MS);
afterAll(() => kit.close());

interface Visitor {
  ask<T>(path: string, body?: object): Promise<T>;
  /** What the live socket says from now on, and with which code it closes. */
  watch(): { readonly messages: LiveMessage[]; readonly closed: Promise<number> };
}

/** Logs in with a link that was printed. */
async function visit(address: string): Promise<Visitor> {
  const link = new URL(address);
  const { origin } = link;
  const headers = { origin, 'content-type': 'application/json' };
  const login = await fetch(`${origin}/api/v1/login`, { method: 'POST', headers, body: JSON.stringify({ code: link.hash.slice(1) }) });
  const cookie = (login.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  return {
    async ask(path, body) {
      const init =
        body === undefined ? { headers: { cookie } } : { method: 'POST', headers: { ...headers, cookie }, body: JSON.stringify(body) };
      const answer = await fetch(`${origin}/api/v1/${path}`, init);
      const text = await answer.text();
      expectAsDescribed(body === undefined ? 'GET' : 'POST', `/api/v1/${path}`, answer.status, text);
      return JSON.parse(text) as never;
    },
    watch() {
      const socket = new WebSocket(`${origin.replace('http', 'ws')}/api/v1/live`, { headers: { cookie, origin } });
      const messages: LiveMessage[] = [];
      socket.on('message', (bytes) => messages.push(liveMessage.parse(JSON.parse(bytes.toString())) as LiveMessage));
      return { messages, closed: new Promise((resolve) => socket.once('close', resolve)) };
    },
  };
}

async function pageOf(node: Ran, words = 'console: '): Promise<string> {
  await until('it says where its page is', () => node.err().includes(words), PATIENCE_MS);
  return new RegExp(`${words}(\\S+)`).exec(node.err())?.[1] ?? '';
}

async function scrape(node: Ran): Promise<string> {
  const url = /metrics at (\S+)/.exec(node.err())?.[1] ?? '';
  expect((await fetch(url.replace('/metrics', '/other'))).status).toBe(404);
  const answer = await fetch(url);
  expect(answer.headers.get('content-type')).toContain('text/plain');
  return answer.text();
}

it('is the same at every node, and steers where the key is', { timeout: PATIENCE_MS * 2 }, async () => {
  const scenario = kit.scenario('both', { holdS: 60 });
  const data = (name: string): string => join(kit.folder, name);
  const metrics = ['--metrics-listen', '0'];
  const seed = kit.start(
    'seed',
    '--expect-nodes',
    '1',
    '--data',
    data('seed'),
    '--scenario',
    scenario,
    '--console',
    '--console-share',
    '--console-token',
    '--console-operator-token',
    '--quiet',
    ...metrics,
  );
  await until('there is a ticket', () => seed.out().includes('\n'), PATIENCE_MS);
  const node = kit.start('join', seed.out().trim(), '--data', data('node'), '--label', 'name=far', '--console', '127.0.0.1:0', ...metrics);
  const afar = kit.start('console', seed.out().trim(), '--listen', '0');
  await until('there is a link', () => afar.out().includes('\n'), PATIENCE_MS);
  const [seedVisitor, nodeVisitor] = [await visit(await pageOf(seed)), await visit(await pageOf(node))];
  const [atSeed, atNode] = [seedVisitor.ask, nodeVisitor.ask];
  await kit.untilStatus(data('seed'), 'all load is on', ({ board }) => board.endpointsActive === 12, true);
  const [one, other] = [await atSeed<LiveState>('status'), await atNode<LiveState>('status')];
  const picture = ({ runId, coordinator, nodes, shards }: LiveState): object => ({
    ...{ runId, coordinator, shards },
    nodes: nodes.map(({ node, name, role, state }) => ({ node, name, role, state })),
  });
  expect(picture(other)).toEqual(picture(one));
  expect(one.nodes.map(({ name }) => name).sort()).toEqual(['far', 'seed']);
  expect([await atSeed<SessionView>('session'), await atNode<SessionView>('session')]).toMatchObject([
    { mode: 'watch', canSteer: true, canStart: false, watchesBecause: null },
    { mode: 'watch', canSteer: false, canStart: false, watchesBecause: 'key' },
  ]);
  const reader = await visit(await pageOf(seed, 'console, reading only: '));
  expect(await reader.ask('session')).toMatchObject({ canSteer: false, watchesBecause: 'link' });
  for (const [words, canSteer] of [
    ['console, token that only reads: ', false],
    ['console, token that may steer: ', true],
  ] as const) {
    const { origin } = new URL(await pageOf(seed));
    const headers = { authorization: `Bearer ${await pageOf(seed, words)}` };
    expect(await (await fetch(`${origin}/api/v1/session`, { headers })).json()).toMatchObject({ canSteer });
  }
  const open = nodeVisitor.watch();
  await until('it is watched', () => open.messages.some(({ type }) => type === 'timeline'), PATIENCE_MS);
  const swarmId = /swarm (\w+):/.exec(seed.err())?.[1];
  expect(await atNode('session')).toMatchObject({ swarmId });
  for (const path of ['timeline', `nodes/${one.nodes[0]?.node}/log`, 'openapi.json']) await atNode(path);
  expect(await atNode('scenarios'), 'a node has no folder of scenarios').toMatchObject({ code: 'QUILT_CONSOLE_WATCHES' });
  const [ofSeed, ofNode] = [await scrape(seed), await scrape(node)];
  expect(ofSeed).toMatch(/^quilt_run_endpoints_planned\{.*group="callers".*\} 12$/m);
  expect(ofSeed).toMatch(/^quilt_node_coordinator\{.*\} 1$/m);
  expect(ofNode).toMatch(/^quilt_node_coordinator\{.*node="far".*\} 0$/m);
  expect(ofNode, 'only the coordinator tells of the run: sums count nothing twice').not.toContain('quilt_run_');
  expect(ofNode).toMatch(/^quilt_node_info\{.*node="far".*\} 1$/m);
  expect(await atNode('report'), 'it runs').toMatchObject({ code: 'QUILT_NO_REPORT' });
  expect(await atNode('orders', { order: 'stop', mode: 'now' })).not.toHaveProperty('command');
  expect(await atSeed('orders', { order: 'stop', mode: 'drain' })).toHaveProperty('command');
  expect([await seed.ended, await node.ended], 'an open page keeps nobody').toEqual([105, 105]);
  expect(await open.closed, 'going away').toBe(1001);
  expect(open.messages.findLast(({ type }) => type === 'report')).toMatchObject({ summary: { run: { end: 'stopped' } } });

  const late = await visit(afar.out().trim());
  const { messages } = late.watch();
  await until('it is told that the nodes are gone', () => messages.some(({ type }) => type === 'away'), PATIENCE_MS);
  expect(messages.slice(0, 5)).toMatchObject([
    { type: 'state', state: { runId: one.runId, atWallMs: expect.any(Number) } },
    { type: 'timeline', isWhole: true },
    { type: 'events', isWhole: true },
    { type: 'report', summary: { run: { runId: one.runId, end: 'stopped' } } },
    { type: 'away', isOver: true, heardWallMs: expect.any(Number) },
  ]);
  const whole = messages[1];
  if (whole?.type !== 'timeline') throw new Error('no timeline');
  const seconds = whole.timeline.atMs;
  expect(seconds.length).toBeGreaterThan(2);
  expect(
    [...new Set(seconds)].sort((left, right) => left - right),
    'every second once, in order',
  ).toEqual(seconds);
  expect(whole.heat.map(({ rows }) => rows.length)).toEqual(whole.heat.map(() => seconds.length));
  expect(await late.ask('session')).toMatchObject({ swarmId, canSteer: false });
  expect(await late.ask('report')).toMatchObject({ summary: { run: { runId: one.runId } } });
  afar.child.kill('SIGINT');
  expect(await afar.ended).toBe(0);
});

it.each([
  [['--console', '0.0.0.0:0'], '--console-tls-cert and --console-tls-key, or --console-insecure'],
  [['--console', '--console-tls-cert', 'no.pem'], 'certificate and key go together'],
  [['--console-share'], 'add --console'],
  [['--console=elsewhere'], 'HOST:PORT is expected'],
])('says before anything runs what is wrong with %j', { timeout: PATIENCE_MS }, async (flags, words) => {
  const { code, err } = await kit.run('seed', '--data', join(kit.folder, 'never'), ...flags);
  expect([code, err()]).toEqual([104, expect.stringContaining(words)]);
  expect(existsSync(join(kit.folder, 'never'))).toBe(false);
});

it('takes what follows a bare --console for the ticket, or the scenario', async () => {
  const { code, err } = await kit.run('join', '--console', 'quilt2-broken');
  expect([code, err()]).toEqual([104, expect.stringMatching(/ticket/i)]);
});
