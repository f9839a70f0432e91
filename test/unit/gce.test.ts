// The GCE cloud story by story over the fake of Google's API: what a machine is asked for with, throttling, lost answers, plan B, spot, addresses, endings, wrong orders. After each
// story the fake must have no complaint: everything that was sent and answered fits Google's schema. Time is the fake's.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Cloud, type LaunchOrder, MARKS } from '../../bootstrap/cloud.ts';
import { instanceFrom, machineName, requestIdOf, ruleName } from '../../bootstrap/clouds/gce/machine.ts';
import { type FakeGoogle, startFakeGoogle } from '../support/clouds/gce.ts';
import { filter, gceOrder, listGce, never, openGce, region } from '../support/clouds/gce-lab.ts';

const callsOf = (name: string): number => google.calls.filter((call) => call === name).length;
const bodies = () => [...google.project.machines.values()].map(({ body }) => body);

let google: FakeGoogle;
const open = (): Promise<Cloud> => openGce(google);
const launch = async (changes: Partial<LaunchOrder> = {}, cloud?: Cloud) => (cloud ?? (await open())).launch(gceOrder(changes), never);
const order = gceOrder;
const list = listGce;
const endAll = async (cloud: Cloud) =>
  cloud.terminate(
    filter,
    (await list(cloud)).map(({ id }) => id),
  );

beforeEach(async () => {
  google = await startFakeGoogle();
});
afterEach(async () => {
  await google.close();
  expect(google.complaints).toEqual([]);
});

describe('a machine', () => {
  it('carries the marks, its user data and its own end, and no service account', async () => {
    await launch({ count: 1 });
    const [body] = bodies();
    expect(body).toMatchObject({
      name: 'quilt-run1-gce-0-0',
      labels: { [MARKS.run]: 'run1', [MARKS.order]: 'gce-0', [MARKS.expires]: '1900000000000' },
      metadata: { items: [{ key: 'user-data', value: '#cloud-config\n' }] },
      scheduling: { maxRunDuration: { seconds: '600' }, instanceTerminationAction: 'DELETE', automaticRestart: false },
    });
    expect(body).not.toHaveProperty('serviceAccounts');
  });

  it('is ended by Google after its time, without any call of ours', async () => {
    await launch();
    const calls = google.calls.length;
    google.project.advance(600_000);
    expect(google.project.machines.size).toBe(0);
    expect(google.calls.length).toBe(calls);
  });

  it('is reached at its mesh port only, by a rule that holds for machines of this run', async () => {
    await launch();
    const [rule] = [...google.project.firewalls.values()];
    expect(rule).toMatchObject({
      direction: 'INGRESS',
      allowed: [{ IPProtocol: 'tcp', ports: ['4001'] }],
      targetTags: ['quilt-run1-us-central1'],
    });
    for (const { tags } of bodies()) expect(tags).toEqual({ items: ['quilt-run1-us-central1'] });
  });

  it('has no rule without a mesh port, and no public address when none is wanted', async () => {
    const { instances } = await launch({ meshPort: 0, address: 'none', count: 1 });
    expect(google.project.firewalls.size).toBe(0);
    expect(instances).toMatchObject([{ publicAddress: null, privateAddress: expect.stringMatching(/^10\./) }]);
  });

  it('is asked for on the spot market with what that market wants', async () => {
    const { instances } = await launch({ markets: ['spot'], count: 1 });
    expect(instances).toMatchObject([{ market: 'spot' }]);
    expect(bodies()[0]).toMatchObject({ scheduling: { provisioningModel: 'SPOT', onHostMaintenance: 'TERMINATE' } });
  });

  it('has a name and a request id that follow from the order', () => {
    expect(requestIdOf('a', 'b')).toBe(requestIdOf('a', 'b'));
    expect(requestIdOf('a', 'b')).not.toBe(requestIdOf('ab'));
    for (let index = 0; index < 50; index++)
      expect(requestIdOf(String(index))).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const long = { runId: 'r'.repeat(40), orderId: 'o'.repeat(20) };
    expect(machineName(long, 999).length).toBeLessThanOrEqual(63);
    expect(machineName(long, 1)).not.toBe(machineName({ ...long, orderId: 'p'.repeat(20) }, 1));
    expect(ruleName('r'.repeat(40), 'northamerica-northeast1').length).toBeLessThanOrEqual(63);
  });

  it('without all marks is none of ours', () => {
    expect(instanceFrom({ name: 'x', zone: 'zones/us-central1-a', labels: { [MARKS.run]: 'run1' } })).toBeNull();
    expect(instanceFrom({ name: 'x', zone: 'zones/us-central1-a' })).toBeNull();
  });
});

