// One file to S3 through lib-storage's Upload, made resumable. Upload buffers each part, so checksums go as headers and no store sees the chunked trailer that clones store as
// data (aws-sdk-js-v3 issue 6834 and others). It cannot go on with an interrupted upload by itself; so it is given a client whose `send` answers for parts that the store
// has already (artifacts/resume.ts decides), adds a Content-MD5, compares the ETag of the answer with it, and records each part beside the source. Retrying is the caller's.

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListPartsCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import {
  isOtherThanSent,
  type ListedParts,
  mismatchOf,
  PARTS_MAX,
  parseUploadState,
  planResume,
  type ResumePlan,
  type SentPart,
  tagOfSent,
  type UploadOrder,
  type UploadState,
} from '../artifacts/resume.ts';
import type { StoreCause } from '../artifacts/store.ts';
import { createTidier } from '../artifacts/tidy-memory.ts';
import { causeOf, isUploadLost } from './s3-problems.ts';

export interface UploadInit {
  readonly client: S3Client;
  readonly bucket: string;
  /** With the store's prefix. */
  readonly objectKey: string;
  readonly path: string;
  readonly order: UploadOrder;
  readonly partsAtOnce: number;
  readonly signal: AbortSignal;
  readonly note: (note: string) => void;
}

/** Name of the user metadata (x-amz-meta-...) that holds the object's hash. */
export const HASH_METADATA = 'quilt-sha256';
const READ_BYTES = 256 * 1024;

const NEVER_LISTED: ReadonlySet<StoreCause> = new Set<StoreCause>(['denied', 'invalid', 'not-found', 'wrong-endpoint']);

/** What an interrupted upload leaves beside its source. */
export const stateOf = (path: string): string => `${path}.upload`;

/** Bytes were altered on the way; the store keeps what it got, so it must be sent again. */
export class AlteredOnTheWay extends Error {
  override readonly name = 'BadDigest';
}

/** Bytes that had not to be sent again. Throws the client's exceptions. */
export async function uploadFile(init: UploadInit): Promise<{ resumedBytes: number }> {
  const { bucket, objectKey, path, order, signal } = init;
  const before = await stat(path);
  const statePath = stateOf(path);
  const plan = await planFor(init, statePath);
  const keeper = createPartKeeper(init, plan, statePath);
  const abortController = new AbortController();
  const abort = (): void => abortController.abort();
  signal.addEventListener('abort', abort);
  const body = createReadStream(path, { highWaterMark: READ_BYTES });
  try {
    const upload = new Upload({
      ...{ client: keeper.client, partSize: order.partBytes, queueSize: init.partsAtOnce, leavePartsOnError: true, abortController },
      params: { Bucket: bucket, Key: objectKey, Body: body, Metadata: { [HASH_METADATA]: order.sha256 } },
    });
    if (signal.aborted) abort();
    await upload.done();
    const after = await stat(path);
    if (after.size !== before.size || after.mtimeMs !== before.mtimeMs) throw new AlteredOnTheWay('the file changed while it was sent');
    await rm(statePath, { force: true });
    return { resumedBytes: keeper.resumedBytes() };
  } catch (error) {
    abort();
    await keeper.settle();
    if (isUploadLost(error) || error instanceof AlteredOnTheWay) await rm(statePath, { force: true });
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
    body.destroy();
  }
}

async function planFor(init: UploadInit, statePath: string): Promise<ResumePlan> {
  const text = await readFile(statePath, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (text === null) return { kind: 'fresh', why: 'it is new', abandonedUploadId: null };
  const state = parseUploadState(text);
  const mismatch = state === null ? 'what stands beside the file is no upload state' : mismatchOf(state, init.order);
  const plan: ResumePlan =
    state === null || mismatch !== null
      ? { kind: 'fresh', why: mismatch ?? '', abandonedUploadId: state?.store === init.order.store ? state.uploadId : null }
      : planResume(state, await listParts(init, state.uploadId));
  if (plan.kind === 'fresh') {
    init.note(`the upload of ${init.objectKey} begins again: ${plan.why}`);
    await rm(statePath, { force: true });
    if (plan.abandonedUploadId !== null && state?.key === init.order.key) await abandon(init, plan.abandonedUploadId);
  } else {
    init.note(`the upload of ${init.objectKey} goes on: the store lists ${plan.listed.length} parts`);
  }
  return plan;
}

async function listParts({ client, bucket, objectKey, signal }: UploadInit, uploadId: string): Promise<ListedParts> {
  const parts: SentPart[] = [];
  let after: string | undefined;
  try {
    do {
      const page = await client.send(
        new ListPartsCommand({ Bucket: bucket, Key: objectKey, UploadId: uploadId, PartNumberMarker: after }),
        { abortSignal: signal },
      );
      for (const { PartNumber = 0, ETag = '', Size = -1 } of page.Parts ?? [])
        parts.push({ number: PartNumber, tag: ETag, sizeBytes: Size });
      after = page.IsTruncated === true ? page.NextPartNumberMarker : undefined;
    } while (after !== undefined && parts.length < PARTS_MAX);
    return { kind: 'listed', parts };
  } catch (error) {
    if (isUploadLost(error)) return { kind: 'gone' };
    const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
    // Not known there (some take it for a get of the object), or not allowed: the file begins again. Anything else may pass, and then the parts are worth waiting for.
    if (status === 501 || NEVER_LISTED.has(causeOf(error))) return { kind: 'unlisted', why: (error as Error).name };
    throw error;
  }
}

async function abandon({ client, bucket, objectKey, signal, note }: UploadInit, uploadId: string): Promise<void> {
  try {
    await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key: objectKey, UploadId: uploadId }), { abortSignal: signal });
  } catch (error) {
    if (!isUploadLost(error))
      note(
        `parts of an abandoned upload of ${objectKey} may be left in the store (${(error as Error).name}): let a lifecycle rule abort them`,
      );
  }
}

