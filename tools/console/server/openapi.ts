// The description of the console's API for scripts (OpenAPI 3.1), written as a table. A test asks every row of a running console, and compares the rows to the routes that there are.

export interface ApiRow {
  readonly method: 'get' | 'post' | 'put';
  readonly path: string;
  readonly role: 'reader' | 'operator' | 'anybody';
  readonly summary: string;
  /** Type in tools/console/protocol.ts (or as named) that is answered. */
  readonly answers: string;
  /** Type that is sent. */
  readonly takes?: string;
}

export const API: readonly ApiRow[] = [
  {
    method: 'post',
    path: '/api/v1/login',
    role: 'anybody',
    summary: 'a code from the terminal becomes a session cookie',
    takes: '{code}',
    answers: '{ok}',
  },
  { method: 'post', path: '/api/v1/logout', role: 'reader', summary: 'ends the session', answers: '{ok}' },
  { method: 'get', path: '/api/v1/session', role: 'reader', summary: 'who looks at what, and may do what', answers: 'SessionView' },
  { method: 'get', path: '/api/v1/openapi.json', role: 'reader', summary: 'this description', answers: 'OpenAPI' },
  { method: 'get', path: '/api/v1/status', role: 'reader', summary: 'the state of the swarm now', answers: 'StateView' },
  {
    method: 'get',
    path: '/api/v1/timeline',
    role: 'reader',
    summary: 'the run by the second; ?fromMs= only what is newer',
    answers: 'LiveTimeline',
  },
  { method: 'get', path: '/api/v1/report', role: 'reader', summary: 'the report of a run that is over', answers: 'Report' },
  { method: 'get', path: '/api/v1/nodes/{node}/log', role: 'reader', summary: 'the last lines that a node logged', answers: 'LogTail' },
  { method: 'post', path: '/api/v1/orders', role: 'operator', summary: 'stop or scale the run', takes: 'OrderRequest', answers: 'Done' },
  { method: 'get', path: '/api/v1/schema', role: 'reader', summary: 'JSON Schema of the scenario language', answers: 'JSON Schema' },
  { method: 'get', path: '/api/v1/scenarios', role: 'reader', summary: 'scenarios in the folder of the console', answers: 'ScenarioRow[]' },
  { method: 'get', path: '/api/v1/scenario', role: 'reader', summary: 'the text of one; ?path=', answers: 'text' },
  { method: 'put', path: '/api/v1/scenario', role: 'operator', summary: 'writes one', takes: '{path, text}', answers: 'Done' },
  {
    method: 'post',
    path: '/api/v1/plan',
    role: 'reader',
    summary: 'what a scenario would do, or what is wrong with it',
    takes: '{path, text, variables, nodes}',
    answers: 'PlanView',
  },
  { method: 'get', path: '/api/v1/runs', role: 'reader', summary: 'runs in the folder of the console, newest first', answers: 'RunRow[]' },
  { method: 'get', path: '/api/v1/runs/{id}/summary', role: 'reader', summary: 'the summary of one', answers: 'Summary' },
  { method: 'get', path: '/api/v1/runs/{id}/timeline', role: 'reader', summary: 'one by the second', answers: 'LiveTimeline' },
  {
    method: 'post',
    path: '/api/v1/runs',
    role: 'operator',
    summary: 'starts a scenario with a local swarm',
    takes: 'StartRequest',
    answers: 'Done',
  },
];

export function describeApi(version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const { method, path, role, summary, answers, takes } of API) {
    const denied =
      role === 'anybody'
        ? {}
        : { 401: { description: 'no session' }, ...(role === 'operator' ? { 403: { description: 'a session that only reads' } } : {}) };
    paths[path] ??= {};
    paths[path][method] = {
      ...{
        summary,
        description: `Needs ${role === 'anybody' ? 'no session' : `a session of an ${role}`}.`.replace('an reader', 'a reader'),
      },
      ...(takes === undefined ? {} : { requestBody: { description: takes, content: { 'application/json': {} } } }),
      responses: { 200: { description: answers }, ...denied },
    };
  }
  const description = 'Types are those of tools/console/protocol.ts. The live socket is /api/v1/live: LiveMessage, once a second.';
  return { openapi: '3.1.0', info: { title: 'quilt-swarm console', version, description }, paths };
}
