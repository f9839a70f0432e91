// Google Compute Engine over its REST API with plain fetch: the clients on npm weigh 90 MB and more. Each machine ends by Google's own
// hand after maxRunDuration, whatever becomes of the node or the launcher; a machine that powers itself off is only stopped, and is deleted by the launch's end or by `reap`.
// Environment: GOOGLE_APPLICATION_CREDENTIALS or a metadata server (GCE_METADATA_HOST), QUILT_GCE_PROJECT, QUILT_GCE_NETWORK, QUILT_GCE_SUBNETWORK, QUILT_GCE_ENDPOINT.

import { fail, ok } from '../../../node/core/errors.ts';
import type { Cloud, CloudType, InstanceFilter, LaunchOrder, LaunchPlan, Refusal, TerminateOutcome } from '../../cloud.ts';
import { launchOrder } from './launch.ts';
import { ruleName } from './machine.ts';
import { renderRole } from './permissions.ts';
import { type ListedMachine, listMachines, openPlace, type Place } from './place.ts';
import { deleted, giveBack } from './surroundings.ts';
import { checkRegion, regionFacts, USER_DATA_BYTES_MAX, wrongForm, wrongForVendor, zonesOf } from './validate.ts';

function createGceCloud(place: Place): Cloud {
  return {
    async validate(order) {
      const wrong = wrongForm(order);
      return wrong.length > 0 ? wrong : wrongForVendor(place, order);
    },
    plan: (order) => planOf(place, order),
    async launch(order, signal) {
      const wrong = wrongForm(order);
      if (wrong.length > 0 || signal.aborted) return { instances: [], refusals: wrong };
      const facts = await regionFacts(place, order.region);
      if (!facts.ok) return { instances: [], refusals: [facts.refusal] };
      return launchOrder(place, order, zonesOf(order, facts.value), signal);
    },
    async list({ region, runId }) {
      const listed = await listMachines(place, region, runId);
      return listed.ok ? ok(listed.value.map(({ instance }) => instance)) : fail(listed.refusal);
    },
    terminate: (filter, ids) => terminate(place, filter, ids),
    check: (region) => checkRegion(place, region),
  };
}

function planOf({ project, network }: Place, { count, runId, region, meshPort, address, wallMsMax, markets }: LaunchOrder): LaunchPlan {
  const notes = [
    `${count} machines in project ${project}, network ${network}, one call each; Google deletes each after ${Math.ceil(wallMsMax / 60_000)} minutes`,
    `labels quilt-run, quilt-order and quilt-expires on each machine and no service account`,
  ];
  if (meshPort > 0) notes.push(`firewall rule ${ruleName(runId, region)}: TCP port ${meshPort} of these machines from everywhere`);
  else notes.push('no firewall rule: without a mesh port nodes only dial out');
  if (address === 'reserved') notes.push(`${count} static addresses, given back at the end`);
  if (markets.includes('spot')) notes.push('spot machines may be reclaimed with 30 seconds of notice');
  return { batches: Array.from({ length: count }, () => 1), notes };
}

/** Machines that powered themselves off are deleted too: their disks cost, and their names are taken. */
async function terminate(
  place: Place,
  filter: InstanceFilter & { readonly runId: string },
  ids: readonly string[],
): Promise<TerminateOutcome> {
  const { region, runId } = filter;
  const listed = await listMachines(place, region, runId);
  if (!listed.ok) return { ended: [], refusals: [listed.refusal] };
  const chosen = listed.value.filter(({ instance, isStopped }) => isStopped || ids.includes(instance.id));
  const answers = await Promise.all(chosen.map(({ zone, name }) => deleteMachine(place, zone, name)));
  const ended = chosen.filter((_machine, index) => answers[index] === null).map(({ instance }) => instance.id);
  const refusals = answers.filter((refusal) => refusal !== null);
  const left = listed.value.filter(({ instance }) => !ended.includes(instance.id));
  if (left.length === 0) return { ended, refusals: [...refusals, ...(await giveBack(place, region, runId))] };
  // Its addresses can be given back only when it is gone, so the caller has to come again.
  const isLeaving = refusals.length === 0 && left.every(({ instance }) => instance.state === 'stopping');
  return { ended, refusals: isLeaving ? left.map(leaving) : refusals };
}

const deleteMachine = ({ api, projectPath }: Place, zone: string, name: string): Promise<Refusal | null> =>
  deleted(api, projectPath, `zones/${zone}`, `instances/${name}`, `end ${name} in ${zone}`);

const leaving = ({ zone, name }: ListedMachine): Refusal => ({
  ...{ code: 'QUILT_GCE_LEAVING', message: `gce: ${name} in ${zone} is still on its way out`, cause: 'vendor' },
  hint: 'wait a minute, then quilt-swarm reap gives back what was made around it',
});

export const cloudType: CloudType = {
  name: 'gce',
  summary: 'Google Compute Engine: spot or on demand, ended by Google itself after the run',
  selfEnd: 'max-run-duration',
  userDataBytesMax: USER_DATA_BYTES_MAX,
  markets: ['on-demand', 'spot'],
  boot: 'cloud-init',
  hasNotice: true,
  // The whole machine is the node's.
  joinFlags: () => [],
  leastRights: renderRole,
  async create(components) {
    const place = await openPlace(components);
    return place.ok ? ok(createGceCloud(place.value)) : place;
  },
};
