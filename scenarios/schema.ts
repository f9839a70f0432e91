// The scenario language: every key that a person may write, its type and its meaning. Objects are strict: a misspelt key is an error, not a
// default. What needs more than one place to judge (a threshold's metric, unique rows, the length of the run) is in check-*.ts; what an
// endpoint type understands under `behavior:` is that type's own schema. The JSON Schema for editors is generated from here.

import { z } from 'zod';
import { durationShape, headersShape, jsonPathShape, jsonShape, statusesShape, thinkShape } from '../node/core/option-shapes.ts';
import type { Spread } from '../node/core/scenario-types.ts';

/** Names become tag values, template names and file names. */
const nameShape = z.string().regex(/^[A-Za-z_][\w-]{0,62}$/, 'must be a name: letters, digits, _ and -, not starting with a digit');
const labelsShape = z.record(nameShape, z.union([z.string(), z.number(), z.boolean()]).transform(String));

/** Positive time. */
const lengthShape = durationShape.refine((ms) => ms > 0, { message: 'must be longer than 0s' });

const scalarShape = z.union([z.string(), z.number(), z.boolean()]);

export const variableShape = z.union([
  scalarShape.describe('Short for {default: ...}.'),
  z.strictObject({
    default: scalarShape.optional(),
    description: z.string().optional(),
    required: z.boolean().optional().describe('Must be given with -e NAME=VALUE.'),
    type: z.enum(['string', 'number', 'boolean']).optional().describe('Only without a default; string if not said.'),
  }),
]);

export const targetShape = z.string().min(1).describe('Base URL (or host:port). Becomes ${targets.NAME}; load goes nowhere else.');

export const dataShape = z.strictObject({
  file: z.string().min(1).describe('CSV with a header line, relative to the scenario.'),
  unique: z
    .boolean()
    .default(false)
    .describe('Every endpoint slot gets a row of its own; too few rows are an error. Default: rows go round.'),
  delimiter: z.string().length(1).default(','),
});

const callFields = {
  method: z.string().regex(/^[A-Z]{1,20}$/, 'must be an upper-case method such as POST'),
  url: z.string().min(1),
  headers: headersShape.default({}),
  json: jsonShape.optional().describe('Body as JSON; strings in it may hold ${...}.'),
  text: z.string().optional().describe('Body as it stands; may hold ${...}.'),
  expect: statusesShape.default([[200, 299]]).describe('Statuses that count as success: 201, 2xx, [200, 404].'),
  timeout: lengthShape.default(10_000),
  rate: z.number().positive().max(10_000).default(50).describe('Calls per second of one worker.'),
};

export const provisionShape = z
  .strictObject({
    ...callFields,
    method: callFields.method.default('POST'),
    save: z
      .record(nameShape, z.union([jsonPathShape, z.strictObject({ json: jsonPathShape }), z.strictObject({ header: z.string().min(1) })]))
      .default({})
      .describe('NAME: $.path into the JSON answer, or {header: NAME}. Becomes ${meeting.NAME}.'),
  })
  .refine((call) => call.json === undefined || call.text === undefined, { message: 'a request has one body: json or text' });

export const teardownShape = z
  .strictObject({
    ...callFields,
    method: callFields.method.default('DELETE'),
    expect: statusesShape.default([
      [200, 299],
      [404, 404],
      [410, 410],
    ]),
  })
  .refine((call) => call.json === undefined || call.text === undefined, { message: 'a request has one body: json or text' });

export const meetingsShape = z.strictObject({
  count: z.int().min(1).max(1_000_000),
  provision: provisionShape.optional().describe('The call that makes one meeting. Without it, meetings exist already or need no making.'),
  teardown: teardownShape.optional().describe('The call that removes one meeting at the end.'),
});

/** `200` or `50%` (of the group's endpoints, or of its rate). */
const levelShape = z.union([
  z.number().min(0).max(10_000_000),
  z.string().regex(/^\d+(\.\d+)?%$/, 'must be a number or a percentage such as 50%'),
]);

/** The key that names a stage, and the other keys that it understands (true = it must have it). */
export const STAGES = {
  ramp: { over: true },
  hold: {},
  step: { for: false },
  spike: { over: true, for: false },
  sawtooth: { low: false, period: true, times: true },
} as const satisfies Readonly<Record<string, Readonly<Record<string, boolean>>>>;
export type StageName = keyof typeof STAGES;
export const STAGE_NAMES = Object.keys(STAGES) as StageName[];

