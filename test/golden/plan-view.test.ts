// What `quilt-swarm plan` prints for a scenario with every kind of group, to the letter.
// To accept a change: npx vitest run --config test/vitest.config.ts test/golden/plan-view.test.ts -u

import { expect, it } from 'vitest';
import { type NodeShare, renderPlan } from '../../node/commands/plan-view.ts';
import { targetsOf } from '../../node/core/host-port.ts';
import { makePlan } from '../../node/core/plan.ts';
import { parsed } from '../support/scenarios.ts';

const scenario = parsed(`name: everything
description: one group of each kind
targets: { api: 'http://127.0.0.1:8080' }
meetings: { count: 12, provision: { url: '\${targets.api}/m' } }
groups:
  talkers:
    type: http
    perMeeting: 8
    load: { shape: [{ ramp: 100%, over: 10s }, { hold: 20s }, { ramp: 0, over: 10s }] }
    behavior: { url: '\${targets.api}' }
  crowd:
    type: http
    load: { endpoints: 200, shape: [{ hold: 15s }, { spike: 100%, over: 1s, for: 3s }, { hold: 10s }] }
    behavior: { url: '\${targets.api}' }
  visitors:
    type: http
    load: { rate: 4, shape: [{ step: 100%, for: 30s }] }
    stay: 5s
    behavior: { url: '\${targets.api}' }
thresholds:
  http_req_duration{group:talkers}: [p(95)<200, { threshold: max<900, abortOnFail: true, delayAbortEval: 10s }]
policies: { onNodeLoss: { tolerate: 10% } }
`);
const plan = makePlan(scenario);
const node = (name: string, more: Partial<NodeShare>): NodeShare => ({
  node: name,
  shards: 18,
  endpointsMax: 158,
  millicores: 320,
  capacityMillicores: 500,
  ...more,
});

it('a plan that fits', async () => {
  const lines = renderPlan({
    scenario,
    plan,
    nodes: [node('node-1', {}), node('node-2', { shards: 9 })],
    unplaceable: [],
    targets: targetsOf(scenario),
    columns: 80,
  });
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('plan-view.txt');
});

it('a plan that does not says why, and never draws beyond the terminal', () => {
  const unplaceable = [{ reason: 'no node carries the label region=eu', shards: 3 }];
  const lines = renderPlan({ scenario, plan, nodes: [], unplaceable, targets: [], columns: 60 });
  expect(lines).toContain('unplaceable 3 shards: no node carries the label region=eu');
  expect(lines.find((line) => line.startsWith('capacity'))).toContain('NOT ENOUGH, the run would end with exit 113');
  expect(Math.max(...lines.filter((line) => /[┤└]/.test(line)).map((line) => [...line].length))).toBeLessThanOrEqual(60);
});
