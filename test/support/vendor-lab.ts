// Three vendors on one machine, as network namespaces behind one router: two whose machines have addresses of their own, and one whose machines are behind a NAT that lets nothing
// in. Needs root, iproute2 and nftables. Everything has a name of this process, so that two labs do not meet, and is taken away by `close`.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

export const VENDORS = ['alder', 'birch', 'cedar'] as const;
export type Vendor = (typeof VENDORS)[number];

export interface VendorLab {
  /** What the machines of every vendor reach, on the router. */
  readonly routerAddress: string;
  /** Null for the vendor behind NAT. */
  addressOf(vendor: Vendor): string | null;
  /** The words before a command that make it run on a machine of this vendor. */
  inside(vendor: Vendor): readonly string[];
  close(): void;
}

const isThere = (program: string): boolean =>
  ['/usr/sbin', '/sbin', '/usr/bin', '/bin'].some((folder) => existsSync(`${folder}/${program}`));
/** Null = it can be had here; else why not. */
export const vendorLabMissing = (): string | null => {
  if (process.getuid?.() !== 0) return 'needs root for network namespaces';
  return isThere('ip') && isThere('nft') ? null : 'needs iproute2 and nftables';
};

const PREFIX = `q${process.pid}`;
const ROUTER = '10.91.0.1';
const nameOf = (what: string): string => `${PREFIX}${what}`;

function ip(...words: string[]): void {
  execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** A cable between two namespaces; `index` chooses the subnet 10.91.INDEX.0/24, whose .1 is `from` and .2 is `to`. */
function connect(from: string, to: string, subnet: string): void {
  const [here, there] = [`${PREFIX.slice(-6)}${subnet.split('.')[2]}a`, `${PREFIX.slice(-6)}${subnet.split('.')[2]}b`];
  ip('link', 'add', here, 'netns', from, 'type', 'veth', 'peer', 'name', there, 'netns', to);
  for (const [space, link, address] of [
    [from, here, `${subnet}.1/24`],
    [to, there, `${subnet}.2/24`],
  ] as const) {
    ip('-n', space, 'addr', 'add', address, 'dev', link);
    ip('-n', space, 'link', 'set', link, 'up');
  }
  ip('-n', to, 'route', 'add', 'default', 'via', `${subnet}.1`);
}

export function openVendorLab(): VendorLab {
  const router = nameOf('r');
  const nat = nameOf('n');
  const spaces = [router, nat, ...VENDORS.map(nameOf)];
  const close = (): void => {
    for (const space of spaces) {
      try {
        ip('netns', 'delete', space);
      } catch {
        // It never came to be.
      }
    }
  };
  try {
    for (const space of spaces) {
      ip('netns', 'add', space);
      ip('-n', space, 'link', 'set', 'lo', 'up');
    }
    ip('-n', router, 'addr', 'add', `${ROUTER}/32`, 'dev', 'lo');
    connect(router, nameOf('alder'), '10.91.1');
    connect(router, nameOf('birch'), '10.91.2');
    connect(router, nat, '10.91.3');
    connect(nat, nameOf('cedar'), '10.91.4');
    for (const space of [router, nat]) execFileSync('ip', ['netns', 'exec', space, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward']);
    // The NAT: its machines share its address, and nothing that they did not ask for gets in. The router knows no way to them.
    const rules = `table ip lab {
  chain out { type nat hook postrouting priority srcnat; ip saddr 10.91.4.0/24 masquerade; }
  chain in { type filter hook forward priority filter; policy drop; ip saddr 10.91.4.0/24 accept; ct state established,related accept; }
}`;
    execFileSync('ip', ['netns', 'exec', nat, 'nft', '-f', '-'], { input: rules });
  } catch (error) {
    close();
    throw error;
  }
  return {
    routerAddress: ROUTER,
    addressOf: (vendor) => ({ alder: '10.91.1.2', birch: '10.91.2.2', cedar: null })[vendor],
    inside: (vendor) => ['ip', 'netns', 'exec', nameOf(vendor)],
    close,
  };
}

/** The words that make a command run on the router. */
export const onRouter = (): readonly string[] => ['ip', 'netns', 'exec', nameOf('r')];
