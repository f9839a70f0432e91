// EC2's error codes as refusals (bootstrap/cloud.ts): which cause each has, which decides between plan B, another try and giving up, and what the operator
// does next. Source: "Error codes for the Amazon EC2 API" and the common errors of the query API. A code that is not in the table is the vendor's,
// shown as it came; network errors of Node and credential errors of the vendor's library are in it too.

import type { Refusal, RefusalCause } from '../../cloud.ts';

interface Row {
  readonly codes: readonly string[];
  readonly cause: RefusalCause;
  readonly hint: string;
}

const ANOTHER_PLACE = 'name more zones or machine types in --on, or the other market';
const RAISE = 'ask for a higher limit in the Service Quotas console of the region, or order less';
const RENEW = 'renew the credentials (for single sign-on: aws sso login) and try again';

export const refusalRows: readonly Row[] = [
  {
    codes: ['InsufficientInstanceCapacity', 'InsufficientHostCapacity', 'InsufficientReservedInstanceCapacity', 'SpotMaxPriceTooLow'],
    ...{ cause: 'capacity', hint: ANOTHER_PLACE },
  },
  { codes: ['InsufficientCapacity', 'InsufficientFreeAddressesInSubnet'], cause: 'capacity', hint: ANOTHER_PLACE },
  { codes: ['Unsupported', 'InstanceTypeNotSupported'], cause: 'capacity', hint: `the zone does not have the type: ${ANOTHER_PLACE}` },
  {
    codes: ['VcpuLimitExceeded', 'InstanceLimitExceeded', 'MaxSpotInstanceCountExceeded', 'SpotInstanceCountLimitExceeded'],
    ...{ cause: 'quota', hint: RAISE },
  },
  {
    codes: ['AddressLimitExceeded'],
    cause: 'quota',
    hint: 'release elastic addresses, or ask for a higher limit in the Service Quotas console',
  },
  { codes: ['VolumeLimitExceeded', 'SecurityGroupLimitExceeded', 'NetworkInterfaceLimitExceeded'], cause: 'quota', hint: RAISE },
  {
    codes: [
      'RequestLimitExceeded',
      'Throttling',
      'ThrottlingException',
      'ThrottledException',
      'TooManyRequestsException',
      'EC2ThrottledException',
    ],
    ...{ cause: 'throttled', hint: 'other programs use the same account; try again in some minutes' },
  },
  {
    codes: ['InternalError', 'InternalFailure', 'ServiceUnavailable', 'Unavailable', 'RequestTimeout', 'InsufficientDataError'],
    ...{ cause: 'vendor', hint: 'EC2 has a fault; look at its status page and try again' },
  },
  {
    codes: ['RequestExpired', 'RequestTimeTooSkewed', 'InvalidSignatureException'],
    cause: 'credentials',
    hint: `set this computer's clock (NTP), or ${RENEW}`,
  },
  { codes: ['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired'], cause: 'credentials', hint: RENEW },
  {
    codes: ['AuthFailure', 'InvalidClientTokenId', 'UnrecognizedClientException', 'SignatureDoesNotMatch', 'MissingAuthenticationToken'],
    ...{ cause: 'credentials', hint: 'check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE' },
  },
  {
    codes: ['CredentialsProviderError', 'TokenProviderError', 'ProcessCredentialsError'],
    ...{ cause: 'credentials', hint: 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; or run aws sso login' },
  },
  {
    codes: ['OptInRequired', 'PendingVerification', 'Blocked'],
    cause: 'permission',
    hint: 'the account may not use this region or EC2 yet: see its console',
  },
  {
    codes: ['UnauthorizedOperation', 'AccessDenied', 'AccessDeniedException', 'Client.UnauthorizedOperation'],
    ...{ cause: 'permission', hint: 'give the user the policy that doctor --cloud aws prints' },
  },
  {
    codes: ['AuthFailure.ServiceLinkedRoleCreationNotPermitted'],
    ...{ cause: 'permission', hint: 'once for each account: aws iam create-service-linked-role --aws-service-name spot.amazonaws.com' },
  },
  {
    codes: ['InvalidAMIID.NotFound', 'InvalidAMIID.Malformed', 'InvalidAMIID.Unavailable', 'InvalidParameter.ImageId'],
    ...{ cause: 'not-found', hint: 'an image belongs to one region: give an ami-... of this one, or leave --image away' },
  },
  {
    codes: ['InvalidKeyPair.NotFound'],
    ...{ cause: 'not-found', hint: 'QUILT_AWS_KEY_NAME names a key pair of another region, or none' },
  },
  {
    codes: [
      ...['InvalidLaunchTemplateName.NotFoundException', 'InvalidLaunchTemplateId.NotFound', 'InvalidLaunchTemplateId.Malformed'],
      'InvalidLaunchTemplateId.VersionNotFound',
    ],
    ...{ cause: 'not-found', hint: 'QUILT_AWS_LAUNCH_TEMPLATE names a template of another region, or none' },
  },
  { codes: ['InvalidInstanceType', 'InvalidInstanceType.NotFound'], cause: 'not-found', hint: 'take a machine type that the region has' },
  {
    codes: ['InvalidInstanceID.NotFound', 'InvalidGroup.NotFound', 'InvalidAllocationID.NotFound', 'InvalidAssociationID.NotFound'],
    ...{ cause: 'not-found', hint: 'EC2 does not show it yet, or it is gone: try again' },
  },
  {
    codes: ['VPCIdNotSpecified', 'DefaultVpcDoesNotExist', 'MissingInput'],
    cause: 'invalid',
    hint: 'the region has no default network: aws ec2 create-default-vpc',
  },
  {
    codes: ['IdempotentParameterMismatch'],
    ...{ cause: 'invalid', hint: 'this run id was launched with another order before: take a new one, or quilt-swarm reap it' },
  },
  {
    codes: ['ENOTFOUND', 'EAI_AGAIN'],
    ...{ cause: 'unreachable', hint: 'check the region, AWS_ENDPOINT_URL_EC2 and the name server' },
  },
  {
    codes: [
      'ECONNREFUSED',
      'ECONNRESET',
      'EPIPE',
      'ETIMEDOUT',
      'EHOSTUNREACH',
      'ENETUNREACH',
      'TimeoutError',
      'NetworkingError',
      'UND_ERR_SOCKET',
    ],
    ...{ cause: 'unreachable', hint: 'check the network, a proxy, and AWS_ENDPOINT_URL_EC2' },
  },
];

const rowByCode: ReadonlyMap<string, Row> = new Map(refusalRows.flatMap((row) => row.codes.map((code) => [code, row] as const)));
/** Malformed ids, missing and wrong parameters; all have these beginnings and would be the same at the next try. */
const INVALID = /^(Invalid|Missing|Unknown|Malformed|Unsupported)/;
/** The vendor's clock and ours may differ by this much before it refuses signatures. */
const SKEW_MS_MAX = 5 * 60_000;

/** A refusal that remembers the vendor's code. */
export interface Ec2Refusal extends Refusal {
  readonly vendorCode: string;
}

interface ErrorLike {
  readonly name?: string;
  readonly code?: string;
  readonly message?: string;
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
}

/** The vendor's code; for an error of the network, the system's. */
export function codeOf(error: unknown): string {
  const { name = 'Error', code } = error as ErrorLike;
  return !rowByCode.has(name) && code !== undefined && rowByCode.has(code) ? code : name;
}

/** `action` is what was asked, `wallNowMs` the clock here: compared to the answer's, it tells a wrong clock from wrong credentials. */
export function refusalOf(action: string, error: unknown, wallNowMs: number): Ec2Refusal {
  const vendorCode = codeOf(error);
  const { message = '', $response } = error as ErrorLike;
  const row = rowByCode.get(vendorCode);
  const cause = row?.cause ?? (INVALID.test(vendorCode) ? 'invalid' : 'vendor');
  const hint = row?.hint ?? 'look the code up in "Error codes for the Amazon EC2 API"';
  const refusal = { code: `QUILT_AWS_${cause.replace('-', '_').toUpperCase()}` as const, vendorCode, cause };
  const said = `aws ${action}: ${vendorCode}: ${message.slice(0, 500)}`;
  const skewMs = cause === 'credentials' ? wallNowMs - Date.parse($response?.headers?.date ?? '') : 0;
  if (Math.abs(skewMs) <= SKEW_MS_MAX || Number.isNaN(skewMs)) return { ...refusal, message: said, hint };
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  const wrongClock = `this computer's clock is ${seconds} s ${skewMs > 0 ? 'ahead of' : 'behind'} AWS's`;
  return { ...refusal, message: `${said}; ${wrongClock}`, hint: "set this computer's clock (NTP) and try again" };
}
