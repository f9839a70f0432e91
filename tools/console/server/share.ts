// A link that only reads, made on the page by who may steer or start, as `console --share` prints one. It leads to where the asking browser is: Host was checked before (app.ts).

import type { FastifyInstance } from 'fastify';
import { words } from '../../../node/core/shell-words.ts';
import type { ShareView } from '../protocol.ts';
import type { Guards } from './app.ts';
import type { Sessions } from './sessions.ts';

export interface ShareInit {
  readonly sessions: Pick<Sessions, 'code'>;
  readonly isTls: boolean;
  /** What is watched, as commands name it; empty = the newest run. */
  readonly where: () => readonly string[];
}

export function shareRoutes(app: FastifyInstance, { operator }: Guards, { sessions, isTls, where }: ShareInit): void {
  app.post('/api/v1/share', { preHandler: operator }, (request): ShareView => {
    const link = `${isTls ? 'https' : 'http'}://${request.headers.host}/login#${sessions.code('reader')}`;
    return { link, command: words('quilt-swarm', 'console', ...where(), '--share') };
  });
}
