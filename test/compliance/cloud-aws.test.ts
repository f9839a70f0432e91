// Amazon EC2 under both suites for clouds, over the made-up EC2 of test/support/clouds: through the vendor's own library, and through a small client of the same API.
// With QUILT_TEST_AWS_REGION set, the suite for all clouds runs besides against whatever endpoint and credentials the environment has: moto,
// LocalStack, or AWS itself, where it costs money. Without the library its two suites are skipped, and the title says so.

import { describe } from 'vitest';
import { cloudType } from '../../bootstrap/clouds/aws/index.ts';
import { hasLibrary, openEc2Lab } from '../support/clouds/ec2-lab.ts';
import { until } from '../support/until.ts';
import { type CloudLab, cloudCompliance } from './cloud.ts';
import { cloudFaultCompliance } from './cloud-faults.ts';

describe('through the small client', () => {
  cloudCompliance(cloudType, () => openEc2Lab('small'));
  cloudFaultCompliance(cloudType, () => openEc2Lab('small'));
});

const libraryTitle = hasLibrary ? "through the vendor's library" : 'SKIPPED, nothing tested: @aws-sdk/client-ec2 is not installed';
describe.skipIf(!hasLibrary)(libraryTitle, () => {
  cloudCompliance(cloudType, () => openEc2Lab('library'));
  cloudFaultCompliance(cloudType, () => openEc2Lab('library'));
});

const region = process.env.QUILT_TEST_AWS_REGION;
describe.skipIf(!hasLibrary || region === undefined)('against the endpoint of the environment (QUILT_TEST_AWS_REGION)', () => {
  const BOUND_MS = 110_000;
  cloudCompliance(cloudType, async (): Promise<CloudLab> => {
    const opened = await cloudType.create({
      ...{ environment: (name) => process.env[name], wallNowMs: () => 0, random: () => 0.5 },
      sleep: (ms) => new Promise((wake) => setTimeout(wake, ms)),
    });
    if (!opened.ok) throw new Error(JSON.stringify(opened.problems));
    const cloud = opened.value;
    const place = region ?? '';
    const alive = async () => {
      const listed = await cloud.list({ region: place, runId: null });
      if (!listed.ok) throw new Error(JSON.stringify(listed.problems));
      return listed.value.filter(({ state }) => state === 'pending' || state === 'running');
    };
    return {
      ...{ cloud, region: place, machineType: 't3.micro', userData: '#cloud-config\n' },
      count: async () => (await alive()).length,
      until: (predicate) => until('the machines are as expected', predicate, BOUND_MS),
      async close() {
        for (const { id, runId } of await alive()) await cloud.terminate({ region: place, runId }, [id]);
      },
    };
  });
});
