// CSV data (RFC 4180: quoted fields, doubled quotes, CRLF or LF) as a table of texts with named columns. Mistakes carry the CSV's own line.

import { fail, ok, type Problem, type Result } from '../node/core/errors.ts';
import type { DataTable } from '../node/core/scenario-types.ts';

/** Rows that one table may have: a row for each of a million endpoints and room to spare. */
export const DATA_ROWS_MAX = 2_000_000;

export interface DataSource {
  readonly name: string;
  readonly file: string;
  readonly unique: boolean;
  readonly delimiter: string;
}

export function parseTable(source: DataSource, text: string): Result<DataTable> {
  const { name, file, unique, delimiter } = source;
  const records = readRecords(text.replace(/^\uFEFF/, ''), delimiter);
  if (!records.ok) return fail(...records.problems.map((problem) => ({ ...problem, file })));
  const [header, ...rows] = records.value;
  const problem = (message: string, hint: string, line: number): Problem => ({ code: 'QUILT_DATA', file, line, column: 1, message, hint });
  if (header === undefined) return fail(problem('is empty', 'the first line names the columns', 1));
  const columns = header.fields.map((column) => column.trim());
  const odd = columns.find((column, at) => !/^[A-Za-z_][\w-]*$/.test(column) || columns.indexOf(column) !== at);
  if (odd !== undefined)
    return fail(problem(`'${odd}' is no column name, or is there twice`, 'the first line names the columns: letters, digits, _ and -', 1));
  if (rows.length > DATA_ROWS_MAX) return fail(problem(`has more than ${DATA_ROWS_MAX} rows`, 'split it', 1));
  const uneven = rows.find(({ fields }) => fields.length !== columns.length);
  if (uneven !== undefined)
    return fail(
      problem(`has ${uneven.fields.length} fields, the header has ${columns.length}`, 'quote fields that hold the delimiter', uneven.line),
    );
  return ok({ name, file, unique, columns, rows: rows.map(({ fields }) => fields) });
}

interface CsvRecord {
  readonly fields: readonly string[];
  readonly line: number;
}

function readRecords(text: string, delimiter: string): Result<CsvRecord[]> {
  const records: CsvRecord[] = [];
  let line = 1;
  let at = 0;
  while (at < text.length) {
    const startLine = line;
    const fields: string[] = [];
    for (;;) {
      let field = '';
      if (text[at] === '"') {
        const end = closingQuote(text, at + 1);
        if (end < 0)
          return fail({
            code: 'QUILT_DATA',
            line: startLine,
            column: 1,
            message: 'a quoted field is not closed',
            hint: 'a quote within quotes is doubled',
          });
        field = text.slice(at + 1, end).replaceAll('""', '"');
        at = end + 1;
      } else {
        const end = endOfField(text, at, delimiter);
        field = text.slice(at, end);
        at = end;
      }
      line += field.split('\n').length - 1;
      fields.push(field);
      if (text[at] !== delimiter) break;
      at += 1;
    }
    if (text[at] === '\r') at += 1;
    if (at < text.length && text[at] !== '\n') {
      return fail({
        code: 'QUILT_DATA',
        line,
        column: 1,
        message: 'text follows a quoted field',
        hint: 'a quote within quotes is doubled',
      });
    }
    at += 1;
    line += 1;
    if (fields.length > 1 || fields[0] !== '') records.push({ fields, line: startLine });
  }
  return ok(records);
}

function closingQuote(text: string, from: number): number {
  let at = text.indexOf('"', from);
  while (at >= 0 && text[at + 1] === '"') at = text.indexOf('"', at + 2);
  return at;
}

function endOfField(text: string, from: number, delimiter: string): number {
  let at = from;
  while (at < text.length && text[at] !== delimiter && text[at] !== '\n' && text[at] !== '\r') at += 1;
  return at;
}
