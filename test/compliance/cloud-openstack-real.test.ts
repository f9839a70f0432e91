// The OpenStack cloud against a real OpenStack: the suite for all clouds, and what only the real one can tell (groups, floating addresses, plan B, quotas, tokens). Runs where
// QUILT_TEST_OPENSTACK_REGION is set with the OS_* variables of a project: `npm run test:openstack` starts one on loopback. Its Nova gives pages of two rows.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LaunchOrder } from '../../bootstrap/cloud.ts';
import { typeNamed } from '../support/clouds/openstack-lab.ts';
import {
  metadataFor,
  openReal,
  openRealLab,
  REAL_REGION,
  type RealLab,
  realAccess,
  realComponents,
} from '../support/clouds/openstack-real.ts';
import { cloudCompliance } from './cloud.ts';

const title = REAL_REGION === undefined ? 'real OpenStack: SKIPPED, nothing tested: npm run test:openstack starts one' : 'real OpenStack';
const never = new AbortController().signal;

describe.skipIf(REAL_REGION === undefined)(title, { timeout: 120_000 }, () => {
  cloudCompliance(typeNamed('openstack'), openRealLab);

  let lab: RealLab;
  const order = (changes: Partial<LaunchOrder> = {}): LaunchOrder => ({
    ...{ runId: 'run1', orderId: 'os-0', expiresWallMs: 1_900_000_000_000, region: lab.region, zones: [], machineTypes: [lab.machineType] },
    ...{ count: 2, image: null, userData: lab.userData, markets: ['on-demand'], address: 'ephemeral', meshPort: 4001, wallMsMax: 600_000 },
    ...changes,
  });
  const endAll = async () =>
    lab.cloud.terminate(
      { region: lab.region, runId: 'run1' },
      (await lab.alive()).map(({ id }) => id),
    );
  beforeEach(async () => {
    lab = await openRealLab();
  });
  afterEach(() => lab.close());

  it('gives each machine a floating address of its own, and gives all back', async () => {
    const { instances, refusals } = await lab.cloud.launch(order({ address: 'reserved' }), never);
    expect(refusals).toEqual([]);
    expect(new Set(instances.map(({ publicAddress }) => publicAddress)).size).toBe(2);
    for (const { publicAddress, privateAddress } of instances) {
      expect(publicAddress).toMatch(/^203\.0\.113\./);
      expect(privateAddress).toMatch(/^10\.77\.0\./);
    }
    const again = await lab.cloud.launch(order({ address: 'reserved' }), never);
    expect(again.refusals).toEqual([]);
    expect((await lab.rows('network', 'floatingips', 'floatingips')).length).toBe(2);
    await lab.until(async () => (await lab.alive()).every(({ publicAddress }) => publicAddress !== null));
    expect((await endAll()).refusals).toEqual([]);
    expect(await lab.rows('network', 'floatingips', 'floatingips')).toEqual([]);
  });

  it('opens the mesh port alone, and takes the group away', async () => {
    await lab.cloud.launch(order(), never);
    const [group] = (await lab.rows('network', 'security-groups', 'security_groups')).filter(({ name }) => name === 'quilt-run1');
    const rules = group?.security_group_rules as ReadonlyArray<{ direction: string; ethertype: string; port_range_min: number | null }>;
    expect(rules.map(({ direction, ethertype, port_range_min }) => `${direction} ${ethertype} ${port_range_min}`).sort()).toEqual([
      'egress IPv4 null',
      'egress IPv6 null',
      'ingress IPv4 4001',
      'ingress IPv6 4001',
    ]);
    for (const server of await lab.rows('compute', 'servers/detail', 'servers'))
      expect(server.security_groups).toEqual([{ name: 'quilt-run1' }, ...[]]);
    expect((await endAll()).refusals).toEqual([]);
    const left = await lab.rows('network', 'security-groups', 'security_groups');
    expect(left.map(({ name }) => name)).toEqual(['default']);
  });

  it('takes the second type when no host has room for the first, and leaves no failed machine', async () => {
    const { instances, refusals } = await lab.cloud.launch(order({ machineTypes: ['m1.giant', 'm1.small'] }), never);
    expect(instances.map(({ machineType }) => machineType)).toEqual(['m1.small', 'm1.small']);
    expect(refusals).toMatchObject([{ cause: 'capacity', message: expect.stringContaining('No valid host') }]);
    expect(await lab.count()).toBe(2);
  });

  it('says before and after that the quota is too small', async () => {
    expect(await lab.cloud.validate(order({ count: 15 }))).toMatchObject([{ cause: 'quota' }]);
    const { instances, refusals } = await lab.cloud.launch(order({ count: 11, machineTypes: ['m1.small'] }), never);
    expect(refusals).toMatchObject([{ cause: 'quota' }]);
    expect(instances.length).toBe(10);
  });

  it('knows the zones', async () => {
    expect(await lab.cloud.validate(order({ zones: ['nova'] }))).toEqual([]);
    expect(await lab.cloud.validate(order({ zones: ['mars'] }))).toMatchObject([{ cause: 'not-found', hint: 'it has nova' }]);
    const { instances, refusals } = await lab.cloud.launch(order({ zones: ['mars', 'nova'] }), never);
    expect(refusals).toMatchObject([{ cause: 'not-found' }]);
    expect(instances.map(({ zone }) => zone)).toEqual(['nova', 'nova']);
  });

  it.each([
    ['a wrong password', { OS_PASSWORD: 'wrong' }, 'credentials'],
    ['an unknown project', { OS_PROJECT_NAME: 'nobodys' }, 'credentials'],
    ['an unknown network', { QUILT_OS_NETWORK: 'nobodys' }, 'not-found'],
    ['an unknown image', { QUILT_OS_IMAGE: 'nobodys' }, 'not-found'],
    ['the port of nobody', { OS_AUTH_URL: 'http://127.0.0.1:9/v3' }, 'unreachable'],
  ])('refuses %s with its cause', async (_title, changes: Readonly<Record<string, string>>, cause) => {
    const cloud = await openReal({ ...realComponents, environment: (name) => changes[name] ?? process.env[name] });
    expect(await cloud.validate(order())).toMatchObject([{ cause }]);
  });

  it('lets a machine delete itself by the script in its user data, and nothing else', async () => {
    const [machine, other] = (await lab.cloud.launch(order(), never)).instances;
    const [{ tenant_id }] = (await lab.rows('compute', 'servers/detail', 'servers')) as unknown as [{ tenant_id: string }];
    const metadata = await metadataFor(machine?.id ?? '', tenant_id);
    const userData = await (await fetch(`${metadata.url}/openstack/latest/user_data`)).text();
    expect(userData).toContain(lab.userData);
    const [, script = ''] = /quilt-end\.py <<'QUILT_END'\n([\s\S]*?)QUILT_END\n/.exec(userData) ?? [];
    const run = (text: string) => promisify(execFile)('/usr/bin/python3', ['-c', text, metadata.url]);
    // The same credential on the other machine, or for another call, is refused.
    await expect(run(script.replace('me["uuid"]', JSON.stringify(other?.id)))).rejects.toThrow(/401/);
    await expect(run(script.replace('"DELETE"', '"GET"'))).rejects.toThrow(/401/);
    expect(await lab.count()).toBe(2);
    await run(script);
    await lab.until(async () => (await lab.count()) === 1);
    expect((await lab.alive()).map(({ id }) => id)).toEqual([other?.id]);
    metadata.close();
    expect((await endAll()).refusals).toEqual([]);
    const access = await realAccess();
    for (const what of ['application_credentials', 'access_rules']) expect(await access.identity(what)).toEqual([]);
  });

  it.each([5, 10, 14, 17, 22, 26])('leaves nothing when its launcher dies at call %i, whose answer is lost', async (k) => {
    const { fetch } = globalThis;
    let calls = 0;
    vi.stubGlobal('fetch', async (...words: Parameters<typeof fetch>) => {
      calls += 1;
      const answer = calls <= k ? await fetch(...words) : null;
      if (answer === null || calls >= k) throw new TypeError('fetch failed', { cause: new Error('cut') });
      return answer;
    });
    try {
      await lab.cloud.launch(order({ address: 'reserved' }), never);
    } finally {
      vi.unstubAllGlobals();
    }
    expect(calls).toBeGreaterThan(k);
    lab = await openRealLab();
    await lab.until(async () => (await endAll()).refusals.length === 0 && (await lab.count()) === 0);
    expect((await endAll()).refusals).toEqual([]);
    expect(await lab.rows('network', 'floatingips', 'floatingips')).toEqual([]);
    expect((await lab.rows('network', 'security-groups', 'security_groups')).map(({ name }) => name)).toEqual(['default']);
    expect(await (await realAccess()).identity('application_credentials')).toEqual([]);
  });

  it('refuses a region that the catalog does not have, and names those that it has', async () => {
    expect(await lab.cloud.validate(order({ region: 'Nowhere' }))).toMatchObject([
      { cause: 'not-found', hint: expect.stringContaining('RegionOne') },
    ]);
  });
});
