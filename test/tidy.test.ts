// Enforces DESIGN 7 and STYLE on the whole tree, and proves with planted bad sources that each rule can fail. The rules
// are tables in test/support/tidy-layers.ts and tidy-rules.ts; a failure here lists path, line, rule and reason.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { checkFile, checkLockfile, checkTopLevel, format, type SourceFile } from './support/tidy-rules.ts';
import { importsOf, maskSource } from './support/tidy-source.ts';

const rootPath = fileURLToPath(new URL('..', import.meta.url));
/** Made by running things, not part of the repository (.gitignore). */
const ignored = new Set(['.git', 'node_modules', 'dist', 'runs', 'coverage', '.quilt', '__pycache__']);
const textFile = /\.(tsx?|mjs|json|ya?ml|md|py|sh|xml|html|css|csv)$|^\.ci\//;

function filesBelow(folder: string): string[] {
  return readdirSync(join(rootPath, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (ignored.has(entry.name) || entry.name.endsWith('.log')) return [];
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

const read = (path: string): SourceFile => ({ path, text: readFileSync(join(rootPath, path), 'utf8') });
const paths = filesBelow('').filter((path) => textFile.test(path) && path !== 'package-lock.json');

describe('the tree', () => {
  it('holds the sources that this test believes it checks', () => {
    expect(paths).toEqual(expect.arrayContaining(['node/main.ts', 'node/core/errors.ts', 'test/tidy.test.ts', '.ci/run']));
  });

  it('keeps every rule in every file', () => {
    expect(format(paths.flatMap((path) => checkFile(read(path))))).toEqual([]);
  });

  it('has nothing at its top level that the design does not provide for', () => {
    const entries = readdirSync(rootPath).filter((entry) => !ignored.has(entry) && !entry.endsWith('.log'));
    expect(format(checkTopLevel(entries))).toEqual([]);
  });

  it('has a lockfile without download addresses', () => {
    expect(format(checkLockfile(read('package-lock.json')))).toEqual([]);
  });
});

const opening = '// Decides this and that, and leaves the rest to other files.\n';
const rulesBrokenBy = (path: string, code: string): string[] => [
  ...new Set(checkFile({ path, text: opening + code }).map(({ rule }) => rule)),
];

/** [path, planted source, the rule that must notice] */
const planted: ReadonlyArray<readonly [string, string, string]> = [
  ['node/core/log.ts', "import { x } from '../adapters/store.ts';", 'layers'],
  ['node/core/log.ts', "import type { X } from '../endpoints/endpoint.ts';", 'layers'],
  ['node/core/log.ts', "export * from '../runtime/loop.ts';", 'layers'],
  ['node/core/log.ts', "import '../runtime/loop.ts';", 'layers'],
  ['node/core/log.ts', "const x = import('../runtime/loop.ts');", 'layers'],
  ['scenarios/schema.ts', "import { x } from '../node/adapters/store.ts';", 'layers'],
  ['node/endpoints/http.ts', "import { x } from './websocket.ts';", 'layers'],
  ['node/endpoints/http.ts', "import { x } from '../adapters/clock.ts';", 'layers'],
  ['node/adapters/mesh.ts', "import { x } from '../runtime/loop.ts';", 'layers'],
  ['bootstrap/clouds/aws.ts', "import { x } from './gce.ts';", 'layers'],
  ['node/runtime/loop.ts', "import { x } from '../adapters/store.ts';", 'layers'],
  ['node/runtime/loop.ts', "import { x } from '../commands/run.ts';", 'layers'],
  ['node/runtime/loop.ts', "import { x } from '../../tools/sim.ts';", 'layers'],
  ['node/runtime/loop.ts', "import { x } from '../../test/support/parts.ts';", 'layers'],
  ['node/somewhere.ts', "import { x } from './elsewhere.ts';", 'place'],
  ['node/core/log.ts', "import { readFileSync } from 'node:fs';", 'packages'],
  ['node/core/log.ts', "import { createHash, randomBytes } from 'node:crypto';", 'packages'],
  ['node/core/log.ts', "import { fetch } from 'undici';", 'packages'],
  ['node/runtime/loop.ts', "import { createLibp2p } from 'libp2p';", 'packages'],
  ['tools/sim.ts', "import { gossipsub } from '@chainsafe/libp2p-gossipsub';", 'packages'],
  ['node/adapters/mesh.ts', "import { Level } from 'level';", 'packages'],
  ['node/commands/run.ts', "import pino from 'pino';", 'packages'],
  ['node/core/log.ts', "import { setTimeout as sleep } from 'node:timers/promises';", 'packages'],
  ['node/core/log.ts', 'const x = Date.now();', 'homes'],
  ['tools/bench/x.ts', 'const x = Date.now();', 'homes'],
  ['node/commands/run.ts', 'const x = new Date();', 'homes'],
  ['node/runtime/loop.ts', 'const x = performance\n  .now();', 'homes'],
  ['node/runtime/loop.ts', 'const x = process.hrtime.bigint();', 'homes'],
  ['test/unit/x.test.ts', 'const x = Math.random();', 'homes'],
  ['node/commands/run.ts', 'const x = process.env.HOME;', 'homes'],
  ['node/commands/run.ts', 'const { env } = process;', 'homes'],
  ['node/commands/run.ts', 'process.exit(1);', 'homes'],
  ['node/commands/run.ts', 'const x = `${console.log(1)}`;', 'homes'],
  ['node/commands/run.ts', 'setTimeout(() => {}, 1);', 'homes'],
  ['node/core/log.ts', 'const schedule = setInterval;', 'homes'],
  ['node/core/log.ts', 'export async function f() {}', 'pure'],
  ['node/core/log.ts', 'const x = Promise.resolve();', 'pure'],
  ['node/wire/sip.ts', 'const x = process.pid;', 'pure'],
  ['node/core/log.ts', 'export enum Color { red }', 'strippable'],
  ['node/core/log.ts', 'export const enum Color { red }', 'strippable'],
  ['node/core/log.ts', 'namespace Inner { export const x = 1; }', 'strippable'],
  ['node/core/log.ts', 'export declare namespace Outer.Inner { const x = 1; }', 'strippable'],
  ['node/core/log.ts', 'class A { constructor(private readonly x: number) {} }', 'strippable'],
  ['node/core/log.ts', "import { x } from './claims';", 'extensions'],
  ['node/core/log.ts', 'x;\n'.repeat(400), 'size'],
  ['node/core/log.ts', '// TODO: later', 'unfinished'],
  ['scenarios/demo.yaml', 'data: /home/somebody/rows.csv', 'machine'],
  ['test/unit/x.test.ts', "it.only('x', () => {});", 'focus'],
  ['test/unit/x.test.ts', "describe.concurrent.skip('x', () => {});", 'focus'],
  ['tools/build.mjs', 'export const x = 1;', 'language'],
  ['tools/console/page/src/app.tsx', "fetch('/api/v1/session');", 'homes'],
  ['tools/console/page/src/app.tsx', 'setTimeout(() => {}, 1);', 'homes'],
  ['tools/console/page/src/chart.tsx', 'const x = performance.now();', 'homes'],
  ['tools/console/page/src/app.tsx', 'const x = <p dangerouslySetInnerHTML={{ __html: y }} />;', 'homes'],
  ['tools/console/page/src/api.ts', 'place.innerHTML = text;', 'homes'],
  ['tools/console/page/src/text.ts', "import { x } from '../../server/app.ts';", 'layers'],
  ['tools/console/page/src/app.tsx', 'x;\n'.repeat(400), 'size'],
];

/** [path, source that keeps the rules although it looks like one that does not] */
const innocent: ReadonlyArray<readonly [string, string]> = [
  ['node/core/log.ts', "import { x } from './claims.ts';\nimport { createHash } from 'node:crypto';\nimport { z } from 'zod';"],
  ['node/core/log.ts', '// Date.now() is banned here, and so is Math.random()\n/* process.exit */'],
  ['node/core/log.ts', "const x = 'setTimeout(console.log, Date.now())';\nconst y = /console.log(Date.now)/;"],
  ['node/core/log.ts', 'const x = `an enum Color { and process.env.X }`;'],
  ['node/core/log.ts', 'const half = total / 2; const x = "a"; const other = total / 4;'],
  ['node/core/log.ts', 'interface Timers { setTimeout: number }\nconst x = timers.setTimeout(1);'],
  ['node/core/log.ts', "const x = { kind: 'module', enum: 1 };"],
  ['node/core/log.ts', 'const x =\n  module as { y: 1 };'],
  ['node/adapters/keyboard.ts', 'const { stdin } = process;'],
  [
    'node/endpoints/http.ts',
    "import type { Endpoint } from './endpoint.ts';\nimport { x } from '../core/rng.ts';\nsetTimeout(() => {}, 1);",
  ],
  ['node/endpoints/rtp/index.ts', "import { x } from './pacing.ts';\nimport { y } from '../rtp-helper.ts';"],
  ['node/adapters/mesh.ts', "import { createLibp2p } from 'libp2p';\nimport { x } from './mesh-relay.ts';"],
  ['node/runtime/worker.ts', "import { x } from '../adapters/clock.ts';\nprocess.exit(0);"],
  ['node/commands/run.ts', "import manifest from '../../package.json' with { type: 'json' };\nprocess.exitCode = 1;"],
  ['node/commands/run.ts', 'const x = new Date(nowMs);'],
  ['tools/bench/http-rate.ts', 'const startMs = performance.now();\nconsole.log(startMs);'],
  ['tools/console/page/src/api.ts', "const x = fetch('/api/v1/session');"],
  ['tools/console/page/src/browser.ts', 'setTimeout(() => {}, 1);\nconst x = performance.now();'],
  [
    'tools/console/page/src/app.tsx',
    "import type { LiveState } from '../../protocol.ts';\nimport { render } from 'preact';\nimport '../style.css';",
  ],
  ['test/unit/x.test.ts', "import { x } from '../../node/adapters/mesh.ts';\nit.skipIf(sipp.isMissing)('x', () => {});"],
];

/** Rows with a title short enough to read in a report. */
const titled = (rows: ReadonlyArray<readonly [string, string, string?]>) =>
  rows.map(([path, code, rule]) => ({ path, code, rule, title: code.replaceAll('\n', ' ').slice(0, 60) }));

describe('the rules', () => {
  it.each(titled(planted))('notice in $path: $title', ({ path, code, rule }) => {
    expect(rulesBrokenBy(path, code)).toContain(rule);
  });

  it.each(titled(innocent))('let pass in $path: $title', ({ path, code }) => {
    expect(format(checkFile({ path, text: opening + code }))).toEqual([]);
  });

  it('want an opening comment', () => {
    expect(checkFile({ path: 'node/core/log.ts', text: 'export const x = 1;\n' })).toMatchObject([{ rule: 'opening', line: 1 }]);
  });

  it('want a lockfile without addresses and a top level without strangers', () => {
    expect(checkLockfile({ path: 'package-lock.json', text: '{\n"resolved": "somewhere"\n}' })).toMatchObject([{ line: 2 }]);
    expect(checkTopLevel(['node', 'src', '.ci'])).toMatchObject([{ path: 'src' }]);
  });

  it('name the line', () => {
    const text = `${opening}\nconst x = \`\n\${Date.now()}\n\`;\n`;
    expect(format(checkFile({ path: 'node/commands/run.ts', text }))).toEqual([
      'node/commands/run.ts:4 [homes] Date.now outside its home: Date.now',
    ]);
  });
});

describe('reading a source', () => {
  it('blanks comments and quoted text and keeps every offset', () => {
    const text = "a('//'); // 'b'\nc = d / e / f; /* g\n*/ h(/[/'\"]/g, `i${j({ k: `l${m}` })}n`);";
    const masked = maskSource(text);
    expect(masked).toBe("a('  ');       \nc = d / e / f;     \n   h(/      g, ` ${j({ k: ` ${m}` })} `);");
    expect(masked.length).toBe(text.length);
  });

  it('finds imports of every form with their line', () => {
    const text =
      "import a, { b as c, type D } from './a.ts';\nimport type { E } from './e.ts';\nexport { f } from './f.ts';\nimport './g.ts';\nawait import('./h.ts');\n// import './not.ts'\n";
    const found = importsOf(text, maskSource(text)).map(({ specifier, line, isTypeOnly, isDynamic }) => [
      specifier,
      line,
      isTypeOnly,
      isDynamic,
    ]);
    expect(found).toEqual([
      ['./a.ts', 1, false, false],
      ['./e.ts', 2, true, false],
      ['./f.ts', 3, false, false],
      ['./g.ts', 4, false, false],
      ['./h.ts', 5, false, true],
    ]);
  });
});
