// Routes of what costs money, and of starting a run of the list once more. What a browser says of machines is words for `launch`: their number and length are bounded here, their meaning is checked
// where `launch` checks it.

import type { FastifyInstance } from 'fastify';
import type { MachinesRequest } from '../protocol.ts';
import { answer, type Guards } from './app.ts';
import type { Catapult } from './catapult.ts';
import { cloudRows } from './launches.ts';

const WORDS_MAX = 32;
const WORD_LENGTH_MAX = 200;
const HOST = /^[A-Za-z0-9][A-Za-z0-9.:-]{0,252}$/;

export const NO_MACHINES = {
  message: `machines are {on, mix, spotSharePercent, host, maxCostUsd}: up to ${WORDS_MAX} words of --on or of --mix, a percentage, a host or null, an amount or null`,
};

const isWords = (value: unknown): value is string[] =>
  Array.isArray(value) &&
  value.length <= WORDS_MAX &&
  value.every((word) => typeof word === 'string' && word.length <= WORD_LENGTH_MAX && !word.startsWith('-'));

/** Undefined: no machines are wanted. Null: nobody can tell which. */
export function machinesIn(value: unknown): MachinesRequest | undefined | null {
  if (value === undefined || value === null) return undefined;
  const { on, mix, spotSharePercent = 0, host = null, maxCostUsd = null } = value as Record<string, unknown>;
  if (!isWords(on) || !isWords(mix)) return null;
  if (typeof spotSharePercent !== 'number' || !Number.isInteger(spotSharePercent) || spotSharePercent < 0 || spotSharePercent > 100)
    return null;
  if (host !== null && (typeof host !== 'string' || !HOST.test(host))) return null;
  if (maxCostUsd !== null && !(typeof maxCostUsd === 'number' && maxCostUsd > 0 && maxCostUsd <= 1e9)) return null;
  return { on, mix, spotSharePercent, host, maxCostUsd };
}

export const agreedIn = (value: unknown): { readonly agreedUsd?: number } =>
  typeof value === 'number' && Number.isFinite(value) ? { agreedUsd: value } : {};

export function launchRoutes(app: FastifyInstance, catapult: Catapult, { reader, operator }: Guards, onStarted: () => void): void {
  app.get('/api/v1/clouds', { preHandler: reader }, () => cloudRows());
  app.get<{ Params: { id: string } }>('/api/v1/runs/:id/again', { preHandler: operator }, async (request, reply) =>
    answer(reply, await catapult.again(request.params.id)),
  );
  app.post<{ Params: { id: string } }>('/api/v1/runs/:id/again', { preHandler: operator }, async (request, reply) => {
    const { agreedUsd } = agreedIn(((request.body ?? {}) as { agreedUsd?: unknown }).agreedUsd);
    const started = await catapult.startAgain(request.params.id, agreedUsd);
    if (started.ok) onStarted();
    return answer(reply, started);
  });
}
