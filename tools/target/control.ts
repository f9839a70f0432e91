// The routes that are not load: health, the server's own counters, and the settings that make a threshold pass or fail
// while a run goes on. They bypass the gate, so that they answer however broken the rest was made. Settings can be
// changed from this machine only: a target listening on all addresses must not be breakable by strangers.

import type { FastifyInstance } from 'fastify';
import { statsOf, type TargetStats } from './counters.ts';
import { checkSettings } from './options.ts';
import type { Service } from './service.ts';

export function isLoopback(address: string | undefined): boolean {
  return address !== undefined && (address === '::1' || /^(::ffff:)?127\.\d+\.\d+\.\d+$/.test(address));
}

export function targetStats(service: Service): TargetStats {
  return statsOf(service.counters, service.clock.nowMs() - service.startedAtMs);
}

export async function controlRoutes(scope: FastifyInstance, { service }: { service: Service }): Promise<void> {
  scope.addHook('onRequest', (_request, _reply, proceed) => {
    service.counters.controlRequests += 1;
    proceed();
  });
  scope.get('/health', (_request, reply) => reply.send({ status: 'ok' }));
  scope.get('/api/stats', (_request, reply) => reply.send(targetStats(service)));
  scope.get('/api/settings', (_request, reply) => reply.send(service.settings));
  scope.patch('/api/settings', (request, reply) => {
    if (!isLoopback(request.socket.remoteAddress)) {
      return reply.code(403).send({ error: 'loopback_only', message: 'settings can be changed from this machine only' });
    }
    const checked = checkSettings(service.settings, request.body);
    if (!checked.ok) return reply.code(400).send({ error: 'bad_settings', message: checked.errors.join('; ') });
    service.settings = checked.value;
    return reply.send(service.settings);
  });
}
