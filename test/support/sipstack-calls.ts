// One stack and a peer played by the test, over a network of memory: what passes between them, what the stack's user is told and what is counted, with
// times. '>' is sent by the stack, '<' by the peer. A datagram takes 1 ms.

import type { NetAddress } from '../../node/media/udp.ts';
import type { CallEvent, IncomingCall, InviteInit, SipAgent, SipAgentInit, SipCall, SipStackInit } from '../../node/sip/types.ts';
import { agentInit, createSipLab } from './sipstack-lab.ts';
import type { Story } from './sipstack-stories.ts';
import { brief, peerRequest, type ReplyParts, type RequestParts, replyText, SDP, tagIn } from './sipstack-wire.ts';

export interface Scene {
  readonly lines: string[];
  readonly agent: SipAgent;
  /** The last call that came in. */
  incoming(): IncomingCall;
  note(text: string): void;
  to(atMs: number): void;
  nowMs(): number;
  invite(over?: Partial<InviteInit>): SipCall;
  /** The peer sends; `source`: from another address. */
  send(text: string, source?: 'peer' | 'stranger'): void;
  request(method: string, parts?: RequestParts): string;
  reply(request: string, status: number, parts?: ReplyParts): void;
  /** The last message of that brief start ('INVITE', '200 INVITE') that the stack sent. */
  heard(start: string): string;
  /** Called with what the stack sends, to answer by itself; lines of both are noted. */
  onHeard: (text: string) => void;
  end(): Promise<readonly string[]>;
}

export const describeEvent = (event: CallEvent): string => {
  switch (event.kind) {
    case 'failed':
      return `failed ${event.cause} ${event.status ?? ''} ${event.reason}`.trim().replace(/ {2,}/g, ' ');
    case 'ended':
      return `ended by ${event.by} ${event.reason}`.trim();
    case 'ringing':
      return `ringing ${event.status}${event.isReliable ? ' reliable' : ''}`;
    case 'answered':
      return `answered ${event.status}`;
    case 'response':
      return `response ${event.method} ${event.status ?? event.cause}`;
    case 'offer':
      return `offer ${event.method}`;
    default:
      return event.kind;
  }
};

export interface SceneInit {
  readonly agent?: Partial<SipAgentInit>;
  readonly stack?: Partial<SipStackInit>;
  /** What the agent does with a call; absent: rings. */
  readonly onInvite?: (call: IncomingCall) => void;
  /** What is done with an offer of the peer; absent: answered. */
  readonly onEvent?: (event: CallEvent, call: SipCall) => void;
}

export async function createScene({ agent: agentOver, stack, onInvite, onEvent }: SceneInit = {}): Promise<Scene> {
  const { clock, network, host } = createSipLab();
  const lines: string[] = [];
  const note = (text: string): void => {
    lines.push(`${String(Math.round(clock.nowMs())).padStart(6)} ${text}`);
  };
  const heard: string[] = [];
  const open = async (ip: string) =>
    network.open({
      host: ip,
      port: 5060,
      onPacket(bytes) {
        const text = Buffer.from(bytes).toString();
        note(`> ${brief(text)}`);
        heard.push(text);
        scene.onHeard(text);
      },
    });
  const { stack: ours } = await host('10.0.0.1', { onCount: (kind) => note(`  counts ${kind}`), ...stack });
  const [peer, stranger] = [await open('10.0.0.2'), await open('10.0.0.3')];
  const to: NetAddress = network.address('10.0.0.1', 5060);
  const listen = (event: CallEvent, call: SipCall): void => {
    note(`  told ${describeEvent(event)}`);
    if (onEvent !== undefined) onEvent(event, call);
    else if (event.kind === 'offer') event.offer.answer(SDP);
  };
  let incoming: IncomingCall | null = null;
  const agent = await ours.createAgent(
    agentInit('a', '10.0.0.1', {
      onInvite(call) {
        incoming = call;
        note('  told INVITE');
        call.listen(listen);
        if (onInvite !== undefined) onInvite(call);
        else call.ring();
      },
      ...agentOver,
    }),
  );
  const scene: Scene = {
    lines,
    agent,
    note,
    incoming() {
      if (incoming === null) throw new Error('nobody called');
      return incoming;
    },
    to: (atMs) => clock.runTo(atMs),
    nowMs: clock.nowMs,
    invite: (over = {}) => agent.invite({ target: 'sip:peer@10.0.0.2', sdp: SDP, onEvent: listen, ...over }),
    send(text, source = 'peer') {
      note(`< ${brief(text)}${source === 'peer' ? '' : ' from a stranger'}`);
      (source === 'peer' ? peer : stranger).send(Buffer.from(text), to);
    },
    request(method, parts) {
      const text = peerRequest(method, parts);
      scene.send(text);
      return text;
    },
    reply: (request, status, parts) => scene.send(replyText(request, status, parts)),
    heard(start) {
      const text = heard.findLast((each) => brief(each).startsWith(start));
      if (text === undefined) throw new Error(`never heard: ${start}`);
      return text;
    },
    onHeard: () => {},
    async end() {
      const { calls, transactions } = ours.gauges();
      lines.push(`in the end ${calls} calls, ${transactions} transactions`);
      await ours.close();
      if (clock.waiting() > 0) lines.push(`${clock.waiting()} timers left behind`);
      return lines;
    },
  };
  return scene;
}

/** A peer that answers: each request by the first status list whose brief start fits. */
export const answering =
  (scene: Scene, answers: Readonly<Record<string, readonly number[]>>, parts: ReplyParts = {}) =>
  (text: string): void => {
    const statuses = Object.entries(answers).find(([start]) => brief(text).startsWith(start))?.[1] ?? [];
    for (const status of statuses) {
      const isAnswer = status >= 200 && status < 300 && brief(text).startsWith('INVITE');
      scene.reply(text, status, isAnswer ? { headers: ['Contact: <sip:peer@10.0.0.2>'], body: SDP, ...parts } : parts);
    }
  };

/** The peer's request within the dialog of our last call in. */
export const within = (scene: Scene, cseq: number, answer = '200 INVITE'): RequestParts => ({
  cseq,
  toTag: tagIn(scene.heard(answer), 'To'),
});

/** A story on a scene of its own. */
export const scene =
  (tell: (scene: Scene) => void, init: SceneInit = {}): Story =>
  async () => {
    const made = await createScene(init);
    tell(made);
    return made.end();
  };

/** What makes a 200 one that answers a call. */
export const answer = { headers: ['Contact: <sip:peer@10.0.0.2>'], body: SDP };

/** The called peer's BYE in the dialog of our INVITE. */
export function peerByeTo(invite: string, cseq = 1): string {
  const [, fromTag = '', callId = ''] = /From: .*;tag=(\S+)\r\n[\s\S]*Call-ID: (\S+)/.exec(invite) ?? [];
  return peerRequest('BYE', { callId, cseq, fromTag: 'peer', toTag: fromTag });
}
