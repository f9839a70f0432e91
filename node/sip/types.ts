// The face of the SIP stack: what an endpoint type asks of it and what it is told. A stack is one group's signalling in one worker (its sockets,
// transactions, timers); an agent is one participant; a call is one dialog with its INVITE. Everything is told through plain callbacks, with the
// clock time of the packet that caused it, so that latencies count from due times. Nothing here throws for what a peer does.

import type { Clock } from '../endpoints/endpoint.ts';
import type { UdpNetwork } from '../media/udp.ts';
import type { SipRequest } from '../wire/sip/message.ts';

export type SipTransportName = 'udp' | 'tcp' | 'tls';
export type HeaderPair = readonly [name: string, value: string];

/** RFC 3261, 17: round-trip estimate, longest retransmission gap, longest life of a message in the network; ms. */
export interface SipTimers {
  readonly t1Ms: number;
  readonly t2Ms: number;
  readonly t4Ms: number;
}

/** What the stack keeps at most. Overflow is counted, and the newcomer refused (503) or failed ('overload'). */
export interface SipLimits {
  /** Client and server transactions together, lingering ones included. */
  readonly transactions: number;
  readonly calls: number;
  readonly connections: number;
  /** Bytes waiting in one connection before it counts as stuck. */
  readonly connectionQueueBytes: number;
  /** One message over TCP or TLS. */
  readonly messageBytes: number;
  readonly connectTimeoutMs: number;
  /** A stream that holds half a message this long is closed. */
  readonly partialMessageMs: number;
}

export interface SipTls {
  /** PEM. Without certificate and key nobody can connect to us: requests come in over the connections we opened. */
  readonly cert?: string;
  readonly key?: string;
  readonly ca?: string;
  /** False: any certificate will do (test targets). */
  readonly isVerified: boolean;
  readonly serverName?: string;
}

/** Things that happened outside of any call, to be counted. 'malformed-KIND': see SipParseFailure. */
export type SipCountKind =
  | 'stray-response'
  | 'stray-request'
  | 'stray-ack'
  | 'forged'
  | 'late-response'
  | 'retransmission-sent'
  | 'retransmission-received'
  | 'forked-answer'
  | 'large-request'
  | 'keep-alive'
  | 'half-open'
  | 'connect-failed'
  | 'connection-lost'
  | 'connection-stuck'
  | 'oversized'
  | 'overload'
  | 'send-failed'
  | `malformed-${string}`;

export interface SipStackInit {
  readonly clock: Pick<Clock, 'nowMs' | 'at' | 'cancel'>;
  /** 0 <= x < 1. */
  readonly random: () => number;
  readonly network: UdpNetwork;
  readonly local: {
    /** IP literal to bind to; also what Via and Contact say, unless `advertisedHost` is there. */
    readonly host: string;
    /** 0 or absent: any free one. */
    readonly port?: number;
    /** What requests leave by when the URI does not say. */
    readonly transport: SipTransportName;
    readonly advertisedHost?: string;
  };
  readonly tls?: SipTls;
  readonly timers?: Partial<SipTimers>;
  readonly limits?: Partial<SipLimits>;
  /** Requests over 1300 bytes go by TCP (RFC 3261, 18.1.1). Off: they go by UDP and are counted ('large-request'). */
  readonly largeByTcp?: boolean;
  /** CRLF CRLF on idle connections this often (RFC 5626, 3.5.1); 0 or absent: never. */
  readonly keepAliveMs?: number;
  /** Name to IP literal; answers are kept for the life of the stack. */
  readonly lookup: (host: string) => Promise<string>;
  /**
   * Asked once for each next hop (target, redirect, route, a peer's Contact) before anything is sent there; it throws, with the reason, for where
   * nobody invited us, and the request then fails with 'transport'. Responses go back to where their requests came from, unasked. Absent: all go.
   */
  readonly admit?: (host: string, port: number) => void;
  readonly onCount: (kind: SipCountKind, count: number) => void;
}

export interface SipStack {
  /** Opens the agent's own socket where it asked for one: rejects with the socket's error. */
  readonly createAgent: (init: SipAgentInit) => Promise<SipAgent>;
  /** Host and port that Via and Contact of the shared socket name. */
  readonly local: { readonly host: string; readonly port: number };
  readonly gauges: () => SipGauges;
  /** No message is sent any more, no callback called; sockets are closed, timers cancelled. */
  readonly close: () => Promise<void>;
}

export interface SipGauges {
  readonly agents: number;
  readonly calls: number;
  readonly transactions: number;
  readonly connections: number;
}

/** Exported by stack.ts. */
export type CreateSipStack = (init: SipStackInit) => Promise<SipStack>;

