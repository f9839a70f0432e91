// A small subset of JSONPath (RFC 9535): member names and array indexes only, e.g. `$.items[0].id`, `items[-1]["odd name"]`. No wildcards,
// filters or slices: a check or a capture names one place. Compiled before the run; looking up never throws.

export type JsonPath = readonly (string | number)[];

const STEP = /\.?([A-Za-z_$][\w$-]*)|\[\s*(-?\d+)\s*\]|\[\s*"((?:[^"\\]|\\.)*)"\s*\]|\[\s*'((?:[^'\\]|\\.)*)'\s*\]/y;

/** Undefined when the text is not a path of this subset. */
export function parseJsonPath(text: string): JsonPath | undefined {
  const path: (string | number)[] = [];
  let from = 0;
  if (text === '$') return path;
  if (text.startsWith('$.') || text.startsWith('$[')) from = 1;
  if (text.length === from) return undefined;
  while (from < text.length) {
    STEP.lastIndex = from;
    const match = STEP.exec(text);
    if (match === null) return undefined;
    if (from > 0 && match[1] !== undefined && text[from] !== '.' && from !== 0) return undefined;
    if (match[2] !== undefined) path.push(Number(match[2]));
    else path.push(match[1] ?? (match[3] ?? (match[4] as string)).replace(/\\(.)/g, '$1'));
    from = STEP.lastIndex;
  }
  return path;
}

/** The value at the path, or undefined. Negative indexes count from the end. */
export function lookUp(value: unknown, path: JsonPath): unknown {
  let at = value;
  for (const step of path) {
    if (at === null || typeof at !== 'object') return undefined;
    if (typeof step === 'number') at = Array.isArray(at) ? at.at(step) : undefined;
    else at = Object.hasOwn(at, step) ? (at as Record<string, unknown>)[step] : undefined;
  }
  return at;
}

/** Parses text as JSON; undefined for what is not JSON (JSON has no undefined of its own). */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** How a JSON value appears in a capture or a comparison with a text: strings as they are, the rest as JSON. */
export const jsonText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
