// What Google's refusals mean for a launch: another zone or type (capacity, quota), waiting (throttled), or an end. Google says the same thing in three places: the HTTP
// status, `reason` in an error's body, and `code` in an operation's error (cloud.google.com/compute/docs/troubleshooting). The words are matched, never the prose.

import type { Refusal, RefusalCause } from '../../cloud.ts';

export interface VendorError {
  /** HTTP status; null for an error of an operation, or of the network. */
  readonly status: number | null;
  /** `reason` or `code`; empty when there is none. */
  readonly word: string;
  readonly message: string;
}

const WORDS: ReadonlyArray<readonly [RegExp, RefusalCause]> = [
  [/^(ZONE_)?RESOURCE_POOL_EXHAUSTED|^STOCKOUT$|^resourcePoolExhausted$/i, 'capacity'],
  [
    /^rateLimitExceeded$|^userRateLimitExceeded$|^RATE_LIMIT_EXCEEDED$|^resourceNotReady$|^RESOURCE_NOT_READY$|^RESOURCE_OPERATION_RATE_EXCEEDED$/i,
    'throttled',
  ],
  [/^quotaExceeded$|^QUOTA_EXCEEDED$|^LIMIT_EXCEEDED$/i, 'quota'],
  [/^authError$|^UNAUTHENTICATED$/i, 'credentials'],
  [/^notFound$|^RESOURCE_NOT_FOUND$/i, 'not-found'],
  [/^forbidden$|^accessNotConfigured$|^insufficientPermissions$|^PERMISSIONS_ERROR$/i, 'permission'],
];

export function causeOf({ status, word }: VendorError): RefusalCause {
  const named = WORDS.find(([pattern]) => pattern.test(word));
  if (named !== undefined) return named[1];
  if (status === null) return word === 'network' ? 'unreachable' : 'vendor';
  if (status === 401) return 'credentials';
  if (status === 403) return 'permission';
  if (status === 404) return 'not-found';
  if (status === 429) return 'throttled';
  return status >= 400 && status < 500 ? 'invalid' : 'vendor';
}

const HINTS: Readonly<Record<RefusalCause, string>> = {
  capacity: 'name more zones or machine types in --on, or try later',
  quota: 'ask Google for more (console: IAM and admin, quotas), or for fewer machines; quilt-swarm doctor --cloud gce shows them',
  throttled: 'wait a minute and launch again',
  credentials: 'a new key file for GOOGLE_APPLICATION_CREDENTIALS; the clock of this machine must be right',
  permission:
    'give the service account the role Compute Instance Admin and Compute Security Admin in this project, and switch on the Compute Engine API',
  'not-found': 'compare region, zone, type, image and project with the console',
  invalid: 'read what Google says above',
  unreachable: 'look at the network of this machine, and at QUILT_GCE_ENDPOINT',
  vendor: 'look at the status page of Google Cloud, and try again',
};

/** Something of this name is there: whether it is what was asked for, a look tells. */
export const EXISTS = 'QUILT_GCE_EXISTS';
const isExisting = ({ word }: VendorError): boolean => /^alreadyExists$|^RESOURCE_ALREADY_EXISTS$/.test(word);

/** `doing` = what was asked for, as the operator would name it. */
export function refusalOf(doing: string, error: VendorError): Refusal {
  const cause = causeOf(error);
  const said = [error.word, error.message].filter((each) => each !== '').join(': ');
  const code = isExisting(error) ? EXISTS : (`QUILT_GCE_${cause.toUpperCase().replace('-', '_')}` as const);
  return { code, message: `gce: ${doing}: ${said.slice(0, 500)}`, hint: HINTS[cause], cause };
}

export const isPassing = (cause: RefusalCause, { status }: VendorError): boolean =>
  cause === 'throttled' || cause === 'unreachable' || (status !== null && status >= 500 && cause === 'vendor');
