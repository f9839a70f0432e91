// The console's server without a swarm, a folder or a page, asked without a network: for tests of the API's rules. Watches nothing, and takes stop orders only.

import { join } from 'node:path';
import { fail, ok } from '../../node/core/errors.ts';
import { type ConsoleServer, createConsole } from '../../tools/console/server/app.ts';
import { createSessions, type Role, type Sessions } from '../../tools/console/server/sessions.ts';
import { expectAsDescribed } from './api-answers.ts';

const opened: ConsoleServer[] = [];
export async function closeConsoles(): Promise<void> {
  for (const console_ of opened.splice(0)) await console_.close();
}

/** What all consoles of the lab take for the time. */
export const now = { ms: 1_000_000 };

async function openConsole(): Promise<{ console_: ConsoleServer; sessions: Sessions }> {
  const sessions = createSessions({ wallNowMs: () => now.ms });
  const feed = {
    ...{ watch: () => () => {}, restart() {}, close() {}, finish: async () => {} },
    known: { swarmId: null, timeline: null, report: null },
  };
  const console_ = await createConsole({
    ...{ version: '0.0.1', pageFolder: join('no', 'page'), sessions, feed, canSteer: true, hosts: [], tls: null },
    ...{ mode: () => 'watch' as const, swarmId: () => null, wallNowMs: () => now.ms, source: () => null, catapult: null, onStarted() {} },
    ...{ watchedWords: () => [], after: () => () => {} },
    order: async ({ order }) =>
      order === 'stop' ? ok({ command: 'quilt-swarm stop' }) : fail({ code: 'QUILT_NOT_RUNNING', message: 'no' }),
  });
  opened.push(console_);
  return { console_, sessions };
}

export interface Told {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly headers: Record<string, unknown>;
}

export interface Given {
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
  /** As it is. */
  readonly text?: string;
}

/** A console of nothing, and who holds a token of this role. Every answer is held to the description. */
export async function consoleLab(role: Role = 'operator') {
  const { console_, sessions } = await openConsole();
  const token = sessions.token(role);
  const bearer = (secret = token): Record<string, string> => ({ authorization: `Bearer ${secret}` });
  const ask = async (method: 'GET' | 'POST' | 'PUT', url: string, { headers = bearer(), body, text }: Given = {}): Promise<Told> => {
    const payload = text ?? (body === undefined ? undefined : JSON.stringify(body));
    const type = payload === undefined ? {} : { 'content-type': 'application/json' };
    const answer = await console_.app.inject({
      method,
      url,
      headers: { host: '127.0.0.1', ...type, ...headers },
      ...(payload === undefined ? {} : { payload }),
    });
    expectAsDescribed(method, url, answer.statusCode, answer.body);
    return {
      status: answer.statusCode,
      body: answer.body.startsWith('{') ? (JSON.parse(answer.body) as Told['body']) : {},
      headers: answer.headers,
    };
  };
  return { sessions, token, bearer, ask, app: console_.app };
}
