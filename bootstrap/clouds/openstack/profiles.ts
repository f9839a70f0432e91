// Which login a region has, from which variables. `openstack` reads what every OpenStack client reads (OS_*, docs.openstack.org/python-openstackclient, "Authentication"). `rackspace` is two
// clouds under one name, told apart by their regions: OpenStack Flex (sjc3, dfw3, ...: Keystone v3 at an address of its own in each region, the API key is the password) and the
// classic one (ORD, DFW, IAD, LON, SYD, HKG: identity v2.0, Nova v2 without Neutron, zones or application credentials). Both take RACKSPACE_USERNAME and RACKSPACE_API_KEY.

import { fail, ok, type Problem, type Result } from '../../../node/core/errors.ts';
import type { CloudComponents } from '../../cloud.ts';
import type { Login } from './identity.ts';

export interface Settings {
  readonly login: Login;
  /** 'public' or 'internal', as the catalog has it. */
  readonly interface: string;
  /** Rackspace's first cloud: each machine has a public address of its own, and there are no groups, floating addresses or zones. */
  readonly isClassic: boolean;
  /** Names or ids; null = what there is, when it is one. */
  readonly networks: readonly string[] | null;
  readonly floatingNetwork: string | null;
  readonly image: string | null;
}

export type SettingsOf = (region: string) => Result<Settings>;

type Environment = CloudComponents['environment'];

const FLEX_DOMAIN = 'rackspace_cloud_domain';
const CLASSIC_URL = 'https://identity.api.rackspacecloud.com/v2.0';
const FLEX_REGION = /^[a-z]{3}\d$/i;
export const CLASSIC_REGIONS: readonly string[] = ['ORD', 'DFW', 'IAD', 'LON', 'SYD', 'HKG'];

const isUrl = (text: string): boolean => /^https?:$/.test(URL.parse(text)?.protocol ?? '');
const v3Url = (url: string): string => `${url.replace(/\/+$/, '').replace(/\/v3$/, '')}/v3`;

function placeSettings(environment: Environment): Pick<Settings, 'interface' | 'networks' | 'floatingNetwork' | 'image'> {
  // python-openstackclient takes both forms of both words.
  const face = (environment('OS_INTERFACE') ?? environment('OS_ENDPOINT_TYPE') ?? 'public').replace(/URL$/, '');
  const networks = environment('QUILT_OS_NETWORK');
  return {
    ...{ interface: face, networks: networks === undefined ? null : networks.split(',').map((name) => name.trim()) },
    ...{ floatingNetwork: environment('QUILT_OS_FLOATING_NETWORK') ?? null, image: environment('QUILT_OS_IMAGE') ?? null },
  };
}

const credentials = (message: string, hint: string): Problem => ({ code: 'QUILT_OS_CREDENTIALS', message, hint });

const PASSWORD_HINT =
  'set OS_AUTH_URL, OS_USERNAME, OS_PASSWORD, OS_PROJECT_NAME, OS_USER_DOMAIN_NAME and OS_PROJECT_DOMAIN_NAME (the openrc file of the provider does), or OS_APPLICATION_CREDENTIAL_ID and _SECRET';

/** By id when there is one, else by name; Keystone's own default domain when neither is said. */
const domainOf = (environment: Environment, whose: 'USER' | 'PROJECT') => {
  const id = environment(`OS_${whose}_DOMAIN_ID`);
  const name = environment(`OS_${whose}_DOMAIN_NAME`);
  return id !== undefined ? { id } : name !== undefined ? { name } : { id: environment('OS_DEFAULT_DOMAIN') ?? 'default' };
};

/** The same for all regions. Problem: QUILT_OS_CREDENTIALS. */
export function openstackSettings(environment: Environment): Result<SettingsOf> {
  const url = environment('OS_AUTH_URL') ?? '';
  if (!isUrl(url)) return fail(credentials(url === '' ? 'OS_AUTH_URL is not set' : `OS_AUTH_URL is no URL: '${url}'`, PASSWORD_HINT));
  if (/\/v2\.0\/?$/.test(url))
    return fail(credentials(`OS_AUTH_URL is of identity v2.0: '${url}'`, 'take the v3 address of this provider'));
  const body = bodyFor(environment);
  if (!body.ok) return body;
  const { isDelegate, ...auth } = body.value;
  const login: Login = { form: 'v3', url: v3Url(url), body: { auth }, canDelegate: !isDelegate };
  return ok(() => ok({ login, isClassic: false, ...placeSettings(environment) }));
}

