// How the EC2 cloud behaves in the vendor's moods, over the made-up EC2 of test/support/clouds: plan B, throttling, pages, late and lost answers, quotas, wrong keys and
// clocks, what exactly is sent, and that the least policy is what the calls need. The suites for all clouds are in test/compliance/cloud-aws.test.ts.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LaunchOrder, type LaunchOutcome, MARKS } from '../../bootstrap/cloud.ts';
import { permissionRows, renderPolicy } from '../../bootstrap/clouds/aws/permissions.ts';
import { metadataOf } from '../support/clouds/ec2-actions.ts';
import { type Client, type Ec2Lab, hasLibrary, LAB_REGION, LAB_TYPE, openCloud, openEc2Lab } from '../support/clouds/ec2-lab.ts';

const never = new AbortController().signal;
const ZONES = ['a', 'b', 'c'].map((letter) => LAB_REGION + letter);
const [ZONE_A, ZONE_B] = ZONES as [string, string, string];
const IMAGE = 'ami-0123456789abcdef0';
const filter = { region: LAB_REGION, runId: 'run1' };

const orderWith = (changes: Partial<LaunchOrder> = {}): LaunchOrder => ({
  ...{ runId: 'run1', orderId: 'aws-0', expiresWallMs: 1_900_000_000_000, region: LAB_REGION, zones: [], image: null },
  ...{ machineTypes: [LAB_TYPE], count: 3, userData: '#cloud-config\n', markets: ['on-demand'], address: 'ephemeral' },
  ...{ meshPort: 4001, wallMsMax: 600_000, ...changes },
});

const clients: readonly Client[] = hasLibrary ? ['small', 'library'] : ['small'];

