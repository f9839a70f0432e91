// Holds the pages to the program: every scenario in them parses, every command line uses verbs and flags that exist, every link leads somewhere,
// and the tables of keys, stages, metrics, aggregations and exit codes say what the code says. Nothing here starts a process.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { EXIT } from '../../node/core/errors.ts';
import { AGGREGATIONS } from '../../node/core/threshold-syntax.ts';
import { loadEndpointTypes } from '../../node/runtime/registry.ts';
import { parseScenario } from '../../scenarios/parse.ts';
import { renderProblems } from '../../scenarios/problems.ts';
import { STAGES, scenarioShape } from '../../scenarios/schema.ts';
import { anchorsOf, type Block, blocksOf, codeIn, commandsOf, keysAt, linksOf, markedTables, metricRows } from '../support/docs.ts';
import { commandComplaint, inlineCommands } from '../support/docs-commands.ts';
import { wholeScenario } from '../support/docs-scenarios.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const endpointTypes = [...(await loadEndpointTypes()).values()];
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

const ignored = new Set(['.git', 'node_modules', 'dist', 'runs', 'coverage', '.quilt']);
const pagesBelow = (folder: string): string[] =>
  readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (ignored.has(entry.name)) return [];
    return entry.isDirectory() ? pagesBelow(path) : path.endsWith('.md') ? [path] : [];
  });
const pages = pagesBelow('');
const language = 'scenarios/README.md';

it('finds the pages that must be there', () => {
  expect(pages).toEqual(
    expect.arrayContaining([
      'README.md',
      'node/README.md',
      'node/endpoints/README.md',
      language,
      'tools/README.md',
      'tools/target/README.md',
    ]),
  );
});

describe.each(pages)('%s', (page) => {
  const markdown = read(page);

  it('links to files and headings that exist', () => {
    const dead = linksOf(markdown).filter((link) => {
      const [path = '', anchor] = link.split('#');
      const file = path === '' ? join(root, page) : join(root, dirname(page), path);
      if (!existsSync(file)) return true;
      return anchor !== undefined && !anchorsOf(readFileSync(file, 'utf8')).includes(anchor);
    });
    expect(dead).toEqual([]);
  });

  it('shows commands that exist', async () => {
    const inBlocks = blocksOf(markdown)
      .filter(({ language: name }) => name === 'sh')
      .flatMap(({ text }) => commandsOf(text));
    const complaints: string[] = [];
    for (const words of inBlocks) complaints.push(...(await commandComplaint(root, words, 'whole')));
    for (const words of inlineCommands(markdown)) complaints.push(...(await commandComplaint(root, words, 'mentioned')));
    expect(complaints).toEqual([]);
  });

  it('names exit codes that exist', () => {
    const named = [...markdown.matchAll(/\bexit(?: code)? (\d+)/gi)].map(([, code]) => Number(code));
    expect(named.filter((code) => !Object.values<number>(EXIT).includes(code))).toEqual([]);
  });
});

it('the check of commands can fail', async () => {
  const wrong = [
    'quilt-swarm rnu x.yaml',
    'quilt-swarm run',
    'quilt-swarm run x.yaml --node 3',
    'npm run nothing',
    'npm run sim -- --sed 1',
    'node tools/target/main.ts --prt 1',
  ];
  for (const line of wrong) expect([line, await commandComplaint(root, line.split(' '), 'whole')]).not.toEqual([line, []]);
  for (const line of ['quilt-swarm run x.yaml --nodes 3', 'quilt-swarm doctor --install', 'npm run sim -- --seed 1', 'npm ci'])
    expect([line, await commandComplaint(root, line.split(' '), 'whole')]).toEqual([line, []]);
});

const isWithMistakes = ({ text }: Block): boolean => text.startsWith('# typo.yaml');
const csv = blocksOf(read(language)).find((block) => block.language === 'csv')?.text ?? '';
/** A machine on which every program is installed, and a folder with the page's CSV file and the exec examples. */
const files = {
  read: (path: string) => (path.endsWith('.csv') ? csv : null),
  fileExists: (path: string) =>
    path.endsWith('.csv') || existsSync(join(root, 'node/endpoints/examples', path)) || path === './my-call.xml',
  commandExists: () => true,
};
const yamlBlocks = ['README.md', language, ...pages.filter((page) => page.startsWith('node/endpoints/'))].flatMap((page) =>
  blocksOf(read(page))
    .filter((block) => block.language === 'yaml' && !isWithMistakes(block))
    .map((block) => ({ ...block, place: `${page}:${block.line}` })),
);

