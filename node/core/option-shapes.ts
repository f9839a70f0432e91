// Shapes that the options of several endpoint types share, so that a duration, a think time or a condition on a message is written the
// same way everywhere in a scenario. Pure zod: each shape's output is what the endpoint uses, its input is what a person writes.

import { z } from 'zod';
import { parseDuration } from './duration.ts';
import { parseJsonPath } from './json-path.ts';
import type { Spread } from './scenario-types.ts';

/** '500ms', '2s', '1m30s' -> milliseconds. */
export const durationShape = z
  .string()
  .refine((text) => parseDuration(text) !== null, { message: 'expected a duration such as 500ms, 2s or 1m30s' })
  .transform((text) => parseDuration(text) as number)
  .meta({ description: 'A duration: 500ms, 2s, 1m30s.' });

export const jsonPathShape = z
  .string()
  .refine((text) => parseJsonPath(text) !== undefined, { message: 'expected a path such as $.items[0].id (members and indexes only)' })
  .meta({ description: 'A path into a JSON value: $.items[0].id. Members and indexes only.' });

export const regexShape = z
  .string()
  .refine(isRegex, { message: 'not a regular expression' })
  .meta({ description: 'A JavaScript regular expression.' });

function isRegex(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}

const distributions = z.union([
  z.strictObject({ uniform: z.tuple([durationShape, durationShape]) }),
  z.strictObject({ normal: z.strictObject({ mean: durationShape, deviation: durationShape, max: durationShape.optional() }) }),
  z.strictObject({ exponential: z.strictObject({ mean: durationShape, max: durationShape.optional() }) }),
]);

/** A waiting time: fixed, or drawn anew each time from the endpoint's own seeded randomness. */
export type Think = Exclude<Spread, { distribution: 'lognormal' }> | NormalSpread;
interface NormalSpread {
  readonly distribution: 'normal';
  readonly meanMs: number;
  readonly deviationMs: number;
  readonly maxMs: number;
}

/** Drawn times end here unless the scenario says otherwise: a long tail must not outlive the run. */
const TAIL_FACTOR = 10;

export const thinkShape = z
  .union([durationShape, distributions])
  .transform((written): Think => {
    if (typeof written === 'number') return { distribution: 'fixed', ms: written };
    if ('uniform' in written) {
      const [one, other] = written.uniform;
      return { distribution: 'uniform', minMs: Math.min(one, other), maxMs: Math.max(one, other) };
    }
    if ('normal' in written) {
      const { mean, deviation, max } = written.normal;
      return { distribution: 'normal', meanMs: mean, deviationMs: deviation, maxMs: max ?? mean + TAIL_FACTOR * deviation };
    }
    const { mean, max } = written.exponential;
    return { distribution: 'exponential', meanMs: mean, minMs: 0, maxMs: max ?? mean * TAIL_FACTOR };
  })
  .meta({ description: 'A fixed duration, or {uniform: [1s, 3s]}, {normal: {mean, deviation}}, {exponential: {mean}}.' });

/** Draws one waiting time; `uniform01` is a source of uniform floats in [0, 1). */
export function drawThinkMs(think: Think, uniform01: () => number): number {
  switch (think.distribution) {
    case 'fixed':
      return think.ms;
    case 'uniform':
      return think.minMs + uniform01() * (think.maxMs - think.minMs);
    case 'exponential':
      return Math.min(think.maxMs, Math.max(think.minMs, -think.meanMs * Math.log(1 - uniform01())));
    case 'normal': {
      // Box and Muller, 1958: one of the pair, the other is thrown away to stay free of state.
      const radius = Math.sqrt(-2 * Math.log(1 - uniform01()));
      const drawn = think.meanMs + think.deviationMs * radius * Math.cos(2 * Math.PI * uniform01());
      return Math.min(think.maxMs, Math.max(0, drawn));
    }
  }
}

/** HTTP statuses: 200, '2xx', or '200-204'. Output: [from, to] inclusive. */
export const statusShape = z
  .union([
    z.int().min(100).max(599),
    z.string().regex(/^([1-5]xx|[1-5]\d\d(-[1-5]\d\d)?)$/, 'expected a status such as 200, 2xx or 200-204'),
  ])
  .transform((written): readonly [number, number] => {
    const text = String(written);
    if (text.endsWith('xx')) return [Number(text[0]) * 100, Number(text[0]) * 100 + 99];
    const [from, to] = text.split('-');
    return [Number(from), Number(to ?? from)];
  })
  .meta({ description: 'An HTTP status: 200, 2xx or 200-204.' });

export const statusesShape = z.union([statusShape.transform((one) => [one]), z.array(statusShape).min(1)]);
export type StatusRange = readonly [number, number];

export const isStatusIn = (status: number, ranges: readonly StatusRange[]): boolean =>
  ranges.some(([from, to]) => status >= from && status <= to);

/** Any JSON value, as YAML gives it. */
export const jsonShape: z.ZodType<unknown> = z.json();
export const headersShape = z.record(z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'not a header name'), z.string());
export const nameShape = z.string().regex(/^[A-Za-z_][\w.-]{0,63}$/, 'expected a name of letters, digits, dots and dashes');
