// The OpenStack cloud story by story over the made-up OpenStack: what a machine is asked for with, logins and their ends, throttling and lost answers, plan B, floating addresses that move,
// groups of others, orders that cannot be, and what only Rackspace's two clouds do. Time is the fake's.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Cloud, type LaunchOrder, MARKS } from '../../bootstrap/cloud.ts';
import { withSelfEnd } from '../../bootstrap/clouds/openstack/self-end.ts';
import { instanceFrom, SELF_END_BYTES_MAX } from '../../bootstrap/clouds/openstack/server.ts';
import { type FakeOpenStack, type Kind, startFakeOpenStack } from '../support/clouds/openstack.ts';
import { componentsOf, environmentOf, openOn, regionOf, stackOrder, typeOfKind } from '../support/clouds/openstack-lab.ts';
import { IMAGE_ID, type Json, novaError, StackError } from '../support/clouds/openstack-project.ts';

const never = new AbortController().signal;
let fake: FakeOpenStack;
let cloud: Cloud;
const start = async (kind: Kind) => {
  fake = await startFakeOpenStack(kind);
  cloud = await openOn(fake);
};
const launch = async (changes: Partial<LaunchOrder> = {}, by = cloud) => by.launch(stackOrder(fake.kind, changes), never);
const filter = () => ({ region: regionOf(fake.kind), runId: 'run1' });
const list = async () => {
  const listed = await cloud.list(filter());
  if (!listed.ok) throw new Error(JSON.stringify(listed.problems));
  return listed.value;
};
const endAll = async () =>
  cloud.terminate(
    filter(),
    (await list()).map(({ id }) => id),
  );
const posted = (index = 0): Json => fake.bodies[index]?.server as Json;
const callsOf = (call: string): number => fake.log.filter((each) => each.startsWith(call)).length;

beforeEach(() => start('v3'));
afterEach(() => fake.close());

describe('a machine', () => {
  it('is asked for with name, marks, image, network, group and drive', async () => {
    const { refusals } = await launch({ count: 1, zones: ['nova'] });
    expect(refusals).toEqual([]);
    const [group] = [...fake.project.groups.values()].filter(({ name }) => name === 'quilt-run1');
    expect(posted()).toMatchObject({
      ...{ name: 'quilt-run1-os-0-0', flavorRef: '2', imageRef: IMAGE_ID, config_drive: true, availability_zone: 'nova' },
      metadata: { [MARKS.run]: 'run1', [MARKS.order]: 'os-0', [MARKS.expires]: '1900000000000', 'quilt-region': 'RegionOne' },
      networks: [{ uuid: fake.project.networks[0]?.id }],
      security_groups: [{ name: group?.id }],
    });
  });

  it('boots from a volume when its type has no disk', async () => {
    const { instances, refusals } = await launch({ count: 1, machineTypes: ['gp.0.2.4'] });
    expect(refusals).toEqual([]);
    expect(instances.length).toBe(1);
    expect(posted()).toMatchObject({ block_device_mapping_v2: [{ uuid: IMAGE_ID, delete_on_termination: true, volume_size: 20 }] });
    expect(posted()).not.toHaveProperty('imageRef');
  });

  it('that powered itself off is not alive, and is deleted at the end', async () => {
    const { instances } = await launch({ count: 2 });
    for (const server of fake.project.servers.values()) server.isStopped = server.id === instances[0]?.id;
    expect((await list()).map(({ state }) => state).sort()).toEqual(['running', 'stopping']);
    await cloud.terminate(filter(), [instances[1]?.id ?? '']);
    expect(fake.project.leftovers()).toEqual([]);
  });

  it('whose deletion fails is told, keeps what is around it, and is tried again', async () => {
    const { instances } = await launch({ count: 2, address: 'reserved' });
    fake.project.stuck.add(instances[0]?.id ?? '');
    expect(await endAll()).toMatchObject({ refusals: [{ message: expect.stringContaining('it is ERROR') }] });
    expect(fake.project.floating.size).toBe(2);
    fake.project.stuck.clear();
    expect(await endAll()).toMatchObject({ refusals: [] });
    expect(fake.project.leftovers()).toEqual([]);
  });

  it.each([
    ['a word that is new', 'VERY_ODD', null, 'running'],
    ['a failure', 'ERROR', null, 'stopping'],
    ['being deleted', 'ACTIVE', 'deleting', 'stopping'],
    ['deleted softly', 'SOFT_DELETED', null, 'gone'],
  ])('in the state of %s is listed as it must be', (_title, status, task, state) => {
    const server = { id: 'a', status, metadata: { [MARKS.run]: 'r', [MARKS.order]: 'o' }, 'OS-EXT-STS:task_state': task };
    expect(instanceFrom(server, 'R')).toMatchObject({ state, expiresWallMs: null });
  });

  it.each([
    [
      'a floating one',
      [
        { addr: '10.0.0.5', version: 4 },
        { addr: '10.9.0.1', version: 4, 'OS-EXT-IPS:type': 'floating' },
      ],
      '10.9.0.1',
      '10.0.0.5',
    ],
    [
      'a public and a service one',
      [
        { addr: '8.8.4.4', version: 4 },
        { addr: '10.180.0.9', version: 4 },
      ],
      '8.8.4.4',
      '10.180.0.9',
    ],
    [
      'a private one',
      [
        { addr: '172.16.3.1', version: 4 },
        { addr: 'fd00::1', version: 6 },
      ],
      null,
      '172.16.3.1',
    ],
  ])('has %s as its address', (_title, net, publicAddress, privateAddress) => {
    const server = { id: 'a', status: 'ACTIVE', metadata: { [MARKS.run]: 'r', [MARKS.order]: 'o' }, addresses: { net } };
    expect(instanceFrom(server, 'R')).toMatchObject({ publicAddress, privateAddress });
  });
});

