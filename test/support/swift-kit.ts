// Real Swift with its S3 API from Debian's packages, on loopback ports of its own, in a folder of its own: proxy, account, container and object server and memcached as plain
// processes, after the recipe of CLOUDS.md section 4. The strict S3 store of the tests: it checks signatures, Content-MD5 and the signed hash of the body. Swift reads
// /etc/swift/swift.conf whatever it is told, which the packages bring. Everything ends with `close`.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findExecutable } from '../../node/commands/doctor-parts.ts';
import { type Need, needOf } from './parts.ts';
import { until } from './until.ts';

export interface SwiftKit {
  readonly url: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  close(): Promise<void>;
}

const SERVERS = ['account', 'container', 'object'] as const;
/** The one that Debian's packages are for, whatever else is on the path. */
const DEBIAN_PYTHON = '/usr/bin/python3';
const PROGRAMS = ['setpriv', 'swift-proxy-server', ...SERVERS.map((name) => `swift-${name}-server`), 'memcached'];

/** Skips where the packages are not installed, also in CI: `apt-get install swift-proxy swift-account swift-container swift-object memcached`. */
export function needSwift(): Need {
  const missing = PROGRAMS.filter((name) => findExecutable(name) === undefined);
  if (missing.length === 0 && existsSync('/etc/swift/swift.conf')) return needOf([], false);
  const reason = `real Swift is not installed (${missing.join(', ') || 'swift.conf'} missing): install Debian's swift-proxy, swift-account, swift-container, swift-object, memcached`;
  return { isMissing: true, reason, title: (title) => `${title} (skipped: ${reason})` };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

const serverConfig = (name: string, folder: string, port: number): string => `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
swift_dir = ${folder}
devices = ${folder}/disks
mount_check = false
disable_fallocate = true
workers = 0
user = root
[pipeline:main]
pipeline = ${name}-server
[app:${name}-server]
use = egg:swift#${name}
`;

/** What `swift-ring-builder` does (create 2 1 1, add, rebalance), for all rings by one Python. */
const RING_SCRIPT = `
import sys
from swift.common.ring import RingBuilder
for name, port in zip(sys.argv[1::2], sys.argv[2::2]):
    builder = RingBuilder(2, 1, 1)
    builder.add_dev({'region': 1, 'zone': 1, 'ip': '127.0.0.1', 'port': int(port), 'device': 'sdb1', 'weight': 1.0,
                     'replication_ip': '127.0.0.1', 'replication_port': int(port), 'meta': ''})
    builder.rebalance()
    builder.get_ring().save(name + '.ring.gz')
`;

const FILTERS = [
  'catch_errors',
  'gatekeeper',
  'healthcheck',
  'cache',
  'listing_formats',
  'bulk',
  's3api',
  'tempauth',
  'copy',
  'slo',
  'dlo',
];
const FILTER_NAMES: Readonly<Record<string, string>> = { cache: 'memcache' };

function proxyConfig(folder: string, port: number, memcachePort: number): string {
  const options: Readonly<Record<string, string>> = {
    cache: `memcache_servers = 127.0.0.1:${memcachePort}`,
    s3api: 'location = us-east-1',
    tempauth: 'user_test_tester = testing .admin',
  };
  const filters = FILTERS.map((name) => `[filter:${name}]\nuse = egg:swift#${FILTER_NAMES[name] ?? name}\n${options[name] ?? ''}\n`);
  const head = `[DEFAULT]\nbind_ip = 127.0.0.1\nbind_port = ${port}\nswift_dir = ${folder}\nworkers = 0\nuser = root\n`;
  const pipeline = `[pipeline:main]\npipeline = ${FILTERS.join(' ')} proxy-server\n`;
  return `${head}${pipeline}[app:proxy-server]\nuse = egg:swift#proxy\naccount_autocreate = true\n${filters.join('')}`;
}

export async function startSwift(): Promise<SwiftKit> {
  const folder = mkdtempSync(join(tmpdir(), 'quilt-swift-'));
  mkdirSync(join(folder, 'disks', 'sdb1'), { recursive: true });
  const started: ChildProcess[] = [];
  const log = openSync(join(folder, 'log'), 'a');
  const start = (program: string, ...args: string[]): void => {
    // Whatever becomes of the test, they end with its process.
    started.push(spawn('setpriv', ['--pdeathsig', 'KILL', program, ...args], { stdio: ['ignore', log, log], cwd: folder }));
  };
  const memcachePort = await freePort();
  start('memcached', '-l', '127.0.0.1', '-p', String(memcachePort), '-U', '0', '-u', 'root', '-m', '16');
  const rings: string[] = [];
  for (const name of SERVERS) {
    const port = await freePort();
    rings.push(name, String(port));
    writeFileSync(join(folder, `${name}.conf`), serverConfig(name, folder, port));
  }
  execFileSync(DEBIAN_PYTHON, ['-c', RING_SCRIPT, ...rings], { cwd: folder, stdio: 'pipe' });
  for (const name of SERVERS) start(`swift-${name}-server`, join(folder, `${name}.conf`));
  const proxyPort = await freePort();
  writeFileSync(join(folder, 'proxy.conf'), proxyConfig(folder, proxyPort, memcachePort));
  start('swift-proxy-server', join(folder, 'proxy.conf'));
  const url = `http://127.0.0.1:${proxyPort}`;
  const close = async (): Promise<void> => {
    const ends = started.map((child) => (child.exitCode === null ? new Promise((resolve) => child.once('exit', resolve)) : null));
    for (const child of started) child.kill('SIGKILL');
    await Promise.all(ends);
    rmSync(folder, { recursive: true, force: true });
  };
  const answers = async (): Promise<boolean> => {
    const died = started.find((child) => child.exitCode !== null);
    if (died !== undefined) throw new Error(`${died.spawnargs.join(' ')} ended: ${readFileSync(join(folder, 'log'), 'utf8').slice(-2000)}`);
    const headers = { 'x-auth-user': 'test:tester', 'x-auth-key': 'testing' };
    const auth = await fetch(`${url}/auth/v1.0`, { headers }).catch(() => null);
    const token = auth?.headers.get('x-auth-token') ?? null;
    if (token === null) return false;
    // An object needs all four servers.
    for (const path of ['', '/ready', '/ready/object']) {
      const method = path === '' ? 'GET' : 'PUT';
      const answer = await fetch(`${url}/v1/AUTH_test${path}`, { method, headers: { 'x-auth-token': token } }).catch(() => null);
      if (answer?.ok !== true) return false;
    }
    return true;
  };
  try {
    await until('Swift answers', answers, 100_000);
  } catch (error) {
    await close();
    throw error;
  }
  return { url, accessKeyId: 'test:tester', secretAccessKey: 'testing', close };
}
