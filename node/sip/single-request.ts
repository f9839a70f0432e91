// A request of its own, outside of any dialog (RFC 3261, 8.1): OPTIONS, MESSAGE. One question, one answer, credentials where they are asked for.

import type { SipResponse } from '../wire/sip/message.ts';
import type { Agent } from './agent.ts';
import type { ClientOwner, OutgoingRequest } from './client-transactions.ts';
import { silence } from './failure.ts';
import { newRequest } from './outgoing-request.ts';
import { headerLines, SDP_TYPE } from './request-text.ts';
import { type Hop, transmit } from './transmit.ts';
import type { RequestInit } from './types.ts';

export function sendSingle(agent: Agent, init: RequestInit): void {
  const { core } = agent;
  const hop: Hop = {
    requestUri: init.target,
    routeLines: agent.routeLines,
    hopUri: agent.init.outboundProxy ?? init.target,
    from: `${agent.fromAddress};tag=${core.ids.tag()}`,
    to: `<${init.target}>`,
    callId: core.ids.callId(),
  };
  const accept = init.method === 'OPTIONS' ? `Accept: ${SDP_TYPE}\r\n` : '';
  const lines = headerLines(init.headers) + accept + agent.lines;
  const body = init.body ?? '';
  const first = newRequest(init.method, 1, lines, init.contentType ?? 'text/plain', body, init.dueMs ?? core.clock.nowMs());
  const send = (request: OutgoingRequest): void =>
    transmit(core, agent.port, hop, request, agent.credentials(init.method, init.target, body), owner);
  const owner: ClientOwner = {
    onResponse(request: OutgoingRequest, response: SipResponse, atMs: number): void {
      const { status, reason } = response;
      if (status < 200) return;
      if ((status === 401 || status === 407) && agent.learnChallenge(request, response)) {
        request.cseq++;
        return send(request);
      }
      if (status < 300) agent.noteSuccess(request, response);
      init.onResult({ status, reason, atMs, responseMs: atMs - request.startedAtMs, cause: null });
    },
    onNoResponse(request, cause, detail, atMs): void {
      init.onResult({ ...silence(cause, detail, atMs, request.startedAtMs), status: null });
    },
  };
  send(first);
}
