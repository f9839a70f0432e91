// The artifact store in an S3 bucket, or anything that speaks S3: Amazon, Swift's s3api, GCS interoperability, MinIO. The only home of @aws-sdk/client-s3, with its neighbours
// s3-*.ts. Traps: only Upload may carry a body (s3-upload.ts); objects are deleted one by one, because DeleteObjects wants a checksum that clones do not know; a HEAD has no
// body, so the check asks for a list first, whose answer tells a wrong endpoint from a missing bucket; checksums are sent only where S3 requires them, ours are in the metadata.

import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { DeleteObjectCommand, GetObjectCommand, HeadObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { keyComplaint } from '../artifacts/address.ts';
import { type HashedFile, hashFile, localProblem, receiveFile } from '../artifacts/files.ts';
import { type Pacer, paced } from '../artifacts/pacer.ts';
import { partBytesFor, type UploadOrder } from '../artifacts/resume.ts';
import {
  type ArtifactInfo,
  type ArtifactPage,
  type ArtifactStore,
  LIST_PAGE_MAX,
  type PutReceipt,
  refused,
  type StoreProblem,
  type StoreResult,
  stored,
} from '../artifacts/store.ts';
import { hintFor, type ProblemPlace, problemOf } from './s3-problems.ts';
import { HASH_METADATA, stateOf, uploadFile } from './s3-upload.ts';

export interface S3StoreInit {
  readonly bucket: string;
  /** Empty, or ends with a slash. */
  readonly prefix: string;
  /** AWS_ENDPOINT_URL_S3, AWS_REGION, AWS_ACCESS_KEY_ID and so on; what it has not is looked for where Amazon's tools look (profiles, instance roles). */
  readonly environment: (name: string) => string | undefined;
  readonly pacer?: Pacer;
  readonly partBytes?: number;
  /** Parts in flight for each file. Each is held in memory. */
  readonly partsAtOnce?: number;
  /** How often a call is made before its failure is told. */
  readonly attemptsMax?: number;
  /** A connection on which nothing moves for this long counts as dead. */
  readonly idleMsMax?: number;
  /** The check takes at most this long, and then the store is slow. */
  readonly checkMsMax?: number;
}

/** S3 takes nothing smaller but for the last part. A part in flight costs some five times its size in memory, and beside a load the bit rate is bounded anyway. */
const PART_BYTES = 5 * 1024 * 1024;
const PARTS_AT_ONCE = 1;
const ATTEMPTS_MAX = 3;
const CONNECT_MS_MAX = 10_000;
const IDLE_MS_MAX = 30_000;
const PROBE_KEY = 'quilt-probe';
/** With CHECK_MS_MAX: a store that takes less than 100 kbit/s is too slow for any log. */
const PROBE_BYTES = 256 * 1024;
const CHECK_MS_MAX = 20_000;

export function createS3Store(init: S3StoreInit): ArtifactStore {
  const { bucket, prefix, environment } = init;
  const endpoint = environment('AWS_ENDPOINT_URL_S3') ?? environment('AWS_ENDPOINT_URL') ?? null;
  const client = createClient(init, endpoint);
  const partBytes = init.partBytes ?? PART_BYTES;
  const place = (what: string): ProblemPlace => ({ bucket, what, endpoint });
  const address = `s3://${bucket}/${prefix}`.replace(/\/$/, '');
  const full = (key: string): { Bucket: string; Key: string } => ({ Bucket: bucket, Key: `${prefix}${key}` });

  const guarded = async <T>(
    what: string,
    key: string,
    signal: AbortSignal,
    act: () => Promise<StoreResult<T>>,
  ): Promise<StoreResult<T>> => {
    const complaint = keyComplaint(key);
    if (complaint !== null) return refused('invalid', complaint, 'choose another key');
    try {
      signal.throwIfAborted();
      return await act();
    } catch (error) {
      if (signal.aborted) return refused('aborted', `${what} ${key}: given up`, 'try again');
      const { path } = error as NodeJS.ErrnoException;
      if (typeof path === 'string') return { ok: false, problems: [localProblem(error, path)] };
      return { ok: false, problems: [problemOf(error, place(`${what} ${key}`))] };
    }
  };

  const head = async (key: string, signal: AbortSignal): Promise<ArtifactInfo | null> => {
    try {
      const { ContentLength = 0, Metadata } = await client.send(new HeadObjectCommand(full(key)), { abortSignal: signal });
      return { key, sizeBytes: ContentLength, sha256: Metadata?.[HASH_METADATA] ?? null };
    } catch (error) {
      if ((error as Error).name === 'NotFound' || (error as Error).name === 'NoSuchKey') return null;
      throw error;
    }
  };

  const putFile: ArtifactStore['putFile'] = (key, path, { signal, sha256, onNote }) =>
    guarded('put', key, signal, async (): Promise<StoreResult<PutReceipt>> => {
      const hashed = await hashOnce(path, sha256, signal);
      const order: UploadOrder = {
        store: `${endpoint ?? ''}|${address}`,
        key,
        ...hashed,
        partBytes: partBytesFor(hashed.sizeBytes, partBytes),
      };
      if (await isThereAlready(path, hashed, () => head(key, signal))) return stored({ key, ...hashed, resumedBytes: hashed.sizeBytes });
      const { resumedBytes } = await uploadFile({
        ...{ client, bucket, objectKey: full(key).Key, path, order, signal, note: onNote ?? (() => {}) },
        partsAtOnce: init.partsAtOnce ?? PARTS_AT_ONCE,
      });
      const held = await head(key, signal);
      if (held === null)
        return refused('store-fault', `${key}: the store took it and says that it is not there`, hintFor('store-fault', place(key)));
      if (held.sizeBytes !== hashed.sizeBytes || held.sha256 !== hashed.sha256) {
        return refused('corrupt', `${key}: the store has ${held.sizeBytes} bytes, hash ${held.sha256}`, hintFor('corrupt', place(key)));
      }
      return stored({ key, ...hashed, resumedBytes });
    });

  const getFile: ArtifactStore['getFile'] = (key, path, signal) =>
    guarded('get', key, signal, async (): Promise<StoreResult<ArtifactInfo>> => {
      const { Body, Metadata } = await client.send(new GetObjectCommand(full(key)), { abortSignal: signal });
      const promised = Metadata?.[HASH_METADATA] ?? null;
      const received = await receiveFile(Body as Readable, path, promised);
      return received.ok ? stored({ key, sizeBytes: received.value.sizeBytes, sha256: promised }) : received;
    });

  const list: ArtifactStore['list'] = (wanted, after, signal, limit = LIST_PAGE_MAX) =>
    guarded('list', PROBE_KEY, signal, async () => {
      const page = await pageOf(client, { bucket, prefix, wanted, after, limit }, signal);
      if (page !== null) return stored(page);
      return refused('wrong-endpoint', `${address}: the answer is no list of objects`, hintFor('wrong-endpoint', place('list')));
    });

  const remove: ArtifactStore['delete'] = (key, signal) =>
    guarded('delete', key, signal, async () => {
      await client.send(new DeleteObjectCommand(full(key)), { abortSignal: signal });
      return stored(null);
    });

  const store: ArtifactStore = {
    ...{ address, putFile, getFile, list, delete: remove },
    head: (key, signal) => guarded('head', key, signal, async () => stored(await head(key, signal))),
    check: (signal) => checkInTime(store, signal, init.checkMsMax ?? CHECK_MS_MAX, hintFor('slow', place('check'))),
    close: () => client.destroy(),
  };
  return store;
}

/** An earlier try was interrupted after the store had all of it, and before we heard so. */
async function isThereAlready(path: string, { sizeBytes, sha256 }: HashedFile, head: () => Promise<ArtifactInfo | null>): Promise<boolean> {
  if (!existsSync(stateOf(path))) return false;
  const held = await head();
  if (held?.sizeBytes !== sizeBytes || held.sha256 !== sha256) return false;
  await rm(stateOf(path), { force: true });
  return true;
}

interface PageOrder {
  readonly bucket: string;
  readonly prefix: string;
  readonly wanted: string;
  readonly after: string;
  readonly limit: number;
}

/** Null when the answer is not S3's. */
async function pageOf(
  client: S3Client,
  { bucket, prefix, wanted, after, limit }: PageOrder,
  signal: AbortSignal,
): Promise<ArtifactPage | null> {
  const StartAfter = after === '' ? undefined : `${prefix}${after}`;
  const command = new ListObjectsV2Command({
    Bucket: bucket,
    Prefix: `${prefix}${wanted}`,
    MaxKeys: Math.min(limit, LIST_PAGE_MAX),
    StartAfter,
  });
  const page = await client.send(command, { abortSignal: signal });
  if (page.Name === undefined) return null;
  const items = (page.Contents ?? []).map(({ Key = '', Size = 0 }) => ({ key: Key.slice(prefix.length), sizeBytes: Size }));
  return { items, next: page.IsTruncated === true ? (items.at(-1)?.key ?? null) : null };
}

function createClient({ environment, pacer, ...init }: S3StoreInit, endpoint: string | null): S3Client {
  const accessKeyId = environment('AWS_ACCESS_KEY_ID');
  const secretAccessKey = environment('AWS_SECRET_ACCESS_KEY');
  const credentials =
    accessKeyId === undefined || secretAccessKey === undefined
      ? {}
      : { credentials: { accessKeyId, secretAccessKey, sessionToken: environment('AWS_SESSION_TOKEN') } };
  const client = new S3Client({
    region: environment('AWS_REGION') ?? environment('AWS_DEFAULT_REGION') ?? 'us-east-1',
    ...credentials,
    ...(endpoint === null ? {} : { endpoint, forcePathStyle: true }),
    maxAttempts: init.attemptsMax ?? ATTEMPTS_MAX,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: CONNECT_MS_MAX, socketTimeout: init.idleMsMax ?? IDLE_MS_MAX },
  });
  if (pacer !== undefined) {
    // Innermost, after the signature and inside the retries, each of which gets the bytes anew.
    client.middlewareStack.add(
      (next) => (args) => {
        const request = args.request as { body?: unknown };
        if (!(request.body instanceof Uint8Array) || request.body.byteLength === 0) return next(args);
        const body = Readable.from(paced(request.body, pacer), { objectMode: false });
        return next({ ...args, request: Object.assign(Object.create(Object.getPrototypeOf(request)), request, { body }) });
      },
      { step: 'deserialize', priority: 'low', name: 'quiltPace' },
    );
  }
  return client;
}

