// From the manifest to something that can run: the bundle is fetched by its hash, unpacked, parsed and expanded by the same code on every node. The
// plan's hash must be the one that the operator signed: a node of another version, or without what the scenario needs, says so before the start.

import { existsSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fail, ok, type Result } from '../core/errors.ts';
import type { Manifest, NodeId } from '../core/messages.ts';
import { makePlan } from '../core/plan.ts';
import type { Plan } from '../core/plan-types.ts';
import type { ValidScenario } from '../core/scenario-types.ts';
import type { TypeMetrics } from '../core/summary-facts.ts';
import type { Blobs } from './blobs.ts';
import { type Bundle, decodeBundle, unpackBundle } from './bundle.ts';
import type { RuntimeClock } from './components.ts';
import { wait } from './runtime-clock.ts';

export interface LoadedRun {
  readonly manifest: Manifest;
  readonly bundle: Bundle;
  /** Where the bundle's files are on this node. */
  readonly folder: string;
  readonly scenario: ValidScenario;
  readonly plan: Plan;
  readonly types: readonly TypeMetrics[];
}

/** The parser with what it asks of this machine (commands/read-scenario.ts). */
export type ReadScenario = (source: {
  readonly text: string;
  readonly file: string;
  /** Relative paths in the scenario are relative to it. */
  readonly folder: string;
  readonly variables: Readonly<Record<string, string>>;
  /** Where `extras/...` is when it does not lie in `folder`. */
  readonly extrasFolder?: string | null;
}) => Promise<Result<{ readonly scenario: ValidScenario; readonly types: readonly TypeMetrics[] }>>;

export interface LoadRunInit {
  readonly manifest: Manifest;
  /** Whom to ask for the bundle; asked anew before every attempt, since a young node learns of peers by the moment. */
  readonly from: () => readonly NodeId[];
  readonly clock: RuntimeClock;
  readonly blobs: Blobs;
  /** Bundles are unpacked below it. */
  readonly folder: string;
  readonly readScenario: ReadScenario;
  /** Simulator builds that came with the program; the scenario sees them as ./extras. */
  readonly extrasFolder?: string | undefined;
}

/** A node that joined a moment ago may not be connected to anybody who has the bundle; after this many seconds it says that it cannot run. */
const ATTEMPTS_MAX = 8;
const ATTEMPT_MS = 1_000;

async function fetchBundle({ manifest, from, blobs, clock }: LoadRunInit): Promise<Result<Uint8Array>> {
  for (let attempt = 1; ; attempt++) {
    const bytes = await blobs.fetch(manifest.bundleHash, [...new Set(from())]);
    if (bytes.ok || attempt >= ATTEMPTS_MAX) return bytes;
    await wait(clock, ATTEMPT_MS);
  }
}

/** A folder of that name that came with the scenario is the scenario's. */
function linkExtras(extrasFolder: string, folder: string): void {
  const at = join(folder, 'extras');
  if (!existsSync(at)) symlinkSync(resolve(extrasFolder), at);
}

export async function loadRun(init: LoadRunInit): Promise<Result<LoadedRun>> {
  const { manifest, folder: parent, readScenario } = init;
  const bytes = await fetchBundle(init);
  if (!bytes.ok) return bytes;
  const bundle = decodeBundle(bytes.value);
  if (!bundle.ok) return bundle;
  let folder: string;
  try {
    folder = unpackBundle(bundle.value, manifest.bundleHash, parent);
    if (init.extrasFolder !== undefined) linkExtras(init.extrasFolder, folder);
  } catch (error) {
    return fail({ code: 'QUILT_BUNDLE_UNPACK', message: `cannot write the scenario's files: ${(error as Error).message}` });
  }
  const { scenarioFile, scenarioText, variables } = bundle.value;
  const read = await readScenario({ text: scenarioText, file: scenarioFile, folder, variables });
  if (!read.ok) return read;
  const { scenario, types } = read.value;
  const plan = makePlan(scenario);
  if (plan.hash !== manifest.planHash) {
    return fail({
      code: 'QUILT_PLAN_DIFFERS',
      message: `this node expands the scenario to plan ${plan.hash.slice(0, 12)}, the operator signed ${manifest.planHash.slice(0, 12)}`,
      hint: 'all nodes of a swarm must run the same version of quilt-swarm',
    });
  }
  return ok({ manifest, bundle: bundle.value, folder, scenario, plan, types });
}
