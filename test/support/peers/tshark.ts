// tshark as the judge of what we send: captures ports of loopback into a file, then decodes the file with the given ports as SIP. A packet that it
// calls malformed, or an expert remark of warning or error, is a finding.

import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDaemon, whenReady } from './daemon.ts';

export interface Capture {
  readonly stop: () => Promise<void>;
  /** Fields of each packet that a display filter leaves, one line a packet, tab between fields. */
  readonly decode: (filter: string, fields: readonly string[], decodeAs: readonly string[]) => string[];
}

/** `filter` as in libpcap: 'udp and portrange 20000-20010'. */
export async function startCapture(filter: string): Promise<Capture> {
  const file = join(mkdtempSync(join(tmpdir(), 'quilt-tshark-')), 'capture.pcap');
  const daemon = startDaemon('tshark', ['-i', 'lo', '-f', filter, '-w', file, '-F', 'pcap', '-q']);
  await whenReady(daemon, () => daemon.output().includes('Capturing on'));
  // It says so a moment before the socket is there.
  await new Promise((resolve) => setTimeout(resolve, 700));
  return {
    async stop() {
      await new Promise((resolve) => setTimeout(resolve, 500));
      await daemon.stop();
    },
    decode(display, fields, decodeAs) {
      const flags = [
        '-r',
        file,
        '-o',
        'rtp.heuristic_rtp:TRUE',
        '-Y',
        display,
        '-T',
        'fields',
        ...fields.flatMap((field) => ['-e', field]),
      ];
      const answer = spawnSync('tshark', [...flags, ...decodeAs.flatMap((rule) => ['-d', rule])], { encoding: 'utf8' });
      if (answer.status !== 0) throw new Error(`tshark: ${answer.stderr}`);
      return answer.stdout.split('\n').filter((line) => line !== '');
    },
  };
}
