// Reads a TypeScript file just well enough for the tidy rules: which parts are code, and what it imports. Not a parser.
// `maskSource` blanks comments and the insides of strings, templates and regular expressions with spaces, keeping every
// offset and line where it was, so that a rule can search for an identifier without finding prose. Expressions inside
// `${}` stay code. The one guess is whether a slash divides or opens a regular expression, made from the token before it.

export interface Import {
  specifier: string;
  /** 1-based line of the specifier. */
  line: number;
  isTypeOnly: boolean;
  isDynamic: boolean;
  /** What is named between the braces, aliases as `imported as local`; empty for default, namespace and dynamic imports. */
  names: string[];
}

const regexAfterWord = /(?:^|[^\w$.])(?:return|typeof|case|in|of|delete|void|throw|new|else|do|instanceof|await|yield)$/;
const regexAfterCharacter = '(,=:[!&|?{};+-*%<>~^\n';

function opensRegex(codeSoFar: string): boolean {
  const before = codeSoFar.trimEnd();
  if (before === '') return true;
  return regexAfterCharacter.includes(before.at(-1) as string) || regexAfterWord.test(before.slice(-12));
}

/** End (exclusive) of the quoted text that opens at `start`; a newline ends a broken one. */
function endOfQuoted(text: string, start: number): number {
  const quote = text[start];
  let index = start + 1;
  while (index < text.length && text[index] !== quote && text[index] !== '\n') index += text[index] === '\\' ? 2 : 1;
  return Math.min(index + 1, text.length);
}

/** End (exclusive) of the regular expression that opens at `start`; a slash within a character class does not close it. */
function endOfRegex(text: string, start: number): number {
  let isInClass = false;
  for (let index = start + 1; index < text.length && text[index] !== '\n'; index++) {
    if (text[index] === '\\') index++;
    else if (text[index] === '[') isInClass = true;
    else if (text[index] === ']') isInClass = false;
    else if (text[index] === '/' && !isInClass) return index + 1;
  }
  return start + 1;
}

/** End (exclusive) of a template's text part, which begins at `start`: after its closing backtick, or after `${`. */
function endOfTemplateText(text: string, start: number): number {
  let index = start;
  while (index < text.length) {
    if (text[index] === '\\') index += 2;
    else if (text[index] === '`') return index + 1;
    else if (text[index] === '$' && text[index + 1] === '{') return index + 2;
    else index++;
  }
  return text.length;
}

function endOfComment(text: string, start: number): number {
  const end = text[start + 1] === '/' ? text.indexOf('\n', start) : text.indexOf('*/', start + 2) + 2;
  return end < start + 2 ? text.length : end;
}

/** Blanks what lies inside, and keeps the delimiters and the line structure. */
function blank(part: string, keepFirst: number, keepLast: number): string {
  const inside = part.slice(keepFirst, part.length - keepLast).replace(/[^\n]/g, ' ');
  return part.slice(0, keepFirst) + inside + part.slice(part.length - keepLast);
}

/** The same text with everything that is not code blanked; same length, same line breaks. */
export function maskSource(text: string): string {
  let masked = '';
  /** For each open template expression, how many braces are open inside it. */
  const templates: number[] = [];
  const templateText = (start: number): void => {
    const end = endOfTemplateText(text, start);
    const isExpression = text[end - 1] === '{';
    masked += blank(text.slice(start, end), 0, isExpression ? 2 : 1);
    if (isExpression) templates.push(0);
  };
  while (masked.length < text.length) {
    const start = masked.length;
    const character = text[start] as string;
    const next = text[start + 1];
    const depth = templates.at(-1);
    if (character === '/' && (next === '/' || next === '*')) masked += blank(text.slice(start, endOfComment(text, start)), 0, 0);
    else if (character === '"' || character === "'") masked += blank(text.slice(start, endOfQuoted(text, start)), 1, 1);
    else if (character === '/' && opensRegex(masked)) masked += blank(text.slice(start, endOfRegex(text, start)), 1, 0);
    else if (character === '`') {
      masked += '`';
      templateText(start + 1);
    } else if (character === '}' && depth === 0) {
      masked += '}';
      templates.pop();
      templateText(start + 1);
    } else {
      if (depth !== undefined && character === '{') templates[templates.length - 1] = depth + 1;
      if (depth !== undefined && character === '}') templates[templates.length - 1] = depth - 1;
      masked += character;
    }
  }
  return masked;
}

/** 1-based line of an offset. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let index = text.indexOf('\n'); index !== -1 && index < offset; index = text.indexOf('\n', index + 1)) line++;
  return line;
}

const importForms: ReadonlyArray<{ pattern: RegExp; isDynamic: boolean }> = [
  { pattern: /(?<![\w$.])(?:import|export)\b([^;'"`()=]*?)\bfrom\s*(?=['"])/g, isDynamic: false },
  { pattern: /(?<![\w$.])import\s*(?=['"])/g, isDynamic: false },
  { pattern: /(?<![\w$.])import\s*\(\s*(?=['"`])/g, isDynamic: true },
];

/** Every import and re-export with a literal specifier, in the order of their offsets. */
export function importsOf(text: string, masked: string): Import[] {
  const found: Array<Import & { offset: number }> = [];
  for (const { pattern, isDynamic } of importForms) {
    for (const match of masked.matchAll(pattern)) {
      const offset = match.index + match[0].length;
      const clause = (match[1] ?? '').trim();
      const named = /\{([^}]*)\}/.exec(clause)?.[1] ?? '';
      const names = named.split(',').map((name) => name.trim());
      found.push({
        specifier: text.slice(offset + 1, text.indexOf(text[offset] as string, offset + 1)),
        line: lineAt(text, offset),
        isTypeOnly: /^type\s+[{*\w]/.test(clause) && !/^type\s*,/.test(clause),
        isDynamic,
        names: names.filter((name) => name !== ''),
        offset,
      });
    }
  }
  return found.sort((one, other) => one.offset - other.offset).map(({ offset: _, ...rest }) => rest);
}
