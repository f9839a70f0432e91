// Address book and dialling. The book is ours and small; libp2p's peer store writes through a datastore and is told nothing that it does not learn
// by itself. Dial failures are sorted into what a person can act on: nobody there, somebody there without our swarm key, or the wrong node.

import type { PeerId } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import type { Problem } from '../../core/errors.ts';
import type { NodeId } from '../../core/messages.ts';

const ADDRESSES_PER_PEER_MAX = 16;

/** The PeerId of a valid name, or null: names arrive from tickets and from other nodes' entries. */
export function parsePeer(peer: NodeId): PeerId | null {
  try {
    return peerIdFromString(peer);
  } catch {
    return null;
  }
}

/** Valid addresses only, each ending in the peer's id; what does not parse or names another peer is left out. */
export function parseAddresses(peer: NodeId, addresses: readonly string[]): Multiaddr[] {
  const parsed: Multiaddr[] = [];
  for (const address of addresses.slice(0, ADDRESSES_PER_PEER_MAX)) {
    try {
      const full = address.endsWith('/p2p-circuit') || peerOf(address) === null ? `${address}/p2p/${peer}` : address;
      if (peerOf(full) === peer) parsed.push(multiaddr(full));
    } catch {
      // Not a multiaddr: somebody else's mistake, and the other addresses may still be good.
    }
  }
  return parsed;
}

/** What is wrong with the first of these that is no multiaddr; null when all are. They come from a person's flags. */
export function addressProblem(addresses: readonly string[]): Problem | null {
  for (const address of addresses) {
    try {
      multiaddr(address);
    } catch {
      const hint = 'write it like /ip4/203.0.113.5/tcp/7000 or /dns4/host.example/tcp/7000; port 0 takes any free one';
      return { code: 'QUILT_ADDRESS', message: `${address} is no multiaddr`, hint };
    }
  }
  return null;
}

/** The peer that an address leads to (the last /p2p/ part), or null when it names none. */
export function peerOf(address: string): NodeId | null {
  const parts = address.split('/');
  return parts.at(-2) === 'p2p' ? (parts.at(-1) ?? null) : null;
}

export interface AddressBook {
  learn(peer: NodeId, addresses: readonly string[]): void;
  lookUp(peer: NodeId): readonly string[];
}

/** Bounded; the peer longest not learned of is forgotten first. */
export function createAddressBook(peersMax: number): AddressBook {
  const book = new Map<NodeId, readonly string[]>();
  return {
    learn(peer, addresses) {
      if (addresses.length === 0) return;
      book.delete(peer);
      book.set(peer, addresses.slice(0, ADDRESSES_PER_PEER_MAX));
      const oldest = book.size > peersMax ? book.keys().next().value : undefined;
      if (oldest !== undefined) book.delete(oldest);
    },
    lookUp: (peer) => book.get(peer) ?? [],
  };
}

export const NO_ADDRESS: Problem = {
  code: 'QUILT_DIAL_NO_ADDRESS',
  message: 'no usable address is known for the peer',
  hint: 'it has not announced one yet; a node behind NAT needs a seed that relays',
};

/** `reached`: the peer's machine accepted a TCP connection, so the failure lies above it. */
export function dialProblem(error: unknown, reached: boolean): Problem {
  const text = describe(error);
  if (/UnexpectedPeer|expected peer|identity key/i.test(text)) {
    return {
      code: 'QUILT_DIAL_WRONG_PEER',
      message: 'another node answered at that address',
      hint: 'the address was reused since; the ticket or the data folder is older than the node',
    };
  }
  if (reached) {
    return {
      code: 'QUILT_DIAL_HANDSHAKE',
      message: 'something answered, but the handshake failed: it does not hold this swarm key, or is no quilt node',
      hint: 'use a ticket of this swarm; a node of another run may listen on that port',
    };
  }
  if (/ECONNREFUSED/.test(text)) {
    return {
      code: 'QUILT_DIAL_REFUSED',
      message: 'nobody listens at that address',
      hint: 'check that the seed runs, and that its port is the one in the ticket',
    };
  }
  return {
    code: 'QUILT_DIAL_UNREACHABLE',
    message: 'the peer could not be reached in time',
    hint: 'check routes, firewalls and security groups for the TCP port in the ticket',
  };
}

/** Name and message of an error and of what it wraps, for sorting only. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const inner = error instanceof AggregateError ? error.errors.map(describe).join(' ') : '';
  return `${error.name} ${error.message} ${inner} ${error.cause === undefined ? '' : describe(error.cause)}`;
}
