// DESIGN 7 as a table: which folder is on which level, and what a level may import. The first row that matches a path
// decides. Level 0 is pure, 1 are the contracts, 2 the plug-ins (each file or folder a unit that knows no sibling),
// 3 the runtime, 4 the parts that put everything together. Type-only imports count like any other: a layer that knows
// the other's types cannot be understood without it.

export interface LayerRow {
  pattern: RegExp;
  level: 0 | 1 | 2 | 3 | 4;
  name: string;
}

export const layerTable: readonly LayerRow[] = [
  { pattern: /^node\/(core|wire)\//, level: 0, name: 'pure core' },
  { pattern: /^scenarios\/schema[^/]*\.ts$/, level: 0, name: 'scenario schema' },
  { pattern: /^bootstrap\/cloud-init\.ts$/, level: 0, name: 'cloud-init' },
  { pattern: /^node\/(endpoints\/endpoint|faults\/fault|metrics\/metric|runtime\/worker-protocol)\.ts$/, level: 1, name: 'contract' },
  { pattern: /^bootstrap\/(cloud|ticket|prices)\.ts$/, level: 1, name: 'contract' },
  { pattern: /^bootstrap\/(prices\/|cheapest-mix\.ts$)/, level: 1, name: 'prices' },
  { pattern: /^scenarios\//, level: 1, name: 'scenario reading' },
  { pattern: /^node\/media\//, level: 1, name: 'packet engine' },
  { pattern: /^node\/programs\//, level: 1, name: 'external programs' },
  { pattern: /^node\/artifacts\/(address|ledger|manifest|pace|resume|rotation)\.ts$/, level: 0, name: 'artifact decisions' },
  { pattern: /^node\/artifacts\//, level: 1, name: 'artifacts' },
  { pattern: /^node\/outputs\/(output|address|sender|rows|row-file|scrape)\.ts$/, level: 1, name: 'output contract' },
  { pattern: /^node\/sip\//, level: 1, name: 'SIP stack' },
  { pattern: /^node\/(endpoints|faults|metrics|outputs|adapters)\//, level: 2, name: 'plug-in' },
  { pattern: /^bootstrap\/clouds\//, level: 2, name: 'cloud' },
  // The process entries put parts together, as main does for the node process.
  { pattern: /^node\/runtime\/worker\.ts$/, level: 4, name: 'worker entry' },
  { pattern: /^node\/runtime\//, level: 3, name: 'runtime' },
  { pattern: /^bootstrap\//, level: 4, name: 'bootstrap' },
  { pattern: /^node\/(main\.ts|commands\/)/, level: 4, name: 'commands' },
  { pattern: /^tools\//, level: 4, name: 'tools' },
];

export function layerOf(path: string): LayerRow | undefined {
  return layerTable.find((row) => row.pattern.test(path));
}

/**
 * The plug-in a file belongs to: its folder and the first word of what follows, so that `adapters/mesh.ts`,
 * `adapters/mesh-relay.ts` and `adapters/mesh/peers.ts` are one unit and may know each other.
 */
export function unitOf(path: string): string {
  const match = /^(.*?\/(?:endpoints|faults|metrics|outputs|adapters|clouds))\/([^/.-]+)/.exec(path);
  return match === null ? path : `${match[1]}/${match[2]}`;
}

const PAGE = 'tools/console/page/src/';

/** Why `from` may not import `to` (both relative to the repository), or undefined when it may. */
export function layerComplaint(from: string, to: string): string | undefined {
  // The page goes to a browser: it knows itself, the console's protocol, and types of the core that reach it.
  if (from.startsWith(PAGE) && !to.startsWith('tools/console/page/') && to !== 'tools/console/protocol.ts' && !to.startsWith('node/core/'))
    return `the console's page may not know ${to}`;
  const importer = layerOf(from);
  const imported = layerOf(to);
  if (importer === undefined) return undefined;
  if (to === 'package.json') return importer.level === 4 ? undefined : 'only commands and tools read package.json';
  if (imported === undefined) return `${to} is in no layer of test/support/tidy-layers.ts`;
  if (importer.level === 4) return undefined;
  if (importer.level === 2 && imported.level === 2) {
    return unitOf(from) === unitOf(to) ? undefined : `a ${importer.name} may not know its sibling ${to}`;
  }
  if (importer.level === 3 && imported.level === 2)
    return `the runtime reaches ${to} through the registry or its components, not by import`;
  if (imported.level > importer.level) {
    return `level ${importer.level} (${importer.name}) may not import level ${imported.level} (${imported.name}): ${to}`;
  }
  return undefined;
}

export interface PackageHome {
  pattern: RegExp;
  homes: RegExp;
  reason: string;
}

/** Third-party packages with one home each. Tests may import any: a hostile peer is written on the bare library. */
export const packageHomes: readonly PackageHome[] = [
  {
    pattern: /^(libp2p|@libp2p\/.*|@chainsafe\/.*|@multiformats\/.*)$/,
    homes: /^node\/adapters\//,
    reason: 'libp2p lives in node/adapters/',
  },
  {
    pattern: /^(level|classic-level|abstract-level)$/,
    homes: /^node\/adapters\/store(-\w+)?\.ts$/,
    reason: 'level lives in node/adapters/store.ts',
  },
  { pattern: /^koffi$/, homes: /^node\/media\//, reason: 'koffi (system calls) lives in node/media/' },
  { pattern: /^pino$/, homes: /^node\/adapters\/logger\.ts$/, reason: 'pino lives in node/adapters/logger.ts' },
  {
    pattern: /^highs$/,
    homes: /^node\/adapters\/integer-program\.ts$/,
    reason: 'the solver lives in node/adapters/integer-program.ts',
  },
  {
    pattern: /^@aws-sdk\/(client-s3|lib-storage)$/,
    homes: /^node\/adapters\/s3-\w+\.ts$/,
    reason: 'the S3 client lives in node/adapters/s3-*.ts',
  },
  {
    pattern: /^(@aws-sdk\/(?!client-s3$|lib-storage$)|@google-cloud\/|@smithy\/)/,
    homes: /^bootstrap\/clouds\//,
    reason: 'cloud SDKs live in bootstrap/clouds/',
  },
  { pattern: /^node:(process|timers(\/promises)?)$/, homes: /^$/, reason: 'use the global, so that the banned names below can be seen' },
];

/** What the pure level may import besides itself: nothing that does I/O, reads a clock or draws randomness. */
const purePackages =
  /^(zod|yaml|@ipld\/dag-cbor|multiformats(\/.*)?|hdr-histogram-js|sdp-transform|hls-parser|node:(assert|buffer|util|path|path\/posix|string_decoder))$/;
/** Deterministic functions of node:crypto. */
const pureCryptoNames = /^(type \w+|createHash|createHmac|createCipheriv|createPublicKey|verify|sign|timingSafeEqual|hash)$/;

/** Why a file may not import a package, or undefined when it may. */
export function packageComplaint(path: string, specifier: string, names: readonly string[]): string | undefined {
  for (const { pattern, homes, reason } of packageHomes) {
    if (pattern.test(specifier) && !homes.test(path) && !path.startsWith('test/')) return `${specifier}: ${reason}`;
  }
  if (layerOf(path)?.level !== 0 || purePackages.test(specifier)) return undefined;
  if (specifier === 'node:crypto') {
    const impure =
      names.length === 0 ? ['everything'] : names.map((name) => name.replace(/ as .*/, '')).filter((name) => !pureCryptoNames.test(name));
    return impure.length === 0 ? undefined : `pure code may not take ${impure.join(', ')} from node:crypto`;
  }
  return `pure code may not import ${specifier}`;
}
