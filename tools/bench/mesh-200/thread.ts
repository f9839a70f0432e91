// One thread of the benchmark: hosts a share of the swarm's nodes and does what the main thread asks, one answer for each question. The nodes know nothing
// of threads; all of them speak over TCP on loopback, also with neighbours in the same thread.

import { createHash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import type { MeshCounters } from '../../../node/adapters/mesh.ts';
import type { SignedOrder } from '../../../node/core/messages.ts';
import { type Member, type SwarmFacts, startMember } from './member.ts';

export type Ask =
  | { readonly ask: 'start'; readonly indexes: readonly number[]; readonly seeds: readonly string[] }
  | { readonly ask: 'order'; readonly bundle: Uint8Array; readonly order: SignedOrder }
  | { readonly ask: 'counters' }
  | { readonly ask: 'verify' }
  | { readonly ask: 'stop' };

export interface Checked {
  readonly index: number;
  /** sha-256 over the sorted hashes of all entries held. */
  readonly logHash: string;
  readonly claims: number;
  readonly claimsTwice: number;
}

/**
 * Nodes of this thread that are joining at the same time. The next one starts when one of them has its connection to the seed: hundreds of handshakes begun
 * in one second on two cores end in time-outs, which no swarm on machines of its own would see.
 */
const JOINING_MAX = 8;
const JOIN_MS_MAX = 60_000;
const POLL_MS = 20;

export class Share {
  readonly #swarm: SwarmFacts;
  readonly #members = new Map<number, Member>();

  constructor(swarm: SwarmFacts) {
    this.#swarm = swarm;
  }

  async answer(ask: Ask): Promise<unknown> {
    switch (ask.ask) {
      case 'start':
        return this.#start([...ask.indexes], ask.seeds);
      case 'order': {
        const seed = this.#members.get(0);
        seed?.node.putBundle(ask.bundle);
        seed?.node.order(ask.order);
        return null;
      }
      case 'counters':
        return [...this.#members].map(([index, { mesh }]) => [index, mesh.counters()] satisfies [number, MeshCounters]);
      case 'verify':
        return [...this.#members].map(([index, { ledger }]): Checked => {
          const claims = ledger.claims();
          const logHash = createHash('sha256').update(ledger.hashes().join()).digest('hex');
          return { index, logHash, claims: claims.length, claimsTwice: claims.length - new Set(claims).size };
        });
      case 'stop':
        await Promise.all([...this.#members.values()].map(({ mesh }) => mesh.stop()));
        return null;
    }
  }

  /** Answers the addresses of the first node started. */
  async #start(indexes: number[], seeds: readonly string[]): Promise<readonly string[]> {
    const [first] = indexes;
    const startNext = async (): Promise<void> => {
      for (let index = indexes.shift(); index !== undefined; index = indexes.shift()) {
        const member = await startMember(this.#swarm, index, seeds);
        this.#members.set(index, member);
        for (let waitedMs = 0; seeds.length > 0 && member.mesh.peers().length === 0 && waitedMs < JOIN_MS_MAX; waitedMs += POLL_MS) {
          await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        }
      }
    };
    await Promise.all(Array.from({ length: JOINING_MAX }, startNext));
    return first === undefined ? [] : (this.#members.get(first)?.mesh.addresses() ?? []);
  }
}

if (parentPort !== null && workerData !== null) {
  const port = parentPort;
  const share = new Share(workerData as SwarmFacts);
  port.on('message', (ask: Ask) => {
    share.answer(ask).then(
      (answer) => port.postMessage({ answer }),
      (error) => port.postMessage({ error: String(error?.stack ?? error) }),
    );
  });
}
