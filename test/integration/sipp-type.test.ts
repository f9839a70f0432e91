// The sipp endpoint type with the real SIPp, against SIPp as the called side: calls follow the endpoints, a person's XML and CSV files, failed calls,
// every way in which a process may end. Nothing may be left behind.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../../node/endpoints/sipp/ports.ts';
import { needs } from '../support/parts.ts';
import { counterOf, startLab, trendOf, type WorkerLab } from '../support/worker-lab.ts';

const cleanups: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** SIPp waiting for calls; gives its port once it is bound. */
async function answering(...scenario: string[]): Promise<number> {
  const port = await freePort('udp', '127.0.0.1');
  const control = await freePort('udp', '127.0.0.1');
  const where = ['-i', '127.0.0.1', '-p', String(port), '-cp', String(control), '-ci', '127.0.0.1'];
  const child = spawn('sipp', [...(scenario.length > 0 ? scenario : ['-sn', 'uas']), ...where, '-nostdin'], { stdio: 'ignore' });
  cleanups.push(() => child.kill('SIGKILL'));
  const hex = `:${port.toString(16).toUpperCase().padStart(4, '0')} `;
  await expect.poll(() => readFileSync('/proc/net/udp', 'utf8').includes(hex), { timeout: 5000 }).toBe(true);
  return port;
}

const folderWith = (files: Readonly<Record<string, string>>): string => {
  const folder = mkdtempSync(join(tmpdir(), 'quilt-sipp-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
};

interface Run {
  readonly endpoints?: number;
  readonly shape?: readonly object[];
  readonly gracefulStop?: string;
  readonly folder?: string;
}

async function start(port: number, behavior: object, { endpoints = 1, shape, gracefulStop = '2s', folder }: Run = {}): Promise<WorkerLab> {
  const calls = {
    type: 'sipp',
    load: { endpoints, shape: shape ?? [{ step: endpoints, for: '2500ms' }] },
    gracefulStop,
    behavior: { server: `127.0.0.1:${port}`, localIp: '127.0.0.1', calls: { length: '200ms' }, ...behavior },
  };
  const scenario = JSON.stringify({ name: 'sipp', groups: { calls } });
  const lab = await startLab({ scenario, targets: [`127.0.0.1:${port}`], ...(folder === undefined ? {} : { scenarioFolder: folder }) });
  cleanups.push(() => lab.close());
  return lab;
}

async function run(port: number, behavior: object, how?: Run): Promise<WorkerLab> {
  const lab = await start(port, behavior, how);
  await lab.runAll();
  return lab;
}

const causesOf = (lab: WorkerLab): string[] => [...new Set(lab.errors().map(({ side, cause }) => `${side} ${cause}`))].sort();
const examplesOf = (lab: WorkerLab): string =>
  lab
    .errors()
    .map(({ example }) => example)
    .join('\n');
const foldersOf = (lab: WorkerLab): string[] => readdirSync(lab.workFolder).filter((name) => name.startsWith('sipp-'));
const sumOf = (lab: WorkerLab, ...names: string[]): number => names.reduce((sum, name) => sum + counterOf(lab.metric(name)), 0);
const levelOf = (lab: WorkerLab): { last: number; max: number } => {
  const levels = lab.sent
    .flatMap((message) => (message.type === 'delta' ? message.series : []))
    .flatMap(({ metric, data }) => (metric === 'sipp_calls_active' && data.kind === 'gauge' ? [data] : []));
  return { last: levels.at(-1)?.last ?? -1, max: Math.max(0, ...levels.map(({ max }) => max)) };
};

/** Processes of this lab: their command lines hold its server. */
function processesTo(port: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(join('/proc', pid, 'cmdline'), 'utf8')
          .split('\0')
          .includes(`127.0.0.1:${port}`);
      } catch {
        return false;
      }
    })
    .map(Number);
}

