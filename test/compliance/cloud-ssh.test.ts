import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Cloud, Instance, LaunchOrder } from '../../bootstrap/cloud.ts';
import { cloudType } from '../../bootstrap/clouds/ssh/index.ts';
import { freePort, HOSTS, hasSshd, SSHD, type SshLab, startSshLab } from '../support/clouds/sshd.ts';
import { until } from '../support/until.ts';
import { cloudCompliance } from './cloud.ts';

const never = new AbortController().signal;

let lab: SshLab;
let folder = '';
let port = 0;
const configWith = (name: string, key?: string, known?: string): string => lab.configWith(name, key, known);

/** `machines` = the folder on the hosts, one below it for each. */
async function openCloud(machines: string, config = configWith('config'), hosts = HOSTS, hostPort = port): Promise<Cloud> {
  const inventory = join(machines, 'hosts.yaml');
  const entries = hosts.map((host, index) => ({
    ...{
      host,
      user: userInfo().username,
      port: hostPort,
      cores: index + 1,
      folder: join(machines, `host ${index}`),
      labels: { rack: `r${index % 2}` },
    },
  }));
  writeFileSync(inventory, JSON.stringify({ lab: entries }));
  const opened = await cloudType.create({
    environment: (name) => ({ QUILT_SSH_HOSTS: inventory, QUILT_SSH_CONFIG: config })[name],
    ...{ wallNowMs: () => 0, sleep: (ms) => new Promise((wake) => setTimeout(wake, ms)), random: () => 0.5 },
  });
  if (!opened.ok) throw new Error(JSON.stringify(opened.problems));
  return opened.value;
}

/** Working folders below `machines` of processes that are no zombies: by HOME, which each process of a machine has. */
function homesBelow(machines: string): string[] {
  const homes: string[] = [];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const home = /(?:^|\0)HOME=([^\0]*)/.exec(readFileSync(`/proc/${pid}/environ`, 'utf8'))?.[1] ?? '';
      const isTimer = readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('timer.sh');
      if (home.startsWith(`${machines}/`) && !isTimer && !isSleepOfTimer(pid)) homes.push(home);
    } catch {
      // It ended while it was looked at.
    }
  }
  return homes;
}

function isSleepOfTimer(pid: string): boolean {
  const parent = /^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
  return parent !== '0' && readFileSync(`/proc/${parent}/cmdline`, 'utf8').includes('timer.sh');
}

const order = (changes: Partial<LaunchOrder> = {}): LaunchOrder => ({
  ...{ runId: 'run1', orderId: 'order-0', expiresWallMs: 1_900_000_000_000, region: 'lab', zones: [], machineTypes: ['host'], count: 1 },
  ...{ image: null, userData: '#!/bin/sh\nsleep 100\n', markets: ['on-demand'], address: 'ephemeral', meshPort: 4001, wallMsMax: 600_000 },
  ...changes,
});

async function endAll(cloud: Cloud, instances: readonly Instance[]): Promise<void> {
  for (const [runId, each] of Map.groupBy(instances, (instance) => instance.runId))
    await cloud.terminate(
      { region: 'lab', runId },
      each.map(({ id }) => id),
    );
}

const causesOf = async (cloud: Cloud): Promise<string[]> =>
  (await cloud.launch(order(), never)).refusals.map(({ code, cause }) => `${code} ${cause}`);