describe('a login', () => {
  it('is used for all calls, and made again when its token is no good any more', async () => {
    await launch();
    expect(fake.logins).toBe(1);
    fake.endTokens();
    expect((await list()).length).toBe(3);
    expect(fake.logins).toBe(2);
    fake.project.nowMs += 3_600_000;
    const before = fake.log.length;
    expect((await list()).length).toBe(3);
    expect(fake.log[before]).toBe('POST /v3/auth/tokens');
  });

  it('may be an application credential; then machines get no credential of their own', async () => {
    const environment = { OS_AUTH_URL: fake.url, OS_APPLICATION_CREDENTIAL_ID: 'cred1', OS_APPLICATION_CREDENTIAL_SECRET: 'credsecret' };
    const other = await openOn(fake, environment);
    expect((await launch({ count: 1 }, other)).refusals).toEqual([]);
    expect(Buffer.from(String(posted().user_data), 'base64').toString()).toBe('#cloud-config\n');
    expect(other.plan(stackOrder('v3')).notes.join()).toContain('still billed');
  });

  it('that is refused is told as such', async () => {
    fake.faults.push({ call: '/v3/auth/tokens', times: 1, answer: novaError(403, 'error', 'The account is locked for user') });
    expect(await cloud.check('RegionOne')).toMatchObject([{ name: 'credentials', isOk: false, detail: expect.stringContaining('locked') }]);
  });

  it.each([
    ['no address', { OS_AUTH_URL: undefined }, /OS_AUTH_URL is not set/],
    ['an address of v2.0', { OS_AUTH_URL: 'https://a.example/v2.0' }, /v2\.0/],
    ['no password', { OS_PASSWORD: undefined }, /OS_PASSWORD/],
    ['no secret', { OS_APPLICATION_CREDENTIAL_ID: 'x' }, /SECRET is not set/],
  ])('with %s is refused before any call', async (_title, changes, message) => {
    const opened = await typeOfKind('v3').create(componentsOf(fake, { ...environmentOf(fake), ...changes }));
    expect(opened).toMatchObject({ ok: false, problems: [{ code: 'QUILT_OS_CREDENTIALS', message: expect.stringMatching(message) }] });
  });
});