describe('a launch', () => {
  it('asks for a bounded number at once, spread over the zones, and finds all of them on all pages', async () => {
    const cloud = await open();
    google.project.operationMs = 60_000;
    const { instances } = await launch({ count: 60 }, cloud);
    expect(instances.length).toBe(60);
    expect(google.callsAtOnceMax).toBeGreaterThan(4);
    expect(google.callsAtOnceMax).toBeLessThanOrEqual(16);
    // Calls wait for each other, machines do not: more are starting at once than there are calls.
    expect(google.project.startingMax).toBeGreaterThan(32);
    expect(new Set(instances.map(({ zone }) => zone)).size).toBe(3);
    expect((await list(cloud)).length).toBe(60);
  });

  it('waits while Google throttles, longer each time, and makes nothing twice', async () => {
    google.failNext(3, 403, 'rateLimitExceeded');
    google.failNext(1, 429, 'rateLimitExceeded');
    google.failNext(1, 503, 'backendError');
    expect(await launch({ count: 1 })).toMatchObject({ instances: [{}], refusals: [] });
    const waits = google.sleptMs.slice(0, 5);
    expect(waits).toEqual([...waits].sort((a, b) => a - b));
    expect(new Set(waits).size).toBe(5);
  });

  it.each([
    ['Instances.Insert', 4],
    ['Addresses.Insert', 2],
    ['Firewalls.Insert', 1],
  ])('makes nothing twice when answers to %s are lost', async (method, count) => {
    google.loseAnswers(count, method);
    const { instances, refusals } = await launch({ address: 'reserved' });
    expect({ refusals, count: instances.length }).toEqual({ refusals: [], count: 3 });
    expect(callsOf(method)).toBeGreaterThan(count);
    expect([google.project.machines.size, google.project.addresses.size, google.project.firewalls.size]).toEqual([3, 3, 1]);
  });

  it('ends what it is told to end though the answers are lost', async () => {
    const cloud = await open();
    await launch({ address: 'reserved' }, cloud);
    for (const method of ['Instances.Delete', 'Addresses.Delete', 'Firewalls.Delete']) google.loseAnswers(2, method);
    expect((await endAll(cloud)).refusals).toEqual([]);
    expect([google.project.machines.size, google.project.addresses.size, google.project.firewalls.size]).toEqual([0, 0, 0]);
  });

  it('is the same machine when it is asked again before the list shows it', async () => {
    google.project.lagLooks = 3;
    const cloud = await open();
    const first = await launch({}, cloud);
    const again = await launch({}, cloud);
    expect(again.instances.map(({ id }) => id)).toEqual(first.instances.map(({ id }) => id));
    expect(google.project.machines.size).toBe(3);
  });

  it('gives up on Google that stays silent, with a bounded number of tries', async () => {
    google.failNext(1000, 503, 'backendError');
    const { instances, refusals } = await launch();
    expect(instances).toEqual([]);
    expect(refusals).toMatchObject([{ cause: 'vendor' }]);
    expect(google.calls.length).toBe(6);
  });

  it('stops at a refusal that the next machine would get too', async () => {
    const cloud = await open();
    google.environment.QUILT_GCE_NETWORK = 'global/networks/other';
    const { instances, refusals } = await launch({ count: 50, meshPort: 0 }, await open());
    expect(instances).toEqual([]);
    expect(refusals).toMatchObject([{ cause: 'invalid' }]);
    // Those in flight, and those that took their places before a refusal was read.
    expect(callsOf('Instances.Insert')).toBeLessThanOrEqual(32);
    expect(await list(cloud)).toEqual([]);
  });

  it('makes no machines when the port cannot be opened', async () => {
    google.environment.QUILT_GCE_NETWORK = 'global/networks/other';
    expect(await launch()).toMatchObject({ instances: [], refusals: [{ cause: 'invalid', message: expect.stringContaining('firewall') }] });
    expect(callsOf('Instances.Insert')).toBe(0);
  });
});

