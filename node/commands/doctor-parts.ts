// What quilt-swarm wants from a machine, one row a part: how to look for it, what it costs to be without it, and the Debian
// package that brings it. A required part that is broken means that nothing runs; an optional one costs a feature. The
// probes look and measure, and change nothing but a file they remove again; doctor.ts shows and installs.

import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { availableParallelism, freemem, tmpdir, totalmem } from 'node:os';
import { delimiter, join } from 'node:path';
import { wallNowMs, wallStepMs } from '../adapters/clock.ts';
import { environmentVariable } from '../adapters/environment.ts';
import { storeComplaint } from '../adapters/store-probe.ts';
import { linuxCalls } from '../media/udp-linux-calls.ts';

export interface Probe {
  isOk: boolean;
  /** What was found, or what is wrong, in a few words. */
  detail: string;
}

export interface Part {
  name: string;
  isRequired: boolean;
  /** What the user cannot do, or gets less of, without it. */
  cost: string;
  /** One or several, with a blank between. */
  debianPackage?: string;
  /** What to do when no package brings it. */
  remedy?: string;
  /** Looked for and installed with --for-tests only: its package starts a service, which nobody wants who only runs scenarios. */
  isForTests?: boolean;
  probe: () => Probe | Promise<Probe>;
}

export interface Finding extends Probe {
  name: string;
  isRequired: boolean;
  cost: string;
  debianPackage?: string;
  remedy?: string;
}

const runtimeMajorMin = 24;
/** Below this, a worker meets EMFILE before it meets the core's limit of some thousand connections. */
const openFilesMin = 4096;
const gibibyte = 1024 ** 3;
/** A clock before this release makes every ticket look not yet made. */
const releasedMs = Date.UTC(2026, 0, 1);

/** Full path of a program in PATH, or undefined. */
export function findExecutable(name: string): string | undefined {
  for (const folder of (environmentVariable('PATH') ?? '').split(delimiter)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      if (folder !== '' && statSync(path).isFile()) return path;
    } catch {
      // Not here; the next folder may have it.
    }
  }
  return undefined;
}

/** A program that is there and answers. SIPp exits with 99 after `-v`, so its words count and its exit code does not. */
function probeProgram(name: string, versionFlag: string): Probe {
  const path = findExecutable(name);
  if (path === undefined) return { isOk: false, detail: 'not found in PATH' };
  const answer = spawnSync(path, [versionFlag], { encoding: 'utf8', timeout: 5000, stdio: ['ignore', 'pipe', 'pipe'] });
  const line = `${answer.stdout}\n${answer.stderr}`.split('\n').find((each) => /\d+\.\d+/.test(each));
  if (answer.error !== undefined || line === undefined)
    return { isOk: false, detail: `${path} is there, but does not answer ${versionFlag}` };
  return { isOk: true, detail: line.trim() };
}

function probeFile(path: string): Probe {
  return existsSync(path) ? { isOk: true, detail: path } : { isOk: false, detail: `${path} is not there` };
}

function probeRuntime(): Probe {
  const isOk = Number.parseInt(process.versions.node, 10) >= runtimeMajorMin;
  return { isOk, detail: `Node ${process.version} on ${process.platform} ${process.arch}` };
}

/** The store's native addon comes prebuilt in its package; a platform without a prebuilt one fails here, not at the first run. */
async function probeStoreAddon(): Promise<Probe> {
  const folder = mkdtempSync(join(tmpdir(), 'quilt-doctor-'));
  try {
    const complaint = await storeComplaint(folder);
    return { isOk: complaint === undefined, detail: complaint ?? 'a database opens, keeps a value and closes' };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function probeOpenFiles(): Probe {
  // Node raises the soft limit to the hard one at its start, so the process's own line is what its children get.
  const limits = existsSync('/proc/self/limits') ? readFileSync('/proc/self/limits', 'utf8') : '';
  const soft = /^Max open files\s+(\S+)/m.exec(limits)?.[1];
  if (soft === undefined) return { isOk: true, detail: 'limit not known on this platform' };
  return { isOk: soft === 'unlimited' || Number(soft) >= openFilesMin, detail: `${soft} open files a process` };
}

function probeMachine(): Probe {
  const cores = availableParallelism();
  const detail = `${cores} cores, ${(totalmem() / gibibyte).toFixed(1)} GiB memory, ${(freemem() / gibibyte).toFixed(1)} GiB free`;
  return { isOk: cores >= 2 && freemem() >= gibibyte / 2, detail };
}

function probeLoopback(): Promise<Probe> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve({ isOk: false, detail: error.message }));
    server.listen(0, '127.0.0.1', () => server.close(() => resolve({ isOk: true, detail: 'a port on 127.0.0.1 opens' })));
  });
}

function probeRunFolder(): Probe {
  try {
    const folder = mkdtempSync(join(process.cwd(), '.quilt-doctor-'));
    try {
      writeFileSync(join(folder, 'probe'), 'x'.repeat(4096));
    } finally {
      rmSync(folder, { recursive: true });
    }
    return { isOk: true, detail: 'this folder takes run folders' };
  } catch (error) {
    return { isOk: false, detail: error instanceof Error ? error.message : String(error) };
  }
}

