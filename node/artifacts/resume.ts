// Whether an upload that was interrupted goes on or begins again, as pure decisions over three facts: what stands in the state file beside the source, what is to be uploaded
// now, and which parts the store says it has (S3 API, ListParts). It goes on only when all of them agree; in doubt it begins again, which costs bytes and never correctness.
// A part counts as sent when the store lists it under the tag that we recorded, or under the MD5 of its bytes (the answer came, but we died before writing it down).

export interface SentPart {
  /** From 1. */
  readonly number: number;
  /** The store's ETag, with its quotes as given. */
  readonly tag: string;
  readonly sizeBytes: number;
}

export interface UploadState {
  readonly version: 1;
  readonly store: string;
  readonly key: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly partBytes: number;
  readonly uploadId: string;
  readonly parts: readonly SentPart[];
}

export type UploadOrder = Omit<UploadState, 'version' | 'uploadId' | 'parts'>;

export type ListedParts =
  | { readonly kind: 'listed'; readonly parts: readonly SentPart[] }
  /** The store has forgotten the upload: completed, aborted or expired. */
  | { readonly kind: 'gone' }
  /** The store does not know the call, or refuses it. */
  | { readonly kind: 'unlisted'; readonly why: string };

export type ResumePlan =
  | { readonly kind: 'fresh'; readonly why: string; readonly abandonedUploadId: string | null }
  | { readonly kind: 'resume'; readonly uploadId: string; readonly recorded: readonly SentPart[]; readonly listed: readonly SentPart[] };

/** S3 takes at most this many parts. */
export const PARTS_MAX = 10_000;
const STATE_CHARACTERS_MAX = 4_000_000;
const MEBIBYTE = 1024 * 1024;

/** The least part size that is at least `wantedBytes` and keeps the file within PARTS_MAX parts. Same file, same size: an upload can only resume with equal parts. */
export function partBytesFor(sizeBytes: number, wantedBytes: number): number {
  const leastBytes = Math.ceil(sizeBytes / PARTS_MAX);
  return Math.max(wantedBytes, Math.ceil(leastBytes / MEBIBYTE) * MEBIBYTE);
}

/** Why the state does not fit the order, or null when the store may be asked for its parts. */
export function mismatchOf(state: UploadState, order: UploadOrder): string | null {
  if (state.store !== order.store || state.key !== order.key) return 'it was on its way to another place';
  if (state.sizeBytes !== order.sizeBytes || state.sha256 !== order.sha256) return 'the file has changed since';
  if (state.partBytes !== order.partBytes) return 'it was cut into parts of another size';
  return null;
}

export function planResume(state: UploadState, listed: ListedParts): ResumePlan {
  const { uploadId, parts } = state;
  if (listed.kind === 'gone') return { kind: 'fresh', why: 'the store no longer knows the upload', abandonedUploadId: null };
  if (listed.kind === 'unlisted') {
    return { kind: 'fresh', why: `the store does not list the parts it has (${listed.why})`, abandonedUploadId: uploadId };
  }
  return { kind: 'resume', uploadId, recorded: parts, listed: listed.parts };
}

const bare = (tag: string): string => tag.replaceAll('"', '').toLowerCase();

/** The tag of the part when the store has exactly these bytes already, else null. */
export function tagOfSent(
  plan: ResumePlan,
  part: { readonly number: number; readonly sizeBytes: number; readonly md5: string },
): string | null {
  if (plan.kind === 'fresh') return null;
  const listed = plan.listed.find(({ number }) => number === part.number);
  if (listed === undefined || listed.sizeBytes !== part.sizeBytes) return null;
  if (bare(listed.tag) === part.md5) return listed.tag;
  // Not an MD5: the store encrypts. Then our own record must say the same.
  const recorded = plan.recorded.find(({ number }) => number === part.number);
  return recorded !== undefined && bare(recorded.tag) === bare(listed.tag) && !isMd5(listed.tag) ? listed.tag : null;
}

const isMd5 = (tag: string): boolean => /^[0-9a-f]{32}$/.test(bare(tag));

/** Whether the tag says that the store has other bytes than those sent. Stores that encrypt give tags that say nothing. */
export function isOtherThanSent(tag: string, md5: string, isEncrypted: boolean): boolean {
  return !isEncrypted && isMd5(tag) && bare(tag) !== md5;
}

/** Null when the text is not a state file of ours: cut short, from another version, or somebody else's. */
export function parseUploadState(text: string): UploadState | null {
  if (text.length > STATE_CHARACTERS_MAX) return null;
  let value: Partial<UploadState>;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null || value.version !== 1 || !Array.isArray(value.parts)) return null;
  const texts = [value.store, value.key, value.sha256, value.uploadId];
  const numbers = [value.sizeBytes, value.partBytes];
  const isWhole =
    texts.every((each) => typeof each === 'string' && each !== '') &&
    numbers.every((each) => Number.isSafeInteger(each)) &&
    value.parts.length <= PARTS_MAX &&
    value.parts.every(
      (part: Partial<SentPart>) =>
        Number.isSafeInteger(part?.number) && Number.isSafeInteger(part.sizeBytes) && typeof part.tag === 'string',
    );
  return isWhole ? (value as UploadState) : null;
}
