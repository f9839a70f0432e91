// The ledger of one node's artifacts: which segments it made of which files, and which of them the store has confirmed. One JSON object a line, appended and synced before
// anything relies on it, so that after a crash a node knows what it has yet to send and where each file goes on, and the last line may be cut short. The same records,
// without the local bookkeeping, are the list by which the coordinator knows what must be there (manifest.ts). Reading and appending is ledger-file.ts.

/** A finished file in the node's spool, and thereby a promise that this object will be in the store. */
export interface SealedSegment {
  readonly key: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  /** Path of the source, relative to the node's folder. */
  readonly source: string;
  readonly generation: number;
  /** Range of unpacked bytes. */
  readonly fromByte: number;
  readonly toByte: number;
}

export type LedgerLine =
  | ({ readonly kind: 'sealed'; readonly inode: string } & SealedSegment)
  | { readonly kind: 'confirmed'; readonly key: string };

/** Where a source goes on, and the name under which its segments are filed: the one it had when it was first seen. */
export interface SourceMark {
  readonly source: string;
  readonly generation: number;
  readonly takenBytes: number;
}

export interface Ledger {
  readonly segments: ReadonlyMap<string, SealedSegment>;
  readonly confirmed: ReadonlySet<string>;
  /** By inode: a file that its writer rotated away is still the same file. */
  readonly sources: ReadonlyMap<string, SourceMark>;
  /** Lines that could not be read: at most the last one, unless somebody wrote into the file. */
  readonly brokenLines: number;
}

/** Of one node: 6 TB in segments of 64 MB. */
export const SEGMENTS_MAX = 100_000;

export function readLedger(text: string): Ledger {
  const segments = new Map<string, SealedSegment>();
  const confirmed = new Set<string>();
  const sources = new Map<string, SourceMark>();
  let brokenLines = 0;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const parsed = parseLine(line);
    if (parsed === null) brokenLines += 1;
    else if (parsed.kind === 'confirmed') confirmed.add(parsed.key);
    else {
      const { kind, inode, ...segment } = parsed;
      segments.set(segment.key, segment);
      sources.set(inode, { source: segment.source, generation: segment.generation, takenBytes: segment.toByte });
    }
  }
  return { segments, confirmed, sources, brokenLines };
}

export const ledgerLine = (line: LedgerLine): string => `${JSON.stringify(line)}\n`;

function parseLine(text: string): LedgerLine | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const line = value as Partial<Record<string, unknown>>;
  if (line.kind === 'confirmed') return typeof line.key === 'string' ? { kind: 'confirmed', key: line.key } : null;
  return line.kind === 'sealed' && typeof line.inode === 'string' && isSegment(line) ? (line as unknown as LedgerLine) : null;
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

/** For lists that come from elsewhere: a node may have been broken when it wrote its own. */
export function isSegment(value: unknown): value is SealedSegment {
  if (typeof value !== 'object' || value === null) return false;
  const { key, sha256, source, sizeBytes, generation, fromByte, toByte } = value as Partial<Record<keyof SealedSegment, unknown>>;
  return (
    [key, source].every((each) => typeof each === 'string' && each !== '') &&
    /^[0-9a-f]{64}$/.test(String(sha256)) &&
    [sizeBytes, generation, fromByte, toByte].every(isCount)
  );
}
