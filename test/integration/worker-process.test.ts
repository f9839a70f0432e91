// The worker as a real process, as its node starts it: it works over the channel, it is gone when the channel or its node is, it shrugs off signals
// that are meant for the node, and external programs go with it, even when it is killed.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { monotonicNowMs } from '../../node/adapters/clock.ts';
import { makePlan } from '../../node/core/plan.ts';
import { loadEndpointTypes } from '../../node/runtime/registry.ts';
import type { FromWorker, ToWorker } from '../../node/runtime/worker-protocol.ts';
import { parseScenario } from '../../scenarios/parse.ts';
import { needs } from '../support/parts.ts';

const script = fileURLToPath(new URL('../../node/runtime/worker.ts', import.meta.url));
let worker: ChildProcess | null = null;
afterEach(() => {
  worker?.kill('SIGKILL');
  worker = null;
});

interface Started {
  readonly child: ChildProcess;
  readonly said: FromWorker[];
  readonly exited: Promise<unknown>;
}

/** A worker with one program that sleeps for `seconds`, running. */
async function startWith(seconds: string): Promise<Started> {
  const behavior = { command: ['sh', '-c', `echo '{"type":"ready"}'; sleep ${seconds}`], targets: ['127.0.0.1:9'], heartbeat: '60s' };
  const group = { type: 'exec', load: { endpoints: 1, shape: [{ step: 1, for: '60s' }] }, behavior };
  const scenarioText = JSON.stringify({ name: 'process', groups: { sleepers: group } });
  const types = await loadEndpointTypes();
  const files = { read: () => null, fileExists: () => true, commandExists: () => true };
  const parsed = parseScenario(scenarioText, 'process.yaml', { endpointTypes: [...types.values()], files });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const child = fork(script, { serialization: 'advanced', execArgv: [] });
  worker = child;
  const said: FromWorker[] = [];
  child.on('message', (message) => said.push(message as FromWorker));
  const send = (message: ToWorker): boolean => child.send(message);
  const folder = mkdtempSync(join(tmpdir(), 'quilt-worker-'));
  const targets = ['127.0.0.1:9'];
  send({
    type: 'setup',
    scenarioText,
    scenarioFile: 'process.yaml',
    scenarioFolder: folder,
    variables: {},
    targets,
    workFolder: folder,
    workerIndex: 0,
  });
  send({ type: 'grant', untilMs: monotonicNowMs() + 60_000 });
  await expect.poll(() => said.map(({ type }) => type), { timeout: 15_000 }).toContain('ready');
  for (const shard of makePlan(parsed.value).shards) {
    send({ type: 'load', id: `${shard.id}.1`, shard, t0Ms: monotonicNowMs(), fromMs: 0, restartRatePerS: 100, scales: [] });
  }
  await expect.poll(() => processesWith(`sleep ${seconds}`).length, { timeout: 10_000 }).toBeGreaterThan(0);
  return { child, said, exited: once(child, 'exit') };
}

function processesWith(text: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(join('/proc', pid, 'cmdline'), 'utf8')
          .replaceAll('\0', ' ')
          .includes(text);
      } catch {
        return false;
      }
    });
}

describe('a worker process', () => {
  it('is told what to do, says every second what it did, and ends on exit', async () => {
    const { child, said, exited } = await startWith('971.1');
    await expect.poll(() => said.filter(({ type }) => type === 'delta').length, { timeout: 10_000 }).toBeGreaterThan(1);
    const delta = said.findLast((message) => message.type === 'delta');
    expect(delta).toMatchObject({ load: [{ group: 'sleepers', active: 1 }], health: { cpuCores: expect.any(Number) } });
    child.send({ type: 'exit' } satisfies ToWorker);
    expect(await exited).toEqual([0, null]);
    await expect.poll(() => processesWith('sleep 971.1'), { timeout: 5_000 }).toEqual([]);
  });

  it('ends when the channel closes, and shrugs off the signals of a terminal before', async () => {
    const { child, exited } = await startWith('971.2');
    child.kill('SIGINT');
    child.kill('SIGTERM');
    await expect.poll(() => child.exitCode ?? child.signalCode ?? 'alive').toBe('alive');
    child.disconnect();
    await exited;
    await expect.poll(() => processesWith('sleep 971.2'), { timeout: 5_000 }).toEqual([]);
  });

  const setpriv = needs('setpriv');
  it.skipIf(setpriv.isMissing)(setpriv.title('takes its programs along when it is killed'), async () => {
    const { child, exited } = await startWith('971.3');
    child.kill('SIGKILL');
    await exited;
    await expect.poll(() => processesWith('971.3'), { timeout: 5_000 }).toEqual([]);
  });
});
