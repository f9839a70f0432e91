// What is made around the machines of a run in a region: one firewall rule that admits the mesh port to them, and the addresses that are reserved for them. Both have names that
// follow from the order, so making them again makes nothing, and carry the run's mark as their description, so that `giveBack` takes away what is the run's and nothing else.

import type { LaunchOrder, Refusal } from '../../cloud.ts';
import type { Answer, Operation } from './compute-api.ts';
import { machineName, marksText, requestIdOf, ruleName } from './machine.ts';
import type { Place } from './place.ts';

/** Nothing is made for port 0: then nodes only dial out. */
export async function openMeshPort({ api, projectPath, network }: Place, order: LaunchOrder): Promise<Refusal | null> {
  const { runId, region, meshPort } = order;
  if (meshPort === 0) return null;
  const name = ruleName(runId, region);
  const doing = `make the firewall rule ${name}`;
  const body = {
    ...{ name, description: marksText(runId), network, direction: 'INGRESS', sourceRanges: ['0.0.0.0/0'], targetTags: [name] },
    allowed: [{ IPProtocol: 'tcp', ports: [String(meshPort)] }],
  };
  // Without a request id: Google would answer with the operation of a rule that has been taken away since. The name makes it safe to repeat.
  const made = await api.call<Operation>({ method: 'POST', path: `${projectPath}/global/firewalls`, body, doing });
  const done = made.ok ? await api.finish(made.value, projectPath, 'global', doing) : made;
  if (done.ok) return null;
  const there = await api.call<Marked>({ path: `${projectPath}/global/firewalls/${name}`, doing });
  return there.ok && there.value.description === marksText(runId) ? null : done.refusal;
}

/** The address itself. */
export async function reserveAddress({ api, projectPath }: Place, order: LaunchOrder, index: number): Promise<Answer<string>> {
  const { runId, region } = order;
  const name = machineName(order, index);
  const doing = `reserve the address ${name} in ${region}`;
  const path = `${projectPath}/regions/${region}/addresses`;
  const query = { requestId: requestIdOf('address', runId, order.orderId, String(index), region) };
  const body = { name, description: marksText(runId), addressType: 'EXTERNAL' };
  const made = await api.call<Operation>({ method: 'POST', path, query, body, doing });
  const done = made.ok ? await api.finish(made.value, projectPath, `regions/${region}`, doing) : made;
  const there = await api.call<Marked>({ path: `${path}/${name}`, doing });
  if (!there.ok) return done.ok ? there : done;
  const { address, description } = there.value;
  if (description === marksText(runId) && address !== undefined) return { ok: true, value: address };
  return done.ok ? { ok: false, refusal: foreign(name) } : done;
}

export async function releaseAddress({ api, projectPath }: Place, region: string, name: string): Promise<Refusal | null> {
  const doing = `give back the address ${name} in ${region}`;
  return deleted(api, projectPath, `regions/${region}`, `addresses/${name}`, doing);
}

/** Everything of the run in this region that is no machine. */
export async function giveBack(place: Place, region: string, runId: string): Promise<readonly Refusal[]> {
  const { api, projectPath } = place;
  const path = `${projectPath}/regions/${region}/addresses`;
  const pages = await api.pages<MarkedPage>({ path, query: { filter: 'name eq "quilt-.*"' }, doing: `list addresses in ${region}` });
  if (!pages.ok) return [pages.refusal];
  const ours = pages.value.flatMap(({ items }) => items ?? []).filter(({ description }) => description === marksText(runId));
  const released = await Promise.all(ours.map(({ name }) => releaseAddress(place, region, name ?? '')));
  const name = ruleName(runId, region);
  const doing = `take away the firewall rule ${name}`;
  const rule = await api.call<Marked>({ path: `${projectPath}/global/firewalls/${name}`, doing });
  const isOurs = rule.ok && rule.value.description === marksText(runId);
  const closed = isOurs ? await deleted(api, projectPath, 'global', `firewalls/${name}`, doing) : null;
  const unseen = rule.ok || rule.refusal.cause === 'not-found' ? null : rule.refusal;
  return [...released, closed, unseen].filter((refusal) => refusal !== null);
}

interface Marked {
  readonly name?: string;
  readonly description?: string;
  readonly address?: string;
}
interface MarkedPage {
  readonly nextPageToken?: string;
  readonly items?: readonly Marked[];
}

/** What is not there is deleted. */
export async function deleted(api: Place['api'], projectPath: string, scope: string, what: string, doing: string): Promise<Refusal | null> {
  const asked = await api.call<Operation>({ method: 'DELETE', path: `${projectPath}/${scope}/${what}`, doing });
  const done = asked.ok ? await api.finish(asked.value, projectPath, scope, doing) : asked;
  return done.ok || done.refusal.cause === 'not-found' ? null : done.refusal;
}

const foreign = (name: string): Refusal => ({
  ...{ code: 'QUILT_GCE_TAKEN', message: `gce: ${name} is there, and is not this run's`, cause: 'invalid' },
  hint: 'look at it in the console; another run id makes another name',
});
