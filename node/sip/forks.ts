// A 2xx that nobody can use: of another branch of a forked INVITE, or one that came when the call was over (RFC 3261, 13.2.2.4). It is owed an ACK, and
// then a BYE; everything that both need stands in the response.

import { headerOf, type SipResponse } from '../wire/sip/message.ts';
import type { Agent } from './agent.ts';
import type { ClientOwner } from './client-transactions.ts';
import { callerDialog } from './dialog.ts';
import { newRequest } from './outgoing-request.ts';
import { requestText } from './request-text.ts';
import { transmit, transmitAlone } from './transmit.ts';

const nobody: ClientOwner = { onResponse: () => {}, onNoResponse: () => {} };

export function dismissAnswer(agent: Agent, response: SipResponse): void {
  const { core } = agent;
  core.count('forked-answer', 1);
  const invite = {
    requestUri: '',
    routeLines: '',
    from: headerOf(response, 'from') ?? '',
    to: '',
    callId: response.callId,
    localTag: response.fromTag,
  };
  const dialog = callerDialog(invite, response, agent.init.aor);
  const acknowledge = agent.credentials('ACK', dialog.requestUri, '') + agent.lines;
  transmitAlone(core, agent.port, dialog, (path) =>
    requestText('ACK', dialog, response.cseq, path, core.ids.branch(), acknowledge, '', ''),
  );
  const bye = newRequest('BYE', ++dialog.localSeq, agent.lines, '', '', core.clock.nowMs());
  transmit(core, agent.port, dialog, bye, agent.credentials('BYE', dialog.requestUri, ''), nobody);
}
