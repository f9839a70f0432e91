// The GCE cloud under the suite that every cloud passes, over the fake of Google's API. Machines are counted in the fake's project, not by the cloud's word, and after each story
// nothing that was sent or answered may be against Google's schema.

import { expect } from 'vitest';
import { cloudType } from '../../bootstrap/clouds/gce/index.ts';
import { startFakeGoogle } from '../support/clouds/gce.ts';
import { until } from '../support/until.ts';
import { cloudCompliance } from './cloud.ts';

cloudCompliance(cloudType, async () => {
  const google = await startFakeGoogle();
  const opened = await cloudType.create(google.components);
  if (!opened.ok) throw new Error(JSON.stringify(opened.problems));
  return {
    ...{ cloud: opened.value, region: 'us-central1', machineType: 'e2-standard-2', userData: '#cloud-config\n{}\n' },
    count: async () => google.project.machines.size,
    until: (predicate) => until('the machines are as expected', predicate),
    async close() {
      await google.close();
      expect(google.complaints).toEqual([]);
    },
  };
});
