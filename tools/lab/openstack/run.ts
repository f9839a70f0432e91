// `npm run test:openstack`: starts a real OpenStack on loopback (openstack.sh), runs the tests that want one against it, and stops it again, whatever comes. Where Debian's
// packages are not installed nothing is tested, and it says so; the exit code is 0 then, or 1 with --required.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { childEnvironment } from '../../../node/adapters/environment.ts';
import { err, out } from '../../../node/adapters/terminal.ts';

const rootPath = fileURLToPath(new URL('../../..', import.meta.url));
const PACKAGES =
  'python3-keystone python3-nova nova-common nova-api python3-placement placement-common python3-glance glance-common python3-neutron python3-pymysql mariadb-server rabbitmq-server uwsgi-core uwsgi-plugin-python3';
const PARTS = [
  ...['/usr/bin/keystone-manage', '/usr/bin/keystone-wsgi-public', '/usr/bin/nova-manage', '/usr/bin/nova-api', '/etc/nova/api-paste.ini'],
  ...[
    '/usr/bin/placement-api',
    '/usr/bin/glance-wsgi-api',
    '/etc/glance/glance-api-paste.ini',
    '/usr/bin/mysql_install_db',
    '/usr/bin/uwsgi',
  ],
  ...['/usr/lib/python3/dist-packages/neutron/tests/etc/api-paste.ini', '/usr/lib/python3/dist-packages/pymysql'],
  ...['/usr/sbin/mariadbd', '/usr/lib/rabbitmq/bin/rabbitmq-server', '/usr/lib/uwsgi/plugins/python3_plugin.so'],
];
const VARIABLES = {
  ...{ OS_AUTH_URL: 'http://127.0.0.1:15000/v3', OS_USERNAME: 'runner', OS_PASSWORD: 'runner', OS_PROJECT_NAME: 'loadtest' },
  ...{ OS_USER_DOMAIN_NAME: 'Default', OS_PROJECT_DOMAIN_NAME: 'Default', QUILT_TEST_OPENSTACK_REGION: 'RegionOne' },
  QUILT_TEST_OPENSTACK_METADATA: 'http://127.0.0.1:15775',
};

function missingParts(): readonly string[] {
  const absent = PARTS.filter((path) => !existsSync(path));
  return process.getuid?.() === 0 ? absent : [...absent, 'the rights of root'];
}

/** Resolves with whether it is ready. */
function readiness(child: ChildProcess): Promise<boolean> {
  return new Promise((resolve) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      if (chunk.toString().includes('ready')) resolve(true);
    });
    child.once('exit', () => resolve(false));
  });
}

async function main(): Promise<number> {
  const words = process.argv.slice(2);
  const missing = missingParts();
  if (missing.length > 0) {
    err(`SKIPPED, nothing tested: a real OpenStack cannot be started here, ${missing.join(', ')} missing`);
    err(`apt-get install --no-install-recommends ${PACKAGES}`);
    return words.includes('--required') ? 1 : 0;
  }
  const folder = mkdtempSync(join(tmpdir(), 'quilt-openstack-'));
  out(`starting OpenStack in ${folder}, about a minute`);
  const script = join(rootPath, 'tools/lab/openstack/openstack.sh');
  const child = spawn('bash', [script, folder], {
    ...{ stdio: ['pipe', 'pipe', 'inherit'], detached: true },
    env: childEnvironment({ NODE: process.execPath }),
  });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  // It notices by its stdin that this process has ended, also when that was killed.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => child.stdin?.end());
  try {
    if (!(await readiness(child))) {
      err(`OpenStack did not start:\n${readFileSync(join(folder, 'log/setup.out'), 'utf8').slice(-3000)}`);
      return 1;
    }
    const files = words.filter((word) => !word.startsWith('--'));
    const tests = files.length > 0 ? files : ['test/compliance/cloud-openstack-real.test.ts'];
    const config = join(rootPath, 'test', 'vitest.config.ts');
    const { status } = spawnSync(
      process.execPath,
      [join(rootPath, 'node_modules/vitest/vitest.mjs'), 'run', '--config', config, ...tests],
      {
        ...{ cwd: rootPath, stdio: ['ignore', 'inherit', 'inherit'], env: childEnvironment(VARIABLES) },
      },
    );
    return status ?? 1;
  } finally {
    child.stdin?.end();
    await gone;
    if (words.includes('--keep')) out(`logs are in ${folder}/log`);
    else rmSync(folder, { recursive: true, force: true });
  }
}

process.exitCode = await main();