export interface SipAgentInit {
  /** Address of record, a URI: sip:alice@example.test. */
  readonly aor: string;
  /** User part of Contact: what requests for this agent are found by on a shared socket. Unique in the stack. */
  readonly contactUser: string;
  readonly displayName?: string;
  readonly auth: { readonly user: string; readonly password: string; readonly realm?: string } | null;
  /** URI that all requests outside of dialogs go through, e.g. sip:10.0.0.1:5060;lr. */
  readonly outboundProxy: string | null;
  readonly localSocket: 'shared' | 'own';
  /** Put into every request. */
  readonly headers?: readonly HeaderPair[];
  readonly userAgentName: string;
  /** RFC 4028; null: not supported, peers' wishes are left to them. */
  readonly sessionTimer?: SessionTimerWish | null;
  /** RFC 3262 as caller: 'supported' offers it, 'required' insists, 'off' (the default) does not mention it. */
  readonly reliableProvisionals?: 'off' | 'supported' | 'required';
  /** Absent: calls are refused with 480. */
  readonly onInvite?: (call: IncomingCall) => void;
  /** A MESSAGE outside of a dialog; it was answered 200. */
  readonly onMessage?: (text: string, request: SipRequest) => void;
}

export interface SessionTimerWish {
  readonly expiresS: number;
  /** At least 90 by the RFC. */
  readonly minS: number;
  readonly refresher: 'local' | 'remote';
  readonly refreshBy: 'update' | 'invite';
}

export interface SipAgent {
  /** URI in Contact. */
  readonly contactUri: string;
  readonly register: (init: RegisterInit) => Registration;
  readonly invite: (init: InviteInit) => OutgoingCall;
  /** OPTIONS, MESSAGE ... outside of a dialog. */
  readonly request: (init: RequestInit) => void;
  /** Drops its calls and registration without a word to anybody, closes its own socket. `unregister` and `bye` come first. */
  readonly close: () => void;
}

/** Why something did not come about, as one word for the report. */
export type SipFailureCause =
  /** Timer B, F or H: no answer at all, or none after a provisional one. */
  | 'timeout'
  /** Could not be sent: connection refused, name unknown. */
  | 'transport'
  /** A second challenge for credentials that were already answered, or 403 to them, or none to give. */
  | 'auth-rejected'
  | 'cancelled'
  | 'busy'
  | 'declined'
  | 'not-found'
  | 'unavailable'
  | 'redirect-limit'
  /** Another 4xx, 5xx, 6xx. */
  | 'rejected'
  | 'server-error'
  /** 422, 421, 420 that could not be agreed on, a 2xx without SDP ... */
  | 'protocol'
  /** Our own limits. */
  | 'overload';

export interface SipFailure {
  readonly cause: SipFailureCause;
  /** Null when there was no response. */
  readonly status: number | null;
  /** Reason phrase, or what the transport said. */
  readonly reason: string;
  /** Of a Retry-After header. */
  readonly retryAfterMs: number | null;
  readonly atMs: number;
  /** Since the start (`dueMs` where given). */
  readonly responseMs: number;
}

export interface RegisterInit {
  /** Request-URI: sip:registrar.test. */
  readonly registrar: string;
  readonly expiresS: number;
  /** Response times count from here; absent: from now. */
  readonly dueMs?: number;
  /** Share of the granted time after which it is refreshed; absent: 0.8. */
  readonly refreshShare?: number;
  readonly onState: (event: RegistrationEvent) => void;
}

export type RegistrationEvent =
  | {
      readonly kind: 'registered';
      readonly atMs: number;
      readonly responseMs: number;
      readonly expiresS: number;
      readonly isRefresh: boolean;
      /** How often credentials were asked for on the way. */
      readonly challenges: number;
    }
  /** Not registered (any more); no further attempt is made unless `refresh` is called. */
  | ({ readonly kind: 'failed'; readonly isRefresh: boolean } & SipFailure)
  /** Last event: the answer to `unregister`, or its failure (the binding then expires by itself). */
  | { readonly kind: 'unregistered'; readonly atMs: number; readonly responseMs: number; readonly status: number | null };

export interface Registration {
  readonly state: () => 'registering' | 'registered' | 'failed' | 'unregistering' | 'unregistered';
  /** Now, whatever the timer says; also after a failure. */
  readonly refresh: () => void;
  readonly unregister: () => void;
}

export interface InviteInit {
  /** Request-URI. */
  readonly target: string;
  readonly sdp: string;
  readonly headers?: readonly HeaderPair[];
  readonly dueMs?: number;
  /** Redirects (3xx) followed at most; absent: 5. */
  readonly redirectsMax?: number;
  readonly onEvent: CallListener;
}

