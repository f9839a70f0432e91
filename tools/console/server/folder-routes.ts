// Rows of the API's table for the folder that the console was started in: its scenarios, plans and runs. A console that watches a ticket or a run has no folder, and says so.

import { z } from 'zod';
import { fail, ok, type Result } from '../../../node/core/errors.ts';
import {
  planRequest,
  planView,
  runId,
  runRows,
  saveRequest,
  scenarioPath,
  scenarioRows,
  startedRun,
  startRequest,
} from '../schemas/folder.ts';
import { runBySecond } from '../schemas/live.ts';
import { named } from '../schemas/parts.ts';
import { done } from '../schemas/session.ts';
import { summary } from '../schemas/summary.ts';
import type { Catapult } from './catapult.ts';
import { lastStarted } from './last-started.ts';
import { type ApiContext, type RouteRow, route } from './route.ts';

const NO_FOLDER = fail({
  code: 'QUILT_CONSOLE_WATCHES',
  message: 'this console watches one swarm',
  hint: 'quilt-swarm console without a ticket or run folder has scenarios and runs',
});

/** Hands the folder to `use`, where there is one. */
export function inFolder<T>(
  { catapult }: ApiContext,
  use: (catapult: Catapult) => Result<T> | Promise<Result<T>>,
): Result<T> | Promise<Result<T>> {
  return catapult === null ? NO_FOLDER : use(catapult);
}

export const folderRoutes: readonly RouteRow[] = [
  route({
    ...{ method: 'get', path: '/api/v1/scenarios', role: 'reader', refused: [409] },
    summary: 'scenarios in the folder of the console',
    answers: scenarioRows,
    handle: (_asked, context) => inFolder(context, (catapult) => ok(catapult.scenarios())),
  }),
  route({
    ...{ method: 'get', path: '/api/v1/scenario', role: 'reader', refused: [404, 409], media: 'text/plain' },
    summary: 'the text of one',
    query: z.strictObject({ path: scenarioPath }),
    answers: named('ScenarioText', 'YAML.', z.string()),
    handle: ({ query: { path } }, context) => inFolder(context, (catapult) => catapult.read(path)),
  }),
  route({
    ...{ method: 'put', path: '/api/v1/scenario', role: 'operator', refused: [404, 409] },
    summary: 'writes one',
    body: saveRequest,
    answers: done,
    handle: ({ body: { path, text } }, context) => inFolder(context, (catapult) => catapult.save(path, text)),
  }),
  route({
    ...{ method: 'post', path: '/api/v1/plan', role: 'reader', refused: [409] },
    summary: 'what a scenario would do, or what is wrong with it',
    body: planRequest,
    answers: planView,
    handle: ({ body }, context) => inFolder(context, async (catapult) => ok(await catapult.plan({ ...body, machines: body.machines }))),
  }),
  route({
    ...{ method: 'get', path: '/api/v1/runs', role: 'reader', refused: [409] },
    summary: 'runs in the folder of the console, newest first',
    answers: runRows,
    handle: (_asked, context) => inFolder(context, (catapult) => ok(catapult.runs())),
  }),
  route({
    ...{ method: 'post', path: '/api/v1/runs', role: 'operator', refused: [404, 409] },
    summary: 'starts a scenario with a local swarm or on rented machines; this console watches it from then on',
    body: startRequest,
    answers: done,
    handle: ({ body }, context) =>
      inFolder(context, async (catapult) => {
        const started = await catapult.start(body);
        if (started.ok) context.onStarted();
        return started;
      }),
  }),
  route({
    ...{ method: 'get', path: '/api/v1/run', role: 'reader', refused: [409] },
    summary: 'the run that this console started last: whether it is over, and what it came to',
    answers: startedRun,
    handle: ({ visitor }, context) => inFolder(context, (catapult) => ok(lastStarted(catapult, visitor.role === 'operator'))),
  }),
  route({
    ...{ method: 'get', path: '/api/v1/runs/{id}/summary', role: 'reader', refused: [404, 409] },
    summary: 'the report of one, as its folder has it',
    params: runId,
    answers: summary,
    handle: ({ params: { id } }, context) => inFolder(context, (catapult) => catapult.summary(id)),
  }),
  route({
    ...{ method: 'get', path: '/api/v1/runs/{id}/timeline', role: 'reader', refused: [404, 409] },
    summary: 'one by the second',
    params: runId,
    answers: runBySecond,
    handle: ({ params: { id } }, context) => inFolder(context, (catapult) => catapult.timeline(id)),
  }),
];