describe('scenarios in the pages', () => {
  it('are there, whole ones and parts', () => {
    const whole = yamlBlocks.filter(({ text }) => /^name:/m.test(text) && /^groups:/m.test(text));
    expect(whole.map(({ place }) => place.split(':')[0])).toEqual(expect.arrayContaining(['README.md', language]));
    expect(yamlBlocks.length).toBeGreaterThan(15);
  });

  it.each(yamlBlocks)('$place validates', ({ text, heading }) => {
    // A part of a scenario is put into a whole one, under the endpoint type that its heading names.
    const given = parse(text) as Record<string, unknown>;
    const whole = wholeScenario(given, heading);
    const variables = typeof given.variables === 'object' ? { target: 'http://127.0.0.1:1', password: 'x', peak: '3' } : {};
    const own = (given.variables ?? {}) as object;
    const passed = Object.fromEntries(Object.entries(variables).filter(([name]) => name in own));
    const result = parseScenario(whole === given ? text : stringify(whole), 'page.yaml', { endpointTypes, files, variables: passed });
    expect(result.ok ? '' : renderProblems(result.problems)).toBe('');
  });

  it('the one with mistakes gets the problems that the page shows', () => {
    const blocks = blocksOf(read(language));
    const at = blocks.findIndex(isWithMistakes);
    const result = parseScenario(blocks[at]?.text ?? '', 'typo.yaml', { endpointTypes });
    expect(`${result.ok ? '' : renderProblems(result.problems)}\n`).toBe(blocks[at + 1]?.text);
  });

  it('the smallest one has 15 lines', () => {
    expect(blocksOf(read(language))[0]?.text.trimEnd().split('\n')).toHaveLength(15);
  });
});

const shapes = { scenario: scenarioShape, ...Object.fromEntries(endpointTypes.map(({ type, options }) => [type, options])) };
const keyTables = markedTables(read(language)).filter(({ marker }) => marker.startsWith('keys: '));

describe('tables of keys', () => {
  it('cover every section of a scenario and every endpoint type', () => {
    const paths = keyTables.map(({ marker }) => marker.slice(6));
    const groups = ['scenario.groups', 'scenario.groups.load', 'scenario.groups.load.shape'];
    const sections = ['variables', 'data', 'meetings', 'meetings.provision', 'policies', 'thresholds', 'shards'].map(
      (name) => `scenario.${name}`,
    );
    expect(paths).toEqual(expect.arrayContaining(['scenario', ...sections, ...groups, ...endpointTypes.map(({ type }) => type)]));
  });

  it.each(keyTables)('$marker', ({ marker, rows }) => {
    const keys = keysAt(marker.slice(6), shapes);
    expect(rows.map(([key = '']) => codeIn(key)).sort()).toEqual(Object.keys(keys).sort());
    for (const [cell = '', , written = ''] of rows) {
      const key = codeIn(cell) ?? '';
      const left = keys[key]?.safeParse(undefined);
      const example = codeIn(written);
      if (written === 'required') expect([key, left?.success]).toEqual([key, false]);
      else if (example === null) expect([key, written, left]).toEqual([key, '–', { success: true, data: undefined }]);
      else expect([key, keys[key]?.safeParse(parse(example))]).toEqual([key, left]);
    }
  });
});

/** The table whose header begins with this cell. */
function rowsUnder(markdown: string, first: string): string[][] {
  const lines = markdown.split('\n');
  const at = lines.findIndex((line) => line.startsWith(`| ${first} |`));
  const rows: string[][] = [];
  for (let index = at + 2; at >= 0 && lines[index]?.startsWith('|') === true; index++)
    rows.push(
      (lines[index] ?? '')
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
  return rows;
}
const wordsIn = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word);

it('every shipped scenario is in the list', () => {
  const shipped = readdirSync(join(root, 'scenarios')).filter((name) => name.endsWith('.yaml'));
  expect(linksOf(read(language)).filter((link) => link.endsWith('.yaml'))).toEqual(expect.arrayContaining(shipped));
});

it('the table of stages says what each needs and may have', () => {
  const rows = rowsUnder(read(language), 'stage').map(([stage = '', needs = '', may = '']) => [
    /`(\w+):/.exec(stage)?.[1],
    wordsIn(needs),
    wordsIn(may),
  ]);
  const stages = Object.entries<Readonly<Record<string, boolean>>>(STAGES).map(([name, keys]) => {
    const own = Object.keys(keys);
    return [name, own.filter((key) => keys[key]).sort(), own.filter((key) => !keys[key])];
  });
  expect(rows).toEqual(stages);
});

it('the table of metrics is the registry', () => {
  const table = markedTables(read(language)).find(({ marker }) => marker === 'metrics');
  const written = table?.rows.map((row) => `| ${row.join(' | ')} |`);
  expect(written).toEqual(metricRows(endpointTypes));
});

it('the table of aggregations is that of the threshold language', () => {
  const rows = rowsUnder(read(language), 'kind of metric').map(([kind = '', names = '']) => [
    kind,
    wordsIn(names)
      .map((name) => name.replace('(N)', ''))
      .sort(),
  ]);
  expect(Object.fromEntries(rows)).toEqual(
    Object.fromEntries(Object.entries(AGGREGATIONS).map(([kind, names]) => [kind, [...names].sort()])),
  );
});

it('the table of exit codes in README.md is EXIT', () => {
  const pairs = rowsUnder(read('README.md'), 'exit').flatMap(([code = '', meaning = '', , second = '', other = '']) => [
    [code, meaning],
    [second, other],
  ]);
  const codes = pairs
    .filter(([code]) => code !== '')
    .flatMap(([code = '', meaning]) => {
      expect(meaning).not.toBe('');
      return code.split('/').map((part) => Number(part));
    });
  expect([...codes].sort((a, b) => a - b)).toEqual(Object.values<number>(EXIT).sort((a, b) => a - b));
});
