// Google's own schema of the Compute API (gce-schema.json, cut from compute.proto) as a judge of JSON: unknown fields, wrong types, words that no enum has, routes and query
// parameters that do not exist. It judges what the client sends and what the fake answers alike, so that the two cannot agree on something that Google never said.
// Values follow the proto3 JSON mapping: 64-bit integers are strings of digits. Required fields are not in the schema; the fake asks for those by itself.

import { readFileSync } from 'node:fs';

export interface Method {
  readonly name: string;
  readonly verb: string;
  readonly query: Readonly<Record<string, string>>;
  /** Message of the body; null = none. */
  readonly body: string | null;
  readonly response: string;
}

interface Schema {
  readonly methods: Readonly<Record<string, Omit<Method, 'name'> & { readonly path: string }>>;
  readonly messages: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly enums: Readonly<Record<string, readonly string[]>>;
}

const schema = JSON.parse(readFileSync(new URL('./gce-schema.json', import.meta.url), 'utf8')) as Schema;

export interface Route {
  readonly method: Method;
  readonly parameters: Readonly<Record<string, string>>;
}

/** The method that a call reaches, or null when the API has none such. The most literal path wins: `images/family/F` is no image of the name `family`. */
export function routeOf(verb: string, path: string): Route | null {
  const parts = path.split('/');
  let found: (Route & { literal: number }) | null = null;
  for (const [name, { path: template, ...method }] of Object.entries(schema.methods)) {
    const wanted = template.split('/');
    if (method.verb !== verb || wanted.length !== parts.length) continue;
    const parameters: Record<string, string> = {};
    const fits = wanted.every((each, index) => {
      const part = decodeURIComponent(parts[index] ?? '');
      const parameter = /^\{(\w+)\}$/.exec(each)?.[1];
      if (parameter !== undefined) parameters[parameter] = part;
      return parameter === undefined ? each === part : part !== '';
    });
    const literal = wanted.length - Object.keys(parameters).length;
    if (fits && literal > (found?.literal ?? -1)) found = { method: { name, ...method }, parameters, literal };
  }
  return found;
}

/** What is wrong with these query parameters. */
export function queryComplaints({ name, query }: Method, given: URLSearchParams): string[] {
  return [...given].flatMap(([key, value]) => {
    const type = query[key];
    if (type === undefined) return [`${name} has no parameter '${key}'`];
    return complaints(
      type,
      type === 'bool' ? value === 'true' : /int/.test(type) && !/64/.test(type) ? Number(value) : value,
      `${name}?${key}`,
    );
  });
}

/** What is wrong with a value of this message. */
export const messageComplaints = (message: string, value: unknown): string[] => complaints(message, value, message);

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isWhole = (value: unknown, bits: 32 | 64, isSigned: boolean): boolean => {
  if (bits === 64) return typeof value === 'string' && (isSigned ? /^-?\d{1,19}$/ : /^\d{1,20}$/).test(value);
  return Number.isInteger(value) && (value as number) <= 2 ** 32 && (value as number) >= (isSigned ? -(2 ** 31) : 0);
};

const scalars: Readonly<Record<string, (value: unknown) => boolean>> = {
  any: () => true,
  string: (value) => typeof value === 'string',
  bool: (value) => typeof value === 'boolean',
  double: (value) => typeof value === 'number',
  float: (value) => typeof value === 'number',
  int32: (value) => isWhole(value, 32, true),
  uint32: (value) => isWhole(value, 32, false),
  int64: (value) => isWhole(value, 64, true),
  uint64: (value) => isWhole(value, 64, false),
};

function complaints(type: string, value: unknown, at: string): string[] {
  const said = JSON.stringify(value)?.slice(0, 80);
  if (type.endsWith('[]')) {
    if (!Array.isArray(value)) return [`${at} must be an array, not ${said}`];
    return value.flatMap((each, index) => complaints(type.slice(0, -2), each, `${at}[${index}]`));
  }
  if (type.startsWith('map ')) {
    if (!isObject(value)) return [`${at} must be a map, not ${said}`];
    return Object.entries(value).flatMap(([key, each]) => complaints(type.slice(4), each, `${at}.${key}`));
  }
  if (type.startsWith('enum ')) {
    const words = schema.enums[type.slice(5)];
    if (words === undefined) throw new Error(`the schema has no ${type}`);
    return words.includes(value as string) ? [] : [`${at} must be one of ${words.join(', ')}, not ${said}`];
  }
  const scalar = scalars[type];
  if (scalar !== undefined) return scalar(value) ? [] : [`${at} must be ${type}, not ${said}`];
  const message = schema.messages[type];
  if (message === undefined) throw new Error(`the schema has no message ${type}`);
  if (!isObject(value)) return [`${at} must be ${type}, not ${said}`];
  return Object.entries(value).flatMap(([key, each]) => {
    const field = Object.hasOwn(message, key) ? message[key] : undefined;
    return field === undefined ? [`${at} has no field '${key}'`] : complaints(field, each, `${at}.${key}`);
  });
}