export const stageShape = z
  .strictObject({
    ramp: levelShape.optional().describe('Linear to this level, `over` a time.'),
    hold: lengthShape.optional().describe('Stay at the level for this long.'),
    step: levelShape.optional().describe('At once to this level, then stay `for` a time.'),
    spike: levelShape.optional().describe('Up to this level `over` a time, stay `for` a time, and back `over` the same time.'),
    sawtooth: levelShape.optional().describe('From `low` up to this level in each `period`, then at once back to `low`; so many `times`.'),
    over: lengthShape.optional(),
    for: durationShape.optional(),
    low: levelShape.optional(),
    period: lengthShape.optional(),
    times: z.int().min(1).max(1000).optional(),
  })
  .superRefine((stage, context) => {
    const named = STAGE_NAMES.filter((name) => stage[name] !== undefined);
    const name = named[0];
    if (name === undefined || named.length > 1) {
      const message = name === undefined ? 'is no stage' : `is ${named.join(' and ')} at once`;
      context.addIssue({ code: 'custom', message, params: { hint: `each stage is one of ${STAGE_NAMES.join(', ')}` } });
      return;
    }
    if (typeof stage.sawtooth === 'number' && typeof stage.low === 'number' && stage.low > stage.sawtooth) {
      const message = `${stage.low} is above its sawtooth of ${stage.sawtooth}`;
      context.addIssue({ code: 'custom', path: ['low'], message, params: { hint: 'low is where each tooth begins' } });
    }
    const own: Readonly<Record<string, boolean>> = STAGES[name];
    for (const key of ['over', 'for', 'low', 'period', 'times'] as const) {
      if (stage[key] !== undefined && !(key in own)) {
        const hint = Object.keys(own).length === 0 ? `${name} stands alone` : `${name} takes ${Object.keys(own).join(', ')}`;
        context.addIssue({ code: 'custom', path: [key], message: `is not part of ${name}`, params: { hint } });
      }
      if (stage[key] === undefined && own[key] === true) {
        const example = key === 'times' ? 'times: 3' : `${key}: 10s`;
        context.addIssue({ code: 'custom', path: [key], message: `is missing: ${name} needs it`, params: { hint: `e.g. ${example}` } });
      }
    }
  });

export const loadShape = z.strictObject({
  endpoints: z.number().min(0).max(1_000_000).optional().describe('How many at once; 100% of the shape.'),
  rate: z.number().min(0).max(100_000).optional().describe('Arrivals per second (open model); 100% of the shape. Each lives for `stay`.'),
  arrivals: z.enum(['even', 'poisson']).default('even').describe('How arrivals at a `rate` are spread.'),
  start: levelShape.default(0).describe('Level at the start.'),
  shape: z.array(stageShape).min(1).max(200),
});

export const spreadShape = z.union([
  thinkShape,
  z
    .strictObject({ lognormal: z.strictObject({ median: lengthShape, sigma: z.number().positive().max(3), max: lengthShape.optional() }) })
    .transform(({ lognormal: { median, sigma, max } }): Spread => {
      return { distribution: 'lognormal', medianMs: median, sigma, minMs: 0, maxMs: max ?? median * Math.exp(3 * sigma) };
    })
    .meta({ description: '{lognormal: {median, sigma}}: holding times of real audiences.' }),
]);

export const groupShape = z.strictObject({
  type: z.string().min(1).describe('Endpoint type: http, websocket, exec, ...'),
  description: z.string().default(''),
  perMeeting: z.int().min(1).max(100_000).optional().describe('Endpoints per meeting: the group has this times meetings.count.'),
  meetings: z.enum(['round-robin', 'fill', 'none']).optional().describe('How endpoints go to meetings; round-robin with perMeeting.'),
  load: loadShape,
  behavior: z.unknown().optional().describe("The endpoint type's own options."),
  stay: spreadShape.optional().describe('Length of one session. With load.endpoints: leave then and rejoin (churn).'),
  pause: spreadShape.optional().describe('Between leaving and rejoining.'),
  constraints: labelsShape.default({}).describe('Labels that a node must carry to run this group: {region: eu}.'),
  tags: labelsShape.default({}),
  data: z.string().optional().describe('Name of a table under data:; its columns become ${data.COLUMN}.'),
  gracefulStop: durationShape.optional().describe('How long endpoints may take to leave.'),
});

export const thresholdShape = z.union([
  z.string(),
  z.strictObject({
    threshold: z.string(),
    abortOnFail: z.boolean().default(false),
    delayAbortEval: durationShape.default(0),
  }),
]);
export const thresholdListShape = z.union([thresholdShape, z.array(thresholdShape).min(1)]);

export const policiesShape = z.strictObject({
  onNodeLoss: z
    .union([
      z.enum(['reassign', 'fail']),
      z.strictObject({ tolerate: z.string().regex(/^\d+(\.\d+)?%$/, 'must be a percentage such as 10%') }),
    ])
    .default('reassign'),
  onCoordinatorLoss: z.enum(['terminate', 'reelect']).default('terminate'),
});

/** Sections whose shape is one schema: parsed one by one, so that an error in one does not hide those of the others. */
export const scalarSections = {
  name: z.string().min(1).max(100),
  description: z.string().default(''),
  deadline: lengthShape.optional().describe('The whole run ends within this time, whatever happens (exit 115).'),
  setupTimeout: lengthShape.default(60_000).describe('Meetings and data must be ready within this time (exit 100).'),
  gracefulStop: durationShape.default(10_000).describe('How long endpoints may take to leave at the end.'),
  seed: z.int().min(0).max(0xffffffff).default(1).describe('Of all randomness in the run.'),
  policies: policiesShape.prefault({}),
  tags: labelsShape.default({}),
  shards: z
    .strictObject({ endpoints: z.int().min(1).max(10_000).optional(), meetings: z.int().min(1).max(10_000).optional() })
    .prefault({})
    .describe('Advanced: endpoints and meetings per shard, the unit that moves when a node is lost.'),
  meetings: meetingsShape.optional(),
};

export const scenarioShape = z.strictObject({
  ...scalarSections,
  variables: z.record(nameShape, variableShape).optional(),
  targets: z.record(nameShape, targetShape).optional(),
  data: z.record(nameShape, dataShape).optional(),
  groups: z.record(nameShape, groupShape),
  thresholds: z.record(z.string(), thresholdListShape).optional(),
});

export const isName = (text: string): boolean => nameShape.safeParse(text).success;
