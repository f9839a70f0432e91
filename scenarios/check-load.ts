// A group's load: from the stages that were written to the curve, and what no curve may be. Percentages are of the group's size: its
// `endpoints`, its `rate`, or perMeeting times meetings.count.

import type { z } from 'zod';
import { cumulativeTotal, meanOf } from '../node/core/arrivals.ts';
import { formatDuration } from '../node/core/duration.ts';
import type { Segment, Spread, ValidLoad } from '../node/core/scenario-types.ts';
import { endOf, peakOf, type Stage, segmentsOf, wantedSlots } from '../node/core/shape.ts';
import type { loadShape, stageShape } from './schema.ts';
import type { Finding } from './shape-problems.ts';

/** Endpoint lives of one group: 5 million expand in about 2 s and hold 300 MB. Larger runs are several groups of longer stays. */
export const LIVES_MAX = 5_000_000;

export interface LoadFacts {
  /** perMeeting * meetings.count, or null when the group is not sized by meetings. */
  readonly bySize: number | null;
  readonly stay: Spread | null;
  readonly pause: Spread | null;
  readonly path: readonly PropertyKey[];
}

type WrittenLoad = z.output<typeof loadShape>;
type WrittenStage = z.output<typeof stageShape>;
type Complain = (path: readonly PropertyKey[], message: string, hint: string) => void;

/** The load, or null with findings. `deadlineMs` is null when the scenario sets none. */
export function checkLoad(written: WrittenLoad, facts: LoadFacts, deadlineMs: number | null, findings: Finding[]): ValidLoad | null {
  const before = findings.length;
  const complain: Complain = (path, message, hint) => {
    findings.push({ path: [...facts.path, ...path], part: 'value', code: 'QUILT_LOAD', message, hint });
  };
  const size = sizeOf(written, facts, complain);
  checkSessions(written, facts, complain);
  if (size === null) return null;
  const stages = stagesOf(written, size);
  stages.forEach((stage, index) => {
    const lengthMs = endOf(segmentsOf([stage]));
    if (deadlineMs !== null && lengthMs > deadlineMs) {
      complain(
        ['load', 'shape', index],
        `lasts ${formatDuration(lengthMs)}, longer than the whole run may (deadline ${formatDuration(deadlineMs)})`,
        'shorten it, or raise deadline',
      );
    }
    if (stage.kind === 'sawtooth' && stage.low > stage.high)
      complain(['load', 'shape', index, 'low'], `${stage.low} is above its sawtooth of ${stage.high}`, 'low is where each tooth begins');
  });
  const segments = segmentsOf(stages, levelOf(written.start, size));
  checkCurve(written, segments, facts, complain);
  if (findings.length > before) return null;
  return { unit: written.rate === undefined ? 'endpoints' : 'rate', arrivals: written.arrivals, segments };
}

function sizeOf(written: WrittenLoad, facts: LoadFacts, complain: Complain): number | null {
  const ways = [written.endpoints !== undefined, written.rate !== undefined, facts.bySize !== null].filter(Boolean).length;
  if (ways === 0) {
    complain(
      ['load'],
      'does not say how much',
      'give endpoints: (how many at once), rate: (arrivals per second), or the group perMeeting:',
    );
    return null;
  }
  if (ways > 1) {
    complain(
      ['load', written.endpoints !== undefined ? 'endpoints' : 'rate'],
      'is a second word on how much',
      'give one of endpoints, rate, and perMeeting of the group',
    );
    return null;
  }
  const size = written.endpoints ?? written.rate ?? facts.bySize ?? 0;
  if (size === 0)
    complain(['load', written.rate === undefined ? 'endpoints' : 'rate'], 'is 0: nothing would ever start', 'leave the group out instead');
  return size === 0 ? null : size;
}

