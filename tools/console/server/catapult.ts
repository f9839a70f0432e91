// Plans and runs of the folder that the console was started in, as the commands make them. A scenario's text is parsed and never executed here; a run is a process of `quilt-swarm run`
// of its own, which goes on when the console is closed. What lies in the folder is scenario-folder.ts.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { parse } from 'yaml';
import { childEnvironment } from '../../../node/adapters/environment.ts';
import { latestRun, RUNS_FOLDER } from '../../../node/commands/control-client.ts';
import { entryPaths } from '../../../node/commands/entries.ts';
import { readScenario } from '../../../node/commands/read-scenario.ts';
import { isRunning, storedPlace, storedReport, storedTimeline } from '../../../node/commands/stored-run.ts';
import { assign } from '../../../node/core/assign.ts';
import { fail, ok, type Problem, type Result } from '../../../node/core/errors.ts';
import { targetsOf } from '../../../node/core/host-port.ts';
import type { RosterMember } from '../../../node/core/messages.ts';
import { makePlan } from '../../../node/core/plan.ts';
import type { Plan } from '../../../node/core/plan-types.ts';
import { curve } from '../../../node/core/planned.ts';
import type { ValidScenario } from '../../../node/core/scenario-types.ts';
import type { Summary } from '../../../node/core/summary-types.ts';
import type { LiveTimeline } from '../../../node/runtime/collector.ts';
import { RUN_FILES } from '../../../node/runtime/run-folder.ts';
import type { PlanView, ProblemView, RunRow, StartRequest } from '../protocol.ts';
import { createScenarioFolder, NOT_THERE, type ScenarioFolder } from './scenario-folder.ts';
import { words } from './words.ts';

const RUNS_MAX = 200;
const CURVE_SAMPLES = 121;
/** Of what a run says on standard error. */
const SAID_LENGTH_MAX = 4000;
export const NODES_MAX = 50;

const variableWords = (variables: Readonly<Record<string, string>>): string[] =>
  Object.entries(variables).flatMap(([name, value]) => ['-e', `${name}=${value}`]);

export interface Catapult extends ScenarioFolder {
  plan(init: { path: string; text: string; variables: Readonly<Record<string, string>>; nodes: number }): Promise<PlanView>;
  start(request: StartRequest): Promise<Result<{ readonly command: string }>>;
  /** What the run that was started last said when it ended without a run folder; null otherwise. */
  complaint(): string | null;
  /** Folder of the run that was started last, once it is there; null while there is none. */
  runFolder(): string | null;
  isRunning(): boolean;
  runs(): readonly RunRow[];
  summary(id: string): Result<Summary>;
  /** By the second. */
  timeline(id: string): Result<LiveTimeline>;
}

export function createCatapult(folder: string): Catapult {
  const root = realpathSync(folder);
  const files = createScenarioFolder(root);
  const { inside } = files;
  let child: ChildProcess | null = null;
  let before: string | null = null;
  let said = '';

  const newestRun = (): string | null => {
    const latest = latestRun();
    return latest === null ? null : realpathSync(latest);
  };

  return {
    ...files,
    async plan({ path, text, variables, nodes }) {
      const command = words('quilt-swarm', 'plan', path, '-n', String(nodes), ...variableWords(variables));
      const real = inside(path) ?? join(root, 'scenario.yaml');
      const read = await readScenario({ text, file: path, folder: dirname(real), variables });
      if (!read.ok) return { ok: false, problems: read.problems.map(problemView), command };
      return planView(read.value.scenario, text, nodes, command);
    },
    async start({ path, variables, nodes }) {
      if (child !== null && child.exitCode === null && child.signalCode === null)
        return fail({ code: 'QUILT_CONSOLE_BUSY', message: 'a run of this console is going on', hint: 'stop it first' });
      const real = inside(path);
      if (real === null || !existsSync(real)) return fail(NOT_THERE);
      const read = await readScenario({ text: readFileSync(real, 'utf8'), file: path, folder: dirname(real), variables });
      if (!read.ok) return read;
      const args = ['run', relative(root, real), '-n', String(nodes), ...variableWords(variables)];
      before = newestRun();
      child = spawn(process.execPath, [entryPaths().node, ...args, '--quiet'], {
        cwd: root,
        env: childEnvironment(),
        stdio: ['ignore', 'ignore', 'pipe'],
        detached: true,
      });
      said = '';
      child.stderr?.on('data', (bytes: Buffer) => {
        said = (said + bytes.toString()).slice(-SAID_LENGTH_MAX);
      });
      child.unref();
      // A child that could not be started leaves no run folder, and the page says that nothing came.
      child.on('error', () => {});
      return ok({ command: words('quilt-swarm', ...args) });
    },
    runFolder() {
      const newest = newestRun();
      return newest === before ? null : newest;
    },
    complaint: () => (child !== null && child.exitCode !== null && newestRun() === before ? said.trim() : null),
    isRunning: () => child !== null && child.exitCode === null && child.signalCode === null,
    runs() {
      const at = join(root, RUNS_FOLDER);
      if (!existsSync(at)) return [];
      const names = readdirSync(at).filter((name) => name !== 'latest' && statSync(join(at, name)).isDirectory());
      return names
        .sort()
        .reverse()
        .slice(0, RUNS_MAX)
        .map((id) => runRow(id, join(at, id)));
    },
    summary(id) {
      const stored = /^\w[\w.-]*$/.test(id) ? storedReport(join(root, RUNS_FOLDER, id)) : null;
      if (stored === null) return fail({ code: 'QUILT_NO_SUMMARY', message: `run ${id} has no summary`, hint: 'it may still be going on' });
      return ok(stored.summary);
    },
    timeline: (id) => (/^\w[\w.-]*$/.test(id) ? storedTimeline(join(root, RUNS_FOLDER, id), id) : fail(NO_RUN)),
  };
}

