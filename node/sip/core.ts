// What the parts of one stack share. Made by stack.ts; agents, calls and registrations get it whole.

import type { Clock } from '../endpoints/endpoint.ts';
import type { Agent } from './agent.ts';
import type { Call } from './call.ts';
import type { ClientTransactions } from './client-transactions.ts';
import type { Destinations } from './destinations.ts';
import type { Ids } from './ids.ts';
import type { Path, Port } from './path.ts';
import type { ServerTransactions } from './server-transactions.ts';
import type { SipCountKind, SipLimits, SipTimers, SipTransportName } from './types.ts';
import type { Wheel } from './wheel.ts';

export interface Core {
  readonly clock: Pick<Clock, 'nowMs' | 'at' | 'cancel'>;
  readonly random: () => number;
  readonly timers: SipTimers;
  readonly limits: SipLimits;
  readonly transport: SipTransportName;
  readonly largeByTcp: boolean;
  readonly ids: Ids;
  readonly count: (kind: SipCountKind, count: number) => void;
  readonly destinations: Destinations;
  readonly admit: (host: string, port: number) => void;
  readonly clients: ClientTransactions;
  readonly servers: ServerTransactions;
  /** Wakes calls: repetitions, session timers, glare. */
  readonly wheel: Wheel<Call>;
  /** By local tag: what To says in the peer's requests. */
  readonly calls: Map<string, Call>;
  /** By contact user. */
  readonly agents: Map<string, Agent>;
  /** Agents with a socket of their own. */
  readonly agentOfPort: Map<Port, Agent>;
  /** Next hops of late, by port and URI. */
  readonly paths: Map<Port, Map<string, Path>>;
  /** Dialog identities of INVITEs that came in and are not over: a second one with another branch was forked and merged (8.2.2.2). */
  readonly merged: Set<string>;
  isClosed: boolean;
}
