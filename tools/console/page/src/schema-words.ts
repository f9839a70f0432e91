// What may be written at a place of a scenario, by the JSON Schema: keys of the mapping that the cursor is in, or values of a key. Places are found by indentation, which is right for
// scenarios as people write them; the server's check has the last word. Pure.

export interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly examples?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema | boolean;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly then?: Schema;
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
}

export interface Word {
  readonly label: string;
  readonly info: string;
  readonly isKey: boolean;
}

const DEPTH_MAX = 12;

/** The schema and all that it is made of. */
function* partsOf(schema: Schema, root: Schema, depth = 0): Generator<Schema> {
  if (depth > DEPTH_MAX) return;
  yield schema;
  const name = /^#\/\$defs\/(.+)$/.exec(schema.$ref ?? '')?.[1];
  const referred = name === undefined ? undefined : root.$defs?.[name];
  const inner = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])];
  for (const part of [referred, schema.then, ...inner]) if (part !== undefined) yield* partsOf(part, root, depth + 1);
}

function inside(schemas: readonly Schema[], key: string, root: Schema): Schema[] {
  return schemas.flatMap((schema) =>
    [...partsOf(schema, root)].flatMap((part) => {
      const found = key === '-' ? part.items : (part.properties?.[key] ?? part.additionalProperties);
      return typeof found === 'object' ? [found] : [];
    }),
  );
}

/** Keys above a line, outermost first; `-` for an item of a list. */
export function pathAt(lines: readonly string[], lineIndex: number, indent: number): string[] {
  const path: string[] = [];
  let limit = indent;
  for (let index = lineIndex - 1; index >= 0 && limit > 0; index--) {
    const match = /^(\s*)((?:-\s+)*)(?:(["']?)([\w.${}*-]+)\3\s*:)?/.exec(lines[index] ?? '');
    if (match === null || /^\s*(#|$)/.test(lines[index] ?? '')) continue;
    const dashAt = match[1]?.length ?? 0;
    const keyAt = dashAt + (match[2]?.length ?? 0);
    if (match[4] !== undefined && keyAt < limit) {
      path.unshift(match[4]);
      limit = keyAt;
    }
    if (match[2] !== '' && dashAt < limit) {
      path.unshift('-');
      limit = dashAt;
    }
  }
  return path;
}

/** Words for the place before the cursor; `from` counts characters of the line that a choice replaces from. */
export function wordsAt(schema: Schema, text: string, lineIndex: number, column: number): { from: number; words: Word[] } {
  const lines = text.split('\n');
  const before = (lines[lineIndex] ?? '').slice(0, column);
  const value = /^(\s*(?:-\s+)*)(["']?)([\w.${}*-]+)\2\s*:\s+(\S*)$/.exec(before);
  const key = /^(\s*(?:-\s+)*)([\w-]*)$/.exec(before);
  const lead = (value ?? key)?.[1];
  if (lead === undefined) return { from: column, words: [] };
  const dash = lead.indexOf('-');
  const path = dash < 0 ? pathAt(lines, lineIndex, lead.length) : [...pathAt(lines, lineIndex, dash + 1), '-'];
  const at = path.reduce((schemas, step) => inside(schemas, step, schema), [schema]);
  if (value !== null) return { from: column - (value[4] ?? '').length, words: values(inside(at, value[3] ?? '', schema), schema) };
  return { from: column - (key?.[2] ?? '').length, words: keys(at, schema) };
}

function keys(schemas: readonly Schema[], root: Schema): Word[] {
  const found = new Map<string, Word>();
  for (const schema of schemas)
    for (const part of partsOf(schema, root))
      for (const [label, { description = '' }] of Object.entries(part.properties ?? {}))
        if (!found.has(label) || description !== '') found.set(label, { label, info: description, isKey: true });
  return [...found.values()];
}

function values(schemas: readonly Schema[], root: Schema): Word[] {
  const all = schemas.flatMap((schema) =>
    [...partsOf(schema, root)].flatMap((part) => [
      ...(part.enum ?? []),
      ...(part.const === undefined ? [] : [part.const]),
      ...(part.examples ?? []),
      ...(part.type === 'boolean' ? [true, false] : []),
    ]),
  );
  const plain = all.filter((one) => ['string', 'number', 'boolean'].includes(typeof one));
  return [...new Set(plain.map(String))].map((label) => ({ label, info: '', isKey: false }));
}