describe('plan B', () => {
  it('goes to another zone, and asks an empty one once', async () => {
    google.project.exhausted.add('us-central1-a');
    const { instances, refusals } = await launch({ count: 6, zones: ['us-central1-a', 'us-central1-b'] });
    expect(instances.map(({ zone }) => zone)).toEqual(Array.from({ length: 6 }, () => 'us-central1-b'));
    expect(refusals).toMatchObject([{ code: 'QUILT_GCE_CAPACITY', cause: 'capacity' }]);
    const before = callsOf('Instances.Insert');
    expect(before).toBeLessThanOrEqual(12);
  });

  it('goes to the next type in the order, and to no other', async () => {
    google.project.exhausted.add('us-central1-a e2-standard-2');
    google.project.exhausted.add('us-central1-b e2-standard-2');
    google.project.exhausted.add('us-central1-c e2-standard-2');
    expect((await launch()).instances).toEqual([]);
    const { instances } = await launch({ runId: 'run2', machineTypes: ['e2-standard-2', 'n2-standard-2'], count: 4 });
    expect(instances.map(({ machineType }) => machineType)).toEqual(Array.from({ length: 4 }, () => 'n2-standard-2'));
    // This zone does not have the type.
    expect(instances.map(({ zone }) => zone)).not.toContain('us-central1-c');
  });

  it('falls back from spot to on-demand when the order says so', async () => {
    google.project.exhausted.add('spot');
    expect(await launch({ markets: ['spot'] })).toMatchObject({ instances: [] });
    const { instances } = await launch({ runId: 'run2', markets: ['spot', 'on-demand'] });
    expect(instances.map(({ market }) => market)).toEqual(['on-demand', 'on-demand', 'on-demand']);
  });

  it('gives what the quota allows, and says so', async () => {
    google.project.quotas.CPUS = 4;
    const { instances, refusals } = await launch({ count: 4 });
    expect(instances.length).toBeLessThan(4);
    expect(google.project.machines.size).toBe(instances.length);
    expect(refusals[0]).toMatchObject({
      code: 'QUILT_GCE_QUOTA',
      cause: 'quota',
      message: expect.stringContaining("Quota 'CPUS' exceeded"),
    });
  });
});

describe('reserved addresses', () => {
  it('are one for each machine, and given back with the last of them', async () => {
    const cloud = await open();
    const { instances } = await launch({ address: 'reserved' }, cloud);
    expect(new Set(instances.map(({ publicAddress }) => publicAddress)).size).toBe(3);
    for (const { publicAddress } of instances) expect(publicAddress).toMatch(/^203\.0\.113\./);
    const [first, ...others] = instances.map(({ id }) => id) as [string, ...string[]];
    expect((await cloud.terminate(filter, [first])).refusals).toEqual([]);
    expect([google.project.addresses.size, google.project.firewalls.size]).toEqual([3, 1]);
    expect((await cloud.terminate(filter, others)).refusals).toEqual([]);
    expect([google.project.addresses.size, google.project.firewalls.size]).toEqual([0, 0]);
  });

  it('are given back at once for a machine that could not be had', async () => {
    google.project.exhausted.add('us-central1-a').add('us-central1-b').add('us-central1-c');
    expect(await launch({ address: 'reserved' })).toMatchObject({ instances: [] });
    expect(google.project.addresses.size).toBe(0);
  });

  it('over the quota are a refusal', async () => {
    google.project.quotas.STATIC_ADDRESSES = 2;
    const { instances, refusals } = await launch({ address: 'reserved' });
    expect(instances.length).toBeLessThanOrEqual(2);
    expect(refusals).toMatchObject([{ cause: 'quota' }]);
  });

  it('of another run are left alone', async () => {
    const cloud = await open();
    await launch({ address: 'reserved', count: 1 }, cloud);
    await launch({ address: 'reserved', count: 1, runId: 'run2' }, cloud);
    // Also one that no machine holds just now.
    for (const address of google.project.addresses.values()) if (address.name.includes('run2')) address.status = 'RESERVED';
    expect((await endAll(cloud)).refusals).toEqual([]);
    expect([...google.project.addresses.keys()]).toEqual(['us-central1/quilt-run2-gce-0-0']);
    expect([...google.project.firewalls.keys()]).toEqual(['quilt-run2-us-central1']);
  });
});

