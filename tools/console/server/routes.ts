// The API's table: every route that the console answers below /api/v1, one row each, with the schemas of what goes in and comes out. Who adds a route adds a row, here or in a file of rows
// beside this one that is put into API below; registering, checking and describing it follow.

import { z } from 'zod';
import { fail, ok } from '../../../node/core/errors.ts';
import { words } from '../../../node/core/shell-words.ts';
import { loadEndpointTypes } from '../../../node/runtime/registry.ts';
import { editorSchema } from '../../../scenarios/json-schema.ts';
import { CONSOLE_PROTOCOL } from '../protocol.ts';
import { logTail, runBySecond, stateView } from '../schemas/live.ts';
import { named } from '../schemas/parts.ts';
import { done, isDone, loginRequest, nothing, orderRequest, sessionView, shareView } from '../schemas/session.ts';
import { report } from '../schemas/summary.ts';
import { folderRoutes } from './folder-routes.ts';
import { launchRoutes } from './launch-routes.ts';
import { type RouteRow, route } from './route.ts';
import { stateViewOf } from './state.ts';
import { COOKIE } from './visitor.ts';

const LOGINS_PER_MINUTE = 10;

const NO_RUN = fail({
  code: 'QUILT_NO_RUN',
  message: 'nothing runs here now',
  hint: 'start a scenario, or open the console with a ticket',
});

const sessionRoutes: readonly RouteRow[] = [
  route({
    ...{ method: 'post', path: '/api/v1/login', role: 'anybody', refused: [401], perMinuteMax: LOGINS_PER_MINUTE },
    summary: 'a code from the terminal becomes a session cookie, for browsers',
    body: loginRequest,
    answers: isDone,
    handle({ body: { code }, reply }, { sessions, isSecure }) {
      const token = sessions.login(code);
      if (token === null) {
        const message = 'this link was used already, or is too old';
        return fail({ code: 'QUILT_CONSOLE_CODE', message, hint: 'the terminal shows another when the console is started again' });
      }
      reply.setCookie(COOKIE, token, { path: '/', httpOnly: true, sameSite: 'strict', secure: isSecure });
      return ok({ ok: true });
    },
  }),
  route({
    ...{ method: 'post', path: '/api/v1/logout', role: 'reader' },
    summary: 'ends the session, or the token, that asks',
    body: nothing,
    answers: isDone,
    handle({ visitor: { by, secret = '' }, reply }, { sessions }) {
      if (by === 'token') sessions.endToken(secret);
      else sessions.logout(secret);
      reply.clearCookie(COOKIE, { path: '/' });
      return ok({ ok: true });
    },
  }),
  route({
    ...{ method: 'get', path: '/api/v1/session', role: 'reader' },
    summary: 'who looks at what, and may do what',
    answers: sessionView,
    handle({ visitor }, { version, mode, swarmId, canSteer }) {
      const isOperator = visitor.role === 'operator';
      return ok({
        ...{ protocol: CONSOLE_PROTOCOL, version, mode: mode(), swarmId: swarmId() },
        ...{ canSteer: isOperator && canSteer, canStart: isOperator && mode() === 'catapult', canShare: isOperator },
        watchesBecause: isOperator ? (canSteer ? null : ('key' as const)) : ('link' as const),
      });
    },
  }),
  route({
    ...{ method: 'post', path: '/api/v1/share', role: 'operator' },
    summary: 'makes a link that only reads',
    body: nothing,
    answers: shareView,
    // It leads to where the asking browser is: Host was checked before.
    handle: ({ host }, { sessions, isSecure, watchedWords }) =>
      ok({
        link: `${isSecure ? 'https' : 'http'}://${host}/login#${sessions.code('reader')}`,
        command: words('quilt-swarm', 'console', ...watchedWords(), '--share'),
      }),
  }),
  route({
    ...{ method: 'get', path: '/api/v1/openapi.json', role: 'reader' },
    summary: 'this description',
    answers: named('OpenApi', 'An OpenAPI 3.1 document.', z.record(z.string(), z.unknown())),
    handle: (_asked, { description }) => ok(description() as Record<string, unknown>),
  }),
];

const swarmRoutes: readonly RouteRow[] = [
  route({
    ...{ method: 'get', path: '/api/v1/status', role: 'reader', refused: [409] },
    summary: 'the state of the swarm now',
    answers: stateView,
    async handle(_asked, { source, wallNowMs }) {
      const status = await source()?.status();
      if (status === undefined) return NO_RUN;
      return status.ok ? ok(stateViewOf(status.value, wallNowMs())) : status;
    },
  }),
  route({
    ...{ method: 'get', path: '/api/v1/timeline', role: 'reader', refused: [409] },
    summary: 'the run by the second',
    query: z.strictObject({ fromMs: z.coerce.number().int().optional().describe('only points later than this, milliseconds from T0') }),
    answers: runBySecond,
    async handle({ query: { fromMs } }, { source }) {
      const told = await source()?.timeline(fromMs);
      if (told === undefined) return NO_RUN;
      return told.ok ? ok({ timeline: told.value.timeline, heat: told.value.heat }) : told;
    },
  }),
  route({
    ...{ method: 'get', path: '/api/v1/report', role: 'reader', refused: [409] },
    summary: 'the report of a run that is over',
    answers: report,
    handle: async (_asked, { source }) => (await source()?.report()) ?? NO_RUN,
  }),
  route({
    ...{ method: 'get', path: '/api/v1/nodes/{node}/log', role: 'reader', refused: [409] },
    summary: 'the last lines that a node logged',
    params: z.strictObject({ node: z.string().min(1).max(200).describe('id of the node') }),
    answers: logTail,
    handle: async ({ params: { node } }, { source }) => (await source()?.log(node)) ?? NO_RUN,
  }),
  route({
    ...{ method: 'post', path: '/api/v1/orders', role: 'operator', refused: [409] },
    summary: 'stop or scale the run',
    body: orderRequest,
    answers: done,
    handle: ({ body }, { order }) => order(body),
  }),
  route({
    ...{ method: 'get', path: '/api/v1/schema', role: 'reader' },
    summary: 'JSON Schema of the scenario language, for editors',
    answers: named('ScenarioSchema', 'A JSON Schema (2020-12).', z.record(z.string(), z.unknown())),
    handle: async () => ok(editorSchema([...(await loadEndpointTypes()).values()])),
  }),
];

export const API: readonly RouteRow[] = [...sessionRoutes, ...swarmRoutes, ...folderRoutes, ...launchRoutes];
