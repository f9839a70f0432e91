// What a person writes under `behavior:` of a group with `type: http`: a user's journey as a list of requests, each with what it sends, what
// must be true of the answer (checks), what to keep of it (captures) and how long the user thinks afterwards. The README beside shows one whole.

import { z } from 'zod';
import {
  durationShape,
  headersShape,
  jsonPathShape,
  jsonShape,
  nameShape,
  regexShape,
  statusesShape,
  thinkShape,
} from '../../core/option-shapes.ts';

/** More would make a scenario unreadable before it made the generator slow. */
const REQUESTS_MAX = 200;

const CHECK_KINDS = ['status', 'header', 'json', 'bodyContains', 'bodyMatches', 'durationBelow'] as const;
const COMPARISONS = ['equals', 'contains', 'matches', 'exists'] as const;

const kindsOf = (written: object, kinds: readonly string[]): string[] => kinds.filter((kind) => kind in written);

/** One thing that must be true of an answer. A false one is counted under checks{check:NAME}; it does not end the journey. */
export const checkShape = z
  .strictObject({
    name: z.string().max(80).optional().describe('Tag `check` of its samples; default: what it says.'),
    status: statusesShape.optional(),
    header: nameShape.optional().describe('This header, as said by equals, contains, matches or exists.'),
    json: jsonPathShape.optional().describe('The value there, as said by equals, contains, matches or exists.'),
    bodyContains: z.string().min(1).optional(),
    bodyMatches: regexShape.optional(),
    durationBelow: durationShape.optional(),
    equals: jsonShape.optional(),
    contains: z.string().optional(),
    matches: regexShape.optional(),
    exists: z.boolean().optional(),
  })
  .refine((check) => kindsOf(check, CHECK_KINDS).length === 1, { message: `a check says one of: ${CHECK_KINDS.join(', ')}` })
  .refine((check) => 'header' in check || 'json' in check || kindsOf(check, COMPARISONS).length === 0, {
    message: 'equals, contains, matches and exists belong to header or json',
  });

/** Where a value is in an answer: usable in later requests of the same iteration as ${captured.NAME}. */
export const captureShape = z
  .strictObject({
    json: jsonPathShape.optional(),
    header: nameShape.optional(),
    regex: regexShape.optional().describe('Over the body: the first group, or the whole match.'),
  })
  .refine((capture) => Object.keys(capture).length === 1, { message: 'a capture says one of: json, header, regex' });

const requestShape = z
  .strictObject({
    name: z.string().min(1).max(80).optional().describe('Tag `name` of every sample; default: method and path as written.'),
    method: z
      .string()
      .regex(/^[A-Z]{1,20}$/, 'expected an upper-case method such as GET')
      .default('GET'),
    url: z.string().min(1).describe('Absolute, or a path below baseUrl. May hold ${...}.'),
    headers: headersShape.default({}),
    json: jsonShape.optional().describe('Body as JSON; strings in it may hold ${...}.'),
    text: z.string().optional().describe('Body as it stands; may hold ${...}.'),
    form: z.record(z.string(), z.string()).optional().describe('Body as application/x-www-form-urlencoded.'),
    timeout: durationShape.optional(),
    expect: statusesShape.optional().describe('Statuses that do not count as failed; default 200-399.'),
    checks: z.array(checkShape).max(50).default([]),
    captures: z.record(nameShape, captureShape).default({}),
    think: thinkShape.optional().describe('Wait after this request.'),
    repeat: z.int().min(1).max(100_000).default(1).describe('This request so many times, with `think` after each.'),
  })
  .refine((request) => [request.json, request.text, request.form].filter((body) => body !== undefined).length <= 1, {
    message: 'a request has one body: json, text or form',
  });

export const optionsShape = z.strictObject({
  baseUrl: z.string().optional().describe('Put before urls that start with /.'),
  headers: headersShape.default({}).describe('Sent with every request.'),
  timeout: durationShape.default(30_000).describe('From due to the end of the answer.'),
  connections: z
    .enum(['per-endpoint', 'shared'])
    .default('per-endpoint')
    .describe('per-endpoint: as many connections as users, like browsers; shared: a pool of each worker.'),
  connectionsMax: z.int().min(1).max(10_000).default(100).describe('With connections: shared, so many a worker and origin.'),
  keepAlive: z.boolean().default(true),
  cookies: z.boolean().default(false).describe('Keep cookies for the length of an iteration and send them back to the same origin.'),
  redirects: z.int().min(0).max(20).default(10).describe('Followed at most; each is a request of its own in the statistics.'),
  insecureTls: z.boolean().default(false).describe('Accept any certificate.'),
  expect: statusesShape.default([[200, 399]]),
  think: thinkShape.optional().describe('Between requests that say nothing of their own.'),
  start: thinkShape.optional().describe('Wait before the first request.'),
  repeat: z
    .union([z.int().min(1), z.literal('until leave')])
    .default('until leave')
    .describe('How often the journey runs.'),
  every: durationShape
    .optional()
    .describe('Iterations begin at this period, whatever the answers take (open model); default: one after the other.'),
  retryPause: durationShape.default(1000).describe('Least wait after a request that got no answer, so that a dead target is not hammered.'),
  onFailure: z.enum(['continue', 'end-iteration', 'leave']).default('end-iteration').describe('What a failed request does to the journey.'),
  requests: z.array(requestShape).min(1).max(REQUESTS_MAX),
});

export type HttpOptions = z.output<typeof optionsShape>;
export type RequestOptions = HttpOptions['requests'][number];
export type CheckOptions = z.output<typeof checkShape>;
export type CaptureOptions = z.output<typeof captureShape>;
