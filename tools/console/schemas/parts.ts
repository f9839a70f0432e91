// What the schemas of the console's API are made of: fields with their meaning, schemas with a name in the API's description, and the compiler's proof that a schema and a type that is declared
// elsewhere are one. All objects are strict: a request with an unknown field is refused, and tests find a field of an answer that no schema tells of. The description leaves answers open,
// because a later version may add fields.

import { z } from 'zod';
import { assert } from '../../../node/core/assert.ts';

/** A value as it is read from JSON: nobody changes it. */
export type Frozen<T> = T extends readonly (infer E)[]
  ? readonly Frozen<E>[]
  : T extends object
    ? { readonly [K in keyof T]: Frozen<T[K]> }
    : T;

/** The type that a schema describes. */
export type Told<S extends z.ZodType> = Frozen<z.output<S>>;

/** Identity, not assignability: a field that only one of them has, optional or not, makes them differ. */
type IsSame<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Schemas with a name: `components/schemas` of the description. */
export const answerSchemas = z.registry<{ id: string }>();
/** Those that requests carry; unknown fields are refused in these. */
export const requestSchemas = z.registry<{ id: string }>();

const ids = new Set<string>();
function take(id: string): { id: string } {
  assert(!ids.has(id), `two schemas of the API are named ${id}`);
  ids.add(id);
  return { id };
}

/** A schema that is answered, or part of one. */
export function named<S extends z.ZodType>(id: string, meaning: string, schema: S, ...examples: Frozen<z.output<S>>[]): S {
  const described = schema.meta({ description: meaning, ...(examples.length === 0 ? {} : { examples }) }) as S;
  answerSchemas.add(described, take(id));
  return described;
}

/** A schema of a request's body. */
export function request<S extends z.ZodType>(id: string, meaning: string, schema: S, ...examples: z.input<S>[]): S {
  const described = schema.meta({ description: meaning, examples }) as S;
  requestSchemas.add(described, take(id));
  return described;
}

/** As `named`, of a type that the program declares: it does not compile when the schema has a field more, less or otherwise. */
export const schemaOf =
  <T>() =>
  <S extends z.ZodType>(
    id: string,
    meaning: string,
    schema: S,
    ..._proof: IsSame<Frozen<T>, Frozen<z.output<S>>> extends true ? [] : ['the schema differs from the type']
  ): S =>
    named(id, meaning, schema);

export const text = (meaning: string) => z.string().describe(meaning);
export const flag = (meaning: string) => z.boolean().describe(meaning);
export const figure = (meaning: string) => z.number().describe(meaning);
/** How many: never a fraction, never below zero. */
export const count = (meaning: string) => z.int().min(0).describe(meaning);
export const ms = (meaning: string) => z.number().describe(`${meaning}; milliseconds`);
/** Wall clock. */
export const wallMs = (meaning: string) => z.number().describe(`${meaning}; milliseconds since 1970-01-01 UTC`);
export const maybe = <S extends z.ZodType>(schema: S) => schema.nullable().describe(schema.description ?? '');
export const texts = (meaning: string) => z.array(z.string()).describe(meaning);
export const figures = (meaning: string) => z.array(z.number()).describe(meaning);
export const labels = (meaning: string) => z.record(z.string(), z.string()).describe(meaning);
