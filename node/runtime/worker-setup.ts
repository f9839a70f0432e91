// The worker's first message: parse the scenario exactly as every node did, and prepare its groups' endpoint types. The file was valid when it
// was submitted; what fails here is a difference between machines (a missing program, an unknown type), so it is said in words.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseScenario } from '../../scenarios/parse.ts';
import { fail, ok, type Result } from '../core/errors.ts';
import type { ValidScenario } from '../core/scenario-types.ts';
import type { Statistics } from '../core/stats.ts';
import type { Clock, GeneratorNotes } from '../endpoints/endpoint.ts';
import type { EndpointRegistry } from './registry.ts';
import { prepareGroup, type WorkerGroup } from './worker-group.ts';
import type { ToWorker } from './worker-protocol.ts';
import { createAdmission } from './worker-targets.ts';

export interface SetUpParts {
  readonly types: EndpointRegistry;
  readonly statistics: Statistics;
  readonly clock: Clock;
  readonly health: GeneratorNotes;
  readonly onGeneratorFault: (cause: string) => void;
}

export interface SetUp {
  readonly scenario: ValidScenario;
  /** By group index. */
  readonly groups: readonly WorkerGroup[];
  readonly admitTarget: (url: string) => void;
}

export async function setUp(message: Extract<ToWorker, { type: 'setup' }>, parts: SetUpParts): Promise<Result<SetUp>> {
  const { scenarioText, scenarioFile, scenarioFolder, variables, targets, workFolder } = message;
  const files = filesIn(scenarioFolder);
  const parsed = parseScenario(scenarioText, scenarioFile, { variables, endpointTypes: [...parts.types.values()], files });
  if (!parsed.ok) return parsed;
  const admitTarget = createAdmission(targets);
  const groups: WorkerGroup[] = [];
  for (const group of parsed.value.groups) {
    const type = parts.types.get(group.type);
    if (type === undefined) return fail({ code: 'QUILT_WORKER_TYPE', message: `this node has no endpoint type '${group.type}'` });
    try {
      const { statistics, clock, health, onGeneratorFault } = parts;
      groups.push(
        await prepareGroup({ group, type, statistics, clock, health, admitTarget, workFolder, scenarioFolder, onGeneratorFault }),
      );
    } catch (error) {
      await Promise.allSettled(groups.map(({ factory }) => factory.close()));
      return fail({ code: 'QUILT_WORKER_PREPARE', message: `group ${group.name} (${group.type}): ${(error as Error).message}` });
    }
  }
  return ok({ scenario: parsed.value, groups, admitTarget });
}

/** The bundle's files. What a program or a path is on this machine was judged at submission and is seen again when it is used. */
function filesIn(folder: string) {
  return {
    read(path: string): string | null {
      try {
        return readFileSync(join(folder, path), 'utf8');
      } catch {
        return null;
      }
    },
    fileExists: () => true,
    commandExists: () => true,
  };
}
