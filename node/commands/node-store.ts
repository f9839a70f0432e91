// The store of one swarm's node: entries that come back from the disk are checked against their authors' signatures.

import { verifyByNode } from '../adapters/identity.ts';
import { openStore, type Store } from '../adapters/store.ts';
import type { Result } from '../core/errors.ts';
import type { EntryCodec } from '../wire/entry-codec.ts';

export function openNodeStore(folder: string, codec: EntryCodec): Promise<Result<Store>> {
  return openStore({ folder, codec, verifyEntry: (entry) => codec.isSigned(entry, verifyByNode) });
}
