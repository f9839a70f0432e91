// Requests per core-second of the http endpoint, in a real worker process with statistics and checks of status, against autocannon and (where it
// is installed) wrk: same server, same number of connections, same counter (the server's), CPU of the generator's process only. The server
// and the generator share the machine, so rounds alternate and medians are compared.

import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { monotonicNowMs } from '../../node/adapters/clock.ts';
import { out } from '../../node/adapters/terminal.ts';
import { makePlan } from '../../node/core/plan.ts';
import { loadEndpointTypes } from '../../node/runtime/registry.ts';
import type { FromWorker, ToWorker } from '../../node/runtime/worker-protocol.ts';
import { parseScenario } from '../../scenarios/parse.ts';
import { type BenchOptions, type BenchResult, quantile } from '../bench-kit.ts';

export const about = 'requests per core-second of the http endpoint against autocannon and wrk';

const CONNECTIONS = 50;
const WARM_UP_MS = 2_000;
/** USER_HZ of every Linux that Node runs on. */
const TICKS_PER_S = 100;
const root = fileURLToPath(new URL('../../', import.meta.url));
const wrkPath = '/usr/bin/wrk';

interface Server {
  readonly port: number;
  readonly answered: () => Promise<number>;
  readonly close: () => void;
}

async function startServer(): Promise<Server> {
  const child = fork(join(root, 'tools/bench/http-rate/server.ts'));
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  const answered = async (): Promise<number> => {
    child.send('count');
    const [{ answered: count }] = (await once(child, 'message')) as [{ answered: number }];
    return count;
  };
  return { port, answered, close: () => child.disconnect() };
}

/** CPU seconds, user and system, that a process has used so far. */
function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Measured {
  readonly perCoreSecond: number;
  readonly perSecond: number;
}

async function measure(server: Server, pid: number, forMs: number): Promise<Measured> {
  await sleep(WARM_UP_MS);
  const [startMs, startCpu, startCount] = [monotonicNowMs(), cpuSecondsOf(pid), await server.answered()];
  await sleep(forMs);
  const [cpu, count, elapsedMs] = [cpuSecondsOf(pid) - startCpu, (await server.answered()) - startCount, monotonicNowMs() - startMs];
  return { perCoreSecond: count / cpu, perSecond: (count * 1000) / elapsedMs };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

/** A worker as its node forks it, with the load of one claim. */
async function runWorker(server: Server, forMs: number): Promise<Measured> {
  const url = `http://127.0.0.1:${server.port}/`;
  const behavior = { requests: [{ name: 'root', url, checks: [{ status: 200 }] }] };
  const load = { endpoints: CONNECTIONS, shape: [{ step: CONNECTIONS, for: '5m' }] };
  const scenarioText = JSON.stringify({ name: 'http-rate', groups: { users: { type: 'http', load, behavior } } });
  const types = await loadEndpointTypes();
  const parsed = parseScenario(scenarioText, 'http-rate.yaml', { endpointTypes: [...types.values()] });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const folder = mkdtempSync(join(tmpdir(), 'quilt-bench-'));
  const child = fork(join(root, 'node/runtime/worker.ts'), { serialization: 'advanced' });
  const send = (message: ToWorker): boolean => child.send(message);
  const ready = new Promise<void>((resolve, reject) => {
    child.on('message', (message: FromWorker) => {
      if (message.type === 'ready') resolve();
      if (message.type === 'setup-failed') reject(new Error(message.message));
    });
  });
  try {
    const targets = [`127.0.0.1:${server.port}`];
    send({
      type: 'setup',
      scenarioText,
      scenarioFile: 'http-rate.yaml',
      scenarioFolder: folder,
      variables: {},
      targets,
      workFolder: folder,
      workerIndex: 0,
    });
    await ready;
    const t0Ms = monotonicNowMs();
    send({ type: 'grant', untilMs: t0Ms + 300_000 });
    for (const shard of makePlan(parsed.value).shards)
      send({ type: 'load', id: `${shard.id}.1`, shard, t0Ms, fromMs: 0, restartRatePerS: 1000, scales: [] });
    return await measure(server, child.pid as number, forMs);
  } finally {
    await end(child);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runCommand(server: Server, forMs: number, command: string, args: readonly string[]): Promise<Measured> {
  const child = spawn(command, [...args, `http://127.0.0.1:${server.port}/`], { stdio: 'ignore' });
  await once(child, 'spawn');
  try {
    return await measure(server, child.pid as number, forMs);
  } finally {
    await end(child);
  }
}

export async function bench({ quick }: BenchOptions): Promise<BenchResult> {
  const [rounds, forMs] = quick ? [1, 4_000] : [5, 6_000];
  const seconds = String(Math.ceil((WARM_UP_MS + forMs) / 1000) + 5);
  const server = await startServer();
  const generators: Record<string, () => Promise<Measured>> = {
    'quilt http': () => runWorker(server, forMs),
    autocannon: () =>
      runCommand(server, forMs, process.execPath, [
        join(root, 'node_modules/autocannon/autocannon.js'),
        '-c',
        String(CONNECTIONS),
        '-d',
        seconds,
      ]),
  };
  if (existsSync(wrkPath)) generators.wrk = () => runCommand(server, forMs, wrkPath, ['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`]);
  else out('wrk is not installed (apt-get install wrk): left out');
  const results = new Map<string, number[]>(Object.keys(generators).map((name) => [name, []]));
  try {
    for (let round = 0; round < rounds; round++) {
      for (const [name, run] of Object.entries(generators)) {
        const { perCoreSecond, perSecond } = await run();
        results.get(name)?.push(perCoreSecond);
        out(`${name.padEnd(12)} ${perSecond.toFixed(0).padStart(8)} requests/s ${perCoreSecond.toFixed(0).padStart(8)} per core-second`);
      }
    }
  } finally {
    server.close();
  }
  const figure = quantile(results.get('quilt http') ?? [], 0.5);
  const baseline = quantile(results.get('autocannon') ?? [], 0.5);
  return { figure, unit: 'requests/core-second', baseline, reach: 1, reachIs: 'ratio', better: 'higher' };
}
