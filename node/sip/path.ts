// Where messages leave and come from. A port is a local socket (UDP, and the streams that belong with it); a path is a port and a remote address:
// a datagram's destination or a connection. Transactions keep a path and know nothing else of transport.

import type { SipMessage, SipParseFailure } from '../wire/sip/message.ts';
import type { SipTransportName } from './types.ts';

export interface Path {
  readonly transport: SipTransportName;
  readonly isReliable: boolean;
  /** How Via begins here: 'SIP/2.0/UDP 10.0.0.1:5060'. */
  readonly via: string;
  readonly remote: { readonly host: string; readonly port: number };
  readonly port: Port;
  /** False for a connection that broke: ask the port for another. */
  readonly isOpen: boolean;
  /** False: it did not leave and never will (too large for a datagram, connection closed). */
  readonly send: (message: string | Uint8Array) => boolean;
}

export interface Port {
  /** As Via and Contact name it. */
  readonly local: { readonly host: string; readonly port: number };
  /** `host`: an IP literal. */
  readonly pathTo: (transport: SipTransportName, host: string, port: number) => Path;
  readonly connectionCount: () => number;
  readonly close: () => Promise<void>;
}

export interface PortEvents {
  /** Its body is valid during the call only. */
  readonly onMessage: (message: SipMessage, path: Path, atMs: number) => void;
  readonly onMalformed: (failure: SipParseFailure, path: Path) => void;
  /** A stream could not be opened or broke. */
  readonly onLost: (path: Path, detail: string) => void;
}

export const transportLabel = { udp: 'UDP', tcp: 'TCP', tls: 'TLS' } as const satisfies Record<SipTransportName, string>;
