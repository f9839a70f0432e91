// Scenarios and runs of the folder that the console was started in (Catapult).

import { z } from 'zod';
import { NODES_MAX } from '../protocol.ts';
import { agreedUsd, costView, machinesPlan, machinesRequest } from './machines.ts';
import { count, figure, figures, flag, maybe, ms, named, request, text, texts, wallMs } from './parts.ts';
import { problemView } from './problems.ts';
import { exitCode } from './summary.ts';

/** Of a scenario's text, in characters. */
export const SCENARIO_LENGTH_MAX = 256 * 1024;
const PATH_LENGTH_MAX = 1024;
const VALUE_LENGTH_MAX = 10_000;

export const scenarioPath = z
  .string()
  .min(1)
  .max(PATH_LENGTH_MAX)
  .describe('relative to the folder of the console, in which it must lie; ends in .yaml or .yml');
const scenarioText = z.string().max(SCENARIO_LENGTH_MAX).describe('YAML');
const variables = z.record(z.string().max(PATH_LENGTH_MAX), z.string().max(VALUE_LENGTH_MAX)).default({}).describe('as -e NAME=VALUE');
const machines = machinesRequest.optional().describe('rented ones, instead of nodes on this computer');
const nodes = z.int().min(1).max(NODES_MAX).default(2).describe('local nodes that carry the load');

export const saveRequest = request('SaveRequest', 'A scenario to be written.', z.strictObject({ path: scenarioPath, text: scenarioText }), {
  path: 'my-service.yaml',
  text: 'name: my-service\n',
});

export const planRequest = request(
  'PlanRequest',
  'A scenario to be looked at; its text need not be saved.',
  z.strictObject({ path: scenarioPath, text: scenarioText, variables, nodes, machines }),
  { path: 'my-service.yaml', text: 'name: my-service\n', variables: {}, nodes: 2 },
);

export const startRequest = request(
  'StartRequest',
  'A scenario to be run with a swarm on this computer, or on rented machines.',
  z.strictObject({ path: scenarioPath, variables, nodes, machines, agreedUsd }),
  { path: 'my-service.yaml', variables: { callers: '200' }, nodes: 2 },
);

export const scenarioRows = named(
  'ScenarioRows',
  'Scenarios in the folder of the console and in scenarios/ below it.',
  z.array(
    named(
      'ScenarioRow',
      'One of them.',
      z.strictObject({
        path: text('relative to the folder of the console'),
        name: text('as it names itself'),
        description: text('as it describes itself; empty = it does not'),
        isValid: flag('it has groups; whether it can run, a plan tells'),
      }),
    ),
  ),
);

const planGroup = z.strictObject({
  name: text('of the endpoint group'),
  type: text('endpoint type'),
  peak: count('most endpoints at one time'),
  cores: figure('processor cores that they need'),
});

const planNode = z.strictObject({
  name: text('of the node'),
  shards: count('that it would own'),
  peak: count('most endpoints at one time'),
  cores: figure('processor cores that they need'),
  capacityCores: figure('that it has'),
});

export const planView = named(
  'PlanView',
  'What a scenario would do, or everything that is wrong with it.',
  z.discriminatedUnion('ok', [
    z.strictObject({
      ok: z.literal(false),
      problems: z.array(problemView),
      command: text('the command that says the same in a terminal'),
    }),
    z.strictObject({
      ok: z.literal(true),
      command: text('the command that says the same in a terminal'),
      start: text('the command that starts it'),
      variables: z.record(z.string(), z.string()).describe('values that the scenario declares, as it has them'),
      descriptions: z.record(z.string(), z.string()).describe('what the scenario says of them, where it does'),
      durationMs: ms('from T0 to the end of the load'),
      endpointCount: count('endpoint lives'),
      activeMax: count('most endpoints at one time'),
      meetingCount: count('meetings'),
      shardCount: count('shards'),
      groups: z.array(planGroup),
      curve: z.strictObject({ stepMs: ms('between two points'), total: figures('active endpoints') }).describe('the load over time'),
      nodes: z.array(planNode).describe('who would carry what'),
      thresholds: texts('as they are written'),
      targets: texts('hosts and ports that the load may go to'),
      unplaceable: texts('why some of the load has no place; empty = it fits'),
      machines: maybe(machinesPlan).describe('null where nothing is rented'),
    }),
  ]),
);

export const runId = z.strictObject({ id: z.string().min(1).max(255).describe('name of its folder, or latest') });

export const runRow = named(
  'RunRow',
  'One run in the folder of the console.',
  z.strictObject({
    id: text('name of its folder'),
    scenario: text('its name'),
    startedWallMs: maybe(wallMs('T0; null = not known yet')),
    durationMs: ms('of the load; 0 = not known yet'),
    verdict: z.enum(['pass', 'fail', 'tainted', 'running', 'unknown']).describe('unknown: there is no report, and nobody is at work on it'),
    exitCode: maybe(exitCode),
    reason: text('the first reason of the verdict; empty = none'),
    isKept: flag('it is known how it was started, so that it can be started again'),
  }),
  {
    id: '2026-11-28T10-00-00-my-service',
    scenario: 'my-service',
    startedWallMs: 1795860000000,
    durationMs: 60000,
    verdict: 'fail',
    exitCode: 99,
    reason: 'http_req_failed: rate<0.01 was not met: 3.1 %',
    isKept: true,
  },
);

export const runRows = named('RunRows', 'Runs in the folder of the console, newest first.', z.array(runRow));

export const startedRun = named(
  'StartedRun',
  'The run that this console started last: what a script asks until isRunning is false.',
  z.strictObject({
    isRunning: flag('its process lives'),
    run: maybe(runRow),
    complaint: maybe(text('what it said when it ended without a report, for operators; null = it did not')),
  }),
);

export const againView = named(
  'AgainView',
  'How a run was started.',
  z.strictObject({
    command: text('its whole command'),
    request: startRequest.describe("as Catapult's form has it"),
    more: texts('words of the command that the form has no field for; starting again keeps them'),
    isChanged: flag("the scenario's file is another than that run had, or gone"),
    cost: maybe(costView).describe('null where nothing is rented, or cannot be reckoned now'),
    problems: z.array(problemView).describe('why it would be refused now'),
  }),
);
