// Which of this machine's addresses a peer can reach it by, when it listens on all of them: Via, Contact and session descriptions have to name one. The
// address in the peer's own network, else the first that is not loopback, else loopback. With a set listening address there is nothing to choose.

import { BlockList, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';

export interface LocalAddress {
  readonly address: string;
  readonly family: 'IPv4' | 'IPv6';
  readonly internal: boolean;
  /** Address and prefix length; null where the system does not tell. */
  readonly cidr: string | null;
}

function isNear(peer: string, { cidr, family }: LocalAddress): boolean {
  const [network = '', prefix = ''] = (cidr ?? '').split('/');
  const list = new BlockList();
  if (cidr !== null) list.addSubnet(network, Number(prefix), family === 'IPv6' ? 'ipv6' : 'ipv4');
  return list.check(peer, family === 'IPv6' ? 'ipv6' : 'ipv4');
}

export function localHostToward(peer: string, addresses: readonly LocalAddress[]): string {
  const family = isIPv6(peer) ? 'IPv6' : 'IPv4';
  const candidates = addresses.filter((each) => each.family === family);
  const found = candidates.find((each) => isNear(peer, each)) ?? candidates.find(({ internal }) => !internal);
  return found?.address ?? (family === 'IPv6' ? '::1' : '127.0.0.1');
}

/** The listening address itself, or for an unspecified one a choice for each peer. */
export function createLocalHosts(listening: string): (peer: string) => string {
  if (listening !== '0.0.0.0' && listening !== '::') return () => listening;
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return (peer) => localHostToward(peer, addresses);
}
