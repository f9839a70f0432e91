// Which names ${...} may use where: provisioning knows the meeting's index, teardown also what provisioning saved, and a behaviour knows its
// endpoint, its meeting, its data row and the endpoint type's own names. Works on the file as written, before anything was judged.

import type { DataTable } from '../node/core/scenario-types.ts';
import type { EndpointKind } from './endpoint-kind.ts';
import type { NamesAt } from './variables.ts';

type Mapping = Readonly<Record<string, unknown>>;
const mappingOf = (value: unknown): Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Mapping) : {};

export function namesAt(root: Mapping, tables: ReadonlyMap<string, DataTable>, kinds: readonly EndpointKind[]): NamesAt {
  const saved = Object.keys(mappingOf(mappingOf(mappingOf(root.meetings).provision).save)).map((name) => `meeting.${name}`);
  const ofGroups = new Map<string, readonly string[]>();
  for (const [name, group] of Object.entries(mappingOf(root.groups)))
    ofGroups.set(name, namesOfGroup(mappingOf(group), saved, tables, kinds));
  return ([first, second, third]) => {
    if (first === 'meetings' && second === 'provision') return ['meeting.index'];
    if (first === 'meetings' && second === 'teardown') return ['meeting.index', ...saved];
    return first === 'groups' && third === 'behavior' ? (ofGroups.get(String(second)) ?? []) : [];
  };
}

function namesOfGroup(
  group: Mapping,
  saved: readonly string[],
  tables: ReadonlyMap<string, DataTable>,
  kinds: readonly EndpointKind[],
): string[] {
  const kind = kinds.find(({ type }) => type === group.type);
  const hasMeetings = group.perMeeting !== undefined || (group.meetings !== undefined && group.meetings !== 'none');
  const columns = tables.get(String(group.data))?.columns ?? [];
  return [
    ...(hasMeetings ? ['meeting.index', ...saved] : []),
    ...columns.map((column) => `data.${column}`),
    'endpoint.index',
    'endpoint.id',
    'endpoint.life',
    'group.name',
    ...captures(group.behavior).map((name) => `captured.${name}`),
    // A type that does not say which names it has of its own, or that is unknown, is not second-guessed about messages.
    ...(kind?.names ?? ['message.']),
  ];
}

/** Names under every `captures:` of a behaviour, wherever it stands. */
function captures(behavior: unknown): string[] {
  if (Array.isArray(behavior)) return behavior.flatMap(captures);
  return Object.entries(mappingOf(behavior)).flatMap(([key, value]) =>
    key === 'captures' ? Object.keys(mappingOf(value)) : captures(value),
  );
}
