// The table of rights at Google against what the client really calls: one story that goes through everything, and the role that is made from the table.

import { expect, it } from 'vitest';
import { cloudType } from '../../bootstrap/clouds/gce/index.ts';
import { methodRights } from '../../bootstrap/clouds/gce/permissions.ts';
import { startFakeGoogle } from '../support/clouds/gce.ts';
import { filter, gceOrder, listGce, never, openGce, region } from '../support/clouds/gce-lab.ts';

it('has every method that is called and no other', async () => {
  const google = await startFakeGoogle();
  try {
    const cloud = await openGce(google);
    const order = gceOrder({ address: 'reserved', count: 1 });
    expect(await cloud.validate(order)).toEqual([]);
    // The second time everything is there already, and is looked at.
    await cloud.launch(order, never);
    await cloud.launch(order, never);
    for (let looks = 0; looks < 3; looks++)
      await cloud.terminate(
        filter,
        (await listGce(cloud)).map(({ id }) => id),
      );
    await cloud.check(region);
    expect([...new Set(google.calls)].sort()).toEqual(methodRights.map(({ method }) => method).sort());
  } finally {
    await google.close();
  }
});

it('becomes a role of single permissions, each once', () => {
  const lines = (cloudType.leastRights?.() ?? '').split('\n');
  const permissions = lines.filter((line) => line.startsWith('- '));
  expect(permissions.length).toBeGreaterThan(15);
  expect(new Set(permissions).size).toBe(permissions.length);
  for (const permission of permissions) expect(permission).toMatch(/^- compute\.[a-zA-Z]+\.[a-zA-Z]+$/);
});
