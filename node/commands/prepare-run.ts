// Everything that can be wrong with a run, found before anything starts: the scenario and what it refers to, its expansion, the bundle, the hosts that
// it names. All problems are shown at once (exit 104).

import { unresolvedHosts } from '../adapters/name-lookup.ts';
import { fail, ok, type Problem, type Result } from '../core/errors.ts';
import { hostOf, targetsOf } from '../core/host-port.ts';
import { makePlan } from '../core/plan.ts';
import type { Plan } from '../core/plan-types.ts';
import type { ValidScenario } from '../core/scenario-types.ts';
import { encodeBundle, packBundle } from '../runtime/bundle.ts';
import type { Extras } from './extras.ts';
import { readScenarioFile } from './read-scenario.ts';

export interface PreparedRun {
  readonly scenario: ValidScenario;
  readonly plan: Plan;
  /** Encoded, ready to be kept by a node. */
  readonly bundle: Uint8Array;
}

type Texts = Readonly<Record<string, string>>;

export async function prepareRun(file: string, variables: Texts, tags: Texts, extras: Extras | null = null): Promise<Result<PreparedRun>> {
  const read = await readScenarioFile(file, variables, extras?.folder ?? null);
  if (!read.ok) return read;
  const { scenario, text } = read.value;
  const problems: Problem[] = [];
  for (const [host, reason] of await unresolvedHosts(targetsOf(scenario).map(hostOf))) {
    problems.push({
      code: 'QUILT_TARGET_UNRESOLVED',
      file,
      message: `target ${host} does not resolve: ${reason}`,
      hint: 'correct it, or give another with -e',
    });
  }
  const bundle = packBundle({
    scenarioPath: file,
    scenarioText: text,
    variables,
    tags,
    paths: scenario.files,
    extras: (extras?.parts ?? []).map(({ name }) => name),
  });
  if (!bundle.ok) problems.push(...bundle.problems);
  if (problems.length > 0 || !bundle.ok) return fail(...problems);
  return ok({ scenario, plan: makePlan(scenario), bundle: encodeBundle(bundle.value) });
}
