// Who asks, by what they carry: a browser its session's cookie, a script a token (Authorization: Bearer). And whether the request may come from where it comes: Host must be this server's,
// so that no other site in the same browser reaches it (DNS rebinding included), and what changes something needs the page's own Origin. A token needs none, since no browser adds it to
// another site's request by itself; where one is sent, a cookie beside it counts for nothing.

import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { refuse } from './route.ts';
import type { Role, Sessions } from './sessions.ts';

export const COOKIE = 'quilt_session';

export interface Visitor {
  /** Null = nobody that is known. */
  readonly role: Role | null;
  readonly by: 'cookie' | 'token';
  /** What they showed; a secret. */
  readonly secret: string | undefined;
}

export interface Guards {
  readonly visitorOf: (headers: IncomingHttpHeaders) => Visitor;
  /** Whether the request may come from where it comes. `isChange`: it changes something, or is answered with more than one answer. */
  readonly isOwn: (headers: IncomingHttpHeaders, isChange: boolean) => boolean;
  readonly reader: (request: FastifyRequest, reply: FastifyReply) => Promise<void>;
  readonly operator: (request: FastifyRequest, reply: FastifyReply) => Promise<void>;
}

export function createGuards(app: FastifyInstance, sessions: Sessions, hosts: readonly string[]): Guards {
  const visitorOf = ({ authorization, cookie }: IncomingHttpHeaders): Visitor => {
    if (authorization === undefined) {
      const secret = app.parseCookie(cookie ?? '')[COOKIE];
      return { role: sessions.roleOf(secret), by: 'cookie', secret };
    }
    const secret = /^Bearer +([\w~+/.=-]+)$/i.exec(authorization)?.[1];
    return { role: sessions.roleOfToken(secret), by: 'token', secret };
  };
  const needs = (wanted: Role) => async (request: FastifyRequest, reply: FastifyReply) => {
    const { role, by } = visitorOf(request.headers);
    if (role === null) {
      const message = by === 'token' ? 'this token is wrong, ended or too old' : 'log in with the link from the terminal';
      const hint = by === 'token' ? 'quilt-swarm console --token prints another' : 'scripts send a token: Authorization: Bearer …';
      reply.header('www-authenticate', 'Bearer');
      refuse(reply, [{ code: 'QUILT_CONSOLE_LOGIN', message, hint }], 401);
    } else if (wanted === 'operator' && role !== 'operator') {
      const message = by === 'token' ? 'this token only reads' : 'this link only reads';
      const hint = by === 'token' ? 'quilt-swarm console --operator-token prints one that may' : 'the first link in the terminal may';
      refuse(reply, [{ code: 'QUILT_CONSOLE_READS', message, hint }], 403);
    }
  };
  return {
    visitorOf,
    isOwn({ host = '', origin, authorization }, isChange) {
      const address = app.server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      const known = [...new Set(['127.0.0.1', 'localhost', '[::1]', ...hosts])].flatMap((name) => [`${name}:${port}`, name]);
      if (!known.includes(host)) return false;
      return origin === undefined ? !isChange || authorization !== undefined : URL.parse(origin)?.host === host;
    },
    reader: needs('reader'),
    operator: needs('operator'),
  };
}
