// What a person reads at the end of a run, as it stands on the screen. A change here is a change users see: look at the files, then update with
// `npx vitest run --config test/vitest.config.ts -u test/golden/summary.test.ts`.

import { describe, expect, it } from 'vitest';
import { boardView } from '../../node/core/board-view.ts';
import { summarize } from '../../node/core/summary.ts';
import { renderBoard } from '../../tools/scoreboard/board.ts';
import { createStyle } from '../../tools/scoreboard/style.ts';
import { renderSummary } from '../../tools/scoreboard/summary.ts';
import { sampleAggregate, sampleBoardFacts, sampleFacts } from '../support/sample-run.ts';

const passed = summarize(sampleAggregate(), sampleFacts());
const stopped = summarize(
  sampleAggregate(24),
  sampleFacts({ limitMs: 30, end: 'stopped', endMessage: 'by the operator, q', seconds: 24, teardownFailures: 2 }),
);
const neverStarted = summarize(
  sampleAggregate(0),
  sampleFacts({
    end: 'unplaceable',
    endMessage: "group 'speakers' needs type 'websocket', which no node has",
    startedWallMs: null,
    t0SwarmMs: null,
    endSwarmMs: null,
    meetingsProvisioned: 0,
    missing: [],
    nodes: [],
    events: [],
  }),
);

describe('the summary', () => {
  it.each([
    ['summary-pass-80.txt', passed, 80],
    ['summary-pass-120.txt', passed, 120],
    ['summary-stopped-100.txt', stopped, 100],
    ['summary-never-started-80.txt', neverStarted, 80],
  ])('%s', async (file, summary, columns) => {
    await expect(`${renderSummary(summary, { color: false, columns }).join('\n')}\n`).toMatchFileSnapshot(`summary/${file}`);
  });

  it('has a stable form as JSON', async () => {
    await expect(`${JSON.stringify(passed, null, 2)}\n`).toMatchFileSnapshot('summary/summary.json');
  });
});

describe('the board', () => {
  it.each([60, 80, 120])('at %i columns, while all is well and when a node is lost', async (columns) => {
    const well = boardView(sampleAggregate(12), sampleBoardFacts());
    const lost = boardView(
      sampleAggregate(22),
      sampleBoardFacts({ elapsedMs: 22_000, nodesLive: 3, nodesLost: ['node-3'], note: 'load 110 %' }),
    );
    const forming = boardView(
      sampleAggregate(0),
      sampleBoardFacts({ phase: 'forming', elapsedMs: 1200, totalMs: null, nodesLive: 2, coordinator: null, term: 0, groups: [] }),
    );
    const lines = [forming, well, lost].flatMap((view) => [...renderBoard(view, { columns, rows: 24 }, createStyle(false)), '']);
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(`summary/board-${columns}.txt`);
  });
});
