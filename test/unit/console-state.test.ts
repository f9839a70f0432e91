// What the page is told of nodes: figures as short as they mean something, and nothing running on who is gone.

import { expect, it } from 'vitest';
import type { NodeHealth, StatusNode, StatusView } from '../../node/runtime/node-status.ts';
import { stateOf } from '../../tools/console/server/state.ts';

const health: NodeHealth = {
  ...{ active: 7, started: 20, failed: 1, errors: 3, cpuCores: 0.123456, memoryMb: 222.98765, loopDelayMs: 1.23456, latenessMs: 0.98765 },
  ...{ tainted: [], windowLast: 9, behindMs: 1234.5 },
};
const nodeIn = (state: StatusNode['state']): StatusNode => ({
  ...{ node: state, name: state, load: true, voter: true, state, shards: 2, cores: 4, labels: { vendor: 'aws' }, health },
});

it('a node that is gone has what it did, and runs nothing', () => {
  const status = {
    ...{ swarmId: 's', runId: 'r', coordinator: 'live', scales: [], thresholds: [], nowSwarmMs: 1, sinceT0Ms: 1 },
    ...{ nodes: (['live', 'lost', 'left'] as const).map(nodeIn), board: { scenario: 'x', groups: [] } },
  } as unknown as StatusView;
  const rows = stateOf(status, 0).nodes;
  expect(rows.map(({ active }) => active)).toEqual([7, 0, 0]);
  expect(rows.map(({ cpuCores }) => cpuCores)).toEqual([0.123, null, null]);
  expect(rows.map(({ started, failed, errors }) => [started, failed, errors])).toEqual([
    [20, 1, 3],
    [20, 1, 3],
    [20, 1, 3],
  ]);
});
