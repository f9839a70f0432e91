// The rules that test/tidy.test.ts enforces on every source file: layers, banned names and their homes, size, opening
// comment, and forms that Node's type stripping refuses. A rule returns violations as data, so that planted bad sources
// can prove that it notices. Reading files is the caller's part.

import { posix } from 'node:path';
import { layerComplaint, layerOf, packageComplaint } from './tidy-layers.ts';
import { type Import, importsOf, lineAt, maskSource } from './tidy-source.ts';

export interface SourceFile {
  /** Relative to the repository, with forward slashes. */
  path: string;
  text: string;
}

export interface Violation {
  path: string;
  line: number;
  rule: string;
  message: string;
}

/** Where the page's sources are. */
const PAGE = 'tools/console/page/src/';

interface Ban {
  pattern: RegExp;
  name: string;
  homes: RegExp;
}

const clockHome = /^node\/adapters\/clock\.ts$/;
/** Benchmarks and tests time what they do; what the product measures goes through the adapter. */
const stopwatchHomes = /^(node\/adapters\/clock\.ts$|tools\/|test\/)/;
const timerHomes = /^(node\/(adapters|runtime|endpoints|media|faults)\/|tools\/|test\/|bootstrap\/clouds\/)/;
/** The entries of the three programs: node, worker, embedded target. */
const exitHomes = /^(node\/(main|runtime\/worker)|tools\/target\/main)\.ts$/;
const nowhere = /^$/;
/** The console's page runs in a browser: each of these has one file there, so that the rest of the page can be tested without one. */
const pageBans: readonly Ban[] = (
  [
    ['clock and timers', /\b(performance|requestAnimationFrame|cancelAnimationFrame|setTimeout|setInterval)\b/g, 'browser'],
    ['fetch', /(?<![\w$.])(fetch|XMLHttpRequest)\b/g, 'api'],
    ['WebSocket', /\bnew\s+WebSocket\b/g, 'socket'],
    ['localStorage', /\b(localStorage|sessionStorage)\b/g, 'theme'],
    // All text goes through text nodes: what names and logs hold is hostile.
    [
      'markup from text',
      /\b(dangerouslySetInnerHTML|innerHTML|outerHTML|insertAdjacentHTML|srcdoc)\b|\bdocument\s*\.\s*write\b|\beval\s*\(/g,
      '',
    ],
  ] as const
).map(([name, pattern, home]) => ({ name, pattern, homes: new RegExp(`^(?!${PAGE})|^${PAGE}${home === '' ? '$^' : `${home}\\.ts$`}`) }));

/** Names outside their home; searched in code only, never in comments and strings. Test files may do what a hostile caller may. */
export const bans: readonly Ban[] = [
  { name: 'Date.now', pattern: /\bDate\s*\.\s*now\b|\bnew\s+Date\s*\(\s*\)/g, homes: clockHome },
  { name: 'performance.now', pattern: /\bperformance\s*\.\s*(now|timeOrigin)\b/g, homes: stopwatchHomes },
  { name: 'process.hrtime', pattern: /\bprocess\s*\.\s*(hrtime|uptime)\b/g, homes: stopwatchHomes },
  { name: 'Math.random', pattern: /\bMath\s*\.\s*random\b/g, homes: nowhere },
  { name: 'process.env', pattern: /\bprocess\s*\.\s*env\b/g, homes: /^(node\/(adapters\/environment|main)\.ts$|test\/)/ },
  { name: 'process.exit', pattern: /\bprocess\s*\.\s*(exit|abort|reallyExit)\b/g, homes: exitHomes },
  {
    name: 'destructured process',
    pattern: /\{[^{}]*\b(env|exit|abort|hrtime|uptime)\b[^{}]*\}\s*=\s*(globalThis\s*\.\s*)?process\b(?!\s*\.)/g,
    homes: nowhere,
  },
  { name: 'console', pattern: /(?<![\w$.])console\s*[.[]/g, homes: /^tools\/(bench\/|bench(-kit)?\.ts$|sim\.ts$)/ },
  {
    name: 'timers',
    pattern:
      /(?<![\w$.]|\bfunction\s)(setTimeout|setInterval|setImmediate)\b(?!\s*\??\s*:)|\bglobalThis\s*\.\s*set(Timeout|Interval|Immediate)\b/g,
    homes: timerHomes,
  },
];

/** On top of the bans, for level 0: nothing asynchronous, nothing of the process, no network. */
const pureBan =
  /(?<![\w$.])(Promise|async|await|process|fetch|queueMicrotask|structuredClone\s*\(\s*process|crypto\s*\.)(?![\w$]*\s*\??:)/g;

/** Forms that Node's type stripping cannot erase. */
const unstrippable: ReadonlyArray<{ name: string; pattern: RegExp }> = [
  { name: 'enum', pattern: /^\s*(?:export\s+|declare\s+|const\s+)*enum\s+[A-Za-z_$][\w$]*\s*\{/gm },
  {
    name: 'namespace',
    pattern: /^\s*(?:export\s+|declare\s+)*(?:namespace|module)\s+(?!(?:as|in|of|instanceof|satisfies)\b)[A-Za-z_$][\w$.]*\s*\{/gm,
  },
  { name: 'parameter property', pattern: /\bconstructor\s*\([^)]*\b(?:private|public|protected|readonly)\s+[A-Za-z_$]/g },
  { name: 'import =', pattern: /(?<![\w$.])import\s+[A-Za-z_$][\w$]*\s*=/g },
];

const linesMax = 400;
const needsOpeningComment = /^(node|bootstrap|scenarios|tools)\/.*\.(tsx?|mjs)$/;
const isTypeScript = /\.tsx?$/;
const isCode = /\.(tsx?|mjs|py|sh)$/;
/** Runs on any Node, before there is a program whose rules it could follow. */
const binEntry = 'node/quilt-swarm.mjs';
const machinePath = /(?<![\w.$}~-])\/(work|home\/[a-z]\w*|Users\/[A-Za-z]\w*|root|private\/var|tmp\/quilt)\/[\w.]/;

class Findings {
  readonly list: Violation[] = [];
  readonly file: SourceFile;
  constructor(file: SourceFile) {
    this.file = file;
  }
  add(rule: string, message: string, line: number): void {
    this.list.push({ path: this.file.path, line, rule, message });
  }
  addMatches(rule: string, searched: string, pattern: RegExp, message: (found: string) => string): void {
    for (const match of searched.matchAll(pattern)) this.add(rule, message(match[0].trim()), lineAt(searched, match.index));
  }
}

function checkImports(findings: Findings, imports: readonly Import[]): void {
  const { path } = findings.file;
  for (const { specifier, line, names } of imports) {
    if (!specifier.startsWith('.')) {
      const complaint = packageComplaint(path, specifier, names);
      if (complaint !== undefined) findings.add('packages', complaint, line);
      continue;
    }
    const target = posix.normalize(posix.join(posix.dirname(path), specifier));
    if (!/\.(tsx?|json|mjs|css)$/.test(specifier)) findings.add('extensions', `write the extension: ${specifier}`, line);
    if (path.startsWith('test/')) continue;
    const complaint = target.startsWith('test/') ? 'nobody imports from test/' : layerComplaint(path, target);
    if (complaint !== undefined) findings.add('layers', complaint, line);
  }
}

function checkNames(findings: Findings, masked: string): void {
  const { path } = findings.file;
  for (const { name, pattern, homes } of [...bans, ...pageBans]) {
    if (!homes.test(path)) findings.addMatches('homes', masked, pattern, (found) => `${name} outside its home: ${found}`);
  }
  if (layerOf(path)?.level === 0) findings.addMatches('pure', masked, pureBan, (found) => `pure code may not use ${found}`);
  for (const { name, pattern } of unstrippable) {
    findings.addMatches('strippable', masked, pattern, () => `${name}: Node strips types and does not compile`);
  }
}

function checkText(findings: Findings): void {
  const { path, text } = findings.file;
  const lines = text.split('\n');
  const lineCount = text.endsWith('\n') ? lines.length - 1 : lines.length;
  if (isCode.test(path) && lineCount > linesMax)
    findings.add('size', `${lineCount} lines; ${linesMax} are the limit: split it by idea`, linesMax);
  if (needsOpeningComment.test(path)) {
    const opening = text.replace(/^#!.*\n/, '').trimStart();
    const comment = /^(?:\/\/.*\n?)+|^\/\*[\s\S]*?\*\//.exec(opening)?.[0] ?? '';
    if (comment.length < 40) findings.add('opening', 'open the file with what it decides and what it leaves to others', 1);
  }
  findings.addMatches('unfinished', text, /\b(TODO|FIXME|XXX)\b/g, (found) => `${found}: finish it, or say so in the closing note`);
  lines.forEach((line, index) => {
    const found = machinePath.exec(line);
    if (found !== null) findings.add('machine', `absolute path of some machine: ${found[0]}`, index + 1);
  });
}

/** A focused test hides all others, and a plain skip hides itself; skips with a reason come from test/support/parts.ts. */
function checkTests(findings: Findings, masked: string): void {
  if (!findings.file.path.startsWith('test/')) return;
  const pattern =
    /(?<![\w$.])(?:it|test|describe|suite)(?:\s*\.\s*\w+)*\s*\.\s*(?:only|skip|todo|fails)\b|(?<![\w$.])x(?:it|describe)\s*\(/g;
  findings.addMatches('focus', masked, pattern, (found) => found);
}

/** All violations of one source file, in no particular order. */
export function checkFile(file: SourceFile): Violation[] {
  const findings = new Findings(file);
  const isPlaced = layerOf(file.path) !== undefined || file.path.startsWith('test/') || file.path === binEntry;
  if (isCode.test(file.path) && !isPlaced) findings.add('place', 'in no layer of test/support/tidy-layers.ts', 1);
  const isRuleText = file.path.startsWith('test/support/tidy-') || file.path === 'test/tidy.test.ts';
  if (!isRuleText) checkText(findings);
  if (isTypeScript.test(file.path)) {
    const masked = maskSource(file.text);
    checkImports(findings, importsOf(file.text, masked));
    checkNames(findings, masked);
    checkTests(findings, masked);
  } else if (file.path.endsWith('.mjs') && file.path !== binEntry && !file.path.startsWith('test/')) {
    findings.add('language', 'sources are TypeScript; the bin entry is the one exception', 1);
  }
  return findings.list;
}

const topLevelAllowed = new Set(
  [
    ['package.json', 'package-lock.json', 'tsconfig.json', 'README.md', 'LICENSE', 'CHANGELOG.md'],
    ['node', 'bootstrap', 'scenarios', 'tools', 'test'],
    ['.ci', '.biome.json', '.gitignore', '.gitattributes', '.npmrc'],
  ].flat(),
);

/** Entries of the repository's top level that the design does not provide for. */
export function checkTopLevel(entries: readonly string[]): Violation[] {
  const strange = entries.filter((entry) => !topLevelAllowed.has(entry));
  return strange.map((path) => ({ path, line: 1, rule: 'top', message: 'the top level is fixed (DESIGN 7)' }));
}

/** Download addresses in a lockfile tie it to one machine's registry. */
export function checkLockfile(file: SourceFile): Violation[] {
  const findings = new Findings(file);
  findings.addMatches('lockfile', file.text, /"resolved":/g, (found) => `download address ${found}; install with this repository's .npmrc`);
  return findings.list;
}

export function format(violations: readonly Violation[]): string[] {
  return violations.map(({ path, line, rule, message }) => `${path}:${line} [${rule}] ${message}`).sort();
}
