// Host names to addresses by the machine's own resolver (node:dns lookup, so /etc/hosts counts). Only asks whether a name is known, before a
// run; connecting is left to the endpoints. Addresses need no look-up. A resolver that does not answer in time is a reason like any other.

import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';

/** Names that cannot be resolved, with the reason. All are asked at once; at most `timeoutMs` in all. */
export async function unresolvedHosts(hosts: readonly string[], timeoutMs = 3000): Promise<ReadonlyMap<string, string>> {
  const names = [...new Set(hosts)].filter((host) => isIP(host) === 0);
  const unresolved = new Map<string, string>();
  await Promise.all(
    names.map(async (name) => {
      const reason = await reasonFor(name, timeoutMs);
      if (reason !== null) unresolved.set(name, reason);
    }),
  );
  return unresolved;
}

async function reasonFor(name: string, timeoutMs: number): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`no answer within ${timeoutMs / 1000} s`), timeoutMs);
  });
  const asked = lookup(name).then(
    () => null,
    (error: NodeJS.ErrnoException) => reasons[error.code ?? ''] ?? error.code ?? error.message,
  );
  const reason = await Promise.race([asked, late]);
  clearTimeout(timer);
  return reason;
}

const reasons: Readonly<Record<string, string>> = {
  ENOTFOUND: 'no such name',
  EAI_AGAIN: 'the name server does not answer',
};
