// Rows of the API's table for what costs money, and for starting a run of the list once more. What a browser says of machines is words for `launch`: their number and length are bounded in the
// schema, their meaning is checked where `launch` checks it.

import { ok } from '../../../node/core/errors.ts';
import { againView, runId } from '../schemas/folder.ts';
import { againRequest, cloudList } from '../schemas/machines.ts';
import { done } from '../schemas/session.ts';
import { inFolder } from './folder-routes.ts';
import { cloudRows } from './launches.ts';
import { type RouteRow, route } from './route.ts';

export const launchRoutes: readonly RouteRow[] = [
  route({
    ...{ method: 'get', path: '/api/v1/clouds', role: 'reader', refused: [409] },
    summary: 'where machines can be rented, and what stands in the way',
    answers: cloudList,
    handle: (_asked, context) => inFolder(context, async () => ok([...(await cloudRows())])),
  }),
  route({
    ...{ method: 'get', path: '/api/v1/runs/{id}/again', role: 'operator', refused: [404, 409] },
    summary: 'how a run was started; its words may hold secrets',
    params: runId,
    answers: againView,
    handle: ({ params: { id } }, context) => inFolder(context, (catapult) => catapult.again(id)),
  }),
  route({
    ...{ method: 'post', path: '/api/v1/runs/{id}/again', role: 'operator', refused: [404, 409] },
    summary: 'starts the same once more',
    params: runId,
    body: againRequest,
    answers: done,
    handle: ({ params: { id }, body: { agreedUsd } }, context) =>
      inFolder(context, async (catapult) => {
        const started = await catapult.startAgain(id, agreedUsd);
        if (started.ok) context.onStarted();
        return started;
      }),
  }),
];
