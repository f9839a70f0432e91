// The local cloud under the suite that every cloud passes. Its word for what is there is not taken: machines are counted by their process groups in /proc.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cloudType } from '../../bootstrap/clouds/local/index.ts';
import { until } from '../support/until.ts';
import { type CloudLab, cloudCompliance } from './cloud.ts';

/** Process groups with a process whose working folder is below `folder`: the machines, by the kernel's word. Zombies have none. */
function groupsBelow(folder: string): Set<string> {
  const groups = new Set<string>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
      const machine = /(?:^|\0)HOME=([^\0]*)/.exec(environment)?.[1] ?? '';
      if (machine.startsWith(`${folder}/`)) groups.add(machine);
    } catch {
      // It ended while it was looked at.
    }
  }
  return groups;
}

async function openLab(): Promise<CloudLab> {
  const folder = mkdtempSync(join(tmpdir(), 'quilt-local-'));
  const opened = await cloudType.create({
    environment: (name) => (name === 'QUILT_LOCAL_MACHINES' ? folder : undefined),
    wallNowMs: () => 0,
    sleep: (ms) => new Promise((wake) => setTimeout(wake, ms)),
    random: () => 0.5,
  });
  if (!opened.ok) throw new Error('the local cloud did not open');
  const cloud = opened.value;
  const count = async (): Promise<number> => groupsBelow(folder).size;
  return {
    ...{ cloud, region: 'here', machineType: 'c1', count },
    // Leaves a process behind on purpose when it is told to end: the machine must not outlive its script.
    userData: '#!/bin/sh\ntrap "exit 0" TERM\nsleep 100 &\nwait\n',
    until: (predicate) => until('the machines are as expected', predicate),
    async close() {
      const listed = await cloud.list({ region: 'here', runId: null });
      for (const { id, runId } of listed.ok ? listed.value : []) await cloud.terminate({ region: 'here', runId }, [id]);
      await until('all machines are gone', async () => (await count()) === 0);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

cloudCompliance(cloudType, openLab);
