// Notes: what happened in a run, one line each for people, and what of it lasted. A note says of what kind it is; one that begins, continues or ends
// something says so by a key, and the notes of one kind and key together are a band of time: a node's loss from its last word until its load is taken
// over, an election from silence to the new coordinator. Bands are made here from notes alone, so boards, reports and pages show the same ones.

export type NoteKind =
  | 'phase'
  | 'join'
  | 'leave'
  | 'election'
  | 'loss'
  | 'move'
  /** The operator scaled or paused the load. */
  | 'scale'
  | 'fault'
  | 'threshold'
  /** What went wrong and belongs nowhere else. */
  | 'trouble';

/** What a note says of something that lasts. */
export interface SpanMark {
  readonly kind: NoteKind;
  /** Which of its kind. `ALL_KEYS` ends, or begins in place of, every one of its kind. */
  readonly key: string;
  /** goes-on: it began earlier, and still lasts; begins it where nothing did. whole: from `agoMs` before the note to the note. */
  readonly is: 'begin' | 'goes-on' | 'end' | 'whole';
  /** It was so long before the note; negative = it will be. */
  readonly agoMs?: number;
}

export interface Note {
  readonly level: 'info' | 'warning' | 'error';
  readonly text: string;
  readonly kind: NoteKind;
  /** Empty or left out: a moment. */
  readonly spans?: readonly SpanMark[];
}

export const ALL_KEYS = '*';

/** A note as reports and pages have it: `atMs` from T0. Left out by runs before notes had kinds. */
export interface NoteRow {
  readonly atMs: number;
  readonly text: string;
  readonly kind?: NoteKind;
  readonly spans?: readonly SpanMark[];
}

export interface Band {
  readonly kind: NoteKind;
  readonly fromMs: number;
  /** Null = it lasts. The same as `fromMs`: a moment. */
  readonly toMs: number | null;
  /** Of the note that began it, and of the one that ended it where it says more. */
  readonly text: string;
}

interface OpenBand {
  readonly kind: NoteKind;
  readonly key: string;
  readonly fromMs: number;
  readonly text: string;
}

/** Bands and moments of these notes, by when they began. Notes of a kind that nobody asked for are left out. */
export function bandsOf(rows: readonly NoteRow[], kinds: ReadonlySet<NoteKind>): Band[] {
  const bands: Band[] = [];
  const open = new Map<string, OpenBand>();
  for (const row of rows) {
    const { atMs, text, kind, spans = [] } = row;
    if (spans.length === 0 && kind !== undefined && kinds.has(kind)) bands.push({ kind, fromMs: atMs, toMs: atMs, text });
    for (const mark of spans) if (kinds.has(mark.kind)) takeMark(bands, open, mark, row);
  }
  for (const { kind, fromMs, text } of open.values()) bands.push({ kind, fromMs, toMs: null, text });
  return bands.sort((left, right) => left.fromMs - right.fromMs);
}

/** Ends what is open under this key, or all of the kind. False = nothing was. */
function close(bands: Band[], open: Map<string, OpenBand>, { kind, key }: SpanMark, toMs: number, text: string): boolean {
  const ended = [...open].filter(([, band]) => band.kind === kind && (key === ALL_KEYS || band.key === key));
  for (const [name, band] of ended) {
    open.delete(name);
    const all = text === '' ? band.text : `${band.text}; ${text}`;
    bands.push({ kind, fromMs: band.fromMs, toMs: Math.max(band.fromMs, toMs), text: all });
  }
  return ended.length > 0;
}

function takeMark(bands: Band[], open: Map<string, OpenBand>, mark: SpanMark, { atMs, text, kind: ofNote }: NoteRow): void {
  const { kind, key, is, agoMs = 0 } = mark;
  const momentMs = atMs - agoMs;
  const name = `${kind} ${key}`;
  if (is === 'whole') bands.push({ kind, fromMs: Math.min(momentMs, atMs), toMs: atMs, text });
  else if (is === 'end') {
    // A first election ends nothing; nor does the end of a handover whose nodes were not lost, which is about something else.
    const isMoment = !close(bands, open, mark, momentMs, text) && kind === ofNote;
    if (isMoment) bands.push({ kind, fromMs: momentMs, toMs: momentMs, text });
  } else if (is === 'begin' || !open.has(name)) {
    close(bands, open, mark, momentMs, '');
    open.set(name, { kind, key, fromMs: momentMs, text });
  }
}
