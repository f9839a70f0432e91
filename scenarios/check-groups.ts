// A group: its type, its behaviour by the type's own schema, its load, its meetings and its data. Each group is judged alone, so that one
// broken group does not hide the mistakes of the next; what spans groups (unique rows, the length of the run) is in parse.ts.

import type { z } from 'zod';
import type { Problem } from '../node/core/errors.ts';
import { type DataTable, UPLINK_BPS_DEFAULT, type ValidGroup } from '../node/core/scenario-types.ts';
import type { MetricDeclaration } from '../node/core/stats-types.ts';
import { suggestion } from '../node/core/suggest.ts';
import { checkLoad } from './check-load.ts';
import type { EndpointKind, MachineFacts } from './endpoint-kind.ts';
import type { groupShape } from './schema.ts';
import type { Finding } from './shape-problems.ts';

export type WrittenGroup = z.output<typeof groupShape>;

export interface GroupFacts {
  readonly kinds: readonly EndpointKind[];
  /** meetings.count, 0 without meetings, null when the section is broken. */
  readonly meetingCount: number | null;
  readonly tables: ReadonlyMap<string, DataTable>;
  /** Names under data:, also of tables that could not be read. */
  readonly tableNames: readonly string[];
  readonly machine: MachineFacts;
  readonly gracefulStopMs: number;
  readonly deadlineMs: number | null;
  readonly tags: Readonly<Record<string, string>>;
}

/** The type's options as its schema returned them, or null with findings already made. */
export interface Behavior {
  readonly kind: EndpointKind;
  readonly options: unknown;
}

export function kindOfGroup(
  type: unknown,
  path: readonly PropertyKey[],
  kinds: readonly EndpointKind[],
  findings: Finding[],
): EndpointKind | null {
  if (typeof type !== 'string') return null;
  const kind = kinds.find((known) => known.type === type);
  if (kind !== undefined) return kind;
  const known = kinds.map((one) => one.type);
  findings.push({
    path: [...path, 'type'],
    part: 'value',
    code: 'QUILT_ENDPOINT_TYPE',
    message: `there is no endpoint type ${type}`,
    hint: suggestion(type, known),
  });
  return null;
}

/** Findings of the type's own check, with keys put below the group's behaviour. */
export function checkBehavior({ kind, options }: Behavior, path: readonly PropertyKey[], machine: MachineFacts, findings: Finding[]): void {
  for (const problem of kind.check?.(options, machine) ?? []) {
    findings.push({
      path: [...path, 'behavior', ...stepsOf(problem)],
      part: 'value',
      code: problem.code,
      message: problem.message,
      ...(problem.hint === undefined ? {} : { hint: problem.hint }),
    });
  }
}

/** `requests[0].url` -> requests, 0, url. */
function stepsOf({ key }: Problem): (string | number)[] {
  if (key === undefined || key === '') return [];
  return [...key.matchAll(/\[(\d+)\]|([^.[\]]+)/g)].map(([, index, name]) => (index === undefined ? (name ?? '') : Number(index)));
}

export const metricsOfBehavior = ({ kind, options }: Behavior): readonly MetricDeclaration[] => [
  ...kind.metrics,
  ...(kind.metricsOf?.(options) ?? []),
];

/** The group, or null with findings. `dataRowFirst` is set by the caller, who knows the other groups. */
export function checkGroup(
  name: string,
  index: number,
  written: WrittenGroup,
  behavior: Behavior | null,
  facts: GroupFacts,
  findings: Finding[],
): ValidGroup | null {
  const before = findings.length;
  const path = ['groups', name];
  const meetings = meetingsOf(written, path, facts, findings);
  const data = dataOf(written, path, facts, findings);
  const bySize = written.perMeeting === undefined ? null : written.perMeeting * Math.max(1, facts.meetingCount ?? 1);
  const stay = written.stay ?? null;
  const pause = written.pause ?? null;
  const load = checkLoad(written.load, { bySize, stay, pause, path }, facts.deadlineMs, findings);
  const gracefulStopMs = written.gracefulStop ?? facts.gracefulStopMs;
  if (load === null || behavior === null || findings.length > before) return null;
  return {
    name,
    index,
    type: written.type,
    description: written.description,
    behavior: behavior.options,
    perMeeting: written.perMeeting ?? 0,
    meetings,
    load,
    stay,
    pause,
    constraints: written.constraints,
    tags: { ...facts.tags, ...written.tags },
    data,
    dataRowFirst: 0,
    gracefulStopMs,
    costMillicores: behavior.kind.costMillicores(behavior.options),
    uplinkBps: behavior.kind.uplinkBps?.(behavior.options) ?? UPLINK_BPS_DEFAULT,
    targets: behavior.kind.targets(behavior.options),
  };
}

function meetingsOf(written: WrittenGroup, path: readonly PropertyKey[], facts: GroupFacts, findings: Finding[]): ValidGroup['meetings'] {
  const complain = (key: string, message: string, hint: string): null => {
    findings.push({ path: [...path, key], part: 'key', code: 'QUILT_MEETINGS', message, hint });
    return null;
  };
  const wanted = written.meetings ?? (written.perMeeting === undefined ? 'none' : 'round-robin');
  if (facts.meetingCount === 0 && written.perMeeting !== undefined)
    return complain('perMeeting', 'needs meetings, and the scenario has none', 'add meetings: {count: 10}, or give load.endpoints');
  if (facts.meetingCount === 0 && wanted !== 'none')
    return complain('meetings', 'needs meetings, and the scenario has none', 'add meetings: {count: 10}');
  if (wanted === 'fill' && written.perMeeting === undefined)
    return complain('meetings', 'fill needs to know when a meeting is full', 'add perMeeting:');
  if (wanted === 'none' && written.perMeeting !== undefined)
    return complain('meetings', 'none contradicts perMeeting', 'leave one of them out');
  return wanted === 'none' ? null : wanted;
}

function dataOf(written: WrittenGroup, path: readonly PropertyKey[], facts: GroupFacts, findings: Finding[]): DataTable | null {
  if (written.data === undefined) return null;
  if (!facts.tableNames.includes(written.data)) {
    findings.push({
      path: [...path, 'data'],
      part: 'value',
      code: 'QUILT_DATA',
      message: `there is no data named ${written.data}`,
      hint: suggestion(written.data, facts.tableNames),
    });
  }
  return facts.tables.get(written.data) ?? null;
}