interface PartKeeper {
  readonly client: S3Client;
  resumedBytes(): number;
  /** What was recorded is on disk. */
  settle(): Promise<void>;
}

type Send = (command: unknown, options?: object) => Promise<Record<string, unknown>>;

function createPartKeeper(init: UploadInit, plan: ResumePlan, statePath: string): PartKeeper {
  const { client, order, signal } = init;
  const send: Send = (command) => (client.send as unknown as Send).call(client, command, { abortSignal: signal });
  const parts = new Map<number, SentPart>();
  const tidier = createTidier('major', order.partBytes);
  let resumedBytes = 0;
  let uploadId = plan.kind === 'resume' ? plan.uploadId : '';
  let writing: Promise<unknown> = Promise.resolve();
  const record = (): Promise<unknown> => {
    const state: UploadState = { version: 1, ...order, uploadId, parts: [...parts.values()] };
    writing = writing.then(() => writeWhole(statePath, JSON.stringify(state)));
    return writing;
  };

  const sendPart = async (command: UploadPartCommand): Promise<Record<string, unknown>> => {
    const bytes = command.input.Body as Uint8Array;
    const number = command.input.PartNumber ?? 0;
    const md5 = createHash('md5').update(bytes).digest();
    const part = { number, sizeBytes: bytes.byteLength, md5: md5.toString('hex') };
    const known = tagOfSent(plan, part);
    if (known !== null) resumedBytes += part.sizeBytes;
    const tag = known ?? (await sendCompared(send, command, md5));
    parts.set(number, { number, tag, sizeBytes: part.sizeBytes });
    tidier.passed(part.sizeBytes);
    if (known === null) await record();
    return { ETag: tag };
  };

  const keeping: Send = async (command) => {
    if (command instanceof CreateMultipartUploadCommand) {
      if (uploadId !== '') return { UploadId: uploadId };
      const created = await send(command);
      uploadId = String(created.UploadId);
      await record();
      return created;
    }
    if (command instanceof UploadPartCommand) return sendPart(command);
    if (command instanceof PutObjectCommand) {
      const md5 = createHash('md5')
        .update(command.input.Body as Uint8Array)
        .digest();
      return { ETag: await sendCompared(send, command, md5) };
    }
    // Upload passes the metadata on to every command, and a store may be strict about what belongs to which.
    if (command instanceof CompleteMultipartUploadCommand) await writing;
    return send(command);
  };
  const facade = Object.create(client, { send: { value: keeping } }) as S3Client;
  return { client: facade, resumedBytes: () => resumedBytes, settle: async () => void (await writing.catch(() => undefined)) };
}

/** The tag of the store's answer. */
async function sendCompared(send: Send, command: PutObjectCommand | UploadPartCommand, md5: Buffer): Promise<string> {
  command.input.ContentMD5 = md5.toString('base64');
  const answer = await send(command);
  const tag = String(answer.ETag ?? '');
  const isEncrypted = answer.SSECustomerAlgorithm !== undefined || String(answer.ServerSideEncryption ?? 'AES256') !== 'AES256';
  if (isOtherThanSent(tag, md5.toString('hex'), isEncrypted)) {
    throw new AlteredOnTheWay(`the store answers ${tag} for bytes whose MD5 is ${md5.toString('hex')}`);
  }
  return tag;
}

async function writeWhole(path: string, text: string): Promise<void> {
  await writeFile(`${path}.part`, text, { mode: 0o600, flush: true });
  await rename(`${path}.part`, path);
}
