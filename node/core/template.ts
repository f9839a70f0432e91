// Texts with ${name} in them, compiled once before the run so that rendering is string concatenation. A name is looked up in the
// endpoint's flat values (EndpointContext.values) and then in what the endpoint type itself knows at that moment (captures, message ids).
// A name that nobody knows is not an empty string: rendering answers undefined and the caller counts it, because a request to
// /meetings//join would measure the wrong thing. `$${` writes a literal `${`.

export type Values = Readonly<Record<string, string>>;

export interface Template {
  /** The text as it was written, for messages. */
  readonly source: string;
  /** Names used, without duplicates, in order of first use. */
  readonly names: readonly string[];
  /** The rendered text when no name is used: callers take shortcuts with it. */
  readonly constant: string | undefined;
  /** Undefined when a name is unknown to both. */
  readonly render: (values: Values, local?: Values) => string | undefined;
}

const NAME = /\$(\$\{)|\$\{\s*([A-Za-z_][\w.-]*)\s*\}/g;

interface Parts {
  readonly literals: readonly string[];
  readonly names: readonly string[];
}

/** n names between n+1 literals. */
function split(source: string): Parts {
  const literals: string[] = [];
  const names: string[] = [];
  let literal = '';
  let from = 0;
  for (const match of source.matchAll(NAME)) {
    literal += source.slice(from, match.index);
    from = match.index + match[0].length;
    if (match[1] !== undefined) {
      literal += match[1];
      continue;
    }
    literals.push(literal);
    names.push(match[2] as string);
    literal = '';
  }
  literals.push(literal + source.slice(from));
  return { literals, names };
}

export function compileTemplate(source: string): Template {
  const { literals, names } = split(source);
  const first = literals[0] as string;
  if (names.length === 0) return { source, names, constant: first, render: () => first };
  const render = (values: Values, local?: Values): string | undefined => {
    let text = first;
    for (let index = 0; index < names.length; index++) {
      const name = names[index] as string;
      const value = local?.[name] ?? values[name];
      if (value === undefined) return undefined;
      text += value + (literals[index + 1] as string);
    }
    return text;
  };
  return { source, names: [...new Set(names)], constant: undefined, render };
}

/** The names in `template` that neither map knows: what to tell the user when render answered undefined. */
export function missingNames(template: Template, values: Values, local: Values = {}): string[] {
  return template.names.filter((name) => values[name] === undefined && local[name] === undefined);
}

/**
 * A JSON value whose strings are templates; values are JSON-escaped. A string that is nothing but one name of `numericNames` becomes a bare
 * number ("${message.sentAtMs}" -> 1234.5): servers tell numbers from strings. Other numbers are written by the scenario as `text`.
 */
export function compileJsonTemplate(json: unknown, numericNames: readonly string[] = []): Template {
  let source = JSON.stringify(json);
  for (const name of numericNames) source = source.replaceAll(`"\${${name}}"`, `\${${name}}`);
  const template = compileTemplate(source);
  if (template.constant !== undefined) return template;
  const escapeValues = (values: Values): Values => {
    const escaped: Record<string, string> = {};
    for (const name of template.names) {
      const value = values[name];
      if (value !== undefined) escaped[name] = jsonEscape(value);
    }
    return escaped;
  };
  return {
    ...template,
    render: (values, local) => template.render(escapeValues(values), local === undefined ? undefined : escapeValues(local)),
  };
}

const NEEDS_ESCAPE = /["\\\u0000-\u001f]/;

function jsonEscape(value: string): string {
  return NEEDS_ESCAPE.test(value) ? JSON.stringify(value).slice(1, -1) : value;
}
