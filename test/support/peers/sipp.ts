// SIPp as a peer: its embedded scenarios or XML of ours, as caller or as called, with RTP echo. Its exit code is the verdict: 0 when every call went
// as its scenario says, 1 when one did not.

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Daemon, startDaemon, whenReady } from './daemon.ts';
import { freePort, isUdpPortTaken } from './ports.ts';

export interface SippUas extends Daemon {
  readonly port: number;
}

const COMMON = ['-nostdin', '-i', '127.0.0.1', '-mi', '127.0.0.1', '-buff_size', '4000000'];

/** `scenario`: 'uas', or XML text. */
function scenarioFlags(scenario: string): string[] {
  if (!scenario.startsWith('<')) return ['-sn', scenario];
  const file = join(mkdtempSync(join(tmpdir(), 'quilt-sipp-')), 'scenario.xml');
  writeFileSync(file, scenario);
  return ['-sf', file];
}

/** Answers calls; RTP is echoed where `isEchoing`. Ends by itself after `calls`, when given. */
export async function startSippUas(
  scenario = 'uas',
  { isEchoing = true, calls = 0 }: { isEchoing?: boolean; calls?: number } = {},
): Promise<SippUas> {
  const [port, mediaPort] = [await freePort(), await freePort()];
  const flags = [...scenarioFlags(scenario), ...COMMON, '-p', String(port), '-mp', String(mediaPort)];
  if (isEchoing) flags.push('-rtp_echo');
  if (calls > 0) flags.push('-m', String(calls));
  const daemon = startDaemon('sipp', flags);
  await whenReady(daemon, () => isUdpPortTaken(port));
  return { ...daemon, port };
}

/** Makes `calls` calls to sip:`user`@127.0.0.1:`port`; the promise gives the exit code and what SIPp printed. */
export async function runSippUac(
  scenario: string,
  {
    port,
    user,
    calls = 1,
    rate = 10,
    extra = [],
  }: { port: number; user: string; calls?: number; rate?: number; extra?: readonly string[] },
): Promise<{ code: number | null; output: string }> {
  const flags = [...scenarioFlags(scenario), ...COMMON, '-p', String(await freePort()), '-mp', String(await freePort())];
  const daemon = startDaemon('sipp', [
    ...flags,
    '-s',
    user,
    '-m',
    String(calls),
    '-r',
    String(rate),
    '-timeout',
    '20s',
    ...extra,
    `127.0.0.1:${port}`,
  ]);
  const code = await daemon.ended;
  return { code, output: daemon.output() };
}
