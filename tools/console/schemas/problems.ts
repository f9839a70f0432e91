// What a refused request is answered with, whatever refused it: one shape, that of all problems of this program. The status says what kind of refusal it is, `code` which one, `hint` what to
// do next.

import { z } from 'zod';
import { maybe, named, text } from './parts.ts';

const problemFields = {
  code: text('stable, for programs: QUILT_…'),
  message: text('what is wrong, for people'),
  hint: maybe(text('what to do next; null = nothing that is known')),
  line: z.int().min(1).nullable().describe('line in the scenario, from 1; null = the problem has no place in a text'),
  column: z.int().min(1).nullable().describe('column in that line, from 1'),
  key: maybe(text('dotted path of the field at fault, in the scenario or in the request (body.factor)')),
};

export const problemView = named('Problem', 'One thing that is wrong with a scenario.', z.strictObject(problemFields));

export const refusal = named(
  'Refusal',
  'The answer to every request that is refused.',
  z.strictObject({ ...problemFields, more: z.int().min(0).describe('how many further problems there are') }),
  {
    code: 'QUILT_CONSOLE_REQUEST',
    message: 'body.factor must be at most 100',
    hint: 'POST /api/v1/orders in /api/v1/openapi.json says what is allowed',
    line: null,
    column: null,
    key: 'body.factor',
    more: 0,
  },
);

/** What each status of a refusal means, here and in the description. */
export const REFUSED = {
  400: 'The request is not what the schema allows; `key` names the field.',
  401: 'No session, or a token or code that is wrong, used or too old.',
  403: 'A session or token that only reads, or a request from another site.',
  404: 'There is no such thing.',
  409: 'Understood, and the state of things forbids it now.',
  413: 'The body is larger than the server takes.',
  415: 'The body is not JSON.',
  429: 'Too many tries; the header retry-after says how many seconds to wait.',
  500: 'A fault of the console itself.',
  503: 'Too many live sockets are open.',
} as const;

export type RefusedStatus = keyof typeof REFUSED;
