// What the refusals of OpenStack's services mean for a launch: another zone or type (capacity, quota), waiting (throttled), or an end. Each service words its errors in its own way:
// Nova {"forbidden": {message}}, Keystone {"error": {message}}, Neutron {"NeutronError": {type, message}}, Glance a page of HTML. A machine that cannot be
// placed is no error of a call at all: it is a server in the state ERROR with a `fault`. Nova tells quota from permission by its prose only, so that is matched.

import type { Refusal, RefusalCause } from '../../cloud.ts';

export interface VendorError {
  /** HTTP status; null when no answer came. */
  readonly status: number | null;
  /** The key or `type` of the error's body; empty when there is none. */
  readonly word: string;
  readonly message: string;
  /** From Retry-After, or Nova's `retryAfter`; null when there is none. */
  readonly retryAfterMs: number | null;
}

const NEUTRON_CAPACITY = /^(IpAddressGenerationFailure|ExternalIpAddressExhausted|NoMoreIps|NoNetworkAvailable)$/i;
const NO_ROOM =
  /no valid host|exceeded maximum number of retries|no (more|fixed|free) ip|ip address(es)? (is |are )?(not )?available|insufficient (compute )?resources/i;

export function causeOf({ status, word, message, retryAfterMs }: VendorError): RefusalCause {
  if (status === null) return 'unreachable';
  if (word === 'OverQuota') return 'quota';
  if (NEUTRON_CAPACITY.test(word)) return 'capacity';
  if (status === 401) return 'credentials';
  if (status === 403) return /quota/i.test(message) ? 'quota' : 'permission';
  if (status === 404) return 'not-found';
  // Old Novas and Rackspace's say 413 for both; only what passes by itself names a time.
  if (status === 413) return retryAfterMs === null ? 'quota' : 'throttled';
  if (status === 429) return 'throttled';
  if (/availability zone is not available/i.test(message)) return 'not-found';
  return status >= 400 && status < 500 ? 'invalid' : 'vendor';
}

/** Of a server in the state ERROR. */
export const causeOfFault = (message: string): RefusalCause => {
  if (NO_ROOM.test(message)) return 'capacity';
  return /quota|maximum number of ports/i.test(message) ? 'quota' : 'vendor';
};

const HINTS: Readonly<Record<RefusalCause, string>> = {
  capacity: 'name more zones or machine types in --on, or try later',
  quota: 'ask the provider for more, or for fewer machines; quilt-swarm doctor --cloud shows the quotas',
  throttled: 'wait a minute and launch again',
  credentials:
    'look at the OS_* variables (or RACKSPACE_*): user, password, project and their domains; an application credential may have expired',
  permission: 'the user needs the role member in this project, and an application credential must not be restricted to other calls',
  'not-found': 'compare region, zone, type, image and network with the console',
  invalid: 'read what the provider says above',
  unreachable: 'look at the network of this machine, and at OS_AUTH_URL',
  vendor: "look at the provider's status page, and try again",
};

export const codeOf = (cause: RefusalCause): `QUILT_${string}` => `QUILT_OS_${cause.toUpperCase().replace('-', '_')}`;

/** `doing` = what was asked for, as the operator would name it. */
export function refusalOf(vendor: string, doing: string, error: VendorError): Refusal {
  const cause = causeOf(error);
  return { code: codeOf(cause), message: `${vendor}: ${doing}: ${error.message.slice(0, 500)}`, hint: HINTS[cause], cause };
}

export function refusal(vendor: string, cause: RefusalCause, message: string, hint: string = HINTS[cause]): Refusal {
  return { code: codeOf(cause), message: `${vendor}: ${message.slice(0, 500)}`, hint, cause };
}

/** Nothing is known of whether the call was carried out, and the next try may be answered. */
export const isUnclear = ({ status }: VendorError): boolean => status === null || status >= 500;

export function errorIn(status: number, text: string, retryAfter: string | null): VendorError {
  const waitS = Number(retryAfter ?? Number.NaN);
  const given = { status, retryAfterMs: retryAfter === null || !Number.isFinite(waitS) ? null : waitS * 1000 };
  try {
    const [[key, value] = ['', null]] = Object.entries(JSON.parse(text) as Readonly<Record<string, unknown>>);
    const { type, message, retryAfter: waits } = (typeof value === 'object' ? (value ?? {}) : {}) as Readonly<Record<string, unknown>>;
    const waitsS = Number(waits ?? Number.NaN);
    return {
      ...given,
      retryAfterMs: given.retryAfterMs ?? (waitsS > 0 ? waitsS * 1000 : null),
      ...{ word: typeof type === 'string' ? type : key, message: typeof message === 'string' ? message : `status ${status}` },
    };
  } catch {
    return { ...given, word: '', message: `status ${status}` };
  }
}
