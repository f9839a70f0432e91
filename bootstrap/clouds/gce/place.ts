// Where this program works at Google: project, network, endpoint, from the environment, and the calls that every other file here is made of: machines of a run as they are
// listed, and the work of many machines with a bound on the calls in flight. Aggregated lists cover all zones in one call; what carries no marks of ours is not seen.

import { fail, ok, type Result } from '../../../node/core/errors.ts';
import { type CloudComponents, type Instance, MARKS } from '../../cloud.ts';
import { type Answer, type ComputeApi, createComputeApi } from './compute-api.ts';
import { type GoogleInstance, instanceFrom, isStopped, type NetworkPlace } from './machine.ts';
import { createTokenSource } from './token.ts';

export interface Place extends NetworkPlace {
  readonly api: ComputeApi;
  readonly project: string;
  /** projects/P, the start of every path. */
  readonly projectPath: string;
}

export interface ListedMachine {
  readonly instance: Instance;
  readonly zone: string;
  readonly name: string;
  /** Powered off: it costs its disk until it is deleted. */
  readonly isStopped: boolean;
}

export const ENDPOINT = 'https://compute.googleapis.com';
/** Google admits some twenty calls a second for a project; each machine is one call and some looks at it. */
const CALLS_AT_ONCE = 16;
const PROJECT = /^[a-z][a-z0-9.:-]{4,61}[a-z0-9]$/;

/** Problems: QUILT_GCE_CREDENTIALS, QUILT_GCE_SETTINGS. */
export async function openPlace(components: CloudComponents): Promise<Result<Place>> {
  const { environment } = components;
  const endpoint = environment('QUILT_GCE_ENDPOINT') ?? ENDPOINT;
  if (!/^https?:$/.test(URL.parse(endpoint)?.protocol ?? ''))
    return fail({ code: 'QUILT_GCE_SETTINGS', message: `QUILT_GCE_ENDPOINT is no URL: '${endpoint}'`, hint: `unset it for ${ENDPOINT}` });
  const tokens = await createTokenSource(components);
  if (!tokens.ok) return tokens;
  const project = environment('QUILT_GCE_PROJECT') ?? environment('GOOGLE_CLOUD_PROJECT') ?? tokens.value.project ?? '';
  if (!PROJECT.test(project))
    return fail({
      code: 'QUILT_GCE_SETTINGS',
      message: `no project id: '${project}'`,
      hint: 'set QUILT_GCE_PROJECT to the id of the project',
    });
  return ok({
    api: createComputeApi(endpoint, tokens.value, components),
    ...{ project, projectPath: `projects/${project}`, network: environment('QUILT_GCE_NETWORK') ?? 'global/networks/default' },
    subnetwork: environment('QUILT_GCE_SUBNETWORK') ?? null,
  });
}

interface AggregatedPage {
  readonly nextPageToken?: string;
  readonly items?: Readonly<Record<string, { readonly instances?: readonly GoogleInstance[] }>>;
}

export async function listMachines(
  { api, projectPath }: Place,
  region: string,
  runId: string | null,
): Promise<Answer<readonly ListedMachine[]>> {
  const filter = runId === null ? `labels.${MARKS.run}:*` : `labels.${MARKS.run}=${runId}`;
  const pages = await api.pages<AggregatedPage>({
    path: `${projectPath}/aggregated/instances`,
    query: { filter },
    doing: `list machines in ${region}`,
  });
  if (!pages.ok) return pages;
  const machines: ListedMachine[] = [];
  for (const listed of pages.value.flatMap(({ items }) => Object.values(items ?? {})).flatMap(({ instances }) => instances ?? [])) {
    const instance = instanceFrom(listed);
    if (instance === null || instance.region !== region || (runId ?? instance.runId) !== instance.runId) continue;
    machines.push({ instance, zone: instance.zone ?? '', name: listed.name ?? '', isStopped: isStopped(listed) });
  }
  return { ok: true, value: machines };
}

/** Works through all of them, a bounded number at once; answers in their order. */
export async function inParallel<T, R>(all: readonly T[], work: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = new Array(all.length);
  const waiting = all.entries();
  const worker = async (): Promise<void> => {
    for (const [index, one] of waiting) results[index] = await work(one);
  };
  await Promise.all(Array.from({ length: Math.min(CALLS_AT_ONCE, all.length) }, worker));
  return results;
}

/** The last part of a name in Google's URLs. */
export const pathOfNetwork = (network: string): string => network.replace(/^(.*\/)?(?=global\/networks\/)/, '');
