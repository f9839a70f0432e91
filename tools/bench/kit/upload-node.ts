// The process that upload-1g measures: what a node does for its artifacts and nothing else. Arguments: the folder and the store's address; the S3 variables are in the
// environment. Collects until a line comes on standard input, then takes the rest, and prints one line of JSON: what it cost in all, its own start included.

import { monotonicNowMs, wallNowMs } from '../../../node/adapters/clock.ts';
import { environmentVariable } from '../../../node/adapters/environment.ts';
import { err, out } from '../../../node/adapters/terminal.ts';
import { startCollector } from '../../../node/artifacts/collector.ts';
import { writeManifest } from '../../../node/artifacts/manifest-writer.ts';
import { openArtifactStore } from '../../../node/commands/artifact-store.ts';
import { createRuntimeClock } from '../../../node/runtime/runtime-clock.ts';

export interface UploadCost {
  readonly cpuS: number;
  readonly wallS: number;
  readonly residentMbMax: number;
  readonly sentBytes: number;
  readonly files: number;
  readonly gaps: number;
}

const [folder = '', address = ''] = process.argv.slice(2);
const startedMs = monotonicNowMs();
const clock = createRuntimeClock(monotonicNowMs, wallNowMs);
const store = await openArtifactStore({ address, environment: environmentVariable, clock, rateBps: null });
if (!store.ok) throw new Error(JSON.stringify(store.problems));
const collector = await startCollector({
  ...{ folder, store: store.value, runId: 'bench', node: 'node', clock, random: () => 0.5 },
  onProblem: ({ message }) => err(message),
  onNote: err,
});
out('ready');
await new Promise((resolve) => process.stdin.once('data', resolve));
const never = new AbortController().signal;
const end = await collector.finish(never);
const { user, system } = process.cpuUsage();
const residentMbMax = (process.resourceUsage().maxRSS * 1024) / 1e6;
const wallS = (monotonicNowMs() - startedMs) / 1000;
// Is it all there? Not part of what the node pays: the coordinator asks.
const manifest = await writeManifest({ store: store.value, runId: 'bench', roster: ['node'], signal: never });
if (!end.isWhole || !manifest.ok) throw new Error(JSON.stringify([end, manifest]));
const { gaps, fileCount, totalBytes } = manifest.value;
const cost: UploadCost = { cpuS: (user + system) / 1e6, wallS, residentMbMax, sentBytes: totalBytes, files: fileCount, gaps: gaps.length };
out(JSON.stringify(cost));
store.value.close();
process.stdin.destroy();