describe('trouble', () => {
  it('of throttling is waited for as long as is asked', async () => {
    const slow = new StackError(429, { overLimit: { code: 429, message: 'This request was rate-limited.' } }, '30');
    fake.faults.push({ call: 'POST /compute/v2.1/servers', times: 1, answer: slow });
    const before = fake.project.nowMs;
    expect(await launch({ count: 1 })).toMatchObject({ instances: [{ state: 'running' }], refusals: [] });
    expect(fake.project.nowMs - before).toBeGreaterThanOrEqual(30_000);
  });

  it('of throttling for longer than a minute and a half is told', async () => {
    const slow = new StackError(413, { overLimit: { code: 413, message: 'Rate limit', retryAfter: 3600 } });
    fake.faults.push({ call: 'POST /compute/v2.1/servers', times: 9, answer: slow });
    expect(await launch({ count: 1 })).toMatchObject({ instances: [], refusals: [{ cause: 'throttled' }] });
  });

  it('of lost answers makes nothing twice', async () => {
    for (const path of [
      'compute/v2.1/servers',
      'network/v2.0/security-group-rules',
      'network/v2.0/security-groups',
      'network/v2.0/floatingips',
      'v3/users',
    ])
      fake.faults.push({ call: `POST /${path}`, times: 1, answer: 'drop', when: 'after' });
    const { instances, refusals } = await launch({ address: 'reserved' });
    expect(refusals).toEqual([]);
    expect(instances.length).toBe(3);
    expect(fake.faults.map(({ times }) => times)).toEqual([0, 0, 0, 0, 0]);
    const { servers, groups, floating, credentials } = fake.project;
    // The secret of the credential whose answer was lost is nobody's: the machine has another.
    const held = [...servers.values()].map(({ metadata }) => metadata['quilt-end']?.split(' ')[0]);
    expect(held.sort()).toEqual([...credentials.keys()].sort());
    expect([servers.size, groups.size, floating.size, credentials.size]).toEqual([3, 2, 3, 3]);
    expect(await endAll()).toMatchObject({ refusals: [] });
    expect(fake.project.leftovers()).toEqual([]);
  });

  it('of lists that are late is waited out, and a machine that never appears is told', async () => {
    fake.project.lateLooks = 3;
    expect(await launch()).toMatchObject({ instances: [{ state: 'running' }, { state: 'running' }, { state: 'running' }], refusals: [] });
    fake.project.lateLooks = 1_000;
    expect(await launch({ runId: 'run2', count: 1 })).toMatchObject({
      instances: [],
      refusals: [{ message: expect.stringContaining('gone') }],
    });
  });

  it('of a doubled machine is put right', async () => {
    fake.faults.push({ call: 'POST /compute/v2.1/servers', times: 1, answer: new StackError(504, 'gateway'), when: 'before' });
    const { instances } = await launch({ count: 1 });
    const twin = fake.project.addServer(posted());
    expect((await launch({ count: 1 })).instances.length).toBe(1);
    expect([...fake.project.servers.values()].filter(({ endedMs }) => endedMs === null).length).toBe(1);
    expect([instances[0]?.id, twin.id]).toContain((await list()).find(({ state }) => state === 'running')?.id);
  });

  it('of a full zone leads to the next, and of a full type to the next type', async () => {
    fake.project.room.set('nova', 1);
    fake.project.room.set('az2', 1);
    const { instances, refusals } = await launch({ zones: ['nova', 'az2'], machineTypes: ['m1.small', 'm1.tiny'], count: 2 });
    expect(instances.map(({ zone }) => zone).sort()).toEqual(['az2', 'nova']);
    expect(refusals).toMatchObject([{ cause: 'capacity', message: expect.stringContaining('No valid host') }]);
  });

  it('of a quota leaves as many as fit, though those that are asked for together may all fail', async () => {
    fake.project.quota.instances = 5;
    const { instances, refusals } = await launch({ count: 7 });
    expect(instances.length).toBe(5);
    expect(refusals).toMatchObject([{ cause: 'quota' }]);
    expect(fake.project.present().length).toBe(5);
  });

  it('of no floating addresses ends the machines that have none', async () => {
    fake.project.quota.floatingip = 2;
    const { instances, refusals } = await launch({ address: 'reserved' });
    expect(instances.length).toBe(2);
    expect(refusals).toMatchObject([{ cause: 'quota', message: expect.stringContaining('floatingip') }]);
    await endAll();
    expect(fake.project.leftovers()).toEqual([]);
  });

  it('of a credential that cannot be made is told, and the machines stay', async () => {
    const denied = new StackError(403, { error: { code: 403, message: 'You are not authorized', title: 'Forbidden' } });
    fake.faults.push({ call: 'POST /v3/users', times: 9, answer: denied });
    const { instances, refusals } = await launch();
    expect(instances.length).toBe(3);
    expect(refusals).toMatchObject([{ cause: 'permission', hint: expect.stringContaining('cannot delete themselves') }]);
  });
});

