// Carries out what gate.ts decided, for every request that is load: counts it, delays it, fails it, hangs it or cuts it.
// One listener on the response's `close` is the single place where a request ends, whichever way it ended.

import type { FastifyReply, FastifyRequest } from 'fastify';
import { beginRequest, endRequest } from './counters.ts';
import { admit, type Decision } from './gate.ts';
import type { Service } from './service.ts';

/** Valid as nothing: not JSON, not HTML, not complete. */
export const GARBAGE = '{"id": <<\u0000garbage>>, [';

/** Books a request of either kind (HTTP or upgrade) and decides its fate. */
export function decide(service: Service): Decision {
  const nowMs = service.clock.nowMs();
  beginRequest(service.counters, nowMs);
  if (service.counters.requests.active > service.options.requestsMax) {
    service.counters.refused.requests += 1;
    return { fate: 'over_capacity', delayMs: 0, retryAfterSeconds: 1 };
  }
  const decision = admit(service.gate, service.settings, service.options.seed, nowMs);
  if (decision.fate === 'over_capacity') service.counters.injected.overCapacity += 1;
  else if (decision.fate !== 'serve') service.counters.injected[decision.fate] += 1;
  return decision;
}

/** The JSON that goes with a refusal of the gate. */
export function refusalOf(fate: 'error' | 'over_capacity'): { status: number; body: { error: string; message: string } } {
  return fate === 'error'
    ? { status: 503, body: { error: 'injected_error', message: 'this error was injected by errorRate' } }
    : { status: 429, body: { error: 'over_capacity', message: 'more requests than capacity, try again later' } };
}

function outcomeOf(reply: FastifyReply, fate: Decision['fate']): string {
  if (reply.raw.writableFinished) return String(reply.raw.statusCode);
  if (fate === 'hang') return 'hung';
  return fate === 'reset' ? 'reset' : 'aborted';
}

/** Fastify's onRequest hook for all routes that are load. */
export function gateHook(service: Service) {
  return (request: FastifyRequest, reply: FastifyReply, proceed: () => void): void => {
    const decision = decide(service);
    const url = request.routeOptions.url;
    const route = url === undefined ? 'other' : `${request.method} ${url}`;
    reply.raw.once('close', () => endRequest(service.counters, route, outcomeOf(reply, decision.fate)));
    service.clock.after(decision.delayMs, () => carryOut(decision, request, reply, proceed));
  };
}

function carryOut(decision: Decision, request: FastifyRequest, reply: FastifyReply, proceed: () => void): void {
  switch (decision.fate) {
    case 'serve':
      proceed();
      break;
    case 'error':
    case 'over_capacity': {
      const refusal = refusalOf(decision.fate);
      reply.code(refusal.status).header('retry-after', decision.retryAfterSeconds).send(refusal.body);
      break;
    }
    case 'garbage':
      reply.code(200).type('application/json').send(GARBAGE);
      break;
    case 'reset':
      request.raw.socket.resetAndDestroy();
      break;
    case 'hang':
      break;
  }
}
