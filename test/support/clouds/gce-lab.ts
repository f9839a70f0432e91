// What the tests of the GCE cloud share: the cloud over a fake, and an order that is right.

import type { Cloud, Instance, LaunchOrder } from '../../../bootstrap/cloud.ts';
import { cloudType } from '../../../bootstrap/clouds/gce/index.ts';
import type { FakeGoogle } from './gce.ts';

export const never = new AbortController().signal;
export const region = 'us-central1';
export const filter = { region, runId: 'run1' };

export async function openGce(google: FakeGoogle): Promise<Cloud> {
  const opened = await cloudType.create(google.components);
  if (!opened.ok) throw new Error(JSON.stringify(opened.problems));
  return opened.value;
}

export const gceOrder = (changes: Partial<LaunchOrder> = {}): LaunchOrder => ({
  ...{ runId: 'run1', orderId: 'gce-0', expiresWallMs: 1_900_000_000_000, region, zones: [], machineTypes: ['e2-standard-2'], count: 3 },
  ...{ image: null, userData: '#cloud-config\n', markets: ['on-demand'], address: 'ephemeral', meshPort: 4001, wallMsMax: 600_000 },
  ...changes,
});

export async function listGce(cloud: Cloud, runId: string | null = 'run1'): Promise<readonly Instance[]> {
  const listed = await cloud.list({ region, runId });
  if (!listed.ok) throw new Error(JSON.stringify(listed.problems));
  return listed.value;
}
