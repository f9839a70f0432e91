// The API's description for scripts and their tools (OpenAPI 3.1), made from the very table that the routes are made of. Requests are described as they are checked; answers are left open,
// because version 1 may still add fields to them. `info.version` is the version of the API, not of the program.

import { z } from 'zod';
import { CONSOLE_PROTOCOL } from '../protocol.ts';
import { liveMessage } from '../schemas/live.ts';
import { answerSchemas, requestSchemas } from '../schemas/parts.ts';
import { REFUSED, type RefusedStatus, refusal } from '../schemas/problems.ts';
import type { RouteRow } from './route.ts';
import { COOKIE } from './visitor.ts';

type Json = { [key: string]: unknown };

const DESCRIPTION = `What the console's page uses, for scripts. tools/console/API.md has examples.

Scripts send a token (quilt-swarm console --token, --operator-token) as Authorization: Bearer. Browsers have a session in a cookie, and what they change must come from the page's own origin.

The live socket, /api/v1/live (WebSocket), sends LiveMessage as JSON text: the state once a second, what is new in the run by the second, and the report at its end. It takes no messages.

Version 1 only grows: routes, fields of answers, codes of problems and fields that requests may leave out are added. Clients pass over what they do not know. What is removed, or means something else, is version 2.`;

const uri = (id: string): string => `#/components/schemas/${id}`;

/** The bounds of safe integers are true of every whole number in JSON, and say nothing. */
function withoutNoise(schema: Json): void {
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
}

/** Something plain or null is one type of two, which is half as long to read as a choice of two schemas. */
function shorten(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shorten);
  if (typeof value !== 'object' || value === null) return value;
  const schema = Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shorten(inner)])) as Json;
  const [plain, nothing, ...others] = Array.isArray(schema.anyOf) ? (schema.anyOf as Json[]) : [];
  const isPlain = typeof plain?.type === 'string' && plain.enum === undefined && plain.const === undefined;
  if (plain === undefined || !isPlain || nothing?.type !== 'null' || others.length > 0) return schema;
  const { anyOf: _choice, ...rest } = schema;
  return { ...plain, ...rest, type: [plain.type, 'null'] };
}

function componentsOf(registry: typeof answerSchemas, io: 'input' | 'output'): Record<string, Json> {
  const { schemas } = z.toJSONSchema(registry, {
    ...{ io, uri },
    override({ jsonSchema }) {
      withoutNoise(jsonSchema as Json);
      if (io === 'output' && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
    },
  });
  return Object.fromEntries(
    Object.entries(schemas).map(([id, { $schema: _dialect, $id: _own, ...schema }]) => [id, shorten(schema) as Json] as const),
  );
}

const referTo = (schema: z.ZodType): Json => {
  const id = answerSchemas.get(schema)?.id ?? requestSchemas.get(schema)?.id;
  if (id === undefined) throw new Error('a schema of the API has no name: named() or request() gives one');
  return { $ref: uri(id) };
};

/** Fields of a path or query, each a parameter. */
function parametersOf(schema: z.ZodType | undefined, place: 'path' | 'query'): Json[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = z.toJSONSchema(schema, {
    io: 'input',
    override: ({ jsonSchema }) => withoutNoise(jsonSchema as Json),
  });
  return Object.entries(properties).map(([name, field]) => {
    const { description, ...rest } = field as Json;
    return { name, in: place, required: place === 'path' || required.includes(name), description, schema: rest };
  });
}

/** What any request of this row can be refused with. */
export function refusedWith({ role, params, query, body, refused = [], perMinuteMax }: RouteRow): RefusedStatus[] {
  const hasInput = [params, query, body].some((schema) => schema !== undefined);
  const all: RefusedStatus[] = [
    ...refused,
    403,
    500,
    ...(hasInput ? ([400] as const) : []),
    ...(body === undefined ? [] : ([413, 415] as const)),
    ...(role === 'anybody' ? [] : ([401] as const)),
    ...(perMinuteMax === undefined ? [] : ([429] as const)),
  ];
  return [...new Set(all)].sort((a, b) => a - b);
}

const RIGHTS = {
  anybody: 'Needs no session.',
  reader: 'Needs a session or token; one that only reads will do.',
  operator: "Needs an operator's session or token.",
} as const;

function operationOf(row: RouteRow): Json {
  const { method, path, role, summary, params, query, body, answers, media = 'application/json' } = row;
  const parameters = [...parametersOf(params, 'path'), ...parametersOf(query, 'query')];
  const problem = { content: { 'application/json': { schema: referTo(refusal) } } };
  return {
    operationId: operationId(method, path),
    summary,
    description: RIGHTS[role],
    ...(role === 'anybody' ? { security: [] } : {}),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: { required: true, content: { 'application/json': { schema: referTo(body) } } } }),
    responses: {
      200: { description: answers.description ?? summary, content: { [media]: { schema: referTo(answers) } } },
      ...Object.fromEntries(refusedWith(row).map((status) => [status, { description: REFUSED[status], ...problem }])),
    },
  };
}

/** get /api/v1/runs/{id}/summary -> getRunsIdSummary, for generated clients. */
const operationId = (method: string, path: string): string =>
  method +
  path
    .replace('/api/v1', '')
    .split(/[^a-zA-Z]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');

export function describeApi(rows: readonly RouteRow[], programVersion: string): Json {
  const paths: Record<string, Json> = {};
  for (const row of rows) {
    paths[row.path] ??= {};
    (paths[row.path] as Json)[row.method] = operationOf(row);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'quilt-swarm console',
      version: String(CONSOLE_PROTOCOL),
      description: DESCRIPTION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      'x-program-version': programVersion,
    },
    servers: [{ url: '/', description: 'the console that answers this' }],
    security: [{ token: [] }, { session: [] }],
    paths,
    components: {
      schemas: { ...componentsOf(answerSchemas, 'output'), ...componentsOf(requestSchemas, 'input') },
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'for scripts: quilt-swarm console --token, --operator-token' },
        session: { type: 'apiKey', in: 'cookie', name: COOKIE, description: 'for browsers: POST /api/v1/login' },
      },
    },
    'x-websocket': {
      '/api/v1/live': {
        ...{ description: 'LiveMessage as JSON text; a cookie needs the own Origin, a token does not', security: ['token', 'session'] },
        ...{ sends: referTo(liveMessage), takes: null, refused: { 403: referTo(refusal), 503: referTo(refusal) } },
      },
    },
  };
}
