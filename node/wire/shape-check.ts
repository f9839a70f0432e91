// Checks of decoded data, built from small parts: a shape is a function that says whether a value is exactly that. Exactly: a missing key, an extra
// key, a fraction where an integer belongs or one byte too many is a no, because two nodes that read the same bytes must agree on whether they are
// valid. `fields` is typed by the message it checks, so that a field added to messages.ts does not compile until its shape is written.

export type Shape = (value: unknown) => boolean;

/** Text of at most so many UTF-16 units. */
export const textOf =
  (lengthMax: number): Shape =>
  (value) =>
    typeof value === 'string' && value.length <= lengthMax;

export const bytesOf =
  (bytesMin: number, bytesMax: number): Shape =>
  (value) =>
    value instanceof Uint8Array && value.byteLength >= bytesMin && value.byteLength <= bytesMax;

export const integerOf =
  (min: number, max: number): Shape =>
  (value) =>
    Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;

/** dag-cbor has neither NaN nor the infinities; this refuses them in hand-made values too. */
export const numberShape: Shape = (value) => Number.isFinite(value);
export const flagShape: Shape = (value) => typeof value === 'boolean';
export const nullShape: Shape = (value) => value === null;

export const nullOr =
  (shape: Shape): Shape =>
  (value) =>
    value === null || shape(value);

export const eitherOf =
  (...shapes: readonly Shape[]): Shape =>
  (value) =>
    shapes.some((shape) => shape(value));

export const oneOf = (...literals: readonly (string | number)[]): Shape => {
  const allowed = new Set<unknown>(literals);
  return (value) => allowed.has(value);
};

export const listOf =
  (shape: Shape, countMax: number): Shape =>
  (value) =>
    Array.isArray(value) && value.length <= countMax && value.every(shape);

/** A map with free keys, except __proto__: code that copies it key by key would change the copy's prototype instead. */
export const recordOf =
  (shape: Shape, keysMax: number): Shape =>
  (value) => {
    if (!isPlainObject(value) || Object.hasOwn(value, '__proto__')) return false;
    const values = Object.values(value);
    return values.length <= keysMax && values.every(shape);
  };

const optionals = new WeakSet<Shape>();

/** The value of a key that may be left out of `fields`: what came after version 1 was fixed, so that messages without it keep their bytes. */
export function optional(shape: Shape): Shape {
  const own: Shape = (value) => shape(value);
  optionals.add(own);
  return own;
}

/** An object with exactly these keys. */
export function fields<T>(shapes: { readonly [K in keyof T]-?: Shape }): Shape {
  const expected = Object.entries<Shape>(shapes);
  const needed = expected.filter(([, shape]) => !optionals.has(shape)).length;
  return (value) => {
    if (!isPlainObject(value)) return false;
    let count = 0;
    for (const _key in value) count += 1;
    if (count < needed || count > expected.length) return false;
    let known = 0;
    for (const [key, shape] of expected) {
      const isThere = Object.hasOwn(value, key);
      if (isThere ? !shape(value[key]) : !optionals.has(shape)) return false;
      if (isThere) known += 1;
    }
    return known === count;
  };
}

/** Any plain data, nested at most so deep: for parts whose meaning is somebody else's. */
export function dataOf(depthMax: number): Shape {
  const scalar = eitherOf(nullShape, flagShape, numberShape, textOf(64 * 1024), bytesOf(0, 64 * 1024));
  if (depthMax === 0) return scalar;
  const inner = dataOf(depthMax - 1);
  return eitherOf(scalar, listOf(inner, 10_000), recordOf(inner, 10_000));
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
