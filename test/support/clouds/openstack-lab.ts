// Labs over the made-up OpenStack for the suites of test/compliance, and what its own tests share: waiting moves the provider's clock and not a real one. Three kinds: OpenStack itself,
// Rackspace's classic cloud, Rackspace's OpenStack Flex.

import type { Cloud, CloudComponents, CloudType, LaunchOrder } from '../../../bootstrap/cloud.ts';
import { cloudTypes } from '../../../bootstrap/clouds/openstack/index.ts';
import type { FaultyCloudLab } from '../../compliance/cloud-faults.ts';
import { type FakeOpenStack, type Kind, startFakeOpenStack } from './openstack.ts';

const LOOK_MS = 2_000;
const LOOKS_MAX = 300;

export function typeNamed(name: string): CloudType {
  const type = cloudTypes.find((each) => each.name === name);
  if (type === undefined) throw new Error(`no cloud ${name}`);
  return type;
}

export const typeOfKind = (kind: Kind): CloudType => typeNamed(kind === 'v3' ? 'openstack' : 'rackspace');

export interface OpenStackLab extends FaultyCloudLab {
  readonly fake: FakeOpenStack;
}

export const environmentOf = (fake: FakeOpenStack): Record<string, string | undefined> => ({
  ...{
    OS_AUTH_URL: `${fake.url}/v3/`,
    OS_USERNAME: 'runner',
    OS_PASSWORD: 'secret',
    OS_PROJECT_NAME: 'loadtest',
    OS_USER_DOMAIN_ID: 'default',
  },
  ...{
    RACKSPACE_USERNAME: 'runner',
    RACKSPACE_API_KEY: 'secret',
    RACKSPACE_PROJECT_NAME: 'loadtest',
    RACKSPACE_IDENTITY_URL: `${fake.url}/v2.0`,
  },
  RACKSPACE_FLEX_URL: `${fake.url}/v3`,
});

export function componentsOf(fake: FakeOpenStack, environment = environmentOf(fake)): CloudComponents {
  return {
    environment: (name) => environment[name],
    wallNowMs: () => fake.project.nowMs,
    async sleep(ms, signal) {
      signal?.throwIfAborted();
      // A launcher that is dead does not wait: the next one may come before the provider has done what this one asked for.
      if (fake.callsLeft > 0) fake.project.nowMs += ms;
      await new Promise((resume) => setImmediate(resume));
      signal?.throwIfAborted();
    },
    random: () => 0.5,
  };
}

export async function openOn(fake: FakeOpenStack, environment = environmentOf(fake)): Promise<Cloud> {
  const opened = await typeOfKind(fake.kind).create(componentsOf(fake, environment));
  if (!opened.ok) throw new Error(JSON.stringify(opened.problems));
  return opened.value;
}

export const regionOf = (kind: Kind): string => (kind === 'v3' ? 'RegionOne' : kind === 'classic' ? 'ORD' : 'sjc3');

export const stackOrder = (kind: Kind, changes: Partial<LaunchOrder> = {}): LaunchOrder => ({
  ...{ runId: 'run1', orderId: 'os-0', expiresWallMs: 1_900_000_000_000, region: regionOf(kind), zones: [], count: 3, image: null },
  ...{ machineTypes: [kind === 'classic' ? 'general1-4' : 'm1.small'], userData: '#cloud-config\n', markets: ['on-demand'] },
  ...{ address: 'ephemeral', meshPort: 4001, wallMsMax: 600_000, ...changes },
});

export async function openStackLab(kind: Kind): Promise<OpenStackLab> {
  const fake = await startFakeOpenStack(kind);
  const { project } = fake;
  return {
    ...{ fake, cloud: await openOn(fake), region: regionOf(kind), machineType: kind === 'classic' ? 'general1-4' : 'm1.small' },
    userData: '#cloud-config\nruncmd: [[sleep, "1"]]\n',
    reopen: () => openOn(fake),
    count: async () => project.present().length,
    async until(predicate) {
      for (let look = 0; look < LOOKS_MAX; look++) {
        if (await predicate()) return;
        project.nowMs += LOOK_MS;
      }
      throw new Error(`not so after ${LOOKS_MAX} looks: ${project.leftovers().join(' ')}`);
    },
    cutAfter(calls) {
      fake.callsLeft = calls;
    },
    mend() {
      fake.callsLeft = Number.POSITIVE_INFINITY;
    },
    calls: () => fake.log.length,
    atCall: (call, act) => void fake.acts.set(fake.log.length + call, act),
    leftovers: async () => project.leftovers(),
    allow(machines) {
      project.room.set('nova', machines);
      project.room.set('az2', 0);
    },
    addStranger: async () => project.addStranger(),
    close: () => fake.close(),
  };
}
