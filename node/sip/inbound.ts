// What happens to a message that comes in: it belongs to a transaction, a dialog or an agent, or to nobody. What belongs to nobody is answered as the
// RFC says (RFC 3261, 8.2, 9.2, 12.2.2) and counted; a response or an ACK to nobody is only counted.

import { isIP } from 'node:net';
import { headerOf, type SipHeader, type SipMessage, type SipParseFailure, type SipRequest } from '../wire/sip/message.ts';
import { requestProblem, type ServerCapabilities } from '../wire/sip/request-check.ts';
import { parseUri } from '../wire/sip/uri.ts';
import { isMisrouted, responseTarget } from '../wire/sip/via.ts';
import { writeResponse } from '../wire/sip/write.ts';
import { type Agent, METHODS } from './agent.ts';
import { sdpOf } from './call.ts';
import type { Core } from './core.ts';
import { calleeDialog } from './dialog.ts';
import { IncomingCall } from './incoming-call.ts';
import { sendOffer } from './offers.ts';
import type { Path } from './path.ts';
import { servePeer, timerReply } from './peer-requests.ts';
import { SDP_TYPE } from './request-text.ts';
import type { ServerTransaction } from './server-transactions.ts';

/** Bodies that a MESSAGE or INFO may have are its receiver's business; what we could answer otherwise is a session description. */
const capabilities: ServerCapabilities = {
  role: 'endpoint',
  methods: METHODS,
  extensions: ['100rel', 'timer'],
  contentTypes: [SDP_TYPE],
  schemes: ['sip', 'sips', 'tel'],
};

export function onMalformed(core: Core, failure: SipParseFailure, path: Path): void {
  core.count(`malformed-${failure.kind}`, 1);
  const { partial, answer } = failure;
  if (partial !== null && answer !== null && partial.method !== 'ACK') answerAlone(core, partial, path, answer);
}

export function onMessage(core: Core, message: SipMessage, path: Path, atMs: number): void {
  if (message.kind === 'response') {
    if (isMisrouted(message) || !core.clients.receive(message, atMs)) core.count('stray-response', 1);
    return;
  }
  if (core.servers.absorb(message, atMs)) return;
  if (message.method === 'ACK') return onAck(core, message, atMs);
  const transaction = core.servers.serve(message, path, responsePath(message, path));
  if (transaction === null) return answerAlone(core, message, path, 503);
  serve(core, message, transaction, path, atMs);
}

/** Without a transaction: nothing is kept, and what is sent again is answered again. */
function answerAlone(core: Core, request: SipRequest, path: Path, status: number): void {
  const { remote } = path;
  const response = writeResponse(request, { status, receivedHost: remote.host, rport: remote.port, toTag: core.ids.tag() });
  if (!responsePath(request, path).send(response)) core.count('send-failed', 1);
}

/** RFC 3261, 18.2.2; RFC 3581, 4. */
function responsePath(request: SipRequest, path: Path): Path {
  if (path.isReliable) return path;
  const { host, port } = responseTarget(request.via, path.remote);
  const isSame = (host === path.remote.host && port === path.remote.port) || isIP(host) !== isIP(path.remote.host);
  if (isSame) return path;
  try {
    return path.port.pathTo('udp', host, port);
  } catch {
    // The table of addresses is full: where the request came from is in it.
    return path;
  }
}

function onAck(core: Core, request: SipRequest, atMs: number): void {
  const call = core.calls.get(request.toTag);
  const isOurs = call !== undefined && call.callId === request.callId && call.dialogWith(request.fromTag) !== null;
  if (!isOurs) core.count('stray-ack', 1);
  // One that comes again was sent for a 2xx that came again.
  else if (!call.onAck(request, atMs)) core.count('retransmission-received', 1);
}

