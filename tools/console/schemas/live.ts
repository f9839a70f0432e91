// The swarm now: its state once a second, the run by the second, and what the live socket says.

import { z } from 'zod';
import type { PlaceLatency } from '../../../node/core/places.ts';
import type { BoardView, TimelineMetric, TimelineReport } from '../../../node/core/summary-types.ts';
import type { LiveTimeline } from '../../../node/runtime/collector.ts';
import type { LogTail } from '../../../node/runtime/node-status.ts';
import { spending, thresholdResult } from './figures.ts';
import { noteFields } from './notes.ts';
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
    started: maybe(count('endpoints that it started, in the whole run')),
    failed: maybe(count('of these, failed')),
    errors: maybe(count('errors of the target, in the whole run')),
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
    moved: z
      .array(
        z.strictObject({
          shard: count('its id'),
          from: z.int().min(-1).describe('whose it was, index into `nodes`; -1 = not known'),
          agoMs: ms('how long ago'),
        }),
      )
      .describe('what moved in the last minute'),
  }),
);

export const eventRow = named('EventRow', 'Something that happened in the swarm.', z.strictObject(noteFields));

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

const placeLatency = schemaOf<PlaceLatency>()(
  'PlaceLatency',
  'Latency as it was measured from one vendor or region.',
  z.strictObject({
    label: z.enum(['vendor', 'region']).describe('the label by which it is set apart'),
    value: text('of that label'),
    metric: text('its name'),
    count: count('samples'),
    p50Ms: ms('median'),
    p95Ms: ms('95th percentile'),
  }),
);

export const groupFactor = named(
  'GroupFactor',
  'What the orders to one group have come to.',
  z.strictObject({
    group: text('its name'),
    factor: figure('of the planned load, as it was ordered last; 1 = as planned, 0 = paused'),
    resumeFactor: figure('the last one that was not 0: what Resume goes back to'),
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
    latencyByPlace: z.array(placeLatency).describe('by vendor and by region, where nodes differ in them'),
    factor: figure('of the whole load now, 1 = as planned'),
    factors: z.array(groupFactor).describe('one for each group of the scenario'),
  }),
);

export const stateView = named(
  'StateView',
  'The swarm now, and what happened in it lately.',
  z.strictObject({ ...liveState.shape, events: z.array(eventRow).describe('the newest') }),
);

export const heatMap = named(
  'HeatMap',
  'Latency of one group over time as a picture: how many samples fell into which band. All groups together are their sum.',
  z.strictObject({
    metric: text('its name'),
    group: text('name of the endpoint group'),
    boundsMs: figures('upper bounds of the bands, ascending, milliseconds; the last band is open'),
    rows: z
      .array(z.array(z.number()))
      .describe('one row for each point of the timeline: the first band with a count, then the counts from there on; empty = none'),
  }),
);

const column = (meaning: string) => z.array(z.number().nullable()).describe(`${meaning}; null = nothing recorded`);

const timelineMetric = schemaOf<TimelineMetric>()(
  'TimelineMetric',
  'One metric of one group, as columns.',
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
);

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
        planned: figures('active endpoints as the plan wanted them, under the orders; left out where the plan is not at hand').optional(),
        owned: figures('endpoints that nodes had claimed'),
        active: figures('active endpoints'),
        started: figures('started in this step'),
        failed: figures('failed in this step'),
      }),
    ),
    metrics: z.array(timelineMetric),
    overall: z
      .array(timelineMetric)
      .optional()
      .describe('trends and rates that several groups have, of all of them (group `*`): percentiles of all samples'),
    causes: z
      .array(
        z.strictObject({
          side: z.enum(['target', 'generator']).describe('whose error it is'),
          group: text('name of the endpoint group'),
          cause: text('kind of error'),
          perS: figures('errors a second'),
        }),
      )
      .optional()
      .describe('errors by cause; what is not here had none'),
  }),
);

export const runBySecond = schemaOf<LiveTimeline>()(
  'RunBySecond',
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

export const eventsMessage = named(
  'EventsMessage',
  'What happened: all of it at first, then only what is new. All again where older notes or another T0 came to be known.',
  z.strictObject({ type: z.literal('events'), isWhole: flag('forget those known so far'), events: z.array(eventRow) }),
);

export const awayMessage = named(
  'AwayMessage',
  'The swarm does not answer, or there is none. Unless its run is over it is asked again; what was sent before stays true of the moment when it was last heard.',
  z.strictObject({
    type: z.literal('away'),
    message: text('why'),
    heardWallMs: maybe(wallMs('when it answered last; null = never')),
    isOver: flag('the run was ending when it was last heard, or is known to be over: nothing new will come'),
  }),
);

export const startedView = named(
  'StartedView',
  'A process that this console started: what it does before its run can be watched, and whatever else it says.',
  z.strictObject({
    command: text('as a person would type it'),
    verb: z.enum(['run', 'launch']).describe('on this computer, or on rented machines'),
    isRunning: flag('its process lives'),
    exitCode: z.int().nullable().describe('null while it runs, or where a signal ended it'),
    said: texts('the last lines on its standard error, oldest first'),
    run: maybe(text('name of its run folder; null = there is none yet')),
    hasFailed: flag('it ended without a run to look at: `said` has why'),
  }),
);

const startedMessage = named(
  'StartedMessage',
  'What this console started last, whenever there is something new about it; for operators.',
  z.strictObject({ type: z.literal('started'), started: startedView }),
);

export const liveMessage = named(
  'LiveMessage',
  'A message of the live socket, as JSON text.',
  z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('state').describe('once a second'), state: liveState }),
    eventsMessage,
    timelineMessage,
    awayMessage,
    startedMessage,
    z.strictObject({ type: z.literal('report').describe('the run is over, and this is its report'), summary }),
  ]),
);
