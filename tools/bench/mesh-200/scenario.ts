// The run that the swarm of this benchmark forms for: 20,000 endpoints in 1,000 meetings, all from T0 on, which expands to 440 shards. Its target is
// never contacted, because the workers are stand-ins; everything before them is real, the operator's signature included.

import type { Identity } from '../../../node/adapters/identity.ts';
import { makeManifest, sign } from '../../../node/commands/operator.ts';
import { readScenario } from '../../../node/commands/read-scenario.ts';
import type { SignedOrder } from '../../../node/core/messages.ts';
import { makePlan } from '../../../node/core/plan.ts';
import type { Plan } from '../../../node/core/plan-types.ts';
import { encodeBundle, hashOf } from '../../../node/runtime/bundle.ts';

const FILE = 'mesh-200.yaml';
const TEXT = `
name: mesh-200
targets: { api: 'http://127.0.0.1:9' }
meetings:
  count: 1000
  provision: { method: POST, url: '\${targets.api}/meetings', save: { id: $.id } }
groups:
  participants:
    type: http
    perMeeting: 20
    load: { shape: [{ step: 100%, for: 10m }] }
    behavior:
      baseUrl: \${targets.api}
      requests: [{ name: look up, url: '/meetings/\${meeting.id}' }]
deadline: 20m
`;

export interface Order {
  readonly plan: Plan;
  readonly bundle: Uint8Array;
  readonly order: SignedOrder;
}

export async function makeOrder(swarmId: string, operator: Identity): Promise<Order> {
  const read = await readScenario({ text: TEXT, file: FILE, folder: '.', variables: {} });
  if (!read.ok) throw new Error(read.problems.map((problem) => problem.message).join('; '));
  const { scenario } = read.value;
  const plan = makePlan(scenario);
  const bundle = encodeBundle({ scenarioFile: FILE, scenarioText: TEXT, variables: {}, tags: {}, files: [] });
  const manifest = makeManifest({
    scenario,
    plan,
    bundleHash: hashOf(bundle),
    onNodeLoss: scenario.policies.onNodeLoss,
    onCoordinatorLoss: scenario.policies.onCoordinatorLoss,
    wallMsMax: scenario.deadlineMs,
  });
  return { plan, bundle, order: sign(swarmId, operator, { order: 'manifest', manifest }) };
}
