// What scripts and the page ask beside the live socket: the swarm's state once, the run by the second, scenarios, plans and runs. Each row of ROUTES is also a row of the API's description
// (openapi.ts), so that what is documented is what is there.

import type { FastifyInstance } from 'fastify';
import { fail } from '../../../node/core/errors.ts';
import { loadEndpointTypes } from '../../../node/runtime/registry.ts';
import { editorSchemaText } from '../../../scenarios/json-schema.ts';
import type { StartRequest } from '../protocol.ts';
import { answer, type Guards } from './app.ts';
import { type Catapult, NODES_MAX } from './catapult.ts';
import type { FeedSource } from './live-feed.ts';
import { describeApi } from './openapi.ts';
import { SCENARIO_BYTES_MAX } from './scenario-folder.ts';
import { stateViewOf } from './state.ts';

export interface RoutesInit {
  readonly version: string;
  readonly wallNowMs: () => number;
  readonly source: () => FeedSource | null;
  /** Null where a ticket or a run is watched: nothing is started from there. */
  readonly catapult: Catapult | null;
  /** Another run is watched from now on. */
  readonly onStarted: () => void;
}

const NOTHING = fail({
  code: 'QUILT_NO_RUN',
  message: 'nothing runs here now',
  hint: 'start a scenario, or open the console with a ticket',
});

export function consoleRoutes({
  version,
  wallNowMs,
  source,
  catapult,
  onStarted,
}: RoutesInit): (app: FastifyInstance, guards: Guards) => void {
  return (app, { reader, operator }) => {
    const open = { preHandler: reader };
    app.get('/api/v1/openapi.json', open, () => describeApi(version));
    app.get('/api/v1/status', open, async (_request, reply) => {
      const status = await source()?.status();
      return answer(
        reply,
        status === undefined ? NOTHING : status.ok ? { ok: true, value: stateViewOf(status.value, wallNowMs()) } : status,
      );
    });
    app.get<{ Querystring: { fromMs?: string } }>('/api/v1/timeline', open, async (request, reply) => {
      const fromMs = request.query.fromMs === undefined ? undefined : Number(request.query.fromMs);
      return answer(reply, (await source()?.timeline(Number.isFinite(fromMs) ? fromMs : undefined)) ?? NOTHING);
    });
    app.get('/api/v1/report', open, async (_request, reply) => answer(reply, (await source()?.report()) ?? NOTHING));
    app.get<{ Params: { node: string } }>('/api/v1/nodes/:node/log', open, async (request, reply) =>
      answer(reply, (await source()?.log(request.params.node)) ?? NOTHING),
    );
    app.get('/api/v1/schema', open, async (_request, reply) =>
      reply.type('application/json').send(editorSchemaText([...(await loadEndpointTypes()).values()])),
    );
    if (catapult !== null) catapultRoutes(app, catapult, { reader, operator }, onStarted);
  };
}

type Body = Readonly<Record<string, unknown>>;
const texts = (value: unknown): Record<string, string> =>
  Object.fromEntries(
    Object.entries((value ?? {}) as Body).flatMap(([name, text]) => (typeof text === 'string' ? [[name, text] as const] : [])),
  );
const nodesIn = (value: unknown): number => (Number.isInteger(value) && (value as number) >= 1 ? Math.min(value as number, NODES_MAX) : 2);

function catapultRoutes(app: FastifyInstance, catapult: Catapult, { reader, operator }: Guards, onStarted: () => void): void {
  app.get('/api/v1/scenarios', { preHandler: reader }, () => catapult.scenarios());
  app.get<{ Querystring: { path?: string } }>('/api/v1/scenario', { preHandler: reader }, (request, reply) => {
    const text = catapult.read(request.query.path ?? '');
    return text.ok ? reply.type('text/plain; charset=utf-8').send(text.value) : answer(reply, text);
  });
  app.put('/api/v1/scenario', { preHandler: operator }, (request, reply) => {
    const { path, text } = (request.body ?? {}) as Body;
    if (typeof path !== 'string' || typeof text !== 'string' || text.length > SCENARIO_BYTES_MAX)
      return reply.code(400).send({ message: `a path and a text of at most ${SCENARIO_BYTES_MAX} characters` });
    return answer(reply, catapult.save(path, text));
  });
  app.post('/api/v1/plan', { preHandler: reader }, async (request, reply) => {
    const { path, text, variables, nodes } = (request.body ?? {}) as Body;
    if (typeof path !== 'string' || typeof text !== 'string') return reply.code(400).send({ message: 'a path and a text' });
    return catapult.plan({ path, text, variables: texts(variables), nodes: nodesIn(nodes) });
  });
  app.get('/api/v1/runs', { preHandler: reader }, () => catapult.runs());
  app.get<{ Params: { id: string } }>('/api/v1/runs/:id/summary', { preHandler: reader }, (request, reply) =>
    answer(reply, catapult.summary(request.params.id)),
  );
  app.get<{ Params: { id: string } }>('/api/v1/runs/:id/timeline', { preHandler: reader }, (request, reply) =>
    answer(reply, catapult.timeline(request.params.id)),
  );
  app.post('/api/v1/runs', { preHandler: operator }, async (request, reply) => {
    const { path, variables, nodes } = (request.body ?? {}) as Partial<StartRequest>;
    if (typeof path !== 'string') return reply.code(400).send({ message: 'the path of a scenario' });
    const started = await catapult.start({ path, variables: texts(variables), nodes: nodesIn(nodes) });
    if (started.ok) onStarted();
    return answer(reply, started);
  });
}
