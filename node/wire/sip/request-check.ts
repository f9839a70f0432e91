// What a server refuses though it is a SIP message (RFC 3261, 8.2.1 to 8.2.3, 16.3): one decision for our user agent and for the embedded target, from the
// request and from what the server can do. It needs no state: loops, unknown users, dialogs and authentication are for their own layers. The first
// problem in the order of 8.2 is the answer, syntax before all.

import { parseAddress } from './address.ts';
import { contactsOf, headerValues, numberHeader, parseMediaType } from './headers.ts';
import { headerOf, type SipHeader, type SipRequest } from './message.ts';
import { reasonPhrase } from './reasons.ts';
import { parseUri } from './uri.ts';

export interface ServerCapabilities {
  /** A proxy does not look at bodies, methods and Require; a registrar wants a SIP address of record. */
  readonly role: 'endpoint' | 'registrar' | 'proxy';
  /** As in Allow. */
  readonly methods: readonly string[];
  /** Option tags in lower case: of Require, or a proxy's of Proxy-Require. */
  readonly extensions: readonly string[];
  /** Media types of bodies in lower case, as in Accept. */
  readonly contentTypes: readonly string[];
  /** Schemes of Request-URIs in lower case. */
  readonly schemes: readonly string[];
}

/** The response to send; fits `ResponseParts`. */
export interface RequestProblem {
  readonly status: 400 | 405 | 406 | 415 | 416 | 420 | 483 | 501;
  readonly reason: string;
  readonly headers: readonly SipHeader[];
}

/** Those that exist: 405 says that we know it, 501 that we do not (RFC 3261, 21.4.6 and 21.5.2). */
const knownMethods: ReadonlySet<string> = new Set(
  'INVITE ACK BYE CANCEL OPTIONS REGISTER PRACK UPDATE INFO MESSAGE SUBSCRIBE NOTIFY REFER PUBLISH'.split(' '),
);
const sipSchemes = ['sip', 'sips'];

const problem = (status: RequestProblem['status'], headers: readonly SipHeader[] = []): RequestProblem => ({
  status,
  reason: reasonPhrase(status),
  headers,
});

/** RFC 3261, 21.4.1: the phrase says what is wrong. */
const badRequest = (what: string): RequestProblem => ({ status: 400, reason: `Bad ${what}`, headers: [] });

/** Null when nothing is wrong; always for ACK, which nobody answers. */
export function requestProblem(request: SipRequest, capabilities: ServerCapabilities): RequestProblem | null {
  if (request.method === 'ACK') return null;
  if (capabilities.role === 'proxy') {
    return syntaxProblem(request) ?? hopsProblem(request) ?? extensionProblem(request, 'proxy-require', capabilities);
  }
  return (
    syntaxProblem(request) ??
    methodProblem(request, capabilities) ??
    schemeProblem(request, capabilities) ??
    extensionProblem(request, 'require', capabilities) ??
    contentProblem(request, capabilities) ??
    acceptProblem(request, capabilities)
  );
}

function syntaxProblem(request: SipRequest): RequestProblem | null {
  const uri = parseUri(request.uri);
  // A Request-URI holds no headers (RFC 3261, 19.1.1, table 1): obeyed, they would let anybody write ours.
  if (uri === null || (uri.kind === 'sip' && uri.headers.length > 0)) return badRequest('Request-URI');
  for (const [name, shown] of addressed) {
    const value = headerOf(request, name);
    if (value !== undefined && !isAddress(value)) return badRequest(shown);
  }
  const contacts = contactsOf(request);
  if (contacts === null || (contacts === '*' && request.method !== 'REGISTER')) return badRequest('Contact');
  if (contacts !== '*' && !contacts.every((contact) => parseUri(contact.uri) !== null)) return badRequest('Contact');
  return null;
}

const addressed = [
  ['from', 'From'],
  ['to', 'To'],
] as const;

function isAddress(value: string): boolean {
  const address = parseAddress(value);
  return address !== null && parseUri(address.uri) !== null;
}

/** A Max-Forwards that is no number up to 255 counts as absent (RFC 4475, 3.1.2.4). */
const hopsProblem = (request: SipRequest): RequestProblem | null =>
  numberHeader(request, 'max-forwards', 255) === 0 ? problem(483) : null;

function methodProblem({ method }: SipRequest, { methods }: ServerCapabilities): RequestProblem | null {
  if (methods.includes(method)) return null;
  return problem(knownMethods.has(method) ? 405 : 501, [{ name: 'allow', value: methods.join(', ') }]);
}

function schemeProblem(request: SipRequest, { schemes, role }: ServerCapabilities): RequestProblem | null {
  if (!schemes.includes(schemeOf(request.uri))) return problem(416);
  if (role !== 'registrar' || request.method !== 'REGISTER') return null;
  // RFC 3261, 10.2: the address of record is a SIP or SIPS URI.
  const addressOfRecord = parseAddress(headerOf(request, 'to') ?? '')?.uri ?? '';
  return sipSchemes.includes(schemeOf(addressOfRecord)) ? null : badRequest('Address of Record');
}

const schemeOf = (uri: string): string => uri.slice(0, Math.max(uri.indexOf(':'), 0)).toLowerCase();

/** RFC 3261, 8.2.2.3. A CANCEL's is ignored: it only undoes. */
function extensionProblem(
  request: SipRequest,
  name: 'require' | 'proxy-require',
  { extensions }: ServerCapabilities,
): RequestProblem | null {
  if (request.method === 'CANCEL') return null;
  const unsupported = headerValues(request, name).filter((tag) => !extensions.includes(tag.toLowerCase()));
  return unsupported.length === 0 ? null : problem(420, [{ name: 'unsupported', value: unsupported.join(', ') }]);
}

/** RFC 3261, 8.2.3: a body that cannot be read and is not said to be optional. */
function contentProblem(request: SipRequest, { contentTypes }: ServerCapabilities): RequestProblem | null {
  if (request.body.length === 0) return null;
  if (/;[ \t]*handling[ \t]*=[ \t]*optional\b/i.test(headerOf(request, 'content-disposition') ?? '')) return null;
  const type = headerOf(request, 'content-type');
  if (type === undefined) return { status: 400, reason: 'Missing Content-Type', headers: [] };
  const encodings = headerValues(request, 'content-encoding').filter((encoding) => encoding.toLowerCase() !== 'identity');
  if (encodings.length > 0) return problem(415, [{ name: 'accept-encoding', value: 'identity' }]);
  const mediaType = parseMediaType(type);
  if (mediaType === null) return badRequest('Content-Type');
  return contentTypes.includes(mediaType.type) ? null : problem(415, [{ name: 'accept', value: contentTypes.join(', ') }]);
}

/** RFC 3261, 21.4.7: an INVITE whose sender takes no session description can have no answer. */
function acceptProblem(request: SipRequest, { contentTypes }: ServerCapabilities): RequestProblem | null {
  const isTold = request.method === 'INVITE' && headerOf(request, 'accept') !== undefined;
  if (!isTold || !contentTypes.includes('application/sdp')) return null;
  const ranges = headerValues(request, 'accept').map((value) => parseMediaType(value)?.type);
  if (ranges.some((range) => range === 'application/sdp' || range === 'application/*' || range === '*/*')) return null;
  return problem(406, [{ name: 'warning', value: '399 quilt-swarm "Accept has no application/sdp"' }]);
}
