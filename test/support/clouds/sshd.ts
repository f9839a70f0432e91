// A real sshd on loopback for tests of the ssh cloud: four addresses of it are four hosts, with keys, known hosts and a client's configuration of its own. Nothing of the
// user's ssh is read or changed.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../until.ts';

export const SSHD = ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/usr/bin/sshd'].find((path) => existsSync(path));
export const hasSshd = SSHD !== undefined && process.platform === 'linux';
export const HOSTS = [1, 2, 3, 4].map((last) => `127.0.0.${last}`);

export interface SshLab {
  readonly folder: string;
  readonly port: number;
  /** Writes a client's configuration and answers its path: with this key, and these known hosts. */
  configWith(name: string, key?: string, known?: string): string;
  close(): Promise<void>;
}

export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 20; tries++) {
    const probe = createServer();
    await new Promise<void>((listening) => probe.listen(0, '127.0.0.1', () => listening()));
    const found = (probe.address() as { port: number }).port;
    await new Promise((closed) => probe.close(closed));
    if (found > 20_000) return found;
  }
  throw new Error('no port above 20000');
}

export async function startSshLab(): Promise<SshLab> {
  const folder = mkdtempSync(join(tmpdir(), 'quilt-ssh-'));
  const port = await freePort();
  const key = (name: string): unknown => execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)]);
  for (const name of ['host', 'user', 'stranger']) key(name);
  writeFileSync(join(folder, 'authorized'), readFileSync(join(folder, 'user.pub')));
  const hostKey = readFileSync(join(folder, 'host.pub'), 'utf8').split(' ').slice(0, 2).join(' ');
  writeFileSync(join(folder, 'known'), HOSTS.map((host) => `[${host}]:${port} ${hostKey}\n`).join(''));
  const lines = [
    ...HOSTS.map((host) => `ListenAddress ${host}:${port}`),
    ...[`HostKey ${folder}/host`, `AuthorizedKeysFile ${folder}/authorized`, `PidFile ${folder}/sshd.pid`],
    // The folder of a test is below /tmp, which everybody may write.
    ...['StrictModes no', 'PasswordAuthentication no', 'KbdInteractiveAuthentication no', 'UsePAM no', 'PermitRootLogin prohibit-password'],
    'MaxStartups 100',
  ];
  writeFileSync(join(folder, 'sshd_config'), `${lines.join('\n')}\n`);
  // Debian's sshd wants it, and its unit is not what starts it here.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const server: ChildProcess = spawn(SSHD as string, ['-D', '-e', '-f', join(folder, 'sshd_config')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  server.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk;
  });
  await until('sshd listens', async () => {
    if (server.exitCode !== null) throw new Error(`sshd ended: ${said}`);
    return said.includes(`Server listening on ${HOSTS[3]}`) || said.split('Server listening').length > HOSTS.length;
  });
  const configWith = (name: string, key = 'user', known = 'known'): string => {
    const path = join(folder, name);
    const lines = [`IdentityFile ${folder}/${key}`, 'IdentitiesOnly yes', 'IdentityAgent none', `UserKnownHostsFile ${folder}/${known}`];
    writeFileSync(path, `${[...lines, 'GlobalKnownHostsFile none', 'StrictHostKeyChecking yes'].join('\n')}\n`);
    chmodSync(path, 0o600);
    return path;
  };
  return {
    ...{ folder, port, configWith },
    async close() {
      server.kill('SIGTERM');
      // It removes its own file on its way out, and a folder that changes meanwhile is removed in part.
      await until('sshd has ended', async () => server.exitCode !== null || server.signalCode !== null);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
