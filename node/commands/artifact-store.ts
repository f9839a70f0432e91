// Opens the artifact store that an address names (artifacts/address.ts), and is the one place that knows which adapter serves which form. The S3 client is read only
// when a bucket is named: it costs a tenth of a second and tens of megabytes, which most runs do not need. Whether the store works is asked by its `check`.

import { resolve } from 'node:path';
import { createDirStore } from '../adapters/dir-store.ts';
import { parseStoreAddress } from '../artifacts/address.ts';
import { createPacer } from '../artifacts/pacer.ts';
import type { ArtifactClock, ArtifactStore } from '../artifacts/store.ts';
import { ok, type Result } from '../core/errors.ts';

export interface ArtifactStoreInit {
  /** `dir:PATH` or `s3://BUCKET/PREFIX`. */
  readonly address: string;
  readonly environment: (name: string) => string | undefined;
  readonly clock: ArtifactClock;
  /** Bits a second that all puts together may take; null = no bound. */
  readonly rateBps: number | null;
}

export async function openArtifactStore({ address, environment, clock, rateBps }: ArtifactStoreInit): Promise<Result<ArtifactStore>> {
  const parsed = parseStoreAddress(address);
  if (!parsed.ok) return parsed;
  const pacer = rateBps === null ? undefined : createPacer(clock, rateBps);
  if (parsed.value.kind === 'dir') return ok(createDirStore({ path: resolve(parsed.value.path), pacer }));
  const { bucket, prefix } = parsed.value;
  const { createS3Store } = await import('../adapters/s3-store.ts');
  return ok(createS3Store({ bucket, prefix, environment, pacer }));
}
