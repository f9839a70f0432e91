// The JSON Schema that editors use (yaml-language-server): generated from the same shapes that validate, with each endpoint type's options under
// `behavior:` when that type is chosen. Wherever something other than text is wanted, ${vars.X} may stand as well.

import { z } from 'zod';
import type { EndpointKind } from './endpoint-kind.ts';
import { scenarioShape } from './schema.ts';

type Json = { [key: string]: unknown };

const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Draft 2020-12. Deterministic: the committed file is compared with it by a test. */
export function editorSchema(kinds: readonly EndpointKind[]): Json {
  const whole = generate(scenarioShape);
  const groups = at(whole, 'properties', 'groups', 'additionalProperties');
  const byType = [...kinds].sort((a, b) => (a.type < b.type ? -1 : 1));
  groups.allOf = byType.map(({ type, options }) => ({
    if: { properties: { type: { const: type } } },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema, not a promise.
    then: { properties: { behavior: withoutDialect(generate(options)) } },
  }));
  const properties = groups.properties as Json;
  properties.type = { ...(properties.type as Json), examples: byType.map(({ type }) => type) };
  return { ...whole, title: 'quilt-swarm scenario' };
}

/** The text of scenarios/scenario.schema.json. */
export const editorSchemaText = (kinds: readonly EndpointKind[]): string => `${JSON.stringify(editorSchema(kinds), null, 2)}\n`;

function generate(schema: z.ZodType): Json {
  return allowVariables(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })) as Json;
}

const withoutDialect = ({ $schema: _dialect, ...rest }: Json): Json => rest;

const WANTS_MORE_THAN_TEXT: ReadonlySet<unknown> = new Set(['number', 'integer', 'boolean']);
const VARIABLE = { type: 'string', pattern: '\\$\\{' };

function allowVariables(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(allowVariables);
  if (!isJson(value)) return value;
  const copy = Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, allowVariables(inner)]));
  const isPatterned = copy.type === 'string' && copy.pattern !== undefined;
  if (!WANTS_MORE_THAN_TEXT.has(copy.type) && !isPatterned) return copy;
  const { description, default: initial, ...strict } = copy;
  const notes = { ...(description === undefined ? {} : { description }), ...(initial === undefined ? {} : { default: initial }) };
  return { ...notes, anyOf: [strict, VARIABLE] };
}

function at(json: Json, ...path: readonly string[]): Json {
  let inner: unknown = json;
  for (const step of path) inner = isJson(inner) ? inner[step] : undefined;
  if (!isJson(inner)) throw new Error(`the generated schema has no ${path.join('.')}`);
  return inner;
}
