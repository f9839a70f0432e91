// What an S3 client's exception means and what to do about it. The names are Amazon's ("Error responses", S3 API reference) and those that clones use instead; where a clone
// or a HEAD gives only a status, the status decides. A server that answers something other than S3 XML is the wrong address, not a broken store: that is the most common
// mistake with S3-compatible endpoints, and the SDK reports it as a syntax error.

import { refused, type StoreCause, type StoreProblem } from '../artifacts/store.ts';

/** The parts of the SDK's exceptions that are looked at; all optional, because anything may be thrown. */
interface Thrown {
  readonly name?: string;
  readonly message?: string;
  readonly code?: string;
  readonly Code?: string;
  readonly cause?: { readonly code?: string };
  readonly $metadata?: { readonly httpStatusCode?: number };
}

export interface ProblemPlace {
  readonly bucket: string;
  /** Object, or 'bucket': what was being done, for the sentence. */
  readonly what: string;
  /** As the operator set it; null = Amazon's own. */
  readonly endpoint: string | null;
}

const CAUSE_BY_NAME: Readonly<Record<string, StoreCause>> = {
  NoSuchBucket: 'bucket-missing',
  NoSuchKey: 'not-found',
  AccessDenied: 'denied',
  AllAccessDisabled: 'denied',
  AccountProblem: 'denied',
  MethodNotAllowed: 'denied',
  InvalidAccessKeyId: 'credentials',
  SignatureDoesNotMatch: 'credentials',
  InvalidClientTokenId: 'credentials',
  ExpiredToken: 'credentials',
  InvalidToken: 'credentials',
  CredentialsProviderError: 'credentials',
  TokenRefreshRequired: 'credentials',
  RequestTimeTooSkewed: 'clock-skew',
  RequestExpired: 'clock-skew',
  BadDigest: 'corrupt',
  InvalidDigest: 'corrupt',
  XAmzContentSHA256Mismatch: 'corrupt',
  IncompleteBody: 'corrupt',
  SlowDown: 'throttled',
  Throttling: 'throttled',
  ThrottlingException: 'throttled',
  TooManyRequests: 'throttled',
  RequestLimitExceeded: 'throttled',
  ServiceUnavailable: 'throttled',
  TimeoutError: 'slow',
  RequestTimeout: 'slow',
  QuotaExceeded: 'full',
  InsufficientStorage: 'full',
  EntityTooLarge: 'full',
  PermanentRedirect: 'wrong-endpoint',
  AuthorizationHeaderMalformed: 'wrong-endpoint',
  IllegalLocationConstraintException: 'wrong-endpoint',
  SyntaxError: 'wrong-endpoint',
  AbortError: 'aborted',
};
const UNREACHABLE_CODES =
  /^(ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EPIPE|EPROTO|ERR_TLS\w*|ERR_SSL\w*|CERT_\w+|DEPTH_ZERO\w*|UNABLE_TO\w+|SELF_SIGNED\w*)$/;

export function causeOf(error: unknown): StoreCause {
  const { name = '', message = '', Code = '', code, cause, $metadata } = error as Thrown;
  const system = code ?? cause?.code ?? '';
  // Before the name: the SDK calls a connection that was cut a TimeoutError.
  if (UNREACHABLE_CODES.test(system)) return 'unreachable';
  const named = CAUSE_BY_NAME[name] ?? CAUSE_BY_NAME[Code];
  if (named !== undefined) return named;
  if (system === 'ETIMEDOUT' || system === 'ESOCKETTIMEDOUT') return 'slow';
  // The parser of HTTP gave up: whatever listens there speaks something else.
  if (system.startsWith('HPE_')) return 'wrong-endpoint';
  const status = $metadata?.httpStatusCode;
  // A page of some web server where S3 answers XML; behind a 5xx it may be a proxy's in front of the right store.
  if (/XML parse error/.test(message) && (status === undefined || status < 500)) return 'wrong-endpoint';
  return causeOfStatus(status, name);
}

function causeOfStatus(status: number | undefined, name: string): StoreCause {
  if (status === undefined) return 'store-fault';
  if ((status >= 300 && status < 400) || status === 405) return 'wrong-endpoint';
  if (status === 401) return 'credentials';
  if (status === 403) return 'denied';
  if (status === 404) return name === 'NotFound' ? 'not-found' : 'wrong-endpoint';
  if (status === 429 || status === 503) return 'throttled';
  if (status === 507) return 'full';
  if (status === 408) return 'slow';
  return status >= 500 || status === 409 || status === 400 || name.startsWith('NoSuchUpload') ? 'store-fault' : 'invalid';
}

/** The state that an upload left is of no use any more: it has to begin again. */
export function isUploadLost(error: unknown): boolean {
  const { name = '', Code = '' } = error as Thrown;
  return [name, Code].some((each) => ['NoSuchUpload', 'InvalidPart', 'InvalidPartOrder', 'EntityTooSmall'].includes(each));
}

export function problemOf(error: unknown, place: ProblemPlace): StoreProblem {
  const cause = causeOf(error);
  const { name = 'Error', message = String(error) } = error as Thrown;
  const sentence = `s3://${place.bucket}: ${place.what}: ${name}: ${(message.split('\n')[0] ?? '').slice(0, 300)}`;
  return refused(cause, sentence, hintFor(cause, place)).problems[0] as StoreProblem;
}

export function hintFor(cause: StoreCause, { bucket, endpoint }: ProblemPlace): string {
  const where = endpoint === null ? "Amazon's own endpoint (AWS_ENDPOINT_URL_S3 is not set)" : `AWS_ENDPOINT_URL_S3=${endpoint}`;
  switch (cause) {
    case 'bucket-missing':
      return `make the bucket ${bucket}, or correct its name; asked at ${where}`;
    case 'credentials':
      return 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN for temporary ones) to a pair that is valid there';
    case 'denied':
      return `allow this key s3:ListBucket on ${bucket}, and s3:PutObject, s3:GetObject, s3:DeleteObject, s3:AbortMultipartUpload, s3:ListMultipartUploadParts on its objects`;
    case 'unreachable':
      return `see that the host answers and its certificate is trusted; asked at ${where}`;
    case 'wrong-endpoint':
      return `what answers is not this bucket's S3: correct the endpoint, or AWS_REGION; asked at ${where}`;
    case 'clock-skew':
      return "set this machine's clock (NTP): signatures are only valid for minutes";
    case 'slow':
      return `look at the network between here and the store, or choose one that is nearer; asked at ${where}`;
    case 'throttled':
      return 'it is tried again by itself; when it stays, upload less at once or ask the vendor for a higher rate';
    case 'full':
      return 'raise the quota, delete what is old, or name another bucket';
    case 'corrupt':
      return 'it is sent again by itself; when it stays, something on the way alters what passes';
    case 'not-found':
      return 'look at the list of what is there';
    case 'aborted':
      return 'try again';
    case 'store-fault':
      return 'it is tried again by itself; when it stays, ask whoever runs the store';
    case 'invalid':
    case 'local-file':
      return 'correct it and try again';
  }
}