describe('what is around machines', () => {
  it('moves a floating address to the machine that takes the place', async () => {
    await launch({ count: 1, address: 'reserved' });
    const [address] = [...fake.project.floating.values()];
    for (const { id } of fake.project.present()) fake.project.endServer(id);
    fake.project.nowMs += 60_000;
    fake.project.present();
    expect(address?.portId).toBe(null);
    const { instances, refusals } = await launch({ count: 1, address: 'reserved' });
    expect(refusals).toEqual([]);
    expect(instances[0]?.publicAddress).toBe(address?.address);
    expect(fake.project.floating.size).toBe(1);
  });

  it("neither uses nor takes away somebody else's group of the same name", async () => {
    const other = fake.project.addGroup({ name: 'quilt-run1', description: 'mine' });
    expect((await launch()).refusals).toEqual([]);
    expect(posted().security_groups).not.toEqual([{ name: other.id }]);
    await endAll();
    expect(fake.project.leftovers()).toEqual(['quilt-run1']);
  });

  it('opens nothing without a mesh port', async () => {
    await launch({ meshPort: 0 });
    const [group] = [...fake.project.groups.values()].filter(({ name }) => name === 'quilt-run1');
    expect(group?.rules.map(({ direction }) => direction)).toEqual(['egress', 'egress']);
  });

  it('asks which network when there are several', async () => {
    const { project } = fake;
    project.networks = [...project.networks, { ...project.networks[0], id: 'other', name: 'second' }];
    expect(await cloud.validate(stackOrder('v3'))).toMatchObject([{ cause: 'invalid', hint: 'set QUILT_OS_NETWORK' }]);
    const other = await openOn(fake, { ...environmentOf(fake), QUILT_OS_NETWORK: 'second' });
    expect(await other.validate(stackOrder('v3'))).toEqual([]);
  });
});

describe('a wrong order', () => {
  it.each([
    ['spot', { markets: ['spot'] as const }, /no spot/],
    ['an unknown zone', { zones: ['mars'] }, /no zone 'mars'/],
    ['an unknown image', { image: 'Plan 9' }, /no image 'Plan 9'/],
    ['more cores than the quota', { count: 19, machineTypes: ['general1-4'] }, /76 cores/],
    ['user data that grows too long', { userData: `#cloud-config\n#${'ö'.repeat(22_000)}\n` }, /does not fit/],
    ['another region', { region: 'Nowhere' }, /no compute service in region 'Nowhere'/],
  ])('with %s is refused', async (_title, changes, message) => {
    const refusals = await cloud.validate(stackOrder('v3', changes));
    expect(refusals).toMatchObject([{ message: expect.stringMatching(message) }]);
    expect(callsOf('POST /compute')).toBe(0);
  });

  it('has room for the longest user data', async () => {
    const userData = `#cloud-config\n#${'x'.repeat(typeOfKind('v3').userDataBytesMax - 16)}\n`;
    expect(await cloud.validate(stackOrder('v3', { userData }))).toEqual([]);
    expect((await launch({ userData, count: 1 })).refusals).toEqual([]);
  });

  it('is not launched either', async () => {
    expect(await launch({ machineTypes: ['no-such'] })).toMatchObject({ instances: [], refusals: [{ cause: 'not-found' }] });
    expect(fake.project.leftovers()).toEqual([]);
  });
});

