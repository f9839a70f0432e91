// `prices` as a user runs it: the tables with their day, spot prices read from the vendor's API and used by the next estimate, and words for what has no price.

import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { currentPrices, keepSpotRows, readSpotRows } from '../../node/commands/price-tables.ts';
import { type FakeEc2, KEY_ID, startFakeEc2 } from '../support/clouds/ec2.ts';
import { hasLibrary } from '../support/clouds/ec2-lab.ts';

const entry = resolve(import.meta.dirname, '../../node/quilt-swarm.mjs');
const scenario = resolve(import.meta.dirname, '../../scenarios/smoke.yaml');
let folder: string;
let ec2: FakeEc2;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'quilt-prices-'));
  ec2 = await startFakeEc2();
});
afterAll(async () => {
  await ec2.close();
  rmSync(folder, { recursive: true });
});

function quilt(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const env = { PATH: '/usr/bin:/bin', HOME: folder, AWS_ENDPOINT_URL_EC2: ec2.url, AWS_ACCESS_KEY_ID: KEY_ID, AWS_SECRET_ACCESS_KEY: 'x' };
  return new Promise((done) => {
    const child = execFile(process.execPath, [entry, ...args], { cwd: folder, env }, (_error, out, err) =>
      done({ code: child.exitCode, out, err }),
    );
  });
}

describe('prices', () => {
  it('are shown with their day', async () => {
    const { code, out } = await quilt('prices');
    expect(code).toBe(0);
    expect(out).toMatch(/aws, prices as of \d{4}-\d\d-\d\d/);
    expect(out).toMatch(/c7i\.large +2 cores {2}\d/);
  });

  it.skipIf(!hasLibrary)('of spot machines are read, kept, and used by the next mix', async () => {
    const mix = ['plan', scenario, '--mix', 'aws:eu-central-1', '--spot-share', '100', '--json'];
    expect(JSON.parse((await quilt(...mix)).out).machines[0].markets).toEqual(['on-demand']);
    expect(await quilt('prices', '--refresh', 'aws:eu-central-1')).toMatchObject({
      code: 0,
      out: expect.stringContaining('spot at most 0.031 (read '),
    });
    const { machines, cost } = JSON.parse((await quilt(...mix)).out);
    expect(machines[0].markets).toEqual(['spot', 'on-demand']);
    expect(cost.missing).toEqual([]);
  });

  it.each([
    [['--refresh', 'aws:mars-1'], 'no price table for aws:mars-1'],
    [['--refresh', 'gce:europe-west1'], 'GOOGLE_APPLICATION_CREDENTIALS'],
    [['--refresh', 'nowhere'], 'no price table for nowhere'],
  ])('with %j are not read', async (flags, words) => {
    expect(await quilt('prices', ...flags)).toMatchObject({ code: 104, err: expect.stringContaining(words) });
  });
});

describe('kept prices', () => {
  const row = { cloud: 'aws', region: 'us-east-1', machineType: 'c7i.large', spotUsdPerHour: 0.03, readWallMs: 0 };

  it('are forgotten when they are old, and never in the way when they cannot be read', () => {
    const path = join(folder, 'kept.json');
    keepSpotRows([row, { ...row, machineType: 'c6i.large', readWallMs: 8.64e15 }], path);
    expect(JSON.parse(readFileSync(path, 'utf8')).spot.length).toBe(2);
    expect(readSpotRows(path).map(({ machineType }) => machineType)).toEqual(['c6i.large']);
    writeFileSync(path, '{"spot": [1]}');
    expect(readSpotRows(path)).toEqual([]);
  });

  it('change the machines they are of, and no others', () => {
    const spotOf = (type: string) =>
      currentPrices([row])
        .get('aws')
        ?.machines.filter(({ machineType }) => machineType === type)
        .map(({ spotUsdPerHour }) => spotUsdPerHour);
    expect(spotOf('c7i.large')).toContain(0.03);
    expect(spotOf('c6i.large')).not.toContain(0.03);
  });
});