const NO_RUN: Problem = { code: 'QUILT_NO_RUN', message: 'there is no such run here', hint: 'GET /api/v1/runs lists them' };

const problemView = ({ code, message, hint, line, column, key }: Problem): ProblemView => ({
  ...{ code, message, hint: hint ?? null, line: line ?? null, column: column ?? null, key: key ?? null },
});

function runRow(id: string, folder: string): RunRow {
  const place = isRunning(folder) ? folder : storedPlace(folder);
  const path = join(place ?? folder, RUN_FILES.summary);
  const unknown: RunRow = {
    id,
    scenario: id.replace(/^[\dT-]+-/, ''),
    startedWallMs: null,
    durationMs: 0,
    verdict: 'unknown',
    exitCode: null,
    reason: '',
  };
  if (!existsSync(path)) return { ...unknown, verdict: isRunning(folder) ? 'running' : 'unknown' };
  try {
    const { run, verdict } = JSON.parse(readFileSync(path, 'utf8')) as Summary;
    const { scenario, startedWallMs, durationMs } = run;
    return {
      id,
      scenario,
      startedWallMs,
      durationMs,
      verdict: verdict.verdict,
      exitCode: verdict.exitCode,
      reason: verdict.reasons[0]?.message ?? '',
    };
  } catch {
    return unknown;
  }
}

/** Values under `variables:` as they are written: each bare, or as `default:` beside its description. */
function variablesIn(text: string): Record<string, string> {
  const { variables } = parse(text) as { variables?: Record<string, unknown> };
  const plain = (value: unknown): unknown =>
    typeof value === 'object' && value !== null ? ((value as { default?: unknown }).default ?? '') : value;
  return Object.fromEntries(Object.entries(variables ?? {}).map(([name, value]) => [name, String(plain(value))]));
}

function planView(scenario: ValidScenario, text: string, nodes: number, command: string): PlanView {
  const plan = makePlan(scenario);
  const cores = availableParallelism() / nodes;
  const types = [...new Set(['http', ...scenario.groups.map(({ type }) => type)])];
  const capabilities = { types, cores, memoryMb: 0, capacityMillicores: Math.floor(cores * 1000), labels: {} };
  const members = Array.from(
    { length: nodes },
    (_, index): RosterMember => ({ node: `node-${index + 1}`, voter: true, load: true, capabilities }),
  );
  const { owners, unplaceable } = assign(plan, members);
  const shardsOf = (node: string): Plan['shards'] => plan.shards.filter(({ id }) => owners[id] === node);
  const peakOf = (shards: Plan['shards']): number =>
    shards.reduce((sum, shard) => sum + (shard.kind === 'endpoints' ? shard.activeMax : 0), 0);
  const coresOf = (shards: Plan['shards']): number => shards.reduce((sum, { costMillicores }) => sum + costMillicores, 0) / 1000;
  const { stepMs, total } = curve(scenario, plan.durationMs, CURVE_SAMPLES);
  return {
    ...{ ok: true, command, variables: variablesIn(text), durationMs: plan.durationMs, endpointCount: plan.endpointCount },
    ...{ activeMax: plan.activeMax, meetingCount: plan.meetingCount, shardCount: plan.shards.length, curve: { stepMs, total } },
    groups: scenario.groups.map(({ name, type, index }) => {
      const own = plan.shards.filter(({ groupIndex }) => groupIndex === index);
      return { name, type, peak: peakOf(own), cores: coresOf(own) };
    }),
    nodes: members.map(({ node }) => {
      const own = shardsOf(node);
      return { name: node, shards: own.length, peak: peakOf(own), cores: coresOf(own), capacityCores: cores };
    }),
    thresholds: scenario.thresholds.map(({ selectorText, expressionText }) => `${selectorText} ${expressionText}`),
    targets: targetsOf(scenario),
    unplaceable: [...new Set(unplaceable.map(({ reason }) => reason))],
  };
}