function checkSessions(written: WrittenLoad, { stay, pause }: LoadFacts, complain: Complain): void {
  if (written.rate !== undefined && stay === null)
    complain(['load', 'rate'], 'needs to know how long an arrival lives', 'add stay: 30s to the group');
  if (written.rate !== undefined && pause !== null)
    complain(['pause'], 'has no meaning with load.rate: an arrival lives once', 'use load.endpoints for churn');
  if (written.rate === undefined && written.arrivals === 'poisson')
    complain(['load', 'arrivals'], 'poisson is a way of spreading arrivals of a rate', 'give load.rate, or leave arrivals out');
  if (written.rate === undefined && pause !== null && stay === null)
    complain(['pause'], 'needs to know when an endpoint leaves', 'add stay: 30s to the group');
  if (stay !== null && meanOf(stay) <= 0) complain(['stay'], 'must be longer than 0s', 'e.g. 30s');
}

function checkCurve(written: WrittenLoad, segments: readonly Segment[], facts: LoadFacts, complain: Complain): void {
  if (segments.length === 0) return complain(['load', 'shape'], 'ends as it begins: none of its stages takes time', 'add {hold: 30s}');
  const isRate = written.rate !== undefined;
  if (isRate ? cumulativeTotal(segments) <= 0 : wantedSlots(peakOf(segments)) === 0) {
    return complain(['load', 'shape'], 'never leaves 0: nothing would ever start', 'ramp or step to 100%');
  }
  const lives = isRate ? cumulativeTotal(segments) : livesEstimate(segments, facts);
  if (lives > LIVES_MAX) {
    complain(
      ['load'],
      `makes about ${Math.round(lives).toLocaleString('en')} endpoint lives, more than ${LIVES_MAX.toLocaleString('en')}`,
      'lower the level, or lengthen stay and pause',
    );
  }
}

/** Starts on the way up, or with churn the time spent above zero by the length of a session and its pause. */
function livesEstimate(segments: readonly Segment[], { stay, pause }: LoadFacts): number {
  let starts = 0;
  let level = 0;
  for (const { fromLevel, toLevel } of segments) {
    starts += Math.max(0, fromLevel - level) + Math.max(0, toLevel - fromLevel);
    level = toLevel;
  }
  if (stay === null) return starts;
  const cycleS = Math.max(1, meanOf(stay) + (pause === null ? 0 : meanOf(pause))) / 1000;
  return starts + cumulativeTotal(segments) / cycleS;
}

const levelOf = (level: number | string, size: number): number =>
  typeof level === 'number' ? level : (Number(level.slice(0, -1)) / 100) * size;

/** Stages with levels as numbers. A sawtooth without `low` begins at the level before it. */
function stagesOf(written: WrittenLoad, size: number): Stage[] {
  const stages: Stage[] = [];
  let before = levelOf(written.start, size);
  for (const stage of written.shape) {
    const resolved = stageOf(stage, size, before);
    stages.push(resolved);
    if (resolved.kind === 'ramp' || resolved.kind === 'step') before = resolved.to;
    if (resolved.kind === 'sawtooth') before = resolved.low;
  }
  return stages;
}

function stageOf(stage: WrittenStage, size: number, before: number): Stage {
  const overMs = stage.over ?? 0;
  const forMs = stage.for ?? 0;
  if (stage.ramp !== undefined) return { kind: 'ramp', to: levelOf(stage.ramp, size), overMs };
  if (stage.step !== undefined) return { kind: 'step', to: levelOf(stage.step, size), forMs };
  if (stage.spike !== undefined) return { kind: 'spike', to: levelOf(stage.spike, size), overMs, forMs };
  if (stage.sawtooth !== undefined) {
    const low = stage.low === undefined ? before : levelOf(stage.low, size);
    return { kind: 'sawtooth', low, high: levelOf(stage.sawtooth, size), periodMs: stage.period ?? 0, times: stage.times ?? 1 };
  }
  return { kind: 'hold', forMs: stage.hold ?? 0 };
}
