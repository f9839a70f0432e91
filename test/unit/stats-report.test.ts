import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { rebuildReport } from '../../node/commands/rebuild-report.ts';
import { absorb, createAggregate } from '../../node/core/aggregate.ts';
import { summarize } from '../../node/core/summary.ts';
import { savedFacts } from '../../node/core/summary-facts.ts';
import { encodeWindow } from '../../node/core/window-codec.ts';
import { openRunFolder, RUN_FILES } from '../../node/runtime/run-folder.ts';
import { renderComparison } from '../../tools/scoreboard/comparison.ts';
import { displayWidth } from '../../tools/scoreboard/text.ts';
import { sampleFacts } from '../support/sample-run.ts';
import { makeWindow } from '../support/windows.ts';

const folder = mkdtempSync(join(tmpdir(), 'quilt-report-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const load = (claims: readonly string[]) => [{ owned: 5, active: 5, started: 1, claims }];
const WINDOWS = [
  { node: 'node-1', window: makeWindow({ number: 1, durations: { viewers: [10, 20] }, load: load(['0.0']) }) },
  { node: 'node-2', window: makeWindow({ number: 1, durations: { viewers: [900] }, load: load(['1.0']) }) },
  { node: 'node-1', window: makeWindow({ number: 2, durations: { viewers: [30] }, load: load(['0.0']), tainted: ['worker stalled'] }) },
  { node: 'node-1', window: makeWindow({ number: 1, durations: { viewers: [10, 20] }, load: load(['0.0']) }) },
];

/** What the coordinator would have written: node-2's claim lost. */
function judged() {
  const aggregate = createAggregate({ isWinner: (claimId) => claimId !== '1.0' });
  for (const { node, window } of WINDOWS) absorb(aggregate, node, window);
  return { aggregate, facts: sampleFacts({ t0SwarmMs: 1000, endSwarmMs: 3000, missing: [] }) };
}

function writeRun(path: string, hasFacts: boolean): void {
  const run = openRunFolder(path);
  for (const { node, window } of WINDOWS) run.appendWindows(node, [{ number: window.number, payload: encodeWindow(window) }]);
  run.appendWindows('node-3', [{ number: 1, payload: new Uint8Array([1, 2, 3]) }]);
  const { aggregate, facts } = judged();
  if (hasFacts) run.writeFacts(savedFacts(facts, aggregate));
  run.close();
}

describe('report', () => {
  it('makes the same summary from the stored windows as the coordinator made, losing claims left out', async () => {
    const path = join(folder, 'whole');
    writeRun(path, true);
    const rebuilt = await rebuildReport(path);
    const { aggregate, facts } = judged();
    expect(rebuilt.ok && JSON.parse(JSON.stringify(rebuilt.value.summary))).toEqual(
      JSON.parse(JSON.stringify(summarize(aggregate, facts))),
    );
    expect(rebuilt.ok && rebuilt.value.unreadableWindows).toBe(1);
    expect(rebuilt.ok && rebuilt.value.summary.integrity.discardedWindows).toBe(1);
  });

  it('tells what windows tell when nobody judged, and never calls that a pass', async () => {
    const path = join(folder, 'partial');
    writeRun(path, false);
    const rebuilt = await rebuildReport(path);
    expect(rebuilt.ok && rebuilt.value.isWhole).toBe(false);
    expect(rebuilt.ok && rebuilt.value.summary.verdict.exit).toBe('quorumLost');
    expect(rebuilt.ok && rebuilt.value.summary.load.total.started).toBe(3);
  });

  it('refuses a folder without windows, with what to do', async () => {
    const rebuilt = await rebuildReport(folder);
    expect(rebuilt.ok).toBe(false);
    expect(!rebuilt.ok && rebuilt.problems[0]).toMatchObject({ code: 'QUILT_NO_WINDOWS' });
  });

  it('reads windows up to a record that was cut off', async () => {
    const path = join(folder, 'cut');
    writeRun(path, true);
    const { truncateSync, statSync, mkdirSync } = await import('node:fs');
    const cut = join(folder, 'cut-copy');
    mkdirSync(cut);
    for (const name of [RUN_FILES.windows, RUN_FILES.facts]) copyFileSync(join(path, name), join(cut, name));
    truncateSync(join(cut, RUN_FILES.windows), statSync(join(cut, RUN_FILES.windows)).size - 5);
    const rebuilt = await rebuildReport(cut);
    expect(rebuilt.ok && rebuilt.value.summary.integrity.windows).toBe(3);
  });
});

describe('compare', () => {
  const { aggregate, facts } = judged();
  const first = summarize(aggregate, facts);
  const slower = createAggregate({ isWinner: () => true });
  for (const { node, window } of WINDOWS) absorb(slower, node, window);
  const second = summarize(slower, { ...facts, planHash: 'another' });
  const lines = renderComparison(first, second, { color: false, columns: 100 });

  it('names what changed, by how much, and that plans differ', () => {
    expect(lines.some((line) => /p95 +30\.0 ms +900 ms +\+2,900 %/.test(line))).toBe(true);
    expect(lines.some((line) => line.includes('the plans differ'))).toBe(true);
    expect(renderComparison(first, first, { color: false, columns: 100 }).some((line) => line.includes('%') && /[+-]\d/.test(line))).toBe(
      false,
    );
  });

  it('fits the terminal', () => {
    for (const columns of [64, 80, 120]) {
      for (const line of renderComparison(first, second, { color: true, columns })) expect(displayWidth(line)).toBeLessThanOrEqual(columns);
    }
  });
});
