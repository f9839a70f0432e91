// A launch over two vendors at once, as a user does it: hosts that exist already, over a real sshd, and stand-ins on this computer. One swarm, one verdict, and nothing left on a host.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Summary } from '../../node/core/summary-types.ts';
import { freePort, HOSTS, hasSshd, type SshLab, startSshLab } from '../support/clouds/sshd.ts';

const entry = resolve(import.meta.dirname, '../../node/quilt-swarm.mjs');
const REASON = hasSshd ? '' : ' (skipped: no sshd; apt-get install openssh-server openssh-client)';

describe.skipIf(!hasSshd)(`launch over ssh and local${REASON}`, { timeout: 180_000 }, () => {
  let lab: SshLab;
  let folder: string;
  let target: Server;
  beforeAll(async () => {
    lab = await startSshLab();
    folder = mkdtempSync(join(tmpdir(), 'quilt-launch-ssh-'));
    target = createServer((_request, response) => response.end('hello'));
    await new Promise<void>((done) => target.listen(0, '127.0.0.1', done));
  }, 60_000);
  afterAll(async () => {
    target.closeAllConnections();
    target.close();
    await lab.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('makes one swarm of both', async () => {
    const hosts = HOSTS.slice(0, 2).map((host) => ({
      host,
      user: userInfo().username,
      port: lab.port,
      cores: 1,
      folder: join(folder, host),
    }));
    writeFileSync(join(folder, 'hosts.yaml'), JSON.stringify({ lab: hosts }));
    const url = `http://127.0.0.1:${(target.address() as AddressInfo).port}`;
    writeFileSync(
      join(folder, 'both.yaml'),
      `name: both
targets: { api: ${url} }
groups:
  visitors:
    type: http
    load: { endpoints: 6, shape: [{ ramp: 100%, over: 1s }, { hold: 4s }] }
    behavior: { baseUrl: '\${targets.api}', think: 1s, requests: [{ name: front, url: / }] }
shards: { endpoints: 1 }
`,
    );
    const where = ['--on', 'ssh:lab:c1=2', '--on', 'local:here:c1=1', '--host', '127.0.0.1', '--mesh-port', String(await freePort())];
    const env = {
      QUILT_SSH_HOSTS: join(folder, 'hosts.yaml'),
      QUILT_SSH_CONFIG: lab.configWith('config'),
      QUILT_LOCAL_MACHINES: join(folder, 'machines'),
    };
    const child = spawn(process.execPath, [entry, 'launch', 'both.yaml', ...where, '--json'], {
      cwd: folder,
      env: { ...process.env, ...env },
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (bytes) => (stdout += bytes));
    child.stderr.on('data', (bytes) => (stderr += bytes));
    const code = await new Promise((done) => child.once('close', done));
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('all 3 machines have ended') });
    const summary = JSON.parse(stdout) as Summary;
    const load = summary.nodes.filter(({ role }) => role === 'load');
    expect(load.map(({ labels }) => `${labels.vendor} ${labels.region}`).sort()).toEqual(['local here', 'ssh lab', 'ssh lab']);
    expect(load.every(({ started }) => (started ?? 0) > 0)).toBe(true);
    const vendors = summary.places.filter(({ label }) => label === 'vendor');
    expect(vendors.map(({ value, nodes }) => `${value} ${nodes}`)).toEqual(['local 1', 'ssh 2']);
    expect(vendors.reduce((sum, { started }) => sum + started, 0)).toBe(summary.load.total.started);
    for (const { folder: machines } of hosts) if (existsSync(machines)) expect(readdirSync(machines)).toEqual(['lock']);
  });
});
