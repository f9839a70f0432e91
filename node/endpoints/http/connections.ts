// Connections of the http type. `per-endpoint`: every endpoint has one client an origin, as a browser tab would hold its own connection: a lean one
// of our own for http:// (wire.ts), undici's for https://; `shared`: one undici Pool an origin for all endpoints of the worker. undici's own timeouts are off (they are coarse, and each costs
// a timer); whole-request timeouts are swept by sweeper.ts.

import { Client, type Dispatcher, Pool } from 'undici';
import type { Wire } from './exchange.ts';
import type { HttpOptions } from './options.ts';
import type { Sockets } from './sockets.ts';
import { WireClient } from './wire.ts';

export interface Connections {
  /** The dispatcher of one endpoint for one origin; `own` keeps what belongs to that endpoint. */
  readonly dispatcherOf: (own: OwnClients, origin: string) => Wire;
  /** Gives up an endpoint's connection to an origin at once; a shared pool stays. */
  readonly discard: (own: OwnClients, origin: string) => void;
  readonly release: (own: OwnClients) => void;
  readonly close: () => Promise<void>;
}

type OwnClient = Client | WireClient;

/** Clients of one endpoint by origin. Nothing is made before the first request: many endpoints only wait. */
export interface OwnClients {
  origin: string;
  client: OwnClient | null;
  others: Map<string, OwnClient> | null;
}

export const noClients = (): OwnClients => ({ origin: '', client: null, others: null });

/** An idle connection is kept this long unless the server hints otherwise; browsers keep theirs for a minute or more. */
const KEEP_ALIVE_MS = 60_000;

export function createConnections(options: HttpOptions, sockets: Sockets, nowMs: () => number): Connections {
  const clientOptions: Client.Options = {
    connect: sockets.connect,
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
    pipelining: options.keepAlive ? 1 : 0,
    allowH2: false,
  };
  const clients = new Set<OwnClient>();
  const drop = (client: OwnClient | null | undefined): void => {
    if (client === null || client === undefined) return;
    clients.delete(client);
    void client.destroy();
  };
  const createClient = (origin: string): OwnClient => {
    const client = origin.startsWith('http://') ? new WireClient({ origin, sockets, nowMs }) : new Client(origin, clientOptions);
    clients.add(client);
    return client;
  };
  const perEndpoint: Connections = {
    dispatcherOf: (own, origin) => clientOf(own, origin, createClient),
    discard(own, origin) {
      if (own.origin === origin) {
        drop(own.client);
        own.client = null;
      } else {
        drop(own.others?.get(origin));
        own.others?.delete(origin);
      }
    },
    release(own) {
      drop(own.client);
      own.client = null;
      for (const client of own.others?.values() ?? []) drop(client);
      own.others = null;
    },
    close: () => closeAll(clients),
  };
  return options.connections === 'per-endpoint' ? perEndpoint : sharedConnections(clientOptions, options.connectionsMax);
}

function clientOf(own: OwnClients, origin: string, create: (origin: string) => OwnClient): OwnClient {
  if (own.origin === origin && own.client !== null) return own.client;
  if (own.client === null) {
    own.origin = origin;
    own.client = create(origin);
    return own.client;
  }
  own.others ??= new Map();
  let client = own.others.get(origin);
  if (client === undefined) {
    client = create(origin);
    own.others.set(origin, client);
  }
  return client;
}

function sharedConnections(clientOptions: Client.Options, connections: number): Connections {
  const pools = new Map<string, Pool>();
  return {
    dispatcherOf(_own, origin) {
      let pool = pools.get(origin);
      if (pool === undefined) {
        pool = new Pool(origin, { ...clientOptions, connections });
        pools.set(origin, pool);
      }
      return pool;
    },
    discard() {},
    release() {},
    close: () => closeAll(pools.values()),
  };
}

async function closeAll(dispatchers: Iterable<Dispatcher | WireClient>): Promise<void> {
  await Promise.allSettled([...dispatchers].map((dispatcher) => dispatcher.destroy()));
}