async function hashOnce(path: string, sha256: string | undefined, signal: AbortSignal): Promise<{ sizeBytes: number; sha256: string }> {
  if (sha256 === undefined) return hashFile(path, signal);
  return { sizeBytes: (await stat(path)).size, sha256 };
}

/** S3 names what it does not find; a bare 404 for a list is some other server's. */
const notS3 = (address: string): StoreProblem =>
  refused('wrong-endpoint', `${address}: whatever answers knows nothing of buckets`, 'correct AWS_ENDPOINT_URL_S3')
    .problems[0] as StoreProblem;

async function checkInTime(store: ArtifactStore, signal: AbortSignal, msMax: number, hint: string): Promise<readonly StoreProblem[]> {
  const deadline = AbortSignal.timeout(msMax);
  const problems = await check(store, AbortSignal.any([signal, deadline]));
  const isLate = deadline.aborted && !signal.aborted && problems.some(({ cause }) => cause === 'aborted');
  return isLate
    ? refused('slow', `${store.address}: writing and reading ${PROBE_BYTES} bytes took more than ${msMax} ms`, hint).problems
    : problems;
}

/** The list first: its answer tells a missing bucket, wrong credentials and a wrong endpoint apart. Then an object goes there, comes back and is deleted. */
async function check(store: ArtifactStore, signal: AbortSignal): Promise<readonly StoreProblem[]> {
  const listed = await store.list('', '', signal);
  if (!listed.ok)
    return listed.problems.map((problem) => (problem.cause === 'not-found' ? { ...problem, ...notS3(store.address) } : problem));
  // Nodes ask at the same moment, and machines of one image have the same process ids.
  const key = `${PROBE_KEY}-${randomUUID()}`;
  const path = join(tmpdir(), key);
  try {
    await writeFile(path, Buffer.alloc(PROBE_BYTES, PROBE_KEY), { mode: 0o600 });
    const put = await store.putFile(key, path, { signal });
    if (!put.ok) return put.problems;
    const got = await store.getFile(key, path, signal);
    if (!got.ok) return got.problems;
    const deleted = await store.delete(key, signal);
    return deleted.ok ? [] : deleted.problems;
  } catch (error) {
    return [localProblem(error, path)];
  } finally {
    await rm(path, { force: true });
  }
}
