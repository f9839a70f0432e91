// ${...} in scenarios, in two passes. Before validation, what is known then (vars.X, targets.X) is put in, so that a variable may stand
// where a number is wanted. What only a participant knows (meeting.X, data.X, endpoint.X, group.name, and the endpoint type's own names)
// stays a template (template.ts) and is filled from valuesFor. Every name is checked before the run; there is no access to the environment.

import type { MeetingFacts } from './messages.ts';
import type { EndpointLife } from './plan-types.ts';
import type { ValidGroup, ValidScenario } from './scenario-types.ts';
import { nearest } from './suggest.ts';
import { compileTemplate } from './template.ts';

export type Scalar = string | number | boolean;

/** Every ${name} of a text, each once. `$${` is a literal and no name. */
export const namesIn = (text: string): readonly string[] => compileTemplate(text).names;

const REFERENCE = /\$\$\{|\$\{\s*([A-Za-z_][\w.-]*)\s*\}/g;

/** Texts that look like a reference but are none: `${`, `${a b}`, `${x`. */
export function malformedReference(text: string): string | null {
  const rest = text.replace(REFERENCE, '');
  const at = rest.indexOf('${');
  return at < 0 ? null : rest.slice(at, at + 24);
}

/**
 * Puts known values in. A text that is nothing but one reference takes the value's own type (a number stays a number). A `${` within a
 * value is escaped, so that what a person passes with -e is never itself read as a template. Unknown names stay as they are.
 */
export function putIn(text: string, known: ReadonlyMap<string, Scalar>): Scalar {
  const whole = /^\$\{\s*([A-Za-z_][\w.-]*)\s*\}$/.exec(text);
  const only = whole === null ? undefined : known.get(whole[1]!);
  if (only !== undefined && typeof only !== 'string') return only;
  return text.replace(REFERENCE, (reference, name: string | undefined) => {
    const value = name === undefined ? undefined : known.get(name);
    return value === undefined ? reference : String(value).replaceAll('${', () => '$${');
  });
}

/** A hint for a name that is not known: the nearest one that is, or the one that this is the end of (`id` for `meeting.id`). */
export function nameHint(name: string, known: readonly string[]): string {
  if (name.startsWith('env.') || name === 'env')
    return 'the environment is not available to scenarios: declare a variable and pass it with -e NAME=VALUE';
  const ending = known.find((candidate) => candidate.endsWith(`.${name}`));
  const near = ending ?? nearest(name, known);
  if (near !== null && near !== undefined) return `did you mean \${${near}}?`;
  const shown = known.slice(0, 16).map((candidate) => `\${${candidate}}`);
  return shown.length === 0
    ? 'nothing can be referred to here'
    : `known here: ${shown.join(', ')}${known.length > shown.length ? ', ...' : ''}`;
}

/** Everything that a life's templates may refer to, flat: EndpointContext.values. `meeting` is null when the group has no meetings. */
export function valuesFor(life: EndpointLife, scenario: ValidScenario, meeting: MeetingFacts | null): Record<string, string> {
  const group = scenario.groups[life.groupIndex];
  const values = scenarioValues(scenario);
  if (group === undefined) return values;
  values['group.name'] = group.name;
  values['endpoint.index'] = String(life.endpointIndex);
  values['endpoint.id'] = `${group.name}-${life.endpointIndex}`;
  values['endpoint.life'] = String(life.lifeIndex);
  if (life.meetingIndex >= 0) values['meeting.index'] = String(life.meetingIndex);
  if (meeting !== null) for (const [name, value] of Object.entries(meeting.values)) values[`meeting.${name}`] = value;
  addDataRow(values, group, life.dataRow);
  return values;
}

/** What provisioning and teardown templates may refer to; teardown also knows the saved values. */
export function meetingValues(scenario: ValidScenario, meetingIndex: number, facts: MeetingFacts | null): Record<string, string> {
  const values = scenarioValues(scenario);
  values['meeting.index'] = String(meetingIndex);
  if (facts !== null) for (const [name, value] of Object.entries(facts.values)) values[`meeting.${name}`] = value;
  return values;
}

function scenarioValues(scenario: ValidScenario): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [name, value] of Object.entries(scenario.variables)) values[`vars.${name}`] = value;
  for (const [name, value] of Object.entries(scenario.targets)) values[`targets.${name}`] = value;
  return values;
}

function addDataRow(values: Record<string, string>, { data }: ValidGroup, rowIndex: number): void {
  const row = rowIndex < 0 ? undefined : data?.rows[rowIndex];
  if (data === null || row === undefined) return;
  data.columns.forEach((column, at) => {
    values[`data.${column}`] = row[at] ?? '';
  });
}
