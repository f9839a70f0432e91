// launch-100: 100 machines of the local cloud, ordered in four parts as a launch over four places is, from the call until the last one is up. The machines are
// stand-ins: process groups whose boot script sleeps 8 to 12 seconds, as long as a quick vendor's image boots, and then writes that it is up; no node is
// started, because 100 nodes on one computer would measure the computer. The baseline is the slowest machine by itself, from its own start to its
// being up, so the ratio is what asking for 100 adds to asking for one. More calls in flight than parts, and machines that are left, are failures.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cloud, LaunchOrder } from '../../bootstrap/cloud.ts';
import { endFleet, type Fleet, type FleetComponents, type FleetPart, launchFleet } from '../../bootstrap/fleet.ts';
import { monotonicNowMs, wallNowMs } from '../../node/adapters/clock.ts';
import { out } from '../../node/adapters/terminal.ts';
import { loadCloudType } from '../../node/runtime/cloud-registry.ts';
import { createRuntimeClock, wait } from '../../node/runtime/runtime-clock.ts';
import type { BenchOptions, BenchResult } from '../bench-kit.ts';

export const about = 'launch 100 local stand-ins in four parts, until the last is up; against the slowest machine by itself';

const MACHINES = 100;
const PARTS = 4;
/** How long it sleeps comes from its pid, so that neighbours differ. Times are whole milliseconds since 1970. */
const USER_DATA = `#!/bin/sh
now() { echo $(($(date +%s%N) / 1000000)); }
now >began
sleep $((8 + $$ % 5))
now >up.part && mv up.part up
exec sleep 600
`;
const LOOK_MS = 50;
const UP_MS_MAX = 60_000;

const clock = createRuntimeClock(monotonicNowMs, wallNowMs);

interface Watched {
  readonly cloud: Cloud;
  inFlightMax(): number;
}

/** Counts how many launches are asked for at once. */
function watched(cloud: Cloud): Watched {
  let inFlight = 0;
  let most = 0;
  const launch: Cloud['launch'] = async (order, signal) => {
    inFlight += 1;
    most = Math.max(most, inFlight);
    try {
      return await cloud.launch(order, signal);
    } finally {
      inFlight -= 1;
    }
  };
  return { cloud: { ...cloud, launch }, inFlightMax: () => most };
}

async function openLocal(folder: string): Promise<Cloud> {
  const type = await loadCloudType('local');
  if (!type.ok) throw new Error('there is no local cloud');
  const opened = await type.value.create({
    environment: (name) => (name === 'QUILT_LOCAL_MACHINES' ? folder : undefined),
    ...{ wallNowMs, sleep: (ms) => wait(clock, ms), random: () => 0.5 },
  });
  if (!opened.ok) throw new Error(JSON.stringify(opened.problems));
  return opened.value;
}

function partsOf(runId: string): FleetPart[] {
  return Array.from({ length: PARTS }, (_, index) => {
    const order: LaunchOrder = {
      ...{
        runId,
        orderId: `local-${index}`,
        expiresWallMs: wallNowMs() + 600_000,
        region: `place-${index}`,
        zones: [],
        machineTypes: ['c1'],
      },
      ...{ count: MACHINES / PARTS, image: null, userData: USER_DATA, markets: ['on-demand'], address: 'ephemeral', meshPort: 4001 },
      wallMsMax: 600_000,
    };
    return { cloud: 'local', order };
  });
}

/** When the machine began and was up, or null when it is not yet. */
function timesOf(folder: string): { beganMs: number; upMs: number } | null {
  try {
    return { beganMs: Number(readFileSync(join(folder, 'began'), 'utf8')), upMs: Number(readFileSync(join(folder, 'up'), 'utf8')) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function untilUp(folders: readonly string[]): Promise<{ beganMs: number; upMs: number }[]> {
  const untilMs = monotonicNowMs() + UP_MS_MAX;
  for (;;) {
    const times = folders.map(timesOf).filter((each) => each !== null);
    if (times.length === folders.length) return times;
    if (monotonicNowMs() > untilMs) throw new Error(`${times.length} of ${folders.length} machines were up in time`);
    await wait(clock, LOOK_MS);
  }
}

async function endAll(components: FleetComponents, { record }: Fleet, folder: string): Promise<void> {
  const left = await endFleet(components, record);
  if (left.length > 0) throw new Error(`machines are left in ${folder}: ${JSON.stringify(left)}`);
  rmSync(folder, { recursive: true, force: true });
}

export async function bench(_options: BenchOptions): Promise<BenchResult> {
  const folder = mkdtempSync(join(tmpdir(), 'quilt-launch-'));
  const { cloud, inFlightMax } = watched(await openLocal(folder));
  const journal = { write: () => {}, forget: () => {} };
  const components: FleetComponents = { clouds: new Map([['local', cloud]]), journal, sleep: (ms) => wait(clock, ms) };
  const calledMs = wallNowMs();
  const fleet = await launchFleet(components, partsOf('bench'), MACHINES, new AbortController().signal);
  if (!fleet.ok) throw new Error(JSON.stringify(fleet.problems));
  const askedMs = wallNowMs() - calledMs;
  const folders = fleet.value.instances.map(({ id }) => join(folder, id));
  const times = await untilUp(folders).finally(() => endAll(components, fleet.value, folder));
  const wallS = (Math.max(...times.map(({ upMs }) => upMs)) - calledMs) / 1000;
  const slowestS = Math.max(...times.map(({ beganMs, upMs }) => upMs - beganMs)) / 1000;
  out(`${times.length} machines asked for in ${askedMs} ms, at most ${inFlightMax()} calls in flight; all up after ${wallS.toFixed(2)} s`);
  if (inFlightMax() > PARTS) throw new Error(`${inFlightMax()} calls in flight for ${PARTS} parts`);
  return { figure: wallS, unit: 's', baseline: slowestS, reach: 1.3, reachIs: 'ratio', better: 'lower' };
}
