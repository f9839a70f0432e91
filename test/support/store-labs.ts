// The artifact stores that tests run over: a folder, S3 by fauxqs in this process (lax: it checks no signature and no checksum) and S3 by real Swift (strict). Each lab opens
// stores on a bucket that exists, at the server itself or through the fault proxy, and closes all it opened.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { buildApp } from 'fauxqs';
import { createDirStore } from '../../node/adapters/dir-store.ts';
import { createS3Store, type S3StoreInit } from '../../node/adapters/s3-store.ts';
import type { ArtifactStore } from '../../node/artifacts/store.ts';
import { type SwiftKit, startSwift } from './swift-kit.ts';

export interface StoreLab {
  /** For files of the test. */
  readonly folder: string;
  open(): ArtifactStore;
  close(): Promise<void>;
}

export interface S3Lab extends StoreLab {
  readonly url: string;
  /** Environment variables and settings in place of the good ones. */
  openWith(environment: Readonly<Record<string, string>>, changes?: Partial<S3StoreInit>): ArtifactStore;
  /** To ask the server itself. */
  readonly client: S3Client;
  readonly bucket: string;
  /** fauxqs takes ListParts for a get of the object. */
  readonly canListParts: boolean;
}

/** The least that S3 allows, so that small files have several parts. */
export const PART_BYTES = 5 * 1024 * 1024;

export async function openDirLab(): Promise<StoreLab> {
  const folder = mkdtempSync(join(tmpdir(), 'quilt-store-'));
  return {
    folder,
    open: () => createDirStore({ path: join(folder, 'store') }),
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

interface Server {
  readonly url: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  close(): Promise<unknown>;
}

async function startFauxqs(): Promise<Server> {
  // Not its own start function: that one listens on every address of the machine.
  const app = buildApp({ logger: false });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return { url, accessKeyId: 'key', secretAccessKey: 'secret', close: () => app.close() };
}

let bucketCount = 0;

async function openS3Lab(server: Server, canListParts: boolean): Promise<S3Lab> {
  const folder = mkdtempSync(join(tmpdir(), 'quilt-store-'));
  const bucket = `artifacts-${++bucketCount}`;
  const { url, accessKeyId, secretAccessKey } = server;
  const client = new S3Client({ endpoint: url, region: 'us-east-1', forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  const stores: ArtifactStore[] = [];
  const good = {
    AWS_ENDPOINT_URL_S3: url,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_REGION: 'us-east-1',
  };
  const openWith: S3Lab['openWith'] = (changed, changes = {}) => {
    const environment: Readonly<Record<string, string>> = { ...good, ...changed };
    const store = createS3Store({
      ...{ bucket, prefix: 'some/prefix/', environment: (name) => environment[name], partBytes: PART_BYTES, attemptsMax: 1, ...changes },
    });
    stores.push(store);
    return store;
  };
  return {
    ...{ folder, url, client, bucket, canListParts, openWith },
    open: () => openWith({}),
    async close() {
      for (const store of stores) store.close();
      client.destroy();
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export const openFauxqsLab = async (): Promise<S3Lab> => openS3Lab(await startFauxqs(), false);

let swift: Promise<SwiftKit> | null = null;

/** One Swift for all labs of a test file, with a bucket for each: it takes seconds to start. `closeSwift` ends it. */
export async function openSwiftLab(): Promise<S3Lab> {
  swift ??= startSwift();
  const { url, accessKeyId, secretAccessKey } = await swift;
  return openS3Lab({ url, accessKeyId, secretAccessKey, close: () => Promise.resolve() }, true);
}

export async function closeSwift(): Promise<void> {
  const kit = await swift;
  swift = null;
  await kit?.close();
}
