// Where this program works at Google: project, network, endpoint, from the environment, and machines of a run as they are
// listed. Aggregated lists cover all zones in one call; what carries no marks of ours is not seen.

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

/** Of a network as settings name it: its own project's, another's (shared VPC), or a URL. */
export const pathOfNetwork = ({ network, projectPath }: Place): string => {
  const [path] = /projects\/.*$/.exec(network) ?? [];
  return path ?? `${projectPath}/${network}`;
};
