// The page of a swarm served by its nodes (seed --console, join --console): each shows the same, the one with the operator's key steers, and it ends with its node. And what the same nodes
// tell Prometheus (--metrics-listen).

import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LiveState, SessionView } from '../../tools/console/protocol.ts';
import { expectAsDescribed } from '../support/api-answers.ts';
import { createSwarmKit, PATIENCE_MS, type Ran, type SwarmKit } from '../support/swarm-kit.ts';
import { until } from '../support/until.ts';

let kit: SwarmKit;
beforeAll(async () => {
  kit = await createSwarmKit();
}, PATIENCE_MS);
afterAll(() => kit.close());

/** Logs in at the console of a node, with the link that it printed. */
async function visit(node: Ran): Promise<<T>(path: string, body?: object) => Promise<T>> {
  await until('it says where its page is', () => node.err().includes('console: '), PATIENCE_MS);
  const link = new URL(/console: (\S+)/.exec(node.err())?.[1] ?? '');
  const { origin } = link;
  const headers = { origin, 'content-type': 'application/json' };
  const login = await fetch(`${origin}/api/v1/login`, { method: 'POST', headers, body: JSON.stringify({ code: link.hash.slice(1) }) });
  const cookie = (login.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  return async (path, body) => {
    const init =
      body === undefined ? { headers: { cookie } } : { method: 'POST', headers: { ...headers, cookie }, body: JSON.stringify(body) };
    const answer = await fetch(`${origin}/api/v1/${path}`, init);
    const text = await answer.text();
    expectAsDescribed(body === undefined ? 'GET' : 'POST', `/api/v1/${path}`, answer.status, text);
    return JSON.parse(text) as never;
  };
}

async function scrape(node: Ran): Promise<string> {
  const url = /metrics: (\S+)/.exec(node.err())?.[1] ?? '';
  expect((await fetch(url.replace('/metrics', '/other'))).status).toBe(404);
  const answer = await fetch(url);
  expect(answer.headers.get('content-type')).toContain('text/plain');
  return answer.text();
}

it('is the same at every node, and steers where the key is', { timeout: PATIENCE_MS * 2 }, async () => {
  const scenario = kit.scenario('both', { holdS: 60 });
  const data = (name: string): string => join(kit.folder, name);
  const metrics = ['--metrics-listen', '0'];
  const seed = kit.start('seed', '--expect-nodes', '1', '--data', data('seed'), '--scenario', scenario, '--console', '--quiet', ...metrics);
  await until('there is a ticket', () => seed.out().includes('\n'), PATIENCE_MS);
  const node = kit.start('join', seed.out().trim(), '--data', data('node'), '--label', 'name=far', '--console', ...metrics);
  const [atSeed, atNode] = [await visit(seed), await visit(node)];
  await kit.untilStatus(data('seed'), 'all load is on', ({ board }) => board.endpointsActive === 12, true);
  const [one, other] = [await atSeed<LiveState>('status'), await atNode<LiveState>('status')];
  const picture = ({ runId, coordinator, nodes, shards }: LiveState): object => ({
    ...{ runId, coordinator, shards },
    nodes: nodes.map(({ node, name, role, state }) => ({ node, name, role, state })),
  });
  expect(picture(other)).toEqual(picture(one));
  expect(one.nodes.map(({ name }) => name).sort()).toEqual(['far', 'seed']);
  expect([await atSeed<SessionView>('session'), await atNode<SessionView>('session')]).toMatchObject([
    { mode: 'watch', canSteer: true, canStart: false },
    { mode: 'watch', canSteer: false, canStart: false },
  ]);
  for (const path of ['timeline', `nodes/${one.nodes[0]?.node}/log`, 'openapi.json']) await atNode(path);
  expect(await atNode('scenarios'), 'a node has no folder of scenarios').toMatchObject({ code: 'QUILT_CONSOLE_WATCHES' });
  const [ofSeed, ofNode] = [await scrape(seed), await scrape(node)];
  expect(ofSeed).toMatch(/^quilt_run_endpoints_active\{group="callers",type="http"\} 12$/m);
  expect(ofSeed).toMatch(/^quilt_node_coordinator 1$/m);
  expect(ofNode).toMatch(/^quilt_node_coordinator 0$/m);
  expect(ofNode, 'only the coordinator tells of the run: sums count nothing twice').not.toContain('quilt_run_');
  expect(ofNode).toMatch(/^quilt_node_info\{.*name="far".*label_name="far".*\} 1$/m);
  expect(await atNode('report'), 'it runs').toMatchObject({ code: 'QUILT_NO_REPORT' });
  expect(await atNode('orders', { order: 'stop', mode: 'now' })).not.toHaveProperty('command');
  expect(await atSeed('orders', { order: 'stop', mode: 'drain' })).toHaveProperty('command');
  expect([await seed.ended, await node.ended]).toEqual([105, 105]);
});
