// One participant's user agent: who it is, what all its requests say, its credentials, calls and registrations. What is constant in a request is
// concatenated here once. It also takes the 2xx that come for calls that are over.

import { assert } from '../core/assert.ts';
import { formatAddress } from '../wire/sip/address.ts';
import type { SipHeader, SipResponse } from '../wire/sip/message.ts';
import { bracketed } from '../wire/sip/text.ts';
import type { Call } from './call.ts';
import type { ClientOwner, OutgoingRequest } from './client-transactions.ts';
import type { Core } from './core.ts';
import { Credentials } from './credentials.ts';
import { dismissAnswer } from './forks.ts';
import { OutgoingCall } from './outgoing-call.ts';
import type { Port } from './path.ts';
import { AgentRegistration } from './registration.ts';
import { headerLines, SDP_TYPE } from './request-text.ts';
import { sendSingle } from './single-request.ts';
import type {
  InviteInit,
  OutgoingCall as OutgoingCallFace,
  RegisterInit,
  Registration,
  RequestInit,
  SipAgent,
  SipAgentInit,
} from './types.ts';

export const METHODS = ['INVITE', 'ACK', 'CANCEL', 'BYE', 'OPTIONS', 'INFO', 'UPDATE', 'PRACK', 'MESSAGE'] as const;

export class Agent implements SipAgent, ClientOwner {
  readonly core: Core;
  readonly port: Port;
  readonly init: SipAgentInit;
  readonly contactUri: string;
  /** From and To of requests, without a tag. */
  readonly fromAddress: string;
  /** Route of requests outside of dialogs. */
  readonly routeLines: string;
  /** In every request. */
  readonly lines: string;
  /** In requests that make or refresh a dialog. */
  readonly inviteLines: string;
  /** What an INVITE says about reliable provisional responses beyond that. */
  readonly reliableLines: string;
  readonly allowHeaders: readonly SipHeader[];
  readonly capabilityHeaders: readonly SipHeader[];
  /** Of 2xx to INVITE and UPDATE, and of provisional ones that make a dialog. */
  readonly answerHeaders: readonly SipHeader[];
  readonly calls = new Set<Call>();
  readonly #registrations = new Set<AgentRegistration>();
  readonly #credentials: Credentials;
  readonly #ownsPort: boolean;
  #isClosed = false;

  constructor(core: Core, port: Port, init: SipAgentInit) {
    this.core = core;
    this.port = port;
    this.init = init;
    this.#ownsPort = init.localSocket === 'own';
    this.#credentials = new Credentials(init.auth, core.random);
    const { local } = port;
    const transport = core.transport === 'udp' ? '' : `;transport=${core.transport}`;
    this.contactUri = `sip:${init.contactUser}@${bracketed(local.host)}:${local.port}${transport}`;
    this.fromAddress = formatAddress({ displayName: init.displayName ?? '', uri: init.aor, parameters: new Map() });
    const proxy = init.outboundProxy;
    this.routeLines = proxy !== null && /;lr(?:[;=?]|$)/i.test(proxy) ? `Route: <${proxy}>\r\n` : '';
    const contact = `<${this.contactUri}>`;
    const allow = METHODS.join(', ');
    const reliable = init.reliableProvisionals ?? 'off';
    const options = [...(reliable === 'off' ? [] : ['100rel']), ...(init.sessionTimer ? ['timer'] : [])].join(', ');
    this.lines = headerLines([['User-Agent', init.userAgentName], ...(init.headers ?? [])]);
    const supported = options === '' ? '' : `Supported: ${options}\r\n`;
    this.inviteLines = `Contact: ${contact}\r\nAllow: ${allow}\r\n${supported}${this.lines}`;
    this.reliableLines = reliable === 'required' ? 'Require: 100rel\r\n' : '';
    const extensions = `100rel${init.sessionTimer ? ', timer' : ''}`;
    this.allowHeaders = [{ name: 'allow', value: allow }];
    this.capabilityHeaders = [
      ...this.allowHeaders,
      { name: 'supported', value: extensions },
      { name: 'accept', value: SDP_TYPE },
      { name: 'server', value: init.userAgentName },
    ];
    this.answerHeaders = [
      { name: 'contact', value: contact },
      ...this.allowHeaders,
      { name: 'supported', value: extensions },
      { name: 'server', value: init.userAgentName },
    ];
  }

  credentials(method: string, uri: string, body: string): string {
    return this.init.auth === null ? '' : this.#credentials.lines(method, uri, body);
  }

  /** True: the request should go out once more. */
  learnChallenge(request: OutgoingRequest, response: SipResponse): boolean {
    return this.#credentials.learn(request, response);
  }

  noteSuccess(request: OutgoingRequest, response: SipResponse): void {
    this.#credentials.renew(request, response);
  }

  register(init: RegisterInit): Registration {
    assert(!this.#isClosed, 'register on a closed agent');
    const registration = new AgentRegistration(this, init);
    this.#registrations.add(registration);
    return registration;
  }

  invite(init: InviteInit): OutgoingCallFace {
    assert(!this.#isClosed, 'invite on a closed agent');
    return new OutgoingCall(this, init);
  }

  request(init: RequestInit): void {
    assert(!this.#isClosed, 'request on a closed agent');
    sendSingle(this, init);
  }

  /** A call stands among the stack's, or is refused a place. */
  admit(call: Call): boolean {
    const { calls, limits } = this.core;
    if (calls.size >= limits.calls) {
      this.core.count('overload', 1);
      return false;
    }
    calls.set(call.localTag, call);
    this.calls.add(call);
    return true;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const call of [...this.calls]) call.drop();
    for (const registration of this.#registrations) registration.drop();
    this.#registrations.clear();
    const { agents, agentOfPort, paths } = this.core;
    if (agents.get(this.init.contactUser) === this) agents.delete(this.init.contactUser);
    if (!this.#ownsPort) return;
    agentOfPort.delete(this.port);
    paths.delete(this.port);
    void this.port.close();
  }

  onResponse(request: OutgoingRequest, response: SipResponse): void {
    if (request.method === 'INVITE' && response.status >= 200 && response.status < 300) dismissAnswer(this, response);
  }

  onNoResponse(): void {}
}
