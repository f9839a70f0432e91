// From the manifest to something that can run: the bundle is fetched by its hash, unpacked, parsed and expanded by the same code on every node. The
// plan's hash must be the one that the operator signed: a node of another version, or without what the scenario needs, says so before the start.

import { fail, ok, type Result } from '../core/errors.ts';
import type { Manifest, NodeId } from '../core/messages.ts';
import { makePlan } from '../core/plan.ts';
import type { Plan } from '../core/plan-types.ts';
import type { ValidScenario } from '../core/scenario-types.ts';
import type { TypeMetrics } from '../core/summary-facts.ts';
import type { Blobs } from './blobs.ts';
import { type Bundle, decodeBundle, unpackBundle } from './bundle.ts';

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
}) => Promise<Result<{ readonly scenario: ValidScenario; readonly types: readonly TypeMetrics[] }>>;

export interface LoadRunInit {
  readonly manifest: Manifest;
  readonly from: readonly NodeId[];
  readonly blobs: Blobs;
  /** Bundles are unpacked below it. */
  readonly folder: string;
  readonly readScenario: ReadScenario;
}

export async function loadRun({ manifest, from, blobs, folder: parent, readScenario }: LoadRunInit): Promise<Result<LoadedRun>> {
  const bytes = await blobs.fetch(manifest.bundleHash, from);
  if (!bytes.ok) return bytes;
  const bundle = decodeBundle(bytes.value);
  if (!bundle.ok) return bundle;
  let folder: string;
  try {
    folder = unpackBundle(bundle.value, manifest.bundleHash, parent);
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