describe.each(clients)('EC2 through the %s client', (client) => {
  let lab: Ec2Lab;
  beforeEach(async () => {
    lab = await openEc2Lab(client);
  });
  afterEach(() => lab.close());
  const launch = (changes: Partial<LaunchOrder> = {}): Promise<LaunchOutcome> => lab.cloud.launch(orderWith(changes), never);
  const allow = (market: string, type: string, zone: string, machines: number): unknown =>
    lab.account.capacity.set(`${market}/${type}/${zone}`, machines);
  const calls = (action: string): number => lab.fake.log.filter((each) => each === action).length;

  describe('plan B', () => {
    it('takes the next zone, then the next type, for what a place does not have', async () => {
      allow('on-demand', LAB_TYPE, ZONE_A, 1);
      allow('on-demand', LAB_TYPE, ZONE_B, 0);
      const { instances, refusals } = await launch({ zones: [ZONE_A, ZONE_B], machineTypes: [LAB_TYPE, 'c7i.xlarge'] });
      expect(refusals).toEqual([]);
      expect(instances.map(({ machineType, zone }) => [machineType, zone])).toEqual([
        [LAB_TYPE, ZONE_A],
        ['c7i.xlarge', ZONE_A],
        ['c7i.xlarge', ZONE_A],
      ]);
    });

    it('falls back from spot to on-demand, and says which is which', async () => {
      for (const zone of ZONES) allow('spot', LAB_TYPE, zone, zone === ZONE_A ? 2 : 0);
      const { instances } = await launch({ markets: ['spot', 'on-demand'] });
      expect(instances.map(({ market }) => market).sort()).toEqual(['on-demand', 'spot', 'spot']);
    });

    it('goes no further than the operator allowed', async () => {
      for (const zone of ZONES) allow('on-demand', LAB_TYPE, zone, 0);
      const { instances, refusals } = await launch({ zones: [ZONE_A] });
      expect(instances).toEqual([]);
      expect(refusals).toMatchObject([{ cause: 'capacity', code: 'QUILT_AWS_CAPACITY' }]);
      expect(calls('RunInstances')).toBe(1);
    });

    it('does not ask the other zones of a type that is over its quota', async () => {
      lab.account.limits.cores = 2;
      const { instances, refusals } = await launch({ zones: ZONES });
      expect(instances).toEqual([]);
      expect(refusals).toMatchObject([{ cause: 'quota', code: 'QUILT_AWS_QUOTA' }]);
      expect(calls('RunInstances')).toBe(1);
    });

    it('takes a zone without the type for one without capacity', async () => {
      const { instances } = await launch({ zones: [`${LAB_REGION}c`, ZONE_B], machineTypes: ['c7i.xlarge'] });
      expect(instances.map(({ zone }) => zone)).toEqual([ZONE_B, ZONE_B, ZONE_B]);
    });

    it('stops at what is no matter of the place', async () => {
      lab.fake.denied.add('ec2:RunInstances');
      const { instances, refusals } = await launch({ zones: ZONES, markets: ['spot', 'on-demand'] });
      expect(instances).toEqual([]);
      expect(refusals).toMatchObject([{ cause: 'permission', hint: expect.stringContaining('policy') }]);
      expect(calls('RunInstances')).toBe(1);
    });

    it('ends the surplus when it went another way the time before', async () => {
      allow('on-demand', LAB_TYPE, ZONE_A, 0);
      const order = orderWith({ zones: [ZONE_A, ZONE_B], count: 25 });
      const first = await lab.cloud.launch(order, never);
      expect(first.instances.length).toBe(25);
      // Two are gone, so the same order is not whole; and the first zone has machines again.
      const [one, two] = first.instances.map(({ id }) => id) as [string, string];
      await lab.cloud.terminate(filter, [one, two]);
      lab.account.capacity.clear();
      const second = await lab.cloud.launch(order, never);
      expect(second.refusals).toEqual([]);
      expect(lab.account.alive().length).toBe(25);
    });
  });

  describe('many machines', () => {
    it('are asked for in batches and listed over pages', async () => {
      lab.account.limits.page = 7;
      const { instances } = await launch({ count: 100 });
      expect(instances.length).toBe(100);
      expect(calls('RunInstances')).toBe(5);
      const listed = await lab.cloud.list(filter);
      expect(listed.ok && new Set(listed.value.map(({ id }) => id)).size).toBe(100);
    });

    it('end in one go, though one of them is unknown to EC2', async () => {
      const { instances } = await launch({ count: 30 });
      // Between the list and the end EC2 forgets one.
      lab.atCall(2, () => lab.account.instances.delete(instances[3]?.id ?? ''));
      const { ended, refusals } = await lab.cloud.terminate(
        filter,
        instances.map(({ id }) => id),
      );
      expect(refusals).toEqual([]);
      expect(ended.length).toBe(30);
      expect(calls('TerminateInstances')).toBe(2);
      expect(lab.account.leftovers()).toEqual([]);
    });
  });

  describe('what is sent', () => {
    it('ends at shutdown, wants IMDSv2, and carries the marks on everything', async () => {
      await launch({ count: 1, markets: ['spot'], address: 'reserved' });
      const [instance] = lab.account.alive();
      expect(instance?.request).toMatchObject({
        InstanceInitiatedShutdownBehavior: 'terminate',
        InstanceMarketOptions: { MarketType: 'spot', SpotOptions: { SpotInstanceType: 'one-time' } },
      });
      expect(metadataOf(instance as NonNullable<typeof instance>)).toMatchObject({ HttpTokens: 'required' });
      const kinds = (instance?.request.TagSpecification ?? []) as readonly { ResourceType: string; Tag: unknown }[];
      expect(kinds.map(({ ResourceType }) => ResourceType)).toEqual(['instance', 'volume', 'spot-instances-request']);
      const [group] = lab.account.groups.values();
      const [address] = lab.account.addresses.values();
      for (const tags of [instance?.tags, group?.tags, address?.tags])
        expect([tags?.get(MARKS.run), tags?.get(MARKS.order), tags?.get(MARKS.expires)]).toEqual(['run1', 'aws-0', '1900000000000']);
      expect(Buffer.from(String(instance?.request.UserData), 'base64').toString()).toBe('#cloud-config\n');
    });

    it('opens the port of the mesh and nothing else', async () => {
      await launch({ meshPort: 4242 });
      const [group] = lab.account.groups.values();
      expect(group?.permissions).toEqual(['tcp/4242-4242 0.0.0.0/0', 'tcp/4242-4242 ::/0']);
    });

    it('gives each machine its own address, and it alone', async () => {
      const { instances } = await launch({ address: 'reserved' });
      expect(new Set(instances.map(({ publicAddress }) => publicAddress)).size).toBe(3);
      expect(lab.account.alive().some(({ hasPublicAddress }) => hasPublicAddress)).toBe(false);
      await lab.cloud.terminate(filter, instances.map(({ id }) => id)); // biome-ignore format: one line
      expect(lab.account.addresses.size).toBe(0);
    });

    it('uses every action of the least policy and no other', async () => {
      expect(await lab.cloud.validate(orderWith({ image: IMAGE, address: 'reserved' }))).toEqual([]);
      const { instances } = await launch({ address: 'reserved', markets: ['spot'] });
      await lab.cloud.terminate(filter, [instances[0]?.id ?? '']);
      // Only an address that is still attached has to be detached.
      for (const address of lab.account.addresses.values()) address.association ??= { id: 'eipassoc-1', instanceId: 'i-gone' };
      await lab.cloud.terminate(filter, instances.map(({ id }) => id)); // biome-ignore format: one line
      await lab.cloud.check(LAB_REGION);
      expect(await lab.cloud.spotPrices?.(LAB_REGION, [LAB_TYPE])).toEqual({ ok: true, value: new Map([[LAB_TYPE, 0.031]]) });
      expect([...lab.fake.used].sort()).toEqual(permissionRows.map(({ action }) => action).sort());
      const { Statement } = JSON.parse(renderPolicy()) as { Statement: readonly { Action: readonly string[] }[] };
      expect([...new Set(Statement.flatMap(({ Action }) => Action))].sort()).toEqual([...lab.fake.used].sort());
    });
  });

  describe('the vendor', () => {
    it('throttles, and is asked again later', async () => {
      lab.fake.faults.push({ action: 'RunInstances', times: 4, code: 'RequestLimitExceeded', status: 503 });
      expect((await launch()).instances.length).toBe(3);
      expect(calls('RunInstances')).toBe(5);
    });

    it('throttles for ever, and the launch gives up with the reason', async () => {
      lab.fake.faults.push({ action: 'RunInstances', times: 1000, code: 'RequestLimitExceeded', status: 503 });
      const { refusals } = await launch();
      expect(refusals).toMatchObject([{ cause: 'throttled', hint: expect.any(String) }]);
      expect(calls('RunInstances')).toBe(8);
    });

    it('launches and loses the answer: the same token gives the same machines', async () => {
      lab.fake.faults.push({ action: 'RunInstances', times: 2, code: 'drop', when: 'after' });
      expect((await launch()).instances.length).toBe(3);
      expect(lab.account.alive().length).toBe(3);
    });

    it('allocates an address and loses the answer: the address is found at the end', async () => {
      lab.fake.faults.push({ action: 'AllocateAddress', times: 1, code: 'drop', when: 'after' });
      const { instances, refusals } = await launch({ address: 'reserved' });
      expect([instances.length, refusals.length]).toEqual([2, 1]);
      expect(lab.account.alive().length).toBe(2);
      expect(lab.account.addresses.size).toBe(3);
      await lab.cloud.terminate(filter, instances.map(({ id }) => id)); // biome-ignore format: one line
      expect(lab.account.leftovers()).toEqual([]);
    });

    it('has machines that end at once, with its reason', async () => {
      lab.account.stillborn = 'Client.VolumeLimitExceeded';
      const { instances, refusals } = await launch();
      expect(instances).toEqual([]);
      expect(refusals).toContainEqual(expect.objectContaining({ cause: 'quota', message: expect.stringContaining('VolumeLimitExceeded') }));
    });

    it('refuses another order under the tokens of the first', async () => {
      await launch();
      for (const instance of lab.account.alive().slice(1)) lab.account.end(instance);
      const { refusals } = await launch({ userData: '#cloud-config\nruncmd: []\n' });
      expect(refusals).toMatchObject([{ cause: 'invalid', message: expect.stringContaining('IdempotentParameterMismatch') }]);
    });

    it('has no machines of an order that was launched and has ended', async () => {
      const { instances } = await launch();
      await lab.cloud.terminate(filter, instances.map(({ id }) => id)); // biome-ignore format: one line
      const { refusals } = await launch();
      expect(refusals).toMatchObject([{ cause: 'invalid' }]);
      expect(lab.account.alive()).toEqual([]);
    });

    it('keeps a group of the same name that is somebody else’s', async () => {
      lab.account.groups.set('sg-00000001', { id: 'sg-00000001', name: 'quilt-run1', tags: new Map(), madeMs: 0, permissions: [] });
      const { instances, refusals } = await launch();
      expect(instances).toEqual([]);
      expect(refusals).toMatchObject([{ hint: expect.stringContaining('quilt-run1') }]);
      await lab.cloud.terminate(filter, []);
      expect(lab.account.leftovers()).toEqual(['sg-00000001']);
    });
  });

  describe('before money is spent', () => {
    it.each<[string, Partial<LaunchOrder>, string, string]>([
      ['a region that is none', { region: 'europe' }, 'not-found', 'us-east-1'],
      ['a zone that is none', { zones: [`${LAB_REGION}z`] }, 'not-found', LAB_REGION],
      ['a type that the zones lack', { zones: [`${LAB_REGION}c`], machineTypes: ['c7i.xlarge'] }, 'not-found', ZONE_A],
      ['an image of another region', { image: 'ami-0fffffffffffffff0' }, 'not-found', 'region'],
      ['a text that is no image', { image: 'debian' }, 'invalid', 'ami-'],
      ['an image for other processors', { machineTypes: ['c7g.large'], image: IMAGE }, 'invalid', ''],
      ['more addresses than the account may have', { count: 6, address: 'reserved' }, 'quota', 'higher limit'],
      ['user data of one byte too much', { userData: '#'.repeat(16_385) }, 'invalid', '16384'],
      ['no market', { markets: [] }, 'invalid', 'spot'],
      ['no port', { meshPort: 0 }, 'invalid', '65535'],
      ['marks that are none', { runId: 'a b' }, 'invalid', 'letters'],
    ])('finds %s', async (_title, changes, cause, hint) => {
      const [refusal] = await lab.cloud.validate(orderWith(changes));
      expect(refusal).toMatchObject({ cause, hint: expect.stringContaining(hint) });
      expect(lab.account.leftovers()).toEqual([]);
    });

    it('takes user data of exactly 16 KB, and processors of both kinds', async () => {
      expect(await lab.cloud.validate(orderWith({ userData: '#'.repeat(16_384) }))).toEqual([]);
      expect(await lab.cloud.validate(orderWith({ machineTypes: ['c7g.large'] }))).toEqual([]);
    });

    it('finds a missing permission by a dry run', async () => {
      lab.fake.denied.add('ec2:CreateTags');
      expect(await lab.cloud.validate(orderWith())).toMatchObject([{ cause: 'permission' }]);
    });

    it.each([
      ['ExpiredToken', 'sso login'],
      ['RequestExpired', 'clock'],
      ['AuthFailure', 'AWS_ACCESS_KEY_ID'],
    ])('tells %s by what to do', async (code, hint) => {
      lab.fake.faults.push({ action: null, times: 1000, code });
      expect(await lab.cloud.validate(orderWith())).toMatchObject([{ cause: 'credentials', hint: expect.stringContaining(hint) }]);
    });

    it('is refused with a key that EC2 does not know', async () => {
      const cloud = await openCloud(lab.fake, client, 'AKIDSTRANGER');
      expect(await cloud.validate(orderWith())).toMatchObject([{ cause: 'credentials' }]);
      expect(await cloud.check(LAB_REGION)).toMatchObject([{ name: 'credentials', isOk: false }]);
    });

    it('cannot reach a vendor that is not there', async () => {
      await lab.fake.close();
      expect(await lab.cloud.validate(orderWith())).toMatchObject([{ cause: 'unreachable' }]);
      expect(await lab.cloud.check(LAB_REGION)).toMatchObject([{ name: 'reachability', isOk: false }]);
    });
  });

  describe('doctor', () => {
    it('names the permissions that are missing, with the policy', async () => {
      lab.fake.denied.add('ec2:AllocateAddress');
      const findings = await lab.cloud.check(LAB_REGION);
      const [permissions] = findings.filter(({ isOk }) => !isOk);
      expect(permissions).toMatchObject({ name: 'permissions', detail: 'not allowed: ec2:AllocateAddress' });
      expect(permissions?.remedy).toContain('"Version": "2012-10-17"');
      expect(lab.account.leftovers()).toEqual([]);
    });

    it('misses a default network', async () => {
      lab.account.hasDefaultVpc = false;
      const findings = await lab.cloud.check(LAB_REGION);
      expect(findings).toContainEqual(
        expect.objectContaining({ name: 'network', isOk: false, remedy: expect.stringContaining('create-default-vpc') }),
      );
    });

    it('counts the addresses that are left', async () => {
      await launch({ count: 2, address: 'reserved' });
      expect(await lab.cloud.check(LAB_REGION)).toContainEqual(
        expect.objectContaining({ name: 'quota of addresses', detail: '3 of 5 elastic addresses are free' }),
      );
    });
  });
});
