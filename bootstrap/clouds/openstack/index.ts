// OpenStack, and Rackspace's two clouds as a profile of it, with plain fetch: no JavaScript client is worth its weight. Nova does not end a machine that powers itself off, it only stops
// it, and goes on billing: where application credentials can be made, each machine gets one to delete itself (self-end.ts); elsewhere launch's end or `reap` does. Variables: OS_* or
// RACKSPACE_* (profiles.ts), QUILT_OS_NETWORK, QUILT_OS_FLOATING_NETWORK, QUILT_OS_IMAGE. What is in which service is in the other files of this folder.

import { fail, ok, type Result } from '../../../node/core/errors.ts';
import type { Cloud, CloudComponents, CloudType, LaunchOrder, LaunchPlan, Refusal } from '../../cloud.ts';
import { createApi } from './api.ts';
import { checkPlace } from './doctor.ts';
import { endRun } from './ending.ts';
import { createSessions, type Login, type Sessions } from './identity.ts';
import { launchOrder } from './launching.ts';
import { wrongForm, wrongForVendor } from './order-checks.ts';
import { renderAccessRules } from './permissions.ts';
import { listServers, type Place } from './place.ts';
import { openstackSettings, rackspaceSettings, type SettingsOf } from './profiles.ts';
import { USER_DATA_BYTES_MAX } from './server.ts';
import { groupName } from './surroundings.ts';

type OpenPlace = (
  region: string,
) => { readonly ok: true; readonly value: Place } | { readonly ok: false; readonly refusals: readonly Refusal[] };

function createCloud(vendor: string, openPlace: OpenPlace): Cloud {
  return {
    async validate(order) {
      const place = openPlace(order.region);
      if (!place.ok) return place.refusals;
      const wrong = wrongForm(vendor, place.value.settings.isClassic, order);
      return wrong.length > 0 ? wrong : wrongForVendor(place.value, order);
    },
    plan(order) {
      const place = openPlace(order.region);
      const { isClassic = false, login } = place.ok ? place.value.settings : {};
      return planOf(order, isClassic, login?.canDelegate === true);
    },
    async launch(order, signal) {
      const place = openPlace(order.region);
      if (!place.ok) return { instances: [], refusals: place.refusals };
      const wrong = wrongForm(vendor, place.value.settings.isClassic, order);
      if (wrong.length > 0 || signal.aborted) return { instances: [], refusals: wrong };
      return launchOrder(place.value, order, signal);
    },
    async list({ region, runId }) {
      const place = openPlace(region);
      if (!place.ok) return fail(...place.refusals);
      const listed = await listServers(place.value, runId);
      return listed.ok ? ok(listed.value.map(({ instance }) => instance)) : fail(listed.refusal);
    },
    async terminate({ region, runId }, ids) {
      const place = openPlace(region);
      return place.ok ? endRun(place.value, runId, ids) : { ended: [], refusals: place.refusals };
    },
    async check(region) {
      const place = openPlace(region);
      if (place.ok) return checkPlace(place.value);
      return place.refusals.map(({ message, hint = '' }) => ({ name: 'settings', isOk: false, detail: message, remedy: hint }));
    },
  };
}

function planOf({ count, runId, meshPort, address }: LaunchOrder, isClassic: boolean, canDelegate: boolean): LaunchPlan {
  const notes = [`${count} machines, one call each; metadata quilt-run, quilt-order and quilt-expires on each`];
  if (canDelegate)
    notes.push('each machine gets an application credential that can do nothing but delete this machine, and expires with the run');
  else notes.push('a machine that has powered itself off is still billed: it is deleted when the launch ends, or by quilt-swarm reap');
  if (isClassic)
    notes.push("no firewall: Rackspace's classic cloud has none for public addresses, so the image must keep its ports closed");
  else if (meshPort > 0) notes.push(`security group ${groupName(runId)}: TCP port ${meshPort} from everywhere`);
  else notes.push(`security group ${groupName(runId)}: nothing comes in; without a mesh port nodes only dial out`);
  if (address === 'reserved' && isClassic) notes.push('each machine has a public address of its own as long as it lives');
  else if (address === 'reserved') notes.push(`${count} floating addresses, given back at the end`);
  else if (!isClassic)
    notes.push(
      'addresses are those of the network; where that is private, peers are reached through relays: --reserve-addresses gives floating ones',
    );
  return { batches: Array.from({ length: count }, () => 1), notes };
}

function opener(vendor: string, settingsOf: SettingsOf, components: CloudComponents): OpenPlace {
  const places = new Map<string, Place>();
  // Regions of one provider share a login.
  const sessions = new Map<string, Sessions>();
  const sessionsOf = (login: Login): Sessions => {
    const known = sessions.get(login.url) ?? createSessions(login, components);
    sessions.set(login.url, known);
    return known;
  };
  return (region) => {
    const known = places.get(region);
    if (known !== undefined) return { ok: true, value: known };
    const settings = settingsOf(region);
    if (!settings.ok) return { ok: false, refusals: settings.problems.map((problem) => ({ ...problem, cause: 'credentials' })) };
    const api = createApi({ vendor, region, sessions: sessionsOf(settings.value.login), interface: settings.value.interface, components });
    const place: Place = { api, vendor, region, settings: settings.value, components };
    places.set(region, place);
    return { ok: true, value: place };
  };
}

function typeOf(
  name: string,
  summary: string,
  settingsFrom: (environment: CloudComponents['environment']) => Result<SettingsOf>,
): CloudType {
  return {
    ...{ name, summary, selfEnd: 'credential', userDataBytesMax: USER_DATA_BYTES_MAX, markets: ['on-demand'], boot: 'cloud-init' },
    // The whole machine is the node's.
    joinFlags: () => [],
    ...(name === 'openstack' ? { leastRights: renderAccessRules } : {}),
    async create(components) {
      const settingsOf = settingsFrom(components.environment);
      return settingsOf.ok ? ok(createCloud(name, opener(name, settingsOf.value, components))) : settingsOf;
    },
  };
}

export const cloudTypes: readonly CloudType[] = [
  typeOf(
    'openstack',
    'OpenStack: machines delete themselves when a password is the login; else one that powered off bills until launch ends or reap',
    openstackSettings,
  ),
  typeOf(
    'rackspace',
    'Rackspace: OpenStack Flex, and the classic cloud, where a machine that powered itself off bills until launch ends or reap',
    rackspaceSettings,
  ),
];
