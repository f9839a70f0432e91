// A lab over the made-up EC2 for the suites of test/compliance: waiting moves the vendor's clock and not a real one. The cloud talks to it through the vendor's own
// library, or through the small client of ec2-client.ts where that is not installed.

import { createRequire } from 'node:module';
import type { Cloud, CloudComponents } from '../../../bootstrap/cloud.ts';
import { cloudType, createAwsCloud } from '../../../bootstrap/clouds/aws/index.ts';
import type { FaultyCloudLab } from '../../compliance/cloud-faults.ts';
import { type FakeEc2, KEY_ID, startFakeEc2 } from './ec2.ts';
import { smallClient } from './ec2-client.ts';
import type { Region } from './ec2-region.ts';

export type Client = 'library' | 'small';
export const LAB_REGION = 'eu-central-1';
export const LAB_TYPE = 'c7i.large';
const LOOK_MS = 2_000;
const LOOKS_MAX = 300;

/** The vendor's library is a dependency of the program; where it is not installed the tests say so in their titles. */
export const hasLibrary = ((): boolean => {
  try {
    return createRequire(import.meta.url).resolve('@aws-sdk/client-ec2') !== '';
  } catch {
    return false;
  }
})();

export interface Ec2Lab extends FaultyCloudLab {
  readonly fake: FakeEc2;
  readonly account: Region;
}

export function componentsOf(fake: FakeEc2, keyId = KEY_ID): CloudComponents {
  const values: Readonly<Record<string, string>> = {
    ...{ AWS_ENDPOINT_URL_EC2: fake.url, AWS_ACCESS_KEY_ID: keyId, AWS_SECRET_ACCESS_KEY: 'not-a-secret', AWS_REGION: LAB_REGION },
  };
  return {
    environment: (name) => values[name],
    wallNowMs: () => fake.nowMs(),
    async sleep(ms, signal) {
      signal?.throwIfAborted();
      // A launcher that is dead does not wait: the next one may come before EC2 shows what this one made.
      if (!fake.isCut()) fake.advance(ms);
      await new Promise((resume) => setImmediate(resume));
      signal?.throwIfAborted();
    },
    random: () => 0.5,
  };
}

export async function openCloud(fake: FakeEc2, client: Client, keyId = KEY_ID): Promise<Cloud> {
  const components = componentsOf(fake, keyId);
  if (client === 'small') return createAwsCloud(components, (region) => smallClient({ url: fake.url, region, keyId }));
  const opened = await cloudType.create(components);
  if (!opened.ok) throw new Error(JSON.stringify(opened.problems));
  return opened.value;
}

export async function openEc2Lab(client: Client): Promise<Ec2Lab> {
  const fake = await startFakeEc2();
  const account = fake.region(LAB_REGION);
  return {
    ...{ fake, account, cloud: await openCloud(fake, client), region: LAB_REGION, machineType: LAB_TYPE },
    userData: '#cloud-config\nruncmd: [[sleep, "1"]]\n',
    reopen: () => openCloud(fake, client),
    count: async () => account.alive().length,
    async until(predicate) {
      for (let look = 0; look < LOOKS_MAX; look++) {
        if (await predicate()) return;
        fake.advance(LOOK_MS);
      }
      throw new Error(`not so after ${LOOKS_MAX} looks: ${account.leftovers().join(' ')}`);
    },
    cutAfter: (calls) => fake.cutAfter(calls),
    mend: () => fake.mend(),
    calls: () => fake.log.length,
    atCall: (call, act) => fake.atCall(fake.log.length + call, act),
    leftovers: async () => account.leftovers(),
    allow(machines) {
      for (const zone of account.zones) account.capacity.set(`on-demand/${LAB_TYPE}/${zone}`, zone.endsWith('a') ? machines : 0);
    },
    addStranger: async () => account.addStranger(),
    close: () => fake.close(),
  };
}
