// Parts of the report that are lists of their own: errors, nodes, places, events, what is missing, files.

import { z } from 'zod';
import type {
  ArtifactsSummary,
  ErrorsSummary,
  EventSummary,
  FileSummary,
  IntegritySummary,
  NodeSummary,
  PlaceSummary,
} from '../../../node/core/summary-types.ts';
import { metricUnit, metricValues } from './figures.ts';
import { noteFields } from './notes.ts';
import { count, figure, flag, labels, maybe, ms, schemaOf, text } from './parts.ts';

export const errors = schemaOf<ErrorsSummary>()(
  'ErrorsSummary',
  'What went wrong, most frequent first. Texts may come from the target: hostile.',
  z.strictObject({
    targetTotal: count("the target's"),
    generatorTotal: count('our own'),
    causes: z.array(
      z.strictObject({
        side: z.enum(['target', 'generator']).describe('whose error it is'),
        group: text('endpoint group'),
        cause: text('kind of error'),
        count: count('how often'),
        example: text('one of them, in words'),
      }),
    ),
  }),
);

const nodeSummary = schemaOf<NodeSummary>()(
  'NodeSummary',
  'One node over the run.',
  z.strictObject({
    node: text('id (libp2p peer id)'),
    name: text('short, for people: a label or the last characters of the id'),
    role: z.enum(['load', 'witness']).describe('witness: carries no load'),
    state: z.enum(['finished', 'lost', 'left']).describe('how it ended'),
    isCoordinator: flag('it coordinated at the end'),
    labels: labels('--label of the node'),
    cores: figure('processor cores it may use'),
    windows: count('seconds that it reported'),
    windowsTainted: count('of these, not to be trusted'),
    started: maybe(count('endpoints it started; null = not known')),
    cpuCoresMean: figure('cores in use, mean'),
    cpuCoresMax: figure('cores in use, most'),
    memoryMbMax: figure('most memory, MB'),
    loopDelayMsMax: ms('longest delay of its event loop'),
    latenessMsP99Max: ms('how late it started what was due, highest 99th percentile'),
    socketDrops: count('packets that its own sockets dropped'),
  }),
);
export const nodes = z.array(nodeSummary);

const placeSummary = schemaOf<PlaceSummary>()(
  'PlaceSummary',
  'The run as one vendor or region saw it.',
  z.strictObject({
    label: z.enum(['vendor', 'region']).describe('the label by which it is set apart'),
    value: text('of that label'),
    nodes: count('load nodes with this label'),
    nodesLost: count('of these, lost'),
    started: count('endpoints started'),
    finished: count('that ended as planned'),
    failed: count('that failed'),
    errorsTarget: count("the target's errors"),
    errorsGenerator: count('our own errors'),
    windows: count('seconds reported'),
    windowsTainted: count('of these, not to be trusted'),
    metrics: z.array(z.strictObject({ metric: text('its name'), unit: metricUnit, values: metricValues })),
  }),
);
export const places = z.array(placeSummary).describe('by vendor and by region, where nodes differ in them');

const eventSummary = schemaOf<EventSummary>()('EventSummary', 'Something that happened in the swarm.', z.strictObject(noteFields));
export const events = z.array(eventSummary);

export const integrity = schemaOf<IntegritySummary>()(
  'IntegritySummary',
  'Whether everything was counted, and whether it can be trusted.',
  z.strictObject({
    windows: count('seconds of nodes that were merged'),
    duplicates: count('windows that came again and were not counted twice'),
    windowsTainted: count('not to be trusted'),
    taintedShare: figure('of windows that carried load, 0 to 1'),
    taintedReasons: z.record(z.string(), z.number()).describe('windows by reason'),
    gaps: z
      .array(
        z.strictObject({
          node: text('id'),
          name: text('short'),
          from: count('first window that is missing'),
          to: maybe(count('last; null = not known')),
          seconds: maybe(figure('how long; null = not known')),
        }),
      )
      .describe('windows that never came'),
    discardedWindows: count('of load that ran under claims that lost: in no figure of this report'),
    discardedStarted: count('endpoints started under such claims'),
    overflow: z
      .strictObject({
        series: count('series beyond the bound'),
        errors: count('error causes beyond the bound'),
        outOfRange: count('samples beyond the range of histograms'),
        timeline: count('points beyond the bound'),
      })
      .describe('what was counted and not kept apart'),
    startSkewMsP99: maybe(ms('how far apart nodes started, 99th percentile; null = not measured')),
  }),
);

export const files = z.array(
  schemaOf<FileSummary>()(
    'FileSummary',
    'Where something was written.',
    z.strictObject({ what: text('what it is'), path: text('relative to the run folder, or absolute for the folder itself') }),
  ),
);

export const artifacts = schemaOf<ArtifactsSummary>()(
  'ArtifactsSummary',
  'What nodes left in the artifact store, as whoever wrote the report found it; absent when the run had none.',
  z.strictObject({
    store: text('as the operator wrote it'),
    files: count('how many'),
    bytes: count('packed, as they lie in the store'),
    gaps: z
      .array(
        z.strictObject({
          node: text('id'),
          name: text('short'),
          kind: text('of artifact'),
          what: text('what is missing'),
          detail: text('more of it'),
        }),
      )
      .describe('what is missing'),
    gapsLeftOut: count('when more were found than `gaps` holds'),
    problem: maybe(text('why nobody could look into the store; null = it was looked into')),
  }),
);
