// Plans and runs of the folder that the console was started in, as the commands make them. A scenario's text is parsed and never executed here; a run is a process of `quilt-swarm run` or `launch`
// of its own (started-run.ts), which goes on when the console is closed. What costs money is started only by who saw what it costs. What lies in the folder is scenario-folder.ts, what ran
// in it run-list.ts.

import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { openExtras } from '../../../node/commands/extras.ts';
import { readScenario } from '../../../node/commands/read-scenario.ts';
import { type StartedRecord, wordsAgain, wordsBeyondForm } from '../../../node/commands/started.ts';
import { fail, ok, type Problem, type Result } from '../../../node/core/errors.ts';
import { makePlan } from '../../../node/core/plan.ts';
import { words } from '../../../node/core/shell-words.ts';
import type { AgainView, Done, MachinesPlan, MachinesRequest, PlanView, StartedView, StartRequest } from '../protocol.ts';
import { NODES_MAX } from '../protocol.ts';
import { type BeyondForm, disagreement, launchWords, planOnMachines, planWords } from './launches.ts';
import { planOf } from './plan-of.ts';
import { problemView } from './problem-view.ts';
import { createRunList, type RunList } from './run-list.ts';
import { createScenarioFolder, NOT_THERE, type ScenarioFolder } from './scenario-folder.ts';
import { createStartedRun } from './started-run.ts';

const variableWords = (variables: Readonly<Record<string, string>>): string[] =>
  Object.entries(variables).flatMap(([name, value]) => ['-e', `${name}=${value}`]);

export interface PlanQuestion {
  readonly path: string;
  readonly text: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly nodes: number;
  readonly machines: MachinesRequest | undefined;
}

export interface Catapult extends ScenarioFolder, Pick<RunList, 'runs' | 'summary' | 'timeline'> {
  plan(question: PlanQuestion): Promise<PlanView>;
  start(request: StartRequest): Promise<Result<Done>>;
  /** How a run of the list was started. */
  again(id: string): Promise<Result<AgainView>>;
  /** The same once more. */
  startAgain(id: string, agreedUsd: number | undefined): Promise<Result<Done>>;
  /** What was started last; null = nothing by this console. */
  started(): StartedView | null;
  /** Folder of the run that was started last, once it is there; null while there is none. */
  runFolder(): string | null;
  isRunning(): boolean;
  /** As Ctrl-C in the terminal of what was started; null when nothing runs. */
  interrupt(): Done | null;
}

const BUSY: Problem = { code: 'QUILT_CONSOLE_BUSY', message: 'a run of this console is going on', hint: 'stop it first' };
const NO_MACHINES: MachinesPlan = { on: [], cost: null, problems: [] };

const startWords = ({ path, variables, nodes, machines }: StartRequest): readonly string[] =>
  machines === undefined
    ? ['run', path, '-n', String(nodes), ...variableWords(variables)]
    : ['launch', path, ...launchWords(machines), ...variableWords(variables)];

const requestOf = ({ scenario, variables, nodes, verb, on, mix, spotSharePercent, host, maxCostUsd }: StartedRecord): StartRequest => ({
  ...{ path: scenario, variables, nodes: verb === 'run' ? Math.min(nodes, NODES_MAX) : 2 },
  ...(verb === 'launch' ? { machines: { on, mix, spotSharePercent, host, maxCostUsd } } : {}),
});

export function createCatapult(folder: string): Catapult {
  const root = realpathSync(folder);
  const files = createScenarioFolder(root);
  const list = createRunList(root);
  const run = createStartedRun(root);
  const { inside } = files;

  /** What a launch of this would be refused for, and cost; nothing of both for a local run. Fails where the scenario cannot be run at all. */
  const weigh = async ({ path, variables, machines }: StartRequest, beyond?: BeyondForm): Promise<Result<MachinesPlan>> => {
    const real = inside(path);
    if (real === null || !existsSync(real)) return fail(NOT_THERE);
    const extras = await openExtras(beyond?.with ?? []);
    if (!extras.ok) return extras;
    const init = { text: readFileSync(real, 'utf8'), file: path, folder: dirname(real), variables };
    const read = await readScenario({ ...init, extrasFolder: extras.value.folder }).finally(extras.value.close);
    if (!read.ok) return read;
    if (machines === undefined) return ok(NO_MACHINES);
    const { scenario } = read.value;
    return ok((await planOnMachines({ scenario, plan: makePlan(scenario) }, machines, beyond)).machines);
  };

  /** `all`: the verb and what is after it. */
  const begin = async (request: StartRequest, all: readonly string[], beyond?: BeyondForm): Promise<Result<Done>> => {
    if (run.isRunning()) return fail(BUSY);
    const weighed = await weigh(request, beyond);
    if (!weighed.ok) return weighed;
    const { problems, cost } = weighed.value;
    if (problems.length > 0)
      return fail(...problems.map(({ code, message, hint }) => ({ code: code as Problem['code'], message, hint: hint ?? '' })));
    const refused = cost === null ? null : disagreement(cost, request.agreedUsd);
    if (refused !== null) return fail(refused);
    // It was asked for in the meantime too.
    if (run.isRunning()) return fail(BUSY);
    const [verb = 'run', ...rest] = all;
    const agreed = verb === 'launch' ? ['--yes'] : [];
    const command = words('quilt-swarm', ...all, ...agreed);
    run.start(verb === 'launch' ? 'launch' : 'run', [...rest, ...agreed, '--quiet'], command);
    return ok({ command });
  };

  return {
    ...files,
    ...{ runs: list.runs, summary: list.summary, timeline: list.timeline },
    ...{ started: run.view, runFolder: run.runFolder, isRunning: run.isRunning },
    async plan({ path, text, variables, nodes, machines }) {
      const where = machines === undefined ? ['-n', String(nodes)] : planWords(machines);
      const command = words('quilt-swarm', 'plan', path, ...where, ...variableWords(variables));
      const start = words('quilt-swarm', ...startWords({ path, variables, nodes, ...(machines === undefined ? {} : { machines }) }));
      const real = inside(path) ?? join(root, 'scenario.yaml');
      const read = await readScenario({ text, file: path, folder: dirname(real), variables });
      if (!read.ok) return { ok: false, problems: read.problems.map(problemView), command };
      return planOf({ scenario: read.value.scenario, text, nodes, machines, command, start });
    },
    start(request) {
      const real = inside(request.path);
      const path = real === null ? request.path : relative(root, real);
      return begin({ ...request, path }, startWords({ ...request, path }));
    },
    async again(id) {
      const kept = list.started(id);
      if (!kept.ok) return kept;
      const { record, text } = kept.value;
      const real = inside(record.scenario);
      const request = { ...requestOf(record), path: real === null ? record.scenario : relative(root, real) };
      const now = files.read(request.path);
      const weighed = await weigh(request, record);
      const problems = weighed.ok ? weighed.value.problems : weighed.problems.map(problemView);
      return ok({
        ...{ command: words('quilt-swarm', ...wordsAgain(record)), request, more: wordsBeyondForm(record), problems },
        ...{ isChanged: !now.ok || (text !== null && now.value !== text), cost: weighed.ok ? weighed.value.cost : null },
      });
    },
    async startAgain(id, agreedUsd) {
      const kept = list.started(id);
      if (!kept.ok) return kept;
      const { record } = kept.value;
      const request = requestOf(record);
      return begin(agreedUsd === undefined ? request : { ...request, agreedUsd }, wordsAgain(record), record);
    },
    interrupt() {
      const pid = run.interrupt();
      return pid === null ? null : { command: words('kill', '-INT', String(pid)) };
    },
  };
}
