// The lines between a worker and an external program: what goes out, and what may come back. README.md beside is the same for people. Parsing is
// strict - an unknown type or a missing field is an error in the program that its author wants to hear about - and never throws.

import { z } from 'zod';

/** Worker to program. Times called AtMs are CLOCK_MONOTONIC in ms (Python: time.monotonic() * 1000); InMs is the same as a distance from now. */
export type ToProgram =
  | {
      readonly type: 'setup';
      readonly group: string;
      readonly settings: unknown;
      readonly workFolder: string;
      readonly endpointsMax: number;
    }
  | {
      readonly type: 'start';
      readonly endpoint: number;
      readonly values: Readonly<Record<string, string>>;
      readonly dueAtMs: number;
      readonly stopAtMs: number;
      readonly stopInMs: number;
      readonly seed: number;
    }
  | { readonly type: 'stop'; readonly endpoint: number; readonly graceMs: number }
  | { readonly type: 'exit' };

const endpoint = z.int().min(0);
const cause = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/i);

const fromProgram = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('ready') }),
  z.strictObject({ type: z.literal('alive') }),
  z.strictObject({ type: z.literal('joined'), endpoint }),
  z.strictObject({
    type: z.literal('sample'),
    metric: z.string().max(64),
    value: z.union([z.number(), z.boolean()]),
    tags: z.record(z.string().max(32), z.string().max(64)).optional(),
    endpoint: endpoint.optional(),
  }),
  z.strictObject({
    type: z.literal('error'),
    side: z.enum(['target', 'generator']),
    cause,
    example: z.string().default(''),
    endpoint: endpoint.optional(),
  }),
  z.strictObject({ type: z.literal('done'), endpoint }),
]);

export type FromProgram = z.output<typeof fromProgram>;
export type Sample = Extract<FromProgram, { type: 'sample' }>;

/** The message of a line, or what is wrong with it. */
export function parseLine(line: string): FromProgram | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return `not JSON: ${line.slice(0, 100)}`;
  }
  const parsed = fromProgram.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return `${issue?.path.join('.') || 'line'}: ${issue?.message}: ${line.slice(0, 100)}`;
}