describe('ending', () => {
  it('deletes machines that powered themselves off, with what was around them', async () => {
    const cloud = await open();
    await launch({ count: 2, address: 'reserved' }, cloud);
    for (const machine of google.project.machines.values()) Object.assign(machine, { status: 'TERMINATED', endsAtMs: null });
    expect((await list(cloud)).map(({ state }) => state)).toEqual(['stopping', 'stopping']);
    expect((await cloud.terminate(filter, [])).refusals).toEqual([]);
    expect([google.project.machines.size, google.project.addresses.size, google.project.firewalls.size]).toEqual([0, 0, 0]);
  });

  it('asks to come again while a machine is on its way out', async () => {
    const cloud = await open();
    await launch({ count: 1 }, cloud);
    const [machine] = [...google.project.machines.values()];
    Object.assign(machine ?? {}, { status: 'STOPPING' });
    expect((await cloud.terminate(filter, [])).refusals).toMatchObject([{ code: 'QUILT_GCE_LEAVING' }]);
    google.project.machines.clear();
    expect((await cloud.terminate(filter, [])).refusals).toEqual([]);
    expect(google.project.firewalls.size).toBe(0);
  });

  it('says what it could not end', async () => {
    const cloud = await open();
    await launch({ count: 1 }, cloud);
    google.failNext(1, 403, 'forbidden');
    expect(await cloud.terminate(filter, [])).toMatchObject({
      ended: [],
      refusals: [{ cause: 'permission', hint: expect.stringContaining('role') }],
    });
  });

  it('leaves machines without our marks alone, whatever their id', async () => {
    const cloud = await open();
    await launch({ count: 1 }, cloud);
    const [[key, machine] = ['', undefined]] = [...google.project.machines];
    if (machine !== undefined)
      google.project.machines.set('us-central1-a/stranger', { ...machine, body: { ...machine.body, name: 'stranger', labels: {} } });
    await cloud.terminate(filter, [key, 'us-central1-a/stranger']);
    expect([...google.project.machines.keys()]).toEqual(['us-central1-a/stranger']);
  });
});

describe('an order', () => {
  it.each([
    ['region', { region: 'mars-north1' }, 'QUILT_GCE_NOT_FOUND'],
    ['zone', { zones: ['europe-west1-b'] }, 'QUILT_GCE_NOT_FOUND'],
    ['machine type', { machineTypes: ['e2-standard-2', 'x9-mega'] }, 'QUILT_GCE_NOT_FOUND'],
    ['image', { image: 'projects/lab-123456/global/images/none' }, 'QUILT_GCE_NOT_FOUND'],
    ['name of an image', { image: 'debian' }, 'QUILT_GCE_ORDER'],
    ['run id', { runId: 'Run_1' }, 'QUILT_GCE_ORDER'],
    ['life of a machine', { wallMsMax: 1000 }, 'QUILT_GCE_ORDER'],
    ['mesh port', { meshPort: 70_000 }, 'QUILT_GCE_ORDER'],
    ['path for a type', { machineTypes: ['../../global'] }, 'QUILT_GCE_ORDER'],
  ])('with a wrong %s is refused before anything is made', async (_title, changes, code) => {
    const cloud = await open();
    expect(await cloud.validate(order(changes))).toMatchObject([{ code, hint: expect.stringMatching(/./) }]);
    expect(google.project.operations.size).toBe(0);
  });

  it('may name an image of the own project', async () => {
    expect(await (await open()).validate(order({ image: 'projects/lab-123456/global/images/own' }))).toEqual([]);
  });

  it('is told in words before it is asked for', async () => {
    const { notes } = (await open()).plan(order({ address: 'reserved', markets: ['spot'] }));
    expect(notes.join('\n')).toMatch(
      /3 machines in project lab-123456[\s\S]*quilt-run1-us-central1[\s\S]*3 static addresses[\s\S]*reclaimed/,
    );
  });
});

it('a check shows quotas, and says which is full', async () => {
  google.project.quotas.INSTANCES = 0;
  const findings = await (await open()).check(region);
  expect(findings.find(({ name }) => name === 'quota CPUS')).toMatchObject({ isOk: true, detail: '0 of 200 are in use' });
  expect(findings.find(({ name }) => name === 'quota INSTANCES')).toMatchObject({ isOk: false, remedy: expect.stringContaining('quotas') });
});