function probeClock(): Probe {
  const isOk = wallNowMs() > releasedMs && Math.abs(wallStepMs()) < 1000;
  return { isOk, detail: new Date(wallNowMs()).toISOString() };
}

export const parts: readonly Part[] = [
  { name: 'runtime', isRequired: true, cost: 'nothing runs', remedy: 'npm ci installs the pinned Node', probe: probeRuntime },
  {
    name: 'store',
    isRequired: true,
    cost: 'no node can keep its log',
    remedy: 'npm ci, with install scripts allowed',
    probe: probeStoreAddon,
  },
  { name: 'loopback', isRequired: true, cost: 'no local swarm can form', remedy: 'bring up lo; allow local ports', probe: probeLoopback },
  {
    name: 'folder',
    isRequired: true,
    cost: 'no run folder, and so no report, can be written',
    remedy: 'change to a writable folder',
    probe: probeRunFolder,
  },
  {
    name: 'clock',
    isRequired: false,
    cost: 'tickets look expired or not yet valid',
    remedy: 'set the clock, run an NTP client',
    probe: probeClock,
  },
  {
    name: 'open files',
    isRequired: false,
    cost: 'a worker runs out of connections before it runs out of core',
    remedy: `ulimit -n ${openFilesMin * 16}`,
    probe: probeOpenFiles,
  },
  {
    name: 'machine',
    isRequired: false,
    cost: 'the generator shares a core with its load and taints its own results',
    remedy: 'two cores and 512 MiB of free memory at least',
    probe: probeMachine,
  },
  {
    name: 'packets',
    isRequired: false,
    cost: 'RTP and SIP over UDP go through node:dgram: about half as many packets a core, and no drop counts of the kernel',
    remedy: 'Linux on a 64-bit machine, and npm ci with optional dependencies',
    probe: () => ({
      isOk: linuxCalls() !== null,
      detail: linuxCalls() === null ? 'one system call a packet' : 'sendmmsg and recvmmsg through koffi',
    }),
  },
  {
    name: 'setpriv',
    isRequired: false,
    cost: 'programs of a node ended by kill -9 live until they notice a closed pipe',
    debianPackage: 'util-linux',
    probe: () => probeProgram('setpriv', '--version'),
  },
  {
    name: 'sipp',
    isRequired: false,
    cost: 'scenarios that supervise SIPp do not run, and their tests are skipped',
    debianPackage: 'sip-tester',
    probe: () => probeProgram('sipp', '-v'),
  },
  {
    name: 'kamailio',
    isRequired: false,
    cost: 'the tests against a real SIP registrar and proxy are skipped',
    debianPackage: 'kamailio',
    probe: () => probeProgram('kamailio', '-v'),
  },
  {
    name: 'nft',
    isRequired: false,
    cost: 'the tests with packet loss made by the kernel are skipped',
    debianPackage: 'nftables',
    probe: () => probeProgram('nft', '--version'),
  },
  {
    name: 'tshark',
    isRequired: false,
    cost: 'the tests that have calls judged by a foreign decoder are skipped',
    debianPackage: 'tshark',
    probe: () => probeProgram('tshark', '--version'),
  },
  {
    name: 'python3',
    isRequired: false,
    cost: 'the example endpoint in Python does not run, and its test is skipped',
    debianPackage: 'python3',
    probe: () => probeProgram('python3', '--version'),
  },
  {
    name: 'chromium',
    isRequired: false,
    isForTests: true,
    cost: "the tests of the console's page in a browser are skipped",
    debianPackage: 'chromium',
    probe: () => probeProgram('chromium', '--version'),
  },
  {
    name: 'prometheus',
    isRequired: false,
    isForTests: true,
    cost: 'the test of --metrics-listen and --out prometheus-rw against a real Prometheus is skipped',
    debianPackage: 'prometheus',
    probe: () => probeProgram('prometheus', '--version'),
  },
  {
    name: 'curl',
    isRequired: false,
    isForTests: true,
    cost: "the test of the examples with curl in the console's API page is skipped",
    debianPackage: 'curl',
    probe: () => probeProgram('curl', '--version'),
  },
  {
    name: 'sshd',
    isRequired: false,
    isForTests: true,
    cost: 'the tests of launches over ssh are skipped',
    debianPackage: 'openssh-server openssh-client',
    probe: () => probeFile('/usr/sbin/sshd'),
  },
  {
    name: 'swift',
    isRequired: false,
    isForTests: true,
    cost: 'the tests against a store that checks signatures and hashes are skipped',
    debianPackage: 'swift-proxy swift-account swift-container swift-object memcached',
    probe: () => probeFile('/usr/bin/swift-proxy-server'),
  },
];

/** Looks at every part, in the table's order. */
export async function examine(forTests = false): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { probe, isForTests = false, ...part } of parts) if (forTests || !isForTests) findings.push({ ...part, ...(await probe()) });
  return findings;
}
