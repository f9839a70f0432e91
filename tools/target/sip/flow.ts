// A way to a SIP peer: what a message came over and what can be sent back over it. TCP flows are connections and may be gone; UDP flows are only
// addresses. Opening and closing is listener.ts's part, what to send transactions.ts's.

export interface Flow {
  readonly transport: 'UDP' | 'TCP';
  /** The peer. */
  readonly host: string;
  readonly port: number;
  /** How this server is reached: for Via and Contact. */
  readonly localHost: string;
  readonly localPort: number;
  /** Copies what it keeps. False when the connection is gone. */
  send(bytes: Uint8Array): boolean;
}

export interface Flows {
  /** The UDP flow to an IP literal; null when there is no such address. */
  udpTo(host: string, port: number): Flow | null;
}
