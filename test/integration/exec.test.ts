// The exec endpoint type with real programs: the examples of the documentation against real servers, and programs that break the contract in every
// way it names. Nothing may be left behind, whoever dies.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { counterOf, rateOf, startLab, trendOf, type WorkerLab } from '../support/worker-lab.ts';

const examples = fileURLToPath(new URL('../../node/endpoints/examples/', import.meta.url));
const cleanups: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const has = (command: string): boolean => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;
const causesOf = (lab: WorkerLab): string[] => [...new Set(lab.errors().map(({ side, cause }) => `${side} ${cause}`))].sort();

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

interface Run {
  readonly endpoints?: number;
  readonly forMs?: string;
  readonly gracefulStop?: string;
}

async function start(behavior: object, { endpoints = 1, forMs = '2s', gracefulStop = '1s' }: Run = {}): Promise<WorkerLab> {
  const group = {
    type: 'exec',
    load: { endpoints, shape: [{ step: endpoints, for: forMs }] },
    gracefulStop,
    behavior: { targets: ['127.0.0.1:9'], ...behavior },
  };
  const targets = (behavior as { targets?: string[] }).targets ?? ['127.0.0.1:9'];
  const lab = await startLab({
    scenario: JSON.stringify({ name: 'exec', groups: { programs: group } }),
    targets,
    scenarioFolder: examples,
  });
  cleanups.push(() => lab.close());
  return lab;
}

async function run(behavior: object, how?: Run): Promise<WorkerLab> {
  const lab = await start(behavior, how);
  await lab.runAll();
  return lab;
}

/** Processes whose command line holds the text. */
function processesWith(text: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(join('/proc', pid, 'cmdline'), 'utf8').includes(text);
      } catch {
        return false;
      }
    })
    .map(Number);
}

describe('examples', () => {
  it.runIf(has('python3'))('tcp_echo.py: many endpoints in one process', async () => {
    const port = await listen(createServer((socket) => socket.on('error', () => {}).pipe(socket)));
    const lab = await run(
      {
        command: ['python3', './tcp_echo.py'],
        settings: { host: '127.0.0.1', port, intervalMs: 100 },
        targets: [`127.0.0.1:${port}`],
        endpointsPerProcess: 10,
        metrics: { echo_rtt: { kind: 'trend', unit: 'ms' }, echo_lines: { kind: 'counter' } },
      },
      { endpoints: 5, forMs: '1500ms' },
    );
    expect(counterOf(lab.metric('echo_lines'))).toBeGreaterThan(25);
    expect(trendOf(lab.metric('echo_rtt', { group: 'programs' })).count).toBe(counterOf(lab.metric('echo_lines')));
    expect(trendOf(lab.metric('ep_join_duration')).count).toBe(5);
    expect(causesOf(lab)).toEqual([]);
    expect(lab.counts()).toEqual({ started: 5, finished: 5, failed: 0 });
  });

  it.runIf(has('python3'))("tcp_echo.py: a target that is not there is the target's fault", async () => {
    const lab = await run({ command: ['python3', './tcp_echo.py'], settings: { host: '127.0.0.1', port: 1 } });
    expect(causesOf(lab)).toEqual(['target connect-refused']);
    expect(lab.counts()).toEqual({ started: 1, finished: 0, failed: 1 });
  });

  it.runIf(has('curl'))('probe.sh: one endpoint a process', async () => {
    const port = await listen(createHttpServer((_request, response) => response.end('ok')));
    const url = `http://127.0.0.1:${port}/`;
    const metrics = { probe_ms: { kind: 'trend', unit: 'ms' }, probe_ok: { kind: 'rate', unit: 'percent' } };
    const lab = await run({ command: ['sh', './probe.sh', url], targets: [url], metrics }, { endpoints: 2, forMs: '1500ms' });
    expect(rateOf(lab.metric('probe_ok')).pass).toBeGreaterThanOrEqual(2);
    expect(trendOf(lab.metric('probe_ms')).count).toBe(rateOf(lab.metric('probe_ok')).pass);
    expect(causesOf(lab)).toEqual([]);
  });

  it.runIf(has('python3') && has('sipp'))('sipp_supervisor.py: calls, failures and single response times', async () => {
    const answering = spawn('sipp', ['-sn', 'uas', '-i', '127.0.0.1', '-p', '15072', '-nostdin'], { stdio: 'ignore' });
    cleanups.push(() => answering.kill('SIGKILL'));
    await expect.poll(() => readFileSync('/proc/net/udp', 'utf8').includes(':3AE0')).toBe(true);
    const metrics = {
      sip_calls: { kind: 'counter' },
      sip_calls_succeeded: { kind: 'counter' },
      sip_calls_failed: { kind: 'counter' },
      sip_calls_active: { kind: 'gauge' },
      sip_response_time: { kind: 'trend', unit: 'ms' },
    };
    const settings = { target: '127.0.0.1:15072', localIp: '127.0.0.1', rate: 50 };
    const how = { forMs: '3s', gracefulStop: '3s' };
    const lab = await run({ command: ['python3', './sipp_supervisor.py'], targets: ['127.0.0.1:15072'], settings, metrics }, how);
    const calls = counterOf(lab.metric('sip_calls'));
    expect(calls).toBeGreaterThan(50);
    expect(counterOf(lab.metric('sip_calls_succeeded'))).toBe(calls);
    expect(counterOf(lab.metric('sip_calls_failed'))).toBe(0);
    expect(trendOf(lab.metric('sip_response_time')).count).toBe(calls);
    expect(causesOf(lab)).toEqual([]);
  });
});

