// Packet loss made by the kernel: a table of its own in nftables that drops a share of the datagrams to one port of loopback. Nothing else on the
// machine is touched, and the table is gone when the test is.

import { execFileSync } from 'node:child_process';

/** `percent` of what goes to UDP `port` of loopback is dropped from now on; returns how to end that. Throws without root. */
export function dropDatagrams(port: number, percent: number): { dropped: () => number; stop: () => void } {
  const table = `quilt_test_${process.pid}_${port}`;
  const nft = (...args: string[]): string => execFileSync('nft', args, { encoding: 'utf8' });
  nft('add', 'table', 'ip', table);
  nft('add', 'chain', 'ip', table, 'loss', '{ type filter hook input priority 0 ; }');
  const rule = `iif lo udp dport ${port} numgen random mod 100 < ${percent} counter drop`;
  nft('add', 'rule', 'ip', table, 'loss', ...rule.split(' '));
  return {
    dropped: () => Number(/packets (\d+)/.exec(nft('list', 'table', 'ip', table))?.[1]),
    stop: () => void nft('delete', 'table', 'ip', table),
  };
}
