// SIPp as a peer and as the thing compared with: its scenarios as files in the lab's folder, its processes. The scenarios are SIPp's own uas and uac
// (`sipp -sd`), with the least change that media needs: the answer names the echo's port, and the caller plays a file with rtp_stream. Verified with SIPp
// 3.6.1 under strace: its rtp_stream sends from one socket for all calls and never reads it, so SIPp's caller pays for sending only.

import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HOST, type Lab, type Program, sleep } from './lab.ts';

const sippPath = '/usr/bin/sipp';
/** With the kernel's default SIPp loses messages from about 3,000 calls a second on. */
const BUFFER_BYTES = 4_000_000;
const START_MS = 500;
const COMMON = ['-nostdin', '-i', HOST, '-buff_size', BUFFER_BYTES];

/** Throws with what to do when SIPp is not there. */
export function requireSipp(): void {
  if (!existsSync(sippPath)) throw new Error('SIPp is not installed (apt-get install sip-tester)');
}

/** SIPp prints it and exits with 99. */
const embedded = (name: 'uac' | 'uas'): string => spawnSync(sippPath, ['-sd', name], { encoding: 'utf8' }).stdout;

/** Replaces what must be there exactly once; another SIPp's scenario may differ. */
function replaced(text: string, from: string, to: string): string {
  if (text.split(from).length !== 2) throw new Error(`SIPp's own scenario does not have ${from} once`);
  return text.replace(from, to);
}

function write(lab: Lab, name: string, content: string | Uint8Array): string {
  const path = join(lab.folder, name);
  writeFileSync(path, content);
  return path;
}

/** SIPp's uas; with `mediaPort` its answer sends the media there instead of to SIPp. Ready when this resolves. */
export async function startUas(lab: Lab, port: number, mediaPort?: number): Promise<Program> {
  const scenario =
    mediaPort === undefined
      ? ['-sn', 'uas']
      : ['-sf', write(lab, 'uas.xml', replaced(embedded('uas'), 'm=audio [media_port]', `m=audio ${mediaPort}`)), '-mi', HOST];
  const uas = lab.start('peer', sippPath, [...scenario, ...COMMON, '-p', port]);
  await sleep(START_MS);
  if (!uas.isRunning()) await uas.line();
  return uas;
}

export interface SippCalls {
  readonly uasPort: number;
  readonly port: number;
  /** Calls a second. */
  readonly rate: number;
  readonly calls: number;
  readonly holdMs: number;
}

/** SIPp's uac without media: `calls` calls, then it ends. */
export function uacCommand({ uasPort, port, rate, calls, holdMs }: SippCalls): { command: string; args: readonly (string | number)[] } {
  const args = ['-sn', 'uac', ...COMMON, '-p', port, '-r', rate, '-m', calls, '-l', calls, '-d', holdMs, `${HOST}:${uasPort}`];
  return { command: sippPath, args };
}

/** SIPp's uac that plays audio in every call. */
export function startUacWithAudio(lab: Lab, { uasPort, port, rate, calls, holdMs }: SippCalls): Program {
  // A second of mu-law silence; what is in it does not matter.
  const file = write(lab, 'second.ulaw', new Uint8Array(8000).fill(0xff));
  const play = `<nop><action><exec rtp_stream="${file},-1,0"/></action></nop>\n  <pause/>`;
  const withPort = replaced(embedded('uac'), 'm=audio [media_port]', 'm=audio [rtpstream_audio_port]');
  const scenario = write(lab, 'uac.xml', replaced(withPort, '<pause/>', play));
  const args = [
    '-sf',
    scenario,
    '-mi',
    HOST,
    ...COMMON,
    '-p',
    port,
    '-r',
    rate,
    '-m',
    calls,
    '-l',
    calls,
    '-d',
    holdMs,
    `${HOST}:${uasPort}`,
  ];
  return lab.start('generator', sippPath, args);
}
