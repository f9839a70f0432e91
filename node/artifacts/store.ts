// The contract of an artifact store: where the nodes of a run leave their logs, windows and captures, and where the report is rebuilt from (P6). Every node writes to it by
// itself, so that terabytes pass through no single node. Implementations are adapters (dir-store.ts, s3-store.ts); test/compliance/artifact-store.ts runs the same suite
// over all. Each object carries the SHA-256 of its bytes as metadata of our own, because most S3 clones verify nothing; a put is confirmed only when the store itself says
// that the object is there with that size and hash, and a get is compared. Nothing expected throws: a failure is a value with a cause, which says whether trying again helps.

import type { Problem } from '../core/errors.ts';

export type StoreCause =
  | 'aborted'
  | 'bucket-missing'
  | 'clock-skew'
  | 'corrupt'
  | 'credentials'
  | 'denied'
  | 'full'
  | 'invalid'
  | 'local-file'
  | 'not-found'
  | 'slow'
  | 'store-fault'
  | 'throttled'
  | 'unreachable'
  | 'wrong-endpoint';

export interface StoreProblem extends Problem {
  readonly cause: StoreCause;
}

export type StoreResult<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problems: readonly StoreProblem[] };

export const stored = <T>(value: T): StoreResult<T> => ({ ok: true, value });
export const refused = (cause: StoreCause, message: string, hint: string): { ok: false; problems: readonly StoreProblem[] } => ({
  ok: false,
  problems: [{ cause, code: CODES[cause], message, hint }],
});

const CODES: Readonly<Record<StoreCause, StoreProblem['code']>> = {
  aborted: 'QUILT_STORE_ABORTED',
  'bucket-missing': 'QUILT_STORE_BUCKET_MISSING',
  'clock-skew': 'QUILT_STORE_CLOCK_SKEW',
  corrupt: 'QUILT_STORE_CORRUPT',
  credentials: 'QUILT_STORE_CREDENTIALS',
  denied: 'QUILT_STORE_DENIED',
  full: 'QUILT_STORE_FULL',
  invalid: 'QUILT_STORE_INVALID',
  'local-file': 'QUILT_STORE_LOCAL_FILE',
  'not-found': 'QUILT_STORE_NOT_FOUND',
  slow: 'QUILT_STORE_SLOW',
  'store-fault': 'QUILT_STORE_FAULT',
  throttled: 'QUILT_STORE_THROTTLED',
  unreachable: 'QUILT_STORE_UNREACHABLE',
  'wrong-endpoint': 'QUILT_STORE_WRONG_ENDPOINT',
};

/** Passes by itself, as far as one can know. The others want somebody to change something; an uploader keeps the file for both. */
const PASSING: ReadonlySet<StoreCause> = new Set<StoreCause>(['corrupt', 'slow', 'store-fault', 'throttled', 'unreachable']);
export const isPassing = ({ cause }: StoreProblem): boolean => PASSING.has(cause);

export interface ArtifactInfo {
  readonly key: string;
  readonly sizeBytes: number;
  /** Lower-case hex; null = the object was not put by this program. */
  readonly sha256: string | null;
}

export interface ListedArtifact {
  readonly key: string;
  readonly sizeBytes: number;
}

export interface ArtifactPage {
  readonly items: readonly ListedArtifact[];
  /** Pass it as `after` for the next page; null = this was the last. */
  readonly next: string | null;
}

export interface PutOptions {
  readonly signal: AbortSignal;
  /** Of the file, when it is known already; else the file is read once more for it. */
  readonly sha256?: string;
  /** Sentences for the log: an upload was resumed, or began again, and why. */
  readonly onNote?: (note: string) => void;
}

/** A put that the store has confirmed. */
export interface PutReceipt extends ArtifactInfo {
  readonly sha256: string;
  /** Bytes that an interrupted upload had left there, and that were not sent again. */
  readonly resumedBytes: number;
}

/** Keys are what `keyComplaint` of address.ts lets pass. Every call ends soon after `signal` aborts, with the cause 'aborted'. */
export interface ArtifactStore {
  /** As the operator wrote it; without credentials. */
  readonly address: string;
  /** Replaces what is there. Interrupted, it leaves nothing under the key, and may leave a file `${path}.upload` that lets the next try resume. */
  putFile(key: string, path: string, options: PutOptions): Promise<StoreResult<PutReceipt>>;
  /** The file appears whole and compared, or not at all. */
  getFile(key: string, path: string, signal: AbortSignal): Promise<StoreResult<ArtifactInfo>>;
  /** Null = there is no such object. */
  head(key: string, signal: AbortSignal): Promise<StoreResult<ArtifactInfo | null>>;
  /** Keys that begin with `prefix`, sorted, at most `limit` (and LIST_PAGE_MAX, the default) a page; after '' comes the first. */
  list(prefix: string, after: string, signal: AbortSignal, limit?: number): Promise<StoreResult<ArtifactPage>>;
  /** What is not there is deleted. */
  delete(key: string, signal: AbortSignal): Promise<StoreResult<null>>;
  /** Writes, reads and deletes a small object. Everything wrong with the store, each with what to do; empty = it works. */
  check(signal: AbortSignal): Promise<readonly StoreProblem[]>;
  close(): void;
}

export const LIST_PAGE_MAX = 1000;

/** The part of a clock that this folder needs; the runtime's clock is one. */
export interface ArtifactClock {
  /** Monotonic, ms. */
  readonly nowMs: () => number;
  /** Calls back once after about `ms`; the answer cancels it. */
  readonly after: (ms: number, callback: () => void) => () => void;
}

/** Resolves after about `ms`, or at once when `signal` is aborted. */
export function pause(clock: ArtifactClock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted || ms <= 0) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const cancel = clock.after(ms, end);
    signal.addEventListener('abort', end);
  });
}