/** A program in one line of shell: `setup` is read and answered, then the script. */
const program = (script: string) => ({ command: ['sh', '-c', `read -r setup; echo '{"type":"ready"}'; read -r start; ${script}`] });

describe('a program that breaks the contract', () => {
  const loop = 'while :; do echo \'{"type":"alive"}\'; done';
  it.each([
    ['ends before it is done', program('exit 3'), 'simulator-crashed'],
    ['ends and leaves a child behind', program('sleep 989.1 & exit 3'), 'simulator-crashed'],
    ['is not there', { command: ['quilt-no-such-program'] }, 'simulator-crashed'],
    ['writes what is no JSON', program('echo hello; sleep 60'), 'simulator-garbage'],
    ['writes an unknown message', program('echo \'{"type":"dance"}\'; sleep 60'), 'simulator-garbage'],
    [
      'writes a line without an end',
      { ...program('head -c 100000 /dev/zero | tr "\\0" x; sleep 60'), lineBytesMax: 1000 },
      'simulator-garbage',
    ],
    ['writes more lines than allowed', { ...program(loop), linesPerSecondMax: 100 }, 'simulator-flood'],
    ['reports an undeclared metric', program('echo \'{"type":"sample","metric":"what","value":1}\'; sleep 60'), 'simulator-unknown-metric'],
    ['says nothing any more', { ...program('sleep 60'), heartbeat: '300ms' }, 'simulator-silent'],
    ['is never ready', { command: ['sleep', '61'], startTimeout: '300ms' }, 'simulator-silent'],
    ['ignores stop', program('while :; do echo \'{"type":"alive"}\'; sleep 0.2; done'), 'simulator-overstayed'],
  ])('%s', async (_name, behavior, cause) => {
    const lab = await run(behavior, { forMs: cause === 'simulator-overstayed' ? '300ms' : '20s', gracefulStop: '500ms' });
    expect(causesOf(lab)).toEqual([`generator ${cause}`]);
    expect(lab.counts()).toEqual({ started: 1, finished: 0, failed: 1 });
  });
});

describe('nothing left behind', () => {
  it('kills the children of a program with it', async () => {
    const lab = await start(program('sleep 987.1 & sleep 987.2'), { forMs: '60s' });
    lab.grant(60_000);
    lab.load(lab.shards[0] as NonNullable<(typeof lab.shards)[0]>);
    await expect.poll(() => processesWith('987.').length, { timeout: 5000 }).toBeGreaterThan(1);
    await lab.close();
    await expect.poll(() => processesWith('987.'), { timeout: 5000 }).toEqual([]);
  });

  it('stops programs at once when the grant passes', async () => {
    const lab = await start(program('sleep 988.1'), { forMs: '60s' });
    lab.grant(700);
    lab.load(lab.shards[0] as NonNullable<(typeof lab.shards)[0]>);
    await expect.poll(() => processesWith('988.').length, { timeout: 5000 }).toBeGreaterThan(0);
    expect(await lab.said('stopped')).toMatchObject({ finished: false });
    await expect.poll(() => processesWith('988.'), { timeout: 5000 }).toEqual([]);
  });
});