const uac = (inside: string): string => `<?xml version="1.0" encoding="UTF-8"?><scenario name="own">
<send retrans="200"><![CDATA[
OPTIONS sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:[field0]@[local_ip]>;tag=[call_number]
To: <sip:[service]@[remote_ip]>
Call-ID: [call_id]
CSeq: 1 OPTIONS
Contact: <sip:[field0]@[local_ip]:[local_port]>
Subject: [room]
Content-Length: 0

]]></send>${inside}</scenario>`;

/** Answers what comes from ann or bob and is about blue. */
const ANSWER = `<?xml version="1.0" encoding="UTF-8"?><scenario name="answer">
<recv request="OPTIONS"><action>
<ereg regexp="sip:(ann|bob)@" search_in="hdr" header="From:" check_it="true" assign_to="1"/>
<ereg regexp="blue" search_in="hdr" header="Subject:" check_it="true" assign_to="2"/>
</action></recv><Reference variables="1,2"/>
<send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:];tag=[call_number]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send></scenario>`;

const need = needs('sipp');
describe.skipIf(need.isMissing)(need.title('calls'), () => {
  it('are as many at a time as there are endpoints, in one process, and all are counted', async () => {
    const port = await answering();
    const shape = [
      { step: 2, for: '1500ms' },
      { step: 6, for: '2500ms' },
      { step: 1, for: '2s' },
    ];
    const lab = await run(port, {}, { endpoints: 6, shape });
    const calls = sumOf(lab, 'sipp_calls');
    expect(calls).toBeGreaterThan(20);
    expect(sumOf(lab, 'sipp_calls_succeeded')).toBe(calls);
    expect(sumOf(lab, 'sipp_calls_cut', 'sipp_calls_failed')).toBe(0);
    expect(trendOf(lab.metric('sipp_response_time', { timer: '1' })).count).toBe(calls);
    expect(trendOf(lab.metric('sipp_call_length')).min).toBeGreaterThan(150);
    expect(levelOf(lab)).toEqual({ last: 0, max: 6 });
    expect(trendOf(lab.metric('ep_join_duration')).count).toBe(6);
    expect(causesOf(lab)).toEqual([]);
    expect(lab.counts()).toEqual({ started: 6, finished: 6, failed: 0 });
    expect(foldersOf(lab)).toHaveLength(1);
    expect(processesTo(port)).toEqual([]);
  });

  it('come at a rate for each endpoint, over several processes', async () => {
    const port = await answering();
    const behavior = { calls: { rate: 4, length: '50ms' }, endpointsPerProcess: 2 };
    const lab = await run(port, behavior, { endpoints: 5, shape: [{ step: 5, for: '4s' }] });
    expect(foldersOf(lab)).toHaveLength(3);
    const calls = sumOf(lab, 'sipp_calls');
    expect(calls).toBeGreaterThan(30);
    expect(calls).toBeLessThanOrEqual(5 * 4 * 5);
    expect(sumOf(lab, 'sipp_calls_succeeded')).toBe(calls);
    expect(lab.counts()).toEqual({ started: 5, finished: 5, failed: 0 });
  });

  it("follow a person's own XML and CSV file, with keys", async () => {
    const ask = uac('<recv response="200"/>');
    const folder = folderWith({ 'ask.xml': ask, 'answer.xml': ANSWER, 'users.csv': 'SEQUENTIAL\nann;\nbob;\n' });
    const port = await answering('-sf', join(folder, 'answer.xml'));
    const behavior = { scenario: './ask.xml', inject: ['./users.csv'], keys: { room: 'blue-${endpoint.id}' }, calls: { rate: 10 } };
    const lab = await run(port, behavior, { endpoints: 2, folder });
    // Without a response timer in the XML, calls that ran through let endpoints in.
    expect(sumOf(lab, 'sipp_calls_succeeded')).toBeGreaterThan(10);
    expect(trendOf(lab.metric('ep_join_duration')).count).toBe(2);
    expect(trendOf(lab.metric('sipp_response_time')).count).toBe(0);
    // The key differs for each endpoint, so they have a process each.
    expect(foldersOf(lab)).toHaveLength(2);
    expect(causesOf(lab)).toEqual([]);
  });

  it("that fail are the target's, with SIPp's reason", async () => {
    const port = await answering();
    const folder = folderWith({ 'ask.xml': uac('<recv response="486"/>').replaceAll('[field0]', 'x') });
    const lab = await run(port, { scenario: './ask.xml', keys: { room: 'blue' }, timeouts: { receive: '300ms' } }, { folder });
    expect(counterOf(lab.metric('sipp_calls_failed', { cause: 'receive-timeout' }))).toBeGreaterThan(2);
    expect(causesOf(lab)).toEqual(['target receive-timeout']);
    expect(lab.counts()).toEqual({ started: 1, finished: 0, failed: 1 });
  });

  it('that do not end within the grace are cut', async () => {
    const port = await answering();
    const lab = await run(port, { calls: { length: '60s' } }, { endpoints: 3, gracefulStop: '1s' });
    expect(sumOf(lab, 'sipp_calls_cut')).toBe(3);
    expect(levelOf(lab)).toEqual({ last: 0, max: 3 });
    expect(causesOf(lab)).toEqual([]);
    expect(processesTo(port)).toEqual([]);
  });
});

