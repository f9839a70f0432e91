// Parts for tests of scenarios and plans: endpoint types that only describe, a short way to a valid scenario, and random load shapes.

import fc from 'fast-check';
import { z } from 'zod';
import type { ValidGroup, ValidScenario } from '../../node/core/scenario-types.ts';
import { type Stage, segmentsOf } from '../../node/core/shape.ts';
import type { EndpointKind } from '../../scenarios/endpoint-kind.ts';
import { NO_FILES, type ScenarioFiles } from '../../scenarios/endpoint-kind.ts';
import { parseScenario } from '../../scenarios/parse.ts';
import { renderProblems } from '../../scenarios/problems.ts';

/** `http` and `exec` stand-ins with one strict option each: what validation needs and no more. */
export const plainKinds: readonly EndpointKind[] = [
  {
    type: 'http',
    options: z.strictObject({ url: z.string(), wait: z.number().optional(), captures: z.record(z.string(), z.string()).optional() }),
    metrics: [
      { name: 'http_req_duration', kind: 'trend', unit: 'ms', help: '', tags: ['name'] },
      { name: 'http_req_failed', kind: 'rate', unit: 'percent', help: '' },
      { name: 'http_reqs', kind: 'counter', unit: 'count', help: '' },
    ],
    targets: (options: { url: string }) => [options.url],
    costMillicores: () => 2,
  },
  {
    type: 'exec',
    options: z.strictObject({ program: z.string() }),
    check: ({ program }: { program: string }, facts) =>
      facts.fileExists(program)
        ? []
        : [{ code: 'QUILT_EXEC', message: `there is no ${program}`, hint: 'paths are relative', key: 'program' }],
    metrics: [{ name: 'calls', kind: 'gauge', unit: 'count', help: '' }],
    targets: () => [],
    costMillicores: () => 0.5,
  },
];

/** Files of a pretended scenario folder. */
export const filesOf = (files: Readonly<Record<string, string>>): ScenarioFiles => ({
  ...NO_FILES,
  read: (path) => files[path] ?? null,
  fileExists: (path) => files[path] !== undefined,
});

export function parsed(text: string, variables: Readonly<Record<string, string>> = {}, files: ScenarioFiles = NO_FILES): ValidScenario {
  const result = parseScenario(text, 'scenario.yaml', { endpointTypes: plainKinds, variables, files });
  if (!result.ok) throw new Error(renderProblems(result.problems));
  return result.value;
}

/** The lines that a person would see; empty when the scenario is valid. */
export function problemLines(text: string, variables: Readonly<Record<string, string>> = {}, files: ScenarioFiles = NO_FILES): string[] {
  const result = parseScenario(text, 'scenario.yaml', { endpointTypes: plainKinds, variables, files });
  return result.ok ? [] : renderProblems(result.problems).split('\n').slice(0, -1);
}

/** A scenario of one group, by its parts, without going through text. */
export function scenarioOf(group: Partial<ValidGroup> & Pick<ValidGroup, 'load'>, more: Partial<ValidScenario> = {}): ValidScenario {
  const whole: ValidGroup = {
    name: 'viewers',
    index: 0,
    type: 'http',
    description: '',
    behavior: {},
    perMeeting: 0,
    meetings: null,
    stay: null,
    pause: null,
    constraints: {},
    tags: {},
    data: null,
    dataRowFirst: 0,
    gracefulStopMs: 0,
    costMillicores: 1,
    uplinkBps: 0,
    targets: [],
    ...group,
  };
  return {
    name: 'test',
    description: '',
    seed: 7,
    variables: {},
    targets: {},
    meetings: null,
    groups: [whole],
    thresholds: [],
    policies: { onNodeLoss: { kind: 'reassign' }, onCoordinatorLoss: 'terminate' },
    deadlineMs: 1_000_000,
    setupMsMax: 1000,
    gracefulStopMs: 0,
    shardEndpoints: 50,
    shardMeetings: 25,
    tags: {},
    files: [],
    ...more,
  };
}

/** 0, 0.01, ... */
export function hundredths(max: number): fc.Arbitrary<number> {
  return fc.integer({ min: 0, max: max * 100 }).map((count) => count / 100);
}

/** Whole and broken levels, but none within rounding distance of a whole one: there the curve and its slots may rightly disagree. */
const level = fc.oneof(fc.integer({ min: 0, max: 60 }), hundredths(60));
const lengthMs = fc.integer({ min: 1, max: 20_000 });

export const anyStage: fc.Arbitrary<Stage> = fc.oneof(
  fc.record({ kind: fc.constant('ramp' as const), to: level, overMs: lengthMs }),
  fc.record({ kind: fc.constant('hold' as const), forMs: lengthMs }),
  fc.record({ kind: fc.constant('step' as const), to: level, forMs: fc.integer({ min: 0, max: 20_000 }) }),
  fc.record({ kind: fc.constant('spike' as const), to: level, overMs: lengthMs, forMs: fc.integer({ min: 0, max: 5000 }) }),
  fc.record({ kind: fc.constant('sawtooth' as const), low: level, high: level, periodMs: lengthMs, times: fc.integer({ min: 1, max: 4 }) }),
);

/** Curves of one to six stages. */
export const anySegments = fc.array(anyStage, { minLength: 1, maxLength: 6 }).map((stages) => segmentsOf(stages));
