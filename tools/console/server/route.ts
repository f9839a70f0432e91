// A row of the API's table: method, path, who may, what goes in, what comes out, and what does it. From the same row come the route (register below), the check of every request, and the
// description (openapi.ts), so none of them can differ from the others. A request that its schema does not allow is refused with the field at fault and what is allowed there.

import type { FastifyInstance, FastifyReply } from 'fastify';
import type { z } from 'zod';
import type { Problem, Result } from '../../../node/core/errors.ts';
import { findingsOf } from '../../../scenarios/shape-problems.ts';
import type { OrderRequest, Refusal, SessionView } from '../protocol.ts';
import type { Told } from '../schemas/parts.ts';
import type { RefusedStatus } from '../schemas/problems.ts';
import type { Catapult } from './catapult.ts';
import type { FeedSource } from './live-feed.ts';
import type { Role, Sessions } from './sessions.ts';
import type { Guards, Visitor } from './visitor.ts';

/** What handlers work with. */
export interface ApiContext {
  readonly version: string;
  readonly sessions: Sessions;
  /** Cookies are for TLS only. */
  readonly isSecure: boolean;
  readonly mode: () => SessionView['mode'];
  readonly swarmId: () => string | null;
  readonly canSteer: boolean;
  readonly order: (request: OrderRequest) => Promise<Result<{ readonly command: string }>>;
  readonly wallNowMs: () => number;
  readonly source: () => FeedSource | null;
  /** Null where a ticket or a run is watched: nothing is started from there. */
  readonly catapult: Catapult | null;
  /** Another run is watched from now on. */
  readonly onStarted: () => void;
  /** What is watched, as commands name it; empty = the newest run. */
  readonly watchedWords: () => readonly string[];
  /** The API's description. */
  readonly description: () => object;
}

type Input = z.ZodType | undefined;
type Parsed<S extends Input> = S extends z.ZodType ? Told<S> : undefined;

export interface Asked<P extends Input, Q extends Input, B extends Input> {
  readonly params: Parsed<P>;
  readonly query: Parsed<Q>;
  readonly body: Parsed<B>;
  readonly visitor: Visitor;
  /** The name under which this server was asked. */
  readonly host: string;
  /** For cookies; the answer is what the handler returns. */
  readonly reply: FastifyReply;
}

interface Described {
  readonly method: 'get' | 'post' | 'put' | 'delete';
  /** With {name} for what varies. */
  readonly path: `/api/v1/${string}`;
  readonly role: Role | 'anybody';
  readonly summary: string;
  /** Beyond those that follow from the role and from what goes in. */
  readonly refused?: readonly RefusedStatus[];
  /** How often one address may ask. */
  readonly perMinuteMax?: number;
  /** Default: JSON. */
  readonly media?: 'text/plain';
}

export interface RouteInit<P extends Input, Q extends Input, B extends Input, A extends z.ZodType> extends Described {
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  readonly answers: A;
  readonly handle: (asked: Asked<P, Q, B>, context: ApiContext) => Result<Told<A>> | Promise<Result<Told<A>>>;
}

interface Raw {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
  readonly visitor: Visitor;
  readonly host: string;
  readonly reply: FastifyReply;
}

export interface RouteRow extends Described {
  readonly params: z.ZodType | undefined;
  readonly query: z.ZodType | undefined;
  readonly body: z.ZodType | undefined;
  readonly answers: z.ZodType;
  readonly run: (raw: Raw, context: ApiContext) => Promise<Result<unknown>>;
}

export function route<
  P extends Input = undefined,
  Q extends Input = undefined,
  B extends Input = undefined,
  A extends z.ZodType = z.ZodType,
>(init: RouteInit<P, Q, B, A>): RouteRow {
  const { handle, params, query, body, ...described } = init;
  return {
    ...described,
    ...{ params, query, body },
    async run({ visitor, host, reply, ...raw }, context) {
      const parts = [read('path', params, raw.params), read('query', query, raw.query), read('body', body, raw.body ?? {})] as const;
      const problems = parts.flatMap((part) => (part.ok ? [] : part.problems));
      if (problems.length > 0) {
        const hint = `${init.method.toUpperCase()} ${init.path} in /api/v1/openapi.json says what is allowed`;
        return { ok: false, problems: problems.map((problem) => ({ hint, ...problem })) };
      }
      const [givenParams, givenQuery, givenBody] = parts.map((part) => (part.ok ? part.value : undefined));
      const asked = { params: givenParams, query: givenQuery, body: givenBody, visitor, host, reply };
      return handle(asked as unknown as Asked<P, Q, B>, context);
    },
  };
}

export const BAD_REQUEST = 'QUILT_CONSOLE_REQUEST';

/** `where`: the part of the request, and first word of the field's path. */
function read(where: string, schema: z.ZodType | undefined, value: unknown): Result<unknown> {
  if (schema === undefined) return { ok: true, value: undefined };
  const parsed = schema.safeParse(value);
  if (parsed.success) return { ok: true, value: parsed.data };
  const problems = findingsOf(parsed.error.issues, schema, value, []).map(({ path, message, hint }): Problem => {
    const key = [where, ...path]
      .reduce<string>((text, step) => (typeof step === 'number' ? `${text}[${step}]` : `${text}.${String(step)}`), '')
      .slice(1);
    return { code: BAD_REQUEST, key, message: `${key} ${message}`, ...(hint === undefined ? {} : { hint }) };
  });
  return { ok: false, problems };
}

/** What is not there, and what was asked wrongly; anything else was understood, and the state of things forbids it. */
const STATUS_OF: Readonly<Record<string, RefusedStatus>> = {
  [BAD_REQUEST]: 400,
  QUILT_CONSOLE_CODE: 401,
  QUILT_CONSOLE_PATH: 404,
  QUILT_NO_SUMMARY: 404,
};

export function refusalOf({ code, message, hint, line, column, key }: Problem, more = 0): Refusal {
  return { code, message, hint: hint ?? null, line: line ?? null, column: column ?? null, key: key ?? null, more };
}

export function refuse(reply: FastifyReply, problems: readonly Problem[], status?: RefusedStatus): FastifyReply {
  const [problem = { code: 'QUILT_CONSOLE_FAULT', message: 'refused without a reason' } as const] = problems;
  return reply
    .code(status ?? STATUS_OF[problem.code] ?? 409)
    .type('application/json; charset=utf-8')
    .send(refusalOf(problem, Math.max(0, problems.length - 1)));
}

/** Makes the routes of a table. */
export function register(app: FastifyInstance, rows: readonly RouteRow[], context: ApiContext, guards: Guards): void {
  for (const row of rows) {
    app.route({
      method: row.method.toUpperCase(),
      url: row.path.replaceAll(/\{(\w+)\}/g, ':$1'),
      // Before the body is read: who may not is told nothing of what would be allowed.
      onRequest: row.role === 'anybody' ? [] : [guards[row.role]],
      ...(row.perMinuteMax === undefined ? {} : { config: { rateLimit: { max: row.perMinuteMax, timeWindow: 60_000 } } }),
      handler: async (request, reply) => {
        const { params, query, body } = request;
        const { host = '' } = request.headers;
        const result = await row.run({ params, query, body, visitor: guards.visitorOf(request.headers), host, reply }, context);
        if (!result.ok) return refuse(reply, result.problems);
        return row.media === undefined ? reply.send(result.value) : reply.type(`${row.media}; charset=utf-8`).send(result.value);
      },
    });
  }
}