describe.skipIf(!hasSshd)(`over ${SSHD ?? 'no sshd: apt-get install openssh-server openssh-client'}`, { timeout: 60_000 }, () => {
  beforeAll(async () => {
    lab = await startSshLab();
    ({ folder, port } = lab);
  }, 30_000);
  afterAll(() => lab.close());

  cloudCompliance(cloudType, async () => {
    const machines = mkdtempSync(join(folder, 'machines-'));
    const cloud = await openCloud(machines);
    const count = async (): Promise<number> => new Set(homesBelow(machines)).size;
    return {
      ...{ cloud, region: 'lab', machineType: 'host', count },
      // Leaves a process behind on purpose: the machine must not outlive its script.
      userData: '#!/bin/sh\ntrap "exit 0" TERM\nsleep 100 &\nwait\n',
      until: (predicate) => until('the machines are as expected', predicate),
      async close() {
        const listed = await cloud.list({ region: 'lab', runId: null });
        await endAll(cloud, listed.ok ? listed.value : []);
        await until('all machines are gone', async () => (await count()) === 0);
        rmSync(machines, { recursive: true, force: true });
      },
    };
  });

  const inLab = async (story: (cloud: Cloud, machines: string) => Promise<void>): Promise<void> => {
    const machines = mkdtempSync(join(folder, 'story-'));
    const cloud = await openCloud(machines);
    try {
      await story(cloud, machines);
    } finally {
      const listed = await cloud.list({ region: 'lab', runId: null });
      await endAll(cloud, listed.ok ? listed.value : []);
    }
  };

  it('ends a machine at its kill timer, though its script ignores everything and its leader was killed', () =>
    inLab(async (cloud, machines) => {
      const userData = `#!/bin/sh\ntrap '' TERM HUP INT\nwhile :; do sleep 1; done\n`;
      await cloud.launch(order({ userData, wallMsMax: 2_500 }), never);
      const [leader = ''] = readFileSync(join(machines, 'host 0', 'run1.order-0', 'process'), 'utf8').split(' ');
      process.kill(Number(leader), 'SIGKILL');
      const listed = await cloud.list({ region: 'lab', runId: 'run1' });
      expect(listed.ok && listed.value.map(({ state }) => state)).toEqual(['running']);
      await until('the timer has ended it', async () => homesBelow(machines).length === 0);
    }));

  it('cannot power off the host: poweroff and systemctl end the machine', () =>
    inLab(async (cloud, machines) => {
      const userData =
        '#!/bin/sh\nsystemd-run systemctl poweroff || shutdown -P now || echo neither\ntype poweroff\npoweroff\necho still here\n';
      await cloud.launch(order({ userData }), never);
      await until('it has ended', async () => homesBelow(machines).length === 0);
      const log = readFileSync(join(machines, 'host 0', 'run1.order-0', 'output.log'), 'utf8');
      expect(log).toContain('neither');
      expect(log).toMatch(/poweroff is .*run1\.order-0\/bin\/poweroff/);
      expect(log).not.toContain('still here');
    }));

  it('clears away what a machine left that ended by itself, with its ticket', () =>
    inLab(async (cloud, machines) => {
      await cloud.launch(order({ userData: '#!/bin/sh\necho secret >ticket\n' }), never);
      await until('it has ended', async () => homesBelow(machines).length === 0);
      expect((await cloud.terminate({ region: 'lab', runId: 'run1' }, [])).refusals).toEqual([]);
      expect(readdirSync(join(machines, 'host 0'))).toEqual(['lock']);
    }));

  it('passes over a busy host, and says what is missing when there are no more', () =>
    inLab(async (cloud) => {
      await cloud.launch(order({ runId: 'other', count: 2 }), never);
      const { instances, refusals } = await cloud.launch(order({ count: 3 }), never);
      expect(instances.map(({ id }) => id.split(':')[0])).toEqual([HOSTS[2], HOSTS[3]]);
      expect(refusals.map(({ code, cause }) => `${code} ${cause}`)).toContain('QUILT_SSH_START capacity');
      expect(refusals.at(-1)).toMatchObject({ code: 'QUILT_SSH_SHORT', cause: 'capacity' });
    }));

  it('chooses by cores and label', () =>
    inLab(async (cloud) => {
      expect(await cloud.validate(order({ machineTypes: ['c3'], count: 3 }))).toMatchObject([{ code: 'QUILT_SSH_ORDER' }]);
      expect(await cloud.validate(order({ zones: ['r7'] }))).not.toEqual([]);
      const { instances } = await cloud.launch(order({ machineTypes: ['c3'], zones: ['r1'] }), never);
      expect(instances).toMatchObject([{ publicAddress: HOSTS[3], machineType: 'c3' }]);
    }));

  it('says why a host cannot be used', async () => {
    const machines = mkdtempSync(join(folder, 'refused-'));
    writeFileSync(join(folder, 'nobody'), '');
    const other = readFileSync(join(folder, 'stranger.pub'), 'utf8').split(' ').slice(0, 2).join(' ');
    writeFileSync(join(folder, 'changed'), HOSTS.map((host) => `[${host}]:${port} ${other}\n`).join(''));
    const first = HOSTS.slice(0, 1);
    const open = (config: string, hostPort = port): Promise<Cloud> => openCloud(machines, config, first, hostPort);
    expect(await causesOf(await open(configWith('config-1', 'stranger')))).toContain('QUILT_SSH_AUTH credentials');
    expect(await causesOf(await open(configWith('config-2', 'user', 'nobody')))).toContain('QUILT_SSH_HOST_KEY credentials');
    const changed = await (await open(configWith('config-3', 'user', 'changed'))).list({ region: 'lab', runId: null });
    expect(changed).toMatchObject({ ok: false, problems: [{ message: expect.stringContaining('another one than before') }] });
    expect(await causesOf(await open(configWith('config-4'), await freePort()))).toContain('QUILT_SSH_UNREACHABLE unreachable');
    expect(await causesOf(await open(join(folder, 'no-config')))).toContain('QUILT_SSH_CONFIG invalid');
    expect((await (await open(configWith('config-1', 'stranger'))).check('lab'))[0]).toMatchObject({ isOk: false });
  });

  it.each([
    ['no file', undefined, /names no file/],
    ['a flag for a host', 'lab: [{ host: -oProxyCommand=x }]', /no host name/],
    ['an unknown key', 'lab: [{ host: a, prot: 22 }]', /prot/],
    ['a host twice', 'lab: [{ host: a }, { host: a }]', /twice/],
    ['no list', 'lab: {}', /array/],
  ])('refuses an inventory with %s', async (_title, text, words) => {
    const path = join(folder, 'bad.yaml');
    if (text !== undefined) writeFileSync(path, text);
    const opened = await cloudType.create({
      environment: (name) => (name === 'QUILT_SSH_HOSTS' && text !== undefined ? path : undefined),
      ...{ wallNowMs: () => 0, sleep: async () => {}, random: () => 0.5 },
    });
    expect(opened).toMatchObject({ ok: false, problems: [{ code: 'QUILT_SSH_HOSTS', message: expect.stringMatching(words) }] });
  });
});
