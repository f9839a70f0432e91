// What the page asks of its server, one function each; the only home of fetch. An answer that is not 2xx is an ApiProblem with the server's own sentence and what to do next.

import type { Summary } from '../../../../node/core/summary-types.ts';
import type {
  AgainView,
  CloudRow,
  Done,
  LogTail,
  MachinesRequest,
  OrderRequest,
  PlanView,
  RunBySecond,
  RunRow,
  ScenarioRow,
  SessionView,
  ShareView,
  StartRequest,
} from '../../protocol.ts';
import type { Schema } from './schema-words.ts';

export class ApiProblem extends Error {
  readonly status: number;
  readonly hint: string;
  readonly code: string;
  constructor(status: number, message: string, hint: string, code = '') {
    super(message);
    this.status = status;
    this.hint = hint;
    this.code = code;
  }
}

async function ask(method: 'GET' | 'POST' | 'PUT', path: string, body?: unknown): Promise<Response> {
  const headers: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
  const content = body === undefined ? null : JSON.stringify(body);
  const answer = await fetch(`/api/v1/${path}`, { method, headers, body: content, credentials: 'same-origin' }).catch(() => {
    throw new ApiProblem(0, 'the console does not answer', 'is `quilt-swarm console` still running?');
  });
  if (answer.ok) return answer;
  const told = (await answer.json().catch(() => ({}))) as { message?: unknown; hint?: unknown; code?: unknown };
  const message = typeof told.message === 'string' ? told.message : `the console answered ${answer.status}`;
  throw new ApiProblem(
    answer.status,
    message,
    typeof told.hint === 'string' ? told.hint : '',
    typeof told.code === 'string' ? told.code : '',
  );
}

const json = async <T>(answer: Promise<Response>): Promise<T> => (await (await answer).json()) as T;

export interface PlanQuestion {
  readonly path: string;
  readonly text: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly nodes: number;
  /** Left out: on this computer. */
  readonly machines?: MachinesRequest;
}

export const api = {
  session: () => json<SessionView>(ask('GET', 'session')),
  log: (node: string) => json<LogTail>(ask('GET', `nodes/${encodeURIComponent(node)}/log`)),
  schema: () => json<Schema>(ask('GET', 'schema')),
  scenarios: () => json<ScenarioRow[]>(ask('GET', 'scenarios')),
  scenario: async (path: string) => (await ask('GET', `scenario?path=${encodeURIComponent(path)}`)).text(),
  save: (path: string, text: string) => json<Partial<Done>>(ask('PUT', 'scenario', { path, text })),
  plan: (question: PlanQuestion) => json<PlanView>(ask('POST', 'plan', question)),
  runs: () => json<RunRow[]>(ask('GET', 'runs')),
  summary: (id: string) => json<Summary>(ask('GET', `runs/${encodeURIComponent(id)}/summary`)),
  runTimeline: (id: string) => json<RunBySecond>(ask('GET', `runs/${encodeURIComponent(id)}/timeline`)),
  start: (request: StartRequest) => json<Done>(ask('POST', 'runs', request)),
  clouds: () => json<CloudRow[]>(ask('GET', 'clouds')),
  again: (id: string) => json<AgainView>(ask('GET', `runs/${encodeURIComponent(id)}/again`)),
  startAgain: (id: string, agreedUsd: number | null) =>
    json<Done>(ask('POST', `runs/${encodeURIComponent(id)}/again`, agreedUsd === null ? {} : { agreedUsd })),
  share: () => json<ShareView>(ask('POST', 'share', {})),
  order: (request: OrderRequest) => json<Done>(ask('POST', 'orders', request)),
  logout: () => ask('POST', 'logout', {}),
};