describe('a machine that deletes itself', () => {
  it('gets a credential for its own deletion, which goes with the run', async () => {
    await launch({ count: 1 });
    const [server] = fake.project.present();
    const [credential] = [...fake.project.credentials.values()];
    expect(credential).toMatchObject({ expiresMs: 1_900_000_000_000 });
    expect(credential?.access_rules).toMatchObject([{ service: 'compute', method: 'DELETE', path: `/compute/v2.1/servers/${server?.id}` }]);
    expect(server?.metadata['quilt-end']).toMatch(new RegExp(`^${credential?.id} \\S+$`));
    await endAll();
    expect(fake.project.accessRules.size).toBe(0);
    expect(fake.project.leftovers()).toEqual([]);
  });

  it('has its script before the user data, within the room that is kept for it', () => {
    const userData = `#cloud-config\n${JSON.stringify({ text: "it's \\ $x" })}\n`;
    const text = withSelfEnd(userData, 'x'.repeat(1_300), 600_000);
    expect(text).toContain(`\n\n${userData}`);
    expect(text.indexOf('text/x-shellscript')).toBeLessThan(text.indexOf('text/cloud-config'));
    expect(text).toContain('$((585 - ');
    expect(text.length - userData.length).toBeLessThan(SELF_END_BYTES_MAX);
    expect(withSelfEnd('From: something else', 'x', 600_000)).toBe('From: something else');
    expect(withSelfEnd('#!/bin/sh\necho é\n', 'x', 600_000)).toContain(Buffer.from('#!/bin/sh\necho é\n').toString('base64'));
  });
});

describe('Rackspace', () => {
  const restart = async (kind: Kind) => {
    await fake.close();
    await start(kind);
  };

  it('attaches both networks of the classic cloud, asks for no group, and needs no floating address', async () => {
    await restart('classic');
    const { instances, refusals } = await launch({ count: 1, address: 'reserved' });
    expect(refusals).toEqual([]);
    expect(instances[0]).toMatchObject({
      publicAddress: expect.stringMatching(/^198\.51\.100\./),
      privateAddress: '10.180.0.9',
      zone: null,
    });
    expect((posted().networks as Json[]).map(({ uuid }) => String(uuid).slice(0, 8))).toEqual(['00000000', '11111111']);
    expect(posted()).not.toHaveProperty('security_groups');
    expect(cloud.plan(stackOrder('classic')).notes.join()).toMatch(/still billed.*no firewall/);
    expect(await cloud.validate(stackOrder('classic', { zones: ['a'] }))).toMatchObject([{ message: expect.stringContaining('zones') }]);
  });

  it('takes the regions of both clouds in any case, and knows no others', async () => {
    await restart('classic');
    expect(await cloud.validate(stackOrder('classic', { region: 'ord' }))).toEqual([]);
    expect(await cloud.validate(stackOrder('classic', { region: 'DFW' }))).toMatchObject([{ hint: expect.stringContaining('ORD') }]);
    expect(await cloud.validate(stackOrder('classic', { region: 'paris' }))).toMatchObject([
      { message: expect.stringContaining("'paris' is no region") },
    ]);
  });

  it('needs the project for OpenStack Flex only', async () => {
    await restart('flex');
    const other = await openOn(fake, { ...environmentOf(fake), RACKSPACE_PROJECT_NAME: undefined, OS_PROJECT_NAME: undefined });
    expect(await other.validate(stackOrder('flex'))).toMatchObject([{ message: 'RACKSPACE_PROJECT_NAME is not set' }]);
    expect(await cloud.validate(stackOrder('flex'))).toEqual([]);
    const opened = await typeOfKind('flex').create(componentsOf(fake, { ...environmentOf(fake), RACKSPACE_API_KEY: undefined }));
    expect(opened).toMatchObject({ ok: false, problems: [{ message: 'RACKSPACE_API_KEY is not set' }] });
  });
});
