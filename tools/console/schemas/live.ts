// The swarm now: its state once a second, the run by the second, and what the live socket says.

import { z } from 'zod';
import type { BoardView, TimelineReport } from '../../../node/core/summary-types.ts';
import type { LiveTimeline } from '../../../node/runtime/collector.ts';
import type { LogTail } from '../../../node/runtime/node-status.ts';
import { spending, thresholdResult } from './figures.ts';
import { count, figure, figures, flag, labels, maybe, ms, named, schemaOf, text, texts, wallMs } from './parts.ts';
import { summary } from './summary.ts';

export const nodeRow = named(
  'NodeRow',
  'One node now. Figures are of its last window, a second of its statistics; null = no window yet.',
  z.strictObject({
    node: text('id (libp2p peer id)'),
    name: text('short, for people'),
    role: z.enum(['load', 'witness']).describe('witness: carries no load'),
    state: z.enum(['candidate', 'live', 'lost', 'left']).describe('candidate: not in the run yet'),
    isCoordinator: flag('it coordinates now'),
    labels: labels('--label of the node'),
    cores: figure('processor cores it may use'),
    shards: count('shards it owns'),
    active: maybe(count('active endpoints')),
    cpuCores: maybe(figure('cores in use')),
    memoryMb: maybe(figure('memory in use, MB')),
    loopDelayMs: maybe(ms('delay of its event loop')),
    latenessMs: maybe(ms('how late it started what was due')),
    tainted: texts('why its last window is not to be trusted; empty = it is'),
    windowLast: count('number of its last window'),
    ageMs: maybe(ms('how old that window is')),
  }),
);

export const shardMap = named(
  'ShardMap',
  'Who owns what; each list by shard id.',
  z.strictObject({
    owners: z.array(z.int().min(-1)).describe('index into `nodes`; -1 = nobody'),
    epochs: z.array(z.int()).describe('how often the shard was claimed'),
    groups: z.array(z.int().min(-1)).describe('index into `board.groups`; -1 = meetings'),
  }),
);

export const eventRow = named(
  'EventRow',
  'Something that happened in the swarm.',
  z.strictObject({
    atMs: ms('from T0, before it negative'),
    level: z.enum(['info', 'warning', 'error']).describe('how bad'),
    text: text('what; may hold hostile text'),
  }),
);

const boardGroup = z.strictObject({
  group: text('name of the endpoint group'),
  type: text('its endpoint type'),
  active: count('active endpoints'),
  planned: count('as the plan has it now'),
  peak: count('most that the plan ever has'),
  ratePerS: maybe(figure("samples a second of the group's main latency metric, over the last seconds; null = none")),
  p95Ms: maybe(ms('95th percentile of it')),
  errorsPerS: figure('errors a second'),
});

export const boardView = schemaOf<BoardView>()(
  'BoardView',
  'What the board shows: the swarm in one look.',
  z.strictObject({
    boardVersion: z.literal(1),
    scenario: text('its name'),
    phase: z.enum(['forming', 'claiming', 'running', 'draining', 'sealed']).describe('phases in the order they are passed'),
    elapsedMs: ms('since T0, or since the start while there is no T0'),
    totalMs: maybe(ms('as planned; null = not known yet')),
    endpointsActive: count('active endpoints of the whole swarm'),
    endpointsPlanned: count('as the plan has it now'),
    endpointsPeak: count('most that the plan ever has'),
    nodesLive: count('nodes that live'),
    nodesExpected: count('nodes of the ticket'),
    coordinator: maybe(text('short name; null = none')),
    term: count('number of the election'),
    groups: z.array(boardGroup),
    troubles: z.array(z.strictObject({ level: z.enum(['warning', 'error']).describe('how bad'), text: text('what') })),
    note: maybe(text('paused, load scaled to 120 % …; null = nothing special')),
    spending: maybe(spending),
  }),
);

export const liveState = named(
  'LiveState',
  'The swarm now.',
  z.strictObject({
    atWallMs: wallMs('when it was asked'),
    runId: maybe(text('null = no run yet')),
    scenario: text('its name'),
    sinceT0Ms: maybe(ms('since the load began; null = it has not')),
    coordinator: maybe(text('short name; null = none')),
    term: count('number of the election'),
    board: boardView,
    nodes: z.array(nodeRow),
    shards: shardMap,
    thresholds: z.array(thresholdResult),
    events: z.array(eventRow).describe('the last ones'),
    factor: figure('of the whole load now, 1 = as planned'),
  }),
);

export const heatMap = named(
  'HeatMap',
  'Latency over time as a picture: how many samples fell into which band.',
  z.strictObject({
    metric: text('its name'),
    boundsMs: figures('upper bounds of the bands, ascending, milliseconds; the last band is open'),
    rows: z.array(z.array(z.number())).describe('one row of counts for each point of the timeline'),
  }),
);

const column = (meaning: string) => z.array(z.number().nullable()).describe(`${meaning}; null = nothing recorded`);

export const timelineReport = schemaOf<TimelineReport>()(
  'TimelineReport',
  'The run by the second, as columns that are as long as `atMs`.',
  z.strictObject({
    timelineVersion: z.literal(1),
    stepMs: ms('between two points'),
    atMs: figures('the points, milliseconds from T0'),
    groups: z.array(
      z.strictObject({
        group: text('name of the endpoint group'),
        owned: figures('endpoints that nodes had claimed'),
        active: figures('active endpoints'),
        started: figures('started in this step'),
        failed: figures('failed in this step'),
      }),
    ),
    metrics: z.array(
      z.strictObject({
        metric: text('its name'),
        group: text('name of the endpoint group'),
        kind: z.enum(['trend', 'counter', 'rate']).describe('which columns there are'),
        perS: column('samples (trend, rate) or sum (counter) a second'),
        p50: column("trends: median, in the metric's unit").optional(),
        p95: column('trends: 95th percentile').optional(),
        p99: column('trends: 99th percentile').optional(),
        max: column('trends: largest').optional(),
        share: column('rates: share that was true, 0 to 1').optional(),
      }),
    ),
  }),
);

export const liveTimeline = schemaOf<LiveTimeline>()(
  'LiveTimeline',
  'The run by the second, and latencies as a picture.',
  z.strictObject({ timeline: timelineReport, heat: z.array(heatMap) }),
);

export const logTail = schemaOf<LogTail>()(
  'LogTail',
  'The last lines that a node logged.',
  z.strictObject({
    node: text('id'),
    lines: texts('JSON objects with time, level and msg, oldest first; hostile text is possible in any'),
  }),
);

const timelineMessage = named(
  'TimelineMessage',
  'Whole at first; then only points that are new or changed, to be put over those of the same `atMs`.',
  z.strictObject({
    type: z.literal('timeline'),
    isWhole: flag('forget the points known so far'),
    timeline: timelineReport,
    heat: z.array(heatMap),
  }),
);

export const liveMessage = named(
  'LiveMessage',
  'A message of the live socket, as JSON text.',
  z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('state').describe('once a second'), state: liveState }),
    timelineMessage,
    z.strictObject({
      type: z.literal('away').describe('the swarm does not answer, or there is none; it is asked again'),
      message: text('why'),
    }),
    z.strictObject({ type: z.literal('report').describe('the run is over, and this is its report'), summary }),
  ]),
);