function serve(core: Core, request: SipRequest, transaction: ServerTransaction, path: Path, atMs: number): void {
  const refuse = (status: number, headers?: readonly SipHeader[], reason?: string): void =>
    core.servers.respond(transaction, { status, reason, headers, toTag: core.ids.tag() });
  if (request.method === 'CANCEL') return serveCancel(core, request, transaction, atMs);
  const isFree = request.method === 'INFO' || request.method === 'MESSAGE' || request.method === 'BYE';
  const problem = isFree ? null : requestProblem(request, capabilities);
  if (problem !== null) return refuse(problem.status, problem.headers, problem.reason);
  if (request.toTag !== '') {
    const call = core.calls.get(request.toTag);
    const dialog = call?.callId === request.callId ? call.dialogWith(request.fromTag) : null;
    if (call !== undefined && dialog !== null) return servePeer(call, dialog, request, transaction, atMs);
    // Somebody knows a part of a dialog, but not all of it.
    core.count(call === undefined ? 'stray-request' : 'forged', 1);
    return refuse(481);
  }
  const agent = agentOf(core, request, path);
  switch (request.method) {
    case 'OPTIONS':
      if (agent === null && hasUser(request.uri)) break;
      return refuse(200, (agent ?? firstAgent(core))?.capabilityHeaders);
    case 'INVITE':
      if (agent === null) break;
      return serveInvite(core, agent, request, transaction, atMs);
    case 'MESSAGE':
      if (agent === null) break;
      refuse(200);
      agent.init.onMessage?.(sdpOf(request) ?? '', request);
      return;
    default:
      // Only a dialog could know what it is about.
      core.count('stray-request', 1);
      return refuse(481);
  }
  core.count('stray-request', 1);
  refuse(404);
}

/** The agent whose socket it came to, else the one that the Request-URI names. */
function agentOf(core: Core, request: SipRequest, path: Path): Agent | null {
  const own = core.agentOfPort.get(path.port);
  if (own !== undefined) return own;
  const uri = parseUri(request.uri);
  return uri?.kind === 'sip' && uri.user !== null ? (core.agents.get(uri.user) ?? null) : null;
}

const hasUser = (text: string): boolean => {
  const uri = parseUri(text);
  return uri?.kind === 'sip' && uri.user !== null;
};

const firstAgent = (core: Core): Agent | null => {
  for (const agent of core.agents.values()) return agent;
  return null;
};

function serveCancel(core: Core, request: SipRequest, transaction: ServerTransaction, atMs: number): void {
  const invite = core.servers.inviteOf(request);
  if (invite === undefined) {
    core.count('stray-request', 1);
    core.servers.respond(transaction, { status: 481, toTag: core.ids.tag() });
    return;
  }
  const { owner } = invite;
  const call = owner instanceof IncomingCall ? owner : null;
  core.servers.respond(transaction, { status: 200, toTag: call?.localTag ?? core.ids.tag() });
  if (call !== null) return call.onCancel(headerOf(request, 'reason') ?? '', atMs);
  const standing = core.calls.get(request.toTag);
  if (standing?.peerOffer !== invite) return;
  standing.refusePeerOffer();
  if (standing.wantedSdp !== null) sendOffer(standing);
}

function serveInvite(core: Core, agent: Agent, request: SipRequest, transaction: ServerTransaction, atMs: number): void {
  const refuse = (status: number, headers?: readonly SipHeader[], reason?: string): void =>
    core.servers.respond(transaction, { status, reason, headers, toTag: core.ids.tag() });
  const mergeKey = `${request.callId} ${request.fromTag} ${request.cseq}`;
  if (core.merged.has(mergeKey)) return refuse(482);
  if (agent.init.onInvite === undefined) return refuse(480);
  if (headerOf(request, 'contact') === undefined) return refuse(400, undefined, 'Missing Contact');
  if (core.calls.size >= core.limits.calls) {
    core.count('overload', 1);
    return refuse(503);
  }
  const timer = timerReply(agent, request);
  if (timer.kind === 'too-small') return refuse(422, [{ name: 'min-se', value: String(timer.minS) }]);
  const call = new IncomingCall(agent, request, transaction, (localTag) => calleeDialog(request, localTag), timer, mergeKey, atMs);
  agent.admit(call);
  agent.init.onInvite(call);
}
