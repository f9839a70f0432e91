// What this cloud calls at OpenStack, as access rules of Keystone: the least that an application credential for launches may do. A test compares the table to the calls that are
// really made. The one thing that such a credential cannot do is to make others: the machines' own credentials (self-end.ts) need the login of a user, or one that is unrestricted.
// Source: Keystone's API reference, "Application Credentials", access rules with {wildcards}.

export interface AccessRule {
  readonly service: 'compute' | 'network' | 'image' | 'identity';
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** {name} stands for one part of the path. */
  readonly path: string;
  readonly why: string;
}

export const accessRules: readonly AccessRule[] = [
  { service: 'compute', method: 'POST', path: '/v2.1/servers', why: 'launches machines' },
  { service: 'compute', method: 'GET', path: '/v2.1/servers/detail', why: 'finds what a run has' },
  { service: 'compute', method: 'GET', path: '/v2.1/servers/{id}', why: 'finds why a machine had no host' },
  { service: 'compute', method: 'DELETE', path: '/v2.1/servers/{id}', why: 'ends machines' },
  { service: 'compute', method: 'POST', path: '/v2.1/servers/{id}/metadata', why: 'tells a machine how to delete itself' },
  { service: 'compute', method: 'GET', path: '/v2.1/flavors/detail', why: 'finds the machine types of an order' },
  { service: 'compute', method: 'GET', path: '/v2.1/os-availability-zone', why: 'checks the zones of an order' },
  { service: 'compute', method: 'GET', path: '/v2.1/limits', why: 'checks the quotas' },
  { service: 'image', method: 'GET', path: '/v2/images', why: 'finds the image by its name' },
  { service: 'network', method: 'GET', path: '/v2.0/networks', why: 'finds the network' },
  { service: 'network', method: 'GET', path: '/v2.0/security-groups', why: 'finds the group of a run' },
  { service: 'network', method: 'POST', path: '/v2.0/security-groups', why: 'one group for each run' },
  { service: 'network', method: 'POST', path: '/v2.0/security-group-rules', why: 'opens the one port of the mesh' },
  { service: 'network', method: 'DELETE', path: '/v2.0/security-groups/{id}', why: 'gives the group back' },
  { service: 'network', method: 'GET', path: '/v2.0/floatingips', why: 'finds the addresses of a run' },
  { service: 'network', method: 'POST', path: '/v2.0/floatingips', why: 'an address of its own for each machine, when ordered' },
  { service: 'network', method: 'PUT', path: '/v2.0/floatingips/{id}', why: 'attaches it' },
  { service: 'network', method: 'DELETE', path: '/v2.0/floatingips/{id}', why: 'gives it back' },
  { service: 'network', method: 'GET', path: '/v2.0/ports', why: 'finds where to attach it' },
  { service: 'network', method: 'GET', path: '/v2.0/quotas/{project}/details.json', why: 'checks the quotas' },
  { service: 'image', method: 'GET', path: '/v2/images/{id}', why: 'finds the image by its id' },
  { service: 'identity', method: 'GET', path: '/v3/users/{user}/application_credentials', why: 'finds the credentials of a run' },
  {
    service: 'identity',
    method: 'POST',
    path: '/v3/users/{user}/application_credentials',
    why: 'a machine may delete itself and nothing else',
  },
  { service: 'identity', method: 'DELETE', path: '/v3/users/{user}/application_credentials/{id}', why: 'takes it away' },
  { service: 'identity', method: 'DELETE', path: '/v3/users/{user}/access_rules/{id}', why: 'takes its rule away' },
];

/** For `openstack application credential create --access-rules FILE`; the role is `member` of the project. */
export const renderAccessRules = (): string =>
  JSON.stringify(
    accessRules.map(({ service, method, path }) => ({ service, method, path })),
    null,
    1,
  );