describe.skipIf(need.isMissing)(need.title('a process that ends by itself'), () => {
  it.each([
    ['XML that cannot be read', '<scenario><bad/></scenario>', {}, /bad\.xml|bad/],
    ['an argument that SIPp does not know', uac(''), { args: ['-quilt', '1'] }, /-quilt/],
  ])("is the generator's fault for %s", async (_name, xml, more, example) => {
    const lab = await run(9, { scenario: './bad.xml', ...more }, { folder: folderWith({ 'bad.xml': xml }) });
    expect(causesOf(lab)).toEqual(['generator simulator-crashed']);
    expect(examplesOf(lab)).toMatch(example);
  });

  it("is the target's when it takes no connections", async () => {
    const lab = await run(await freePort('tcp', '127.0.0.1'), { transport: 't1' }, { endpoints: 2 });
    expect(causesOf(lab)).toEqual(['target connect-refused']);
    expect(lab.counts()).toEqual({ started: 2, finished: 0, failed: 2 });
  });

  it("is the generator's when somebody kills it", async () => {
    const port = await answering();
    const lab = await start(port, {}, { shape: [{ step: 1, for: '30s' }] });
    lab.grant(60_000);
    lab.load(lab.shards[0] as NonNullable<(typeof lab.shards)[0]>);
    await expect.poll(() => sumOf(lab, 'sipp_calls_succeeded'), { timeout: 10_000 }).toBeGreaterThan(0);
    const pids = processesTo(port).filter((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8') === 'sipp\n');
    expect(pids).toHaveLength(1);
    for (const pid of pids) process.kill(pid, 'SIGSEGV');
    await expect.poll(() => causesOf(lab), { timeout: 5000 }).toEqual(['generator simulator-crashed']);
  });
});

describe.skipIf(need.isMissing)(need.title('nothing is left behind'), () => {
  it('when the worker closes in the middle of calls to a silent target', async () => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => sockets.add(socket.on('error', () => {}))).listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanups.push(() => server.close());
    const { port } = server.address() as { port: number };
    const lab = await start(port, { transport: 't1' }, { endpoints: 3, shape: [{ step: 3, for: '30s' }] });
    lab.grant(60_000);
    lab.load(lab.shards[0] as NonNullable<(typeof lab.shards)[0]>);
    await expect.poll(() => sockets.size, { timeout: 10_000 }).toBeGreaterThan(0);
    expect(processesTo(port).length).toBeGreaterThan(0);
    await lab.close();
    await expect.poll(() => processesTo(port), { timeout: 5000 }).toEqual([]);
  });

  it('when the grant passes', async () => {
    const port = await answering();
    const lab = await start(port, {}, { endpoints: 2, shape: [{ step: 2, for: '30s' }] });
    lab.grant(900);
    lab.load(lab.shards[0] as NonNullable<(typeof lab.shards)[0]>);
    expect(await lab.said('stopped')).toMatchObject({ finished: false });
    await expect.poll(() => processesTo(port), { timeout: 5000 }).toEqual([]);
  });
});
