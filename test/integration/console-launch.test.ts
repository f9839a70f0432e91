// Catapult on machines of the local cloud, over the API as the page uses it: what a launch would cost and why it would be refused, one that is watched from its first words to its end, one that comes
// to nothing, and past runs once more; and links that only read.

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import type {
  AgainView,
  CloudRow,
  LiveMessage,
  LiveState,
  PlanView,
  RunRow,
  SessionView,
  ShareView,
  StartedView,
} from '../../tools/console/protocol.ts';
import { createSwarmKit, PATIENCE_MS, type Ran, type SwarmKit } from '../support/swarm-kit.ts';
import { until } from '../support/until.ts';

let kit: SwarmKit;
let console_: Ran;
let origin: string;
let operator: string;
const messages: LiveMessage[] = [];
let socket: WebSocket;

async function ask(path: string, body?: unknown, cookie = operator): Promise<{ status: number; value: unknown }> {
  const headers = { origin, cookie, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
  const content = body === undefined ? {} : { body: JSON.stringify(body) };
  const answer = await fetch(`${origin}/api/v1/${path}`, { method: body === undefined ? 'GET' : 'POST', headers, ...content });
  return { status: answer.status, value: await answer.json() };
}
const json = async <T>(path: string, body?: unknown): Promise<T> => (await ask(path, body)).value as T;

async function login(code: string): Promise<string> {
  const answer = await fetch(`${origin}/api/v1/login`, {
    ...{ method: 'POST', headers: { origin, 'content-type': 'application/json' }, body: JSON.stringify({ code }) },
  });
  return (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
}

const started = (): StartedView | undefined => messages.findLast((message) => message.type === 'started')?.started;
const state = (): LiveState | undefined => messages.findLast((message) => message.type === 'state')?.state;
const machines = (on: readonly string[], more: object = {}) => ({
  on,
  mix: [],
  spotSharePercent: 0,
  host: null,
  maxCostUsd: null,
  ...more,
});

async function plan(rented: object): Promise<Extract<PlanView, { ok: true }>> {
  const text = readFileSync(join(kit.folder, 'mine.yaml'), 'utf8');
  const view = await json<PlanView>('plan', { path: 'mine.yaml', text, variables: {}, nodes: 1, machines: rented });
  if (!view.ok) throw new Error('the scenario is wrong');
  return view;
}

beforeAll(async () => {
  kit = await createSwarmKit();
  Object.assign(kit.environment, {
    ...{ QUILT_LOCAL_MACHINES: join(kit.folder, 'machines'), QUILT_SSH_HOSTS: join(kit.folder, 'no-hosts.yaml') },
    // Credentials of nobody, and a vendor that is not there: what should not be asked cannot be answered.
    ...{ AWS_ACCESS_KEY_ID: 'nobody', AWS_SECRET_ACCESS_KEY: 'nothing', AWS_ENDPOINT_URL: 'http://127.0.0.1:9' },
  });
  kit.scenario('mine', { holdS: 3 });
  console_ = kit.start('console', '--listen', '0');
  await until('there is a link', () => console_.out().includes('\n'), PATIENCE_MS);
  const [link = ''] = console_.out().split('\n');
  origin = new URL(link).origin;
  operator = await login(new URL(link).hash.slice(1));
  socket = new WebSocket(`${origin.replace('http', 'ws')}/api/v1/live`, { headers: { cookie: operator, origin } });
  socket.on('message', (bytes) => messages.push(JSON.parse(bytes.toString()) as LiveMessage));
}, PATIENCE_MS);
afterAll(async () => {
  socket?.close();
  await kit.close();
});

describe('before a launch', () => {
  it('the clouds of the registry are there, with what stands in the way', async () => {
    const rows = await json<CloudRow[]>('clouds');
    expect(rows.map(({ name }) => name)).toEqual(['local', 'aws', 'gce', 'openstack', 'rackspace', 'ssh']);
    expect(rows[0]).toMatchObject({ problem: null, hasSpot: false, regions: [] });
    expect(rows.find(({ name }) => name === 'aws')?.regions).toContainEqual(expect.objectContaining({ region: 'us-east-1' }));
    expect(rows.find(({ name }) => name === 'ssh')?.problem).toMatchObject({ code: 'QUILT_SSH_HOSTS', hint: expect.any(String) });
  });

  it('the plan shows what the command shows: load by machine, cost by vendor', async () => {
    const on = ['aws:us-east-1:c7i.large=2', 'gce:us-central1:e2-standard-2=1', 'local:eu:c1=1'];
    const view = await plan(machines(on));
    const words = on.flatMap((word) => ['--on', word]);
    expect(view.command).toBe(`quilt-swarm plan mine.yaml ${words.join(' ')}`);
    expect(view.start).toBe(`quilt-swarm launch mine.yaml ${words.join(' ')}`);
    const told = JSON.parse((await kit.run('plan', 'mine.yaml', ...words, '--json')).out());
    const cost = view.machines?.cost;
    expect(cost).toMatchObject({ totalUsd: told.cost.totalUsd, missing: told.cost.missing });
    expect(cost?.totalUsd).toBeGreaterThan(0);
    expect(cost?.vendors.map(({ cloud, machines: count }) => [cloud, count])).toEqual([
      ...[
        ['aws', 2],
        ['gce', 1],
        ['local', 1],
      ],
    ]);
    expect(cost?.vendors.reduce((sum, { totalUsd }) => sum + totalUsd, 0)).toBeCloseTo(told.cost.totalUsd, 5);
    expect(view.nodes.map(({ name, shards }) => [name, shards])).toEqual(
      told.nodes.map(({ node, shards }: { node: string; shards: number }) => [node, shards]),
    );
  });

  it('the cheapest mix is the one that the command chooses', async () => {
    const places = ['aws:us-east-1', 'gce:us-central1'];
    const view = await plan(machines([], { mix: places }));
    const told = (await kit.run('plan', 'mine.yaml', ...places.flatMap((place) => ['--mix', place]))).out();
    expect(view.machines?.on.length).toBeGreaterThan(0);
    expect(told).toContain(`machines    ${view.machines?.on.map((word) => `--on ${word}`).join(' ')}\n`);
    expect(view.start).toBe('quilt-swarm launch mine.yaml --mix aws:us-east-1 --mix gce:us-central1');
  });

  it.each([
    [machines([]), 'QUILT_LAUNCH_REQUEST'],
    [machines(['nowhere']), 'QUILT_LAUNCH_REQUEST'],
    [machines(['loca:eu:c1=1']), 'QUILT_CLOUD_UNKNOWN'],
    [machines(['ssh:rack:any=1']), 'QUILT_LAUNCH_HOST'],
    [machines(['aws:us-east-1:c7i.large=100'], { maxCostUsd: 0.01 }), 'QUILT_COST_OVER'],
    [machines(['aws:us-east-1:no-such.type=1'], { maxCostUsd: 1 }), 'QUILT_PRICE_MISSING'],
    [machines([], { mix: ['aws:atlantis'] }), 'QUILT_MIX_NONE'],
  ])('what would be refused is told, and cannot be started: %j', async (rented, code) => {
    expect((await plan(rented)).machines?.problems).toContainEqual(expect.objectContaining({ code }));
    const answer = await ask('runs', { path: 'mine.yaml', variables: {}, nodes: 1, machines: rented, agreedUsd: 1e6 });
    expect(answer).toMatchObject({ status: 409 });
  });

  it.each([
    'aws',
    { on: 'aws:us-east-1:c7i.large=1', mix: [] },
    machines(['--yes']),
    machines(Array(40).fill('local:eu:c1=1')),
    machines([], { host: '-x' }),
    machines([], { maxCostUsd: -1 }),
    machines([], { spotSharePercent: 101 }),
  ])('machines that nobody can read are refused: %j', async (rented) => {
    const body = { path: 'mine.yaml', variables: {}, nodes: 1, machines: rented };
    expect(await ask('runs', body)).toMatchObject({ status: 400 });
    expect(await ask('plan', { ...body, text: 'x' })).toMatchObject({ status: 400 });
  });
});

describe('a launch', () => {
  const rented = machines(['local:eu:c1=1', 'local:us:c1=1']);

  it('is told from its first words, watched, steered group by group, and over', { timeout: PATIENCE_MS * 2 }, async () => {
    kit.scenario('mine', { holdS: 25 });
    const begun = await ask('runs', { path: 'mine.yaml', variables: {}, nodes: 1, machines: rented, agreedUsd: 0 });
    const command = 'quilt-swarm launch mine.yaml --on local:eu:c1=1 --on local:us:c1=1 --yes';
    expect(begun).toEqual({ status: 200, value: { command } });
    expect(await ask('runs', { path: 'mine.yaml', variables: {}, nodes: 1 })).toMatchObject({
      status: 409,
      value: { code: 'QUILT_CONSOLE_BUSY' },
    });
    await until(
      'it says what it does',
      () => started()?.said.some((line) => line.startsWith('launching 2 machines')) === true,
      PATIENCE_MS,
    );
    expect(started()).toMatchObject({ verb: 'launch', command, isRunning: true, exitCode: null, hasFailed: false });
    await until('all load is on', () => state()?.board.endpointsActive === 12, PATIENCE_MS);
    expect(
      state()
        ?.nodes.map(({ labels }) => labels.region)
        .filter(Boolean)
        .sort(),
    ).toEqual(['eu', 'us']);

    const scaled = await ask('orders', { order: 'scale', group: 'callers', factor: 0.5 });
    expect(scaled.value).toEqual({ command: expect.stringMatching(/^quilt-swarm scale callers 0\.5 runs\//) });
    await until('half of it is off', () => state()?.board.endpointsActive === 6, PATIENCE_MS);
    await json('orders', { order: 'scale', group: 'callers', factor: 0 });
    await until('it is paused', () => state()?.factors[0]?.factor === 0, PATIENCE_MS);
    expect(state()?.factors).toEqual([{ group: 'callers', factor: 0, resumeFactor: 0.5 }]);
    expect(await ask('orders', { order: 'scale', group: 'nobody', factor: 1 })).toMatchObject({
      status: 409,
      value: { code: 'QUILT_NO_GROUP' },
    });

    await json('orders', { order: 'stop', mode: 'drain' });
    await until('it is over', () => started()?.isRunning === false, PATIENCE_MS);
    expect(started()).toMatchObject({ hasFailed: false, exitCode: 105, said: expect.arrayContaining(['all 2 machines have ended']) });
    expect(messages.some((message) => message.type === 'report')).toBe(true);
  });

  it('is started again from the list, as it is now, and is stopped before it has a run', { timeout: PATIENCE_MS }, async () => {
    const [row] = await json<RunRow[]>('runs');
    const command = 'quilt-swarm launch mine.yaml --on local:eu:c1=1 --on local:us:c1=1';
    expect(row?.isKept).toBe(true);
    kit.scenario('mine', { holdS: 26 });
    const view = await json<AgainView>(`runs/${row?.id}/again`);
    expect(view).toMatchObject({ command, isChanged: true, more: [], problems: [], cost: { totalUsd: 0 } });
    expect(view.request).toEqual({ path: 'mine.yaml', variables: {}, nodes: 2, machines: rented });
    expect(await ask(`runs/${row?.id}/again`, {})).toEqual({ status: 200, value: { command: `${command} --yes` } });
    await until('it is at work', () => started()?.isRunning === true, PATIENCE_MS);
    const stopped = await json<{ command: string }>('orders', { order: 'stop', mode: 'drain' });
    expect(stopped.command).toMatch(/^(kill -INT \d+|quilt-swarm stop runs\/.*)$/);
    await until('it is gone', () => started()?.isRunning === false, PATIENCE_MS);
  });

  it('that comes to nothing says why', { timeout: PATIENCE_MS }, async () => {
    // Only the vendor knows its machine types.
    const answer = await ask('runs', { path: 'mine.yaml', variables: {}, nodes: 1, machines: machines(['local:eu:m5.large=1']) });
    expect(answer.status).toBe(200);
    await until('it failed', () => started()?.hasFailed === true && started()?.command.includes('m5.large') === true, PATIENCE_MS);
    expect(started()).toMatchObject({
      exitCode: 104,
      run: null,
      said: expect.arrayContaining([expect.stringContaining("no machine type 'm5.large'")]),
    });
    await until('the page knows', () => messages.at(-1)?.type === 'away');
  });

  it.each([
    ['half of it', 0.5],
    ['nothing', Number.NaN],
  ])('that costs more than was agreed to is refused: %s', async (_what, share) => {
    const dear = machines(['aws:us-east-1:c7i.large=10'], { host: '203.0.113.7' });
    const { cost, problems } = (await plan(dear)).machines ?? {};
    expect(problems).toEqual([]);
    const agreed = Number.isNaN(share) ? {} : { agreedUsd: (cost?.totalUsd ?? 0) * share };
    const answer = await ask('runs', { path: 'mine.yaml', variables: {}, nodes: 1, machines: dear, ...agreed });
    expect(answer).toMatchObject({ status: 409, value: { code: 'QUILT_COST_AGREE' } });
  });
});

describe('a run of the terminal', () => {
  it('is started again with all its words, once it was looked at', { timeout: PATIENCE_MS * 2 }, async () => {
    const text = readFileSync(kit.scenario('small', { holdS: 1 }), 'utf8');
    const scenario = text.replace('endpoints: 12', 'endpoints: ${vars.callers}').replace('groups:', 'variables: { callers: 12 }\ngroups:');
    writeFileSync(join(kit.folder, 'small.yaml'), scenario);
    const ran = await kit.run('run', './small.yaml', '-n', '1', '-e', 'callers=4', '--tag', 'team=blue', '--quiet');
    expect(ran.code).toBe(0);
    const [row] = await json<RunRow[]>('runs');
    const command = 'quilt-swarm run ./small.yaml -n 1 -e callers=4 --tag team=blue';
    expect(row).toMatchObject({ scenario: 'small', isKept: true });
    expect(await json<AgainView>(`runs/${row?.id}/again`)).toEqual({
      ...{ command, isChanged: false, more: ['--tag', 'team=blue'], cost: null, problems: [] },
      request: { path: 'small.yaml', variables: { callers: '4' }, nodes: 1 },
    });
    writeFileSync(join(kit.folder, 'small.yaml'), 'name: small\n');
    expect(await json<AgainView>(`runs/${row?.id}/again`)).toMatchObject({
      isChanged: true,
      problems: expect.arrayContaining([expect.objectContaining({ key: 'groups' })]),
    });
    expect(await ask(`runs/${row?.id}/again`, {})).toMatchObject({ status: 409 });
    writeFileSync(join(kit.folder, 'small.yaml'), scenario);
    expect(await json(`runs/${row?.id}/again`, {})).toEqual({ command });
    const newest = async (): Promise<RunRow | undefined> => (await json<RunRow[]>('runs'))[0];
    await until('it is there and over', async () => (await newest())?.id !== row?.id && (await newest())?.exitCode === 0, PATIENCE_MS);
    const [again] = await json<RunRow[]>('runs');
    expect(again).toMatchObject({ exitCode: 0, isKept: true });
    expect(await json(`runs/${again?.id}/summary`)).toMatchObject({
      run: { tags: { team: 'blue' } },
      load: { total: { activePeakPlanned: 4 } },
    });
    writeFileSync(join(kit.folder, 'runs', again?.id ?? '', 'started.json'), '{"startedVersion":1,"verb":"rm"}');
    expect(await ask(`runs/${again?.id}/again`, {})).toMatchObject({ status: 409, value: { code: 'QUILT_NOT_KEPT' } });
    expect(await ask('runs/..%2f..%2fetc/again', {})).toMatchObject({ status: 409 });
  });
});

it('hands out links that only read', async () => {
  const { link, command } = await json<ShareView>('share', {});
  expect([command, new URL(link).origin]).toEqual(['quilt-swarm console --share', origin]);
  const reader = await login(new URL(link).hash.slice(1));
  expect((await ask('session', undefined, reader)).value).toMatchObject({
    canSteer: false,
    canStart: false,
    canShare: false,
  } satisfies Partial<SessionView>);
  expect(await ask('share', {}, reader)).toMatchObject({ status: 403 });
});

it('a launch goes on when its console is killed', { timeout: PATIENCE_MS }, async () => {
  kit.scenario('mine', { holdS: 1 });
  await until('nothing runs', () => started()?.isRunning !== true, PATIENCE_MS);
  const before = existsSync(join(kit.folder, 'runs')) ? kit.runFolder() : '';
  const body = { path: 'mine.yaml', variables: {}, nodes: 1, machines: machines(['local:eu:c1=1']) };
  expect(await ask('runs', body)).toMatchObject({ status: 200 });
  await until(
    'machines are made',
    () => started()?.isRunning === true && started()?.said.some((line) => line.startsWith('launching')) === true,
    PATIENCE_MS,
  );
  console_.child.kill('SIGKILL');
  await console_.ended;
  // Its words have nobody to go to, which is nothing to it.
  await until('it is over', () => kit.runFolder() !== before && existsSync(join(kit.runFolder(), 'summary.json')), PATIENCE_MS);
  expect(JSON.parse(readFileSync(join(kit.runFolder(), 'summary.json'), 'utf8'))).toMatchObject({ verdict: { exitCode: 0 } });
  await until('nothing is left', () => readdirSync(join(kit.folder, '.quilt', 'launches')).length === 0, PATIENCE_MS);
});
