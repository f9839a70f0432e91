// The endpoint types that this build has: whatever files lie in node/endpoints (registry-scan.ts), checked against the contract. A file that
// exports something else, or a type that two files claim, is a programmer's error and stops the program before anything runs.

import { BUILTIN_METRICS } from '../core/builtin-metrics.ts';
import type { EndpointType } from '../endpoints/endpoint.ts';
import { builtTypeNames, type ScannedModule, scan } from './registry-scan.ts';

/** Sorted by type. */
export type EndpointRegistry = ReadonlyMap<string, EndpointType<unknown>>;

let loaded: Promise<EndpointRegistry> | null = null;

/** Scans once a process. */
export function loadEndpointTypes(): Promise<EndpointRegistry> {
  loaded ??= scan('endpoints').then(endpointTypesOf);
  return loaded;
}

/** Names of all types, sorted. Without loading the types where the build knows them: a node that waits for its run needs only these. */
export async function endpointTypeNames(): Promise<readonly string[]> {
  return builtTypeNames ?? [...(await loadEndpointTypes()).keys()];
}

/** The registry of these modules; throws with every fault at once. */
export function endpointTypesOf(modules: readonly ScannedModule[]): EndpointRegistry {
  const types = new Map<string, EndpointType<unknown>>();
  const homes = new Map<string, string>();
  const faults: string[] = [];
  for (const { file, module } of modules) {
    const type = (module as { endpointType?: unknown }).endpointType;
    const complaints = complaintsAbout(type);
    faults.push(...complaints.map((complaint) => `node/endpoints/${file}: ${complaint}`));
    if (complaints.length > 0) continue;
    const valid = type as EndpointType<unknown>;
    const other = homes.get(valid.type);
    if (other !== undefined) faults.push(`node/endpoints/${file}: endpoint type '${valid.type}' is already in ${other}`);
    types.set(valid.type, valid);
    homes.set(valid.type, file);
  }
  faults.push(...metricConflicts(types));
  if (faults.length > 0) throw new Error(`endpoint registry:\n${faults.join('\n')}`);
  return new Map([...types].sort(([one], [other]) => (one < other ? -1 : 1)));
}

const REQUIRED = {
  type: 'string',
  summary: 'string',
  options: 'object',
  targets: 'function',
  costMillicores: 'function',
  prepare: 'function',
} as const;

function complaintsAbout(type: unknown): string[] {
  if (typeof type !== 'object' || type === null) return ['must export `endpointType`'];
  const members = type as Record<string, unknown>;
  const complaints = Object.entries(REQUIRED)
    .filter(([name, kind]) => typeof members[name] !== kind || members[name] === null)
    .map(([name, kind]) => `endpointType.${name} must be a ${kind}`);
  if (!Array.isArray(members.metrics)) complaints.push('endpointType.metrics must be a list');
  if (typeof members.type === 'string' && !/^[a-z][a-z0-9-]*$/.test(members.type))
    complaints.push(`'${members.type}' is no name for a type`);
  return complaints;
}

/** A metric name means one thing everywhere: kind and unit agree over all types and the built-in metrics. */
function metricConflicts(types: ReadonlyMap<string, EndpointType<unknown>>): string[] {
  const known = new Map(BUILTIN_METRICS.map((metric) => [metric.name, { metric, by: 'every run' }]));
  const conflicts: string[] = [];
  for (const { type, metrics } of types.values()) {
    for (const metric of metrics) {
      const other = known.get(metric.name);
      if (other === undefined) known.set(metric.name, { metric, by: type });
      else if (other.metric.kind !== metric.kind || other.metric.unit !== metric.unit) {
        conflicts.push(
          `metric ${metric.name} of ${type} is a ${metric.kind} in ${metric.unit}, of ${other.by} a ${other.metric.kind} in ${other.metric.unit}`,
        );
      }
    }
  }
  return conflicts;
}