interface Auth {
  readonly identity: unknown;
  readonly scope?: unknown;
  readonly isDelegate: boolean;
}

function bodyFor(environment: Environment): Result<Auth> {
  const [id, secret, name] = ['ID', 'SECRET', 'NAME'].map((part) => environment(`OS_APPLICATION_CREDENTIAL_${part}`));
  const [userId, userName] = [environment('OS_USER_ID'), environment('OS_USERNAME')];
  const user = userId !== undefined ? { id: userId } : { name: userName, domain: domainOf(environment, 'USER') };
  if (id !== undefined || name !== undefined) {
    if (secret === undefined) return fail(credentials('OS_APPLICATION_CREDENTIAL_SECRET is not set', PASSWORD_HINT));
    // An id stands alone; a name is one of a user.
    const credential = id !== undefined ? { id, secret } : { name, secret, user };
    return ok({ identity: { methods: ['application_credential'], application_credential: credential }, isDelegate: true });
  }
  const password = environment('OS_PASSWORD');
  const projectId = environment('OS_PROJECT_ID');
  const projectName = environment('OS_PROJECT_NAME');
  const missing = [
    ...(userId === undefined && userName === undefined ? ['OS_USERNAME'] : []),
    ...(password === undefined ? ['OS_PASSWORD'] : []),
    ...(projectId === undefined && projectName === undefined ? ['OS_PROJECT_NAME'] : []),
  ];
  if (missing.length > 0) return fail(credentials(`${missing.join(', ')} not set`, PASSWORD_HINT));
  const project = projectId !== undefined ? { id: projectId } : { name: projectName, domain: domainOf(environment, 'PROJECT') };
  return ok({ identity: passwordOf({ ...user, password }), scope: { project }, isDelegate: false });
}

const passwordOf = (user: unknown) => ({ methods: ['password'], password: { user } });

/** Problems: QUILT_OS_CREDENTIALS; by region, because the two clouds need different things. */
export function rackspaceSettings(environment: Environment): Result<SettingsOf> {
  const name = environment('RACKSPACE_USERNAME');
  const apiKey = environment('RACKSPACE_API_KEY');
  if (name === undefined || apiKey === undefined)
    return fail(
      credentials(
        `${name === undefined ? 'RACKSPACE_USERNAME' : 'RACKSPACE_API_KEY'} is not set`,
        'user name and API key are in the control panel, under account settings',
      ),
    );
  const classicUrl = (environment('RACKSPACE_IDENTITY_URL') ?? CLASSIC_URL).replace(/\/+$/, '');
  const body = { auth: { 'RAX-KSKEY:apiKeyCredentials': { username: name, apiKey } } };
  const classic: Settings = {
    login: { form: 'rackspace-v2', url: classicUrl, body, canDelegate: false },
    isClassic: true,
    ...placeSettings(environment),
  };
  return ok((region) => {
    if (CLASSIC_REGIONS.includes(region.toUpperCase())) return ok(classic);
    if (!FLEX_REGION.test(region))
      return fail({
        ...{ code: 'QUILT_OS_NOT_FOUND', message: `rackspace: '${region}' is no region` },
        hint: `${CLASSIC_REGIONS.join(', ')}, or of OpenStack Flex for example sjc3, dfw3`,
      });
    const projectName = environment('RACKSPACE_PROJECT_NAME') ?? environment('OS_PROJECT_NAME');
    if (projectName === undefined)
      return fail(
        credentials('RACKSPACE_PROJECT_NAME is not set', 'regions of OpenStack Flex belong to a project; its name is in the Flex console'),
      );
    const template = environment('RACKSPACE_FLEX_URL') ?? 'https://keystone.api.{region}.rackspacecloud.com/v3';
    const domain = { name: FLEX_DOMAIN };
    const auth = { identity: passwordOf({ name, domain, password: apiKey }), scope: { project: { name: projectName, domain } } };
    const url = v3Url(template.replace('{region}', region.toLowerCase()));
    return ok({ login: { form: 'v3', url, body: { auth }, canDelegate: true }, isClassic: false, ...placeSettings(environment) });
  });
}
