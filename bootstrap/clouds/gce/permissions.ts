// The rights that this cloud needs at Google, by the method of the API that asks for them, and the custom role that grants them and nothing else. A test compares the table to the
// methods that the client really calls. Google has no condition on labels for most of these, so the role is best given in a project of its own.
// Source: "Compute Engine roles and permissions" of Google's documentation, the permissions of each method.

export interface MethodRights {
  /** As Google's discovery document names it. */
  readonly method: string;
  readonly permissions: readonly string[];
  readonly why: string;
}

export const methodRights: readonly MethodRights[] = [
  {
    method: 'Instances.Insert',
    permissions: [
      'compute.disks.create',
      'compute.instances.create',
      'compute.instances.setLabels',
      'compute.instances.setMetadata',
      'compute.instances.setTags',
      'compute.subnetworks.use',
      'compute.subnetworks.useExternalIp',
      'compute.addresses.use',
    ],
    why: 'makes a machine with its disk, marks and address',
  },
  { method: 'Instances.Get', permissions: ['compute.instances.get'], why: 'finds a machine whose answer was lost' },
  { method: 'Instances.AggregatedList', permissions: ['compute.instances.list'], why: 'finds what a run has' },
  { method: 'Instances.Delete', permissions: ['compute.instances.delete'], why: 'ends machines' },
  {
    method: 'Firewalls.Insert',
    permissions: ['compute.firewalls.create', 'compute.networks.updatePolicy'],
    why: 'opens the one port of the mesh',
  },
  { method: 'Firewalls.Get', permissions: ['compute.firewalls.get'], why: 'finds the rule of a run' },
  { method: 'Firewalls.Delete', permissions: ['compute.firewalls.delete', 'compute.networks.updatePolicy'], why: 'gives the rule back' },
  { method: 'Addresses.Insert', permissions: ['compute.addresses.create'], why: 'an address of its own for each machine, when ordered' },
  { method: 'Addresses.Get', permissions: ['compute.addresses.get'], why: 'reads it' },
  { method: 'Addresses.List', permissions: ['compute.addresses.list'], why: 'finds the addresses of a run' },
  { method: 'Addresses.Delete', permissions: ['compute.addresses.delete'], why: 'gives an address back' },
  { method: 'ZoneOperations.Get', permissions: ['compute.zoneOperations.get'], why: 'waits until it is done' },
  { method: 'RegionOperations.Get', permissions: ['compute.regionOperations.get'], why: 'waits until it is done' },
  { method: 'GlobalOperations.Get', permissions: ['compute.globalOperations.get'], why: 'waits until it is done' },
  { method: 'Regions.Get', permissions: ['compute.regions.get'], why: 'checks the region and its quotas' },
  { method: 'MachineTypes.Get', permissions: ['compute.machineTypes.get'], why: 'checks the machine types of an order' },
  { method: 'Networks.Get', permissions: ['compute.networks.get'], why: 'checks the network' },
  { method: 'Images.GetFromFamily', permissions: ['compute.images.getFromFamily', 'compute.images.useReadOnly'], why: 'checks the image' },
];

/** For `gcloud iam roles create quiltSwarm --project PROJECT --file FILE`. */
export function renderRole(): string {
  const permissions = [...new Set(methodRights.flatMap((row) => row.permissions))].sort();
  return [
    'title: quilt-swarm launcher',
    'description: the least that quilt-swarm needs to rent and end machines',
    'stage: GA',
    'includedPermissions:',
    ...permissions.map((permission) => `- ${permission}`),
  ].join('\n');
}
