// The report of a run: summary.json of its run folder, as node/core/summary-types.ts declares it.

import { z } from 'zod';
import { EXIT, type ExitCode, type ExitName } from '../../../node/core/errors.ts';
import type { EndReason } from '../../../node/core/messages.ts';
import type { LoadSummary, RunSummary, Summary, Verdict } from '../../../node/core/summary-types.ts';
import type { Report } from '../../../node/runtime/collector.ts';
import { metricSummary, spending, thresholdResult } from './figures.ts';
import { count, figures, labels, maybe, ms, named, schemaOf, text, wallMs } from './parts.ts';
import { artifacts, errors, events, files, integrity, nodes, places } from './summary-parts.ts';

export const endReason = schemaOf<EndReason>()(
  'EndReason',
  'Why a run ended.',
  z.enum([
    'completed',
    'stopped',
    'aborted-by-threshold',
    'aborted-by-scenario',
    'node-lost',
    'coordinator-lost',
    'quorum-lost',
    'setup-failed',
    'unplaceable',
    'capacity-never-reached',
    'wall-limit',
    'cost-limit',
    'contract-broken',
    'internal-fault',
  ]),
);

const runSummary = schemaOf<RunSummary>()(
  'RunSummary',
  'Which run it was.',
  z.strictObject({
    runId: text('id of the run'),
    scenario: text('its name'),
    version: text('of the program'),
    planHash: text('hash of the plan: equal plans have equal hashes'),
    tags: labels('--tag of the command'),
    startedWallMs: maybe(wallMs('T0; null = it never started')),
    durationMs: ms('from T0 to the end of the load; 0 = it never started'),
    plannedDurationMs: ms('as the scenario has it'),
    end: endReason,
    endMessage: text('the same in a sentence'),
  }),
);

export const exitCode = z.literal(Object.values(EXIT) as ExitCode[]).describe('exit code of quilt-swarm run: 0 = pass');

const verdict = schemaOf<Verdict>()(
  'Verdict',
  'What the run came to.',
  z.strictObject({
    verdict: z
      .enum(['pass', 'fail', 'tainted'])
      .describe('tainted: it ended as planned, but its figures are not a measurement of the target'),
    exit: z.enum(Object.keys(EXIT) as [ExitName, ...ExitName[]]).describe('the exit code by name'),
    exitCode,
    reasons: z
      .array(
        z.strictObject({
          code: text('stable, for programs'),
          message: text('for people'),
          level: z.enum(['fail', 'taint', 'note']).describe('note: worth knowing, changes nothing'),
        }),
      )
      .describe('the first decided the exit; the others also hold'),
  }),
);

const groupSummary = named(
  'GroupSummary',
  'Planned, owned and real load of one endpoint group.',
  z.strictObject({
    group: text('its name'),
    type: text('its endpoint type'),
    livesDue: count('endpoint lives that the plan had due before the run ended'),
    started: count('endpoints that were started'),
    finished: count('that ended as planned'),
    failed: count('that failed'),
    activePeakPlanned: count('most at one time, as planned'),
    ownedPeak: count('most that nodes had claimed'),
    activePeak: count('most that really ran'),
  }),
);

const load = schemaOf<LoadSummary>()(
  'LoadSummary',
  'The load, planned and delivered, of the whole swarm.',
  z.strictObject({
    groups: z.array(groupSummary),
    total: groupSummary,
    curve: z
      .strictObject({
        stepMs: ms('between two points'),
        planned: figures('active endpoints'),
        active: figures('active endpoints'),
      })
      .describe('active endpoints over the run, for a small picture'),
    meetingsPlanned: count('meetings of the plan'),
    meetingsProvisioned: count('meetings that were made'),
  }),
);

export const summary = schemaOf<Summary>()(
  'Summary',
  'The result of a run: summary.json of its folder. Times are from T0 unless the name says wall.',
  z.strictObject({
    summaryVersion: z.literal(1),
    run: runSummary,
    verdict,
    thresholds: z.array(thresholdResult),
    load,
    categories: z.array(
      z.strictObject({
        category: text('http, websocket, exec …, endpoints, checks, other'),
        metrics: z.array(metricSummary),
      }),
    ),
    errors,
    nodes,
    places,
    events,
    integrity,
    spending: maybe(spending),
    files,
    artifacts: artifacts.optional(),
  }),
);

export const report = schemaOf<Report>()(
  'Report',
  'The report of a run that is over.',
  z.strictObject({ summary, text: text('the same as the terminal shows it') }),
);
