// Notes as live states and reports have them: a moment, a sentence, its kind, and what of it lasts (node/core/notes.ts).

import { z } from 'zod';
import type { NoteKind, SpanMark } from '../../../node/core/notes.ts';
import { ms, schemaOf, text } from './parts.ts';

const noteKind = schemaOf<NoteKind>()(
  'NoteKind',
  'Of what a note tells. scale: the operator scaled or paused the load; trouble: what went wrong and belongs nowhere else.',
  z.enum(['phase', 'join', 'leave', 'election', 'loss', 'move', 'scale', 'fault', 'threshold', 'trouble']),
);

const spanMark = schemaOf<SpanMark>()(
  'SpanMark',
  'What a note says of something that lasts. Marks of one kind and key together are a band of time.',
  z.strictObject({
    kind: noteKind,
    key: text('which of its kind; * ends, or begins in place of, every one of its kind'),
    is: z
      .enum(['begin', 'goes-on', 'end', 'whole'])
      .describe('goes-on: it began earlier, and still lasts. whole: from `agoMs` before the note to the note'),
    agoMs: ms('how long before the note it was; negative = it will be').optional(),
  }),
);

export const noteFields = {
  atMs: ms('from T0, before it negative'),
  level: z.enum(['info', 'warning', 'error']).describe('how bad'),
  text: text('what; may hold hostile text'),
  kind: noteKind.optional(),
  spans: z.array(spanMark).optional().describe('what of it lasts; left out: it is a moment'),
};
