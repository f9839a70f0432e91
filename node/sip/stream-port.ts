// The port of a stack that speaks TCP or TLS: a listener, where there can be one, and the pool of connections. An agent with a port of its own has its
// own connections and the stack's listener: what peers open goes there.

import type { Path, Port } from './path.ts';
import type { StreamPool } from './stream-pool.ts';
import type { SipTransportName } from './types.ts';

/** Told where nobody can connect to: TLS without a certificate. */
const NOMINAL_PORT = 5061;

export class StreamPort implements Port {
  readonly local: { readonly host: string; readonly port: number };
  readonly #streams: StreamPool;

  constructor(advertisedHost: string, port: number, streams: StreamPool) {
    this.local = { host: advertisedHost, port };
    this.#streams = streams;
  }

  /** `port` null: does not listen. Rejects with the socket's error. */
  static async open(advertisedHost: string, transport: 'tcp' | 'tls', port: number | null, streams: StreamPool): Promise<StreamPort> {
    let opened: StreamPort | null = null;
    const listening = port === null ? NOMINAL_PORT : await streams.listen(transport, port, () => opened as StreamPort);
    opened = new StreamPort(advertisedHost, listening, streams);
    return opened;
  }

  pathTo(transport: SipTransportName, host: string, port: number): Path {
    return this.#streams.pathTo(transport, host, port, this);
  }

  connectionCount(): number {
    return this.#streams.connectionCount();
  }

  close(): Promise<void> {
    return this.#streams.close();
  }
}
