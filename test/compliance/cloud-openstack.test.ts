// OpenStack and both clouds of Rackspace under both suites for clouds, over the made-up OpenStack of test/support/clouds.

import { describe } from 'vitest';
import { openStackLab, typeOfKind } from '../support/clouds/openstack-lab.ts';
import { cloudCompliance } from './cloud.ts';
import { cloudFaultCompliance } from './cloud-faults.ts';

describe.each([
  ['OpenStack', 'v3'],
  ["Rackspace's classic cloud", 'classic'],
  ['Rackspace OpenStack Flex', 'flex'],
] as const)('%s', (_title, kind) => {
  cloudCompliance(typeOfKind(kind), () => openStackLab(kind));
  cloudFaultCompliance(typeOfKind(kind), () => openStackLab(kind));
});