export type CallListener = (event: CallEvent, call: SipCall) => void;

/** Of a call the last event is 'failed' (it never stood) or 'ended' (it stood), and one of them always comes, unless agent or stack is closed. */
export type CallEvent =
  | { readonly kind: 'trying'; readonly atMs: number; readonly responseMs: number }
  /** 180, 183 ...: also several, from several branches. One that overtook its 200 is counted ('late-response') and not told. */
  | {
      readonly kind: 'ringing';
      readonly status: number;
      readonly isReliable: boolean;
      readonly sdp: string | null;
      readonly atMs: number;
      readonly responseMs: number;
    }
  /** Our INVITE got its 2xx (ACK is sent already), or the answer we gave got its ACK. `sdp`: the peer's, as answer or offer. */
  | { readonly kind: 'answered'; readonly status: number; readonly sdp: string; readonly atMs: number; readonly responseMs: number }
  | ({ readonly kind: 'failed' } & SipFailure)
  /** `responseMs`: BYE to its final response, where we sent it; null for the others, and when none came. */
  | {
      readonly kind: 'ended';
      readonly by: 'local' | 'remote' | 'timeout' | 'session-timer' | 'transport' | 'protocol';
      readonly reason: string;
      readonly atMs: number;
      readonly responseMs: number | null;
    }
  /** Re-INVITE or UPDATE with an offer: to be answered, at once or later. Without a listener the last local SDP is given again. */
  | { readonly kind: 'offer'; readonly method: 'INVITE' | 'UPDATE'; readonly sdp: string; readonly atMs: number; readonly offer: PeerOffer }
  /** Final response to a request of ours within the call (INVITE, UPDATE, INFO, OPTIONS, not BYE); status null: none came. */
  | {
      readonly kind: 'response';
      readonly method: 'INVITE' | 'UPDATE' | 'INFO' | 'OPTIONS' | 'MESSAGE';
      readonly status: number | null;
      readonly cause: SipFailureCause | null;
      readonly sdp: string | null;
      readonly atMs: number;
      readonly responseMs: number;
    }
  | { readonly kind: 'info'; readonly contentType: string; readonly body: string; readonly atMs: number };

export interface PeerOffer {
  readonly answer: (sdp: string) => void;
  /** 488 unless said otherwise: the session stays as it was. */
  readonly reject: (status?: number) => void;
}

export interface SipCall {
  readonly direction: 'out' | 'in';
  readonly callId: string;
  readonly state: () => 'early' | 'established' | 'ending' | 'over';
  /** Clock time of the INVITE (out: sent or due, in: received). */
  readonly startedAtMs: number;
  /** URI of the peer, as in To or From. */
  readonly remoteUri: string;
  /** Out and early: CANCEL, ends with failed 'cancelled'. Established: BYE. In and early: 480. Safe at any time. `reason`: a Reason header's value. */
  readonly hangUp: (reason?: string) => void;
  /** A new offer. Glare (491, and 500 with a short Retry-After) is waited out and tried again by itself; the result is a 'response' event. */
  readonly reinvite: (sdp: string) => void;
  readonly update: (sdp?: string) => void;
  readonly info: (contentType: string, body: string) => void;
  readonly options: () => void;
}

export interface OutgoingCall extends SipCall {
  readonly direction: 'out';
}

export interface IncomingCall extends SipCall {
  readonly direction: 'in';
  readonly request: SipRequest;
  /** The offer; null when the INVITE had none (then our answer is the offer, and the ACK brings the peer's answer). */
  readonly sdp: string | null;
  /** Must be called within `onInvite`; later events go there. */
  readonly listen: (onEvent: CallListener) => void;
  /** 180 unless said otherwise. Reliable only where the caller supports it (100rel); it then repeats until its PRACK. */
  readonly ring: (status?: number, options?: { readonly isReliable?: boolean; readonly sdp?: string }) => void;
  readonly answer: (sdp: string) => void;
  readonly reject: (status: number, reason?: string, headers?: readonly HeaderPair[]) => void;
}

export interface RequestInit {
  readonly method: 'OPTIONS' | 'MESSAGE' | 'INFO';
  readonly target: string;
  readonly contentType?: string;
  readonly body?: string;
  readonly headers?: readonly HeaderPair[];
  readonly dueMs?: number;
  readonly onResult: (result: RequestResult) => void;
}

/** A final response, whatever its status, or none at all. */
export type RequestResult =
  | { readonly status: number; readonly reason: string; readonly atMs: number; readonly responseMs: number; readonly cause: null }
  | ({ readonly status: null } & Omit<SipFailure, 'status'>);
