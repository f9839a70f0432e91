// `doctor --cloud` as a user runs it: a vendor that answers, one without credentials, one that nobody knows, and the rights that a launch needs.

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FakeEc2, KEY_ID, startFakeEc2 } from '../support/clouds/ec2.ts';
import { hasLibrary } from '../support/clouds/ec2-lab.ts';

const entry = resolve(import.meta.dirname, '../../node/quilt-swarm.mjs');
let folder: string;
let ec2: FakeEc2;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'quilt-doctor-clouds-'));
  ec2 = await startFakeEc2();
});
afterAll(async () => {
  await ec2.close();
  rmSync(folder, { recursive: true });
});

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function doctor(flags: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Ended> {
  // No credentials of whoever runs the tests.
  const env = { PATH: '/usr/bin:/bin', HOME: folder, AWS_EC2_METADATA_DISABLED: 'true', GCE_METADATA_HOST: '127.0.0.1:1', ...environment };
  return new Promise((done) => {
    const child = execFile(process.execPath, [entry, 'doctor', ...flags], { cwd: folder, env }, (_error, out, err) =>
      done({ code: child.exitCode, out, err }),
    );
  });
}

describe('doctor --cloud', () => {
  it('looks at this machine', async () => {
    const ended = await doctor(['--cloud', 'local']);
    expect(ended).toMatchObject({ code: 0, out: expect.stringContaining('a launch would get through') });
  });

  it.skipIf(!hasLibrary)('asks the vendor, and says what it found in the region', async () => {
    const credentials = { AWS_ENDPOINT_URL_EC2: ec2.url, AWS_ACCESS_KEY_ID: KEY_ID, AWS_SECRET_ACCESS_KEY: 'x' };
    const ended = await doctor(['--cloud', 'aws:eu-central-1', '--json'], credentials);
    const [report] = JSON.parse(ended.out) as [{ cloud: string; region: string; findings: { name: string; isOk: boolean }[] }];
    expect(report).toMatchObject({ cloud: 'aws', region: 'eu-central-1' });
    expect(report.findings.find(({ name }) => name === 'reachability')).toMatchObject({ isOk: true });
    expect(ended.code).toBe(report.findings.every(({ isOk }) => isOk) ? 0 : 1);
  });

  it.each(['aws', 'gce'])('says what is missing without credentials at %s', async (name) => {
    const ended = await doctor(['--cloud', name]);
    expect(ended.code).toBe(1);
    expect(ended.out).toMatch(/BROKEN {2}credentials/);
    expect(ended.out).toContain('remedy: ');
    expect(ended.err).toContain(`would not get through at: ${name}`);
  });

  it('prints the rights that a launch needs, without credentials', async () => {
    const { Version, Statement } = JSON.parse((await doctor(['--cloud', 'aws', '--rights'])).out);
    expect(Version).toBe('2012-10-17');
    expect(Statement.length).toBeGreaterThan(3);
    expect((await doctor(['--cloud', 'gce', '--rights'])).out).toContain('- compute.instances.create');
  });

  it.each([
    ['awz', "'awz' is no cloud"],
    ['--', 'is no cloud'],
  ])('refuses %s', async (name, words) => {
    const ended = await doctor([`--cloud=${name}`]);
    expect(ended).toMatchObject({ code: 104, err: expect.stringContaining(words) });
  });
});
