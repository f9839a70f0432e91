// `npm run build`: bundles the node into one file, dist/quilt-swarm.mjs, the worker into dist/worker.mjs, each cloud into dist/clouds, and the S3 client into dist/adapters. One file
// starts in a tenth of the time, because Node resolves and reads one module instead of some hundred packages, and it holds
// a third less memory. dist/ is whole: copied to another machine with Node 24, it runs there without node_modules. `--out`
// names another folder than dist/; whatever is in it is replaced. `--no-page` leaves the console's page out, for tests that show none; no node needs it to run.

import { cpSync, existsSync, mkdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build, type Plugin } from 'esbuild';
import { wallNowMs } from '../node/adapters/clock.ts';
import { out } from '../node/adapters/terminal.ts';
import { cloudFiles } from '../node/runtime/cloud-registry.ts';
import { endpointTypeNames } from '../node/runtime/registry.ts';
import { filesOf, type RegistryKind, registryFolder, registryKinds } from '../node/runtime/registry-scan.ts';

const rootPath = fileURLToPath(new URL('..', import.meta.url));
const { values: options } = parseArgs({
  options: { out: { type: 'string', default: join(rootPath, 'dist') }, 'no-page': { type: 'boolean', default: false } },
});
const distPath = resolve(options.out);
/** A file of its own for each cloud: a vendor's library would otherwise be read and held by every node, which never asks a vendor anything. */
const cloudBundle = (file: string): string => `clouds/${file.replace(/(\/index)?\.ts$/, '')}.mjs`;
/** So for the S3 client: most runs name no bucket (node/commands/artifact-store.ts). */
const storeSource = 'node/adapters/s3-store.ts';
const storeBundle = 'adapters/s3-store.mjs';
const entries: ReadonlyArray<readonly [source: string, bundle: string]> = [
  ['node/main.ts', 'quilt-swarm.mjs'],
  ['node/runtime/worker.ts', 'worker.mjs'],
  [storeSource, storeBundle],
  ...filesOf('clouds').map((file) => [`bootstrap/clouds/${file}`, cloudBundle(file)] as const),
];

const startedMs = wallNowMs();
/** Loads every type, so a registry that is wrong is no bundle. */
const typeNames = await endpointTypeNames();
const fileOfCloud = await cloudFiles();

/**
 * CommonJS packages inside an ES module still ask for these three. `require` becomes a global and the other two are replaced
 * by name, because a constant of the bundle could meet a package's own constant of the same name.
 */
const banner = `import { createRequire as bundleCreateRequire } from 'node:module';
globalThis.require ??= bundleCreateRequire(import.meta.url);
const bundleDirname = import.meta.dirname, bundleFilename = import.meta.filename;`;

/** The module that stands in for node/runtime/registry-scan.ts: the same `scan`, over files that are known now. */
function registryModule(): string {
  const imported = (kind: RegistryKind, file: string): string =>
    kind === 'clouds' ? `new URL('${cloudBundle(file)}', import.meta.url).href` : `'${registryFolder(kind)}${file}'`;
  const tables = registryKinds.map((kind) => {
    const rows = filesOf(kind).map((file) => `  { file: '${file}', load: () => import(${imported(kind, file)}) },`);
    return [`'${kind}': [`, ...rows, '],'].join('\n');
  });
  return `const files = {\n${tables.join('\n')}\n};
export const registryKinds = ${JSON.stringify(registryKinds)};
export const builtTypeNames = ${JSON.stringify(typeNames)};
export const builtCloudFiles = ${JSON.stringify(fileOfCloud)};
export const filesOf = (kind) => files[kind].map(({ file }) => file);
export const load = (kind, file) => files[kind].find((each) => each.file === file).load();
export async function scan(kind) {
  const scanned = [];
  for (const { file, load } of files[kind]) scanned.push({ file, module: await load() });
  return scanned;
}
`;
}

const generatedRegistry: Plugin = {
  name: 'generated-registry',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]node[\\/]runtime[\\/]registry-scan\.ts$/ }, () => ({
      contents: registryModule(),
      loader: 'js',
      resolveDir: join(rootPath, 'node', 'runtime'),
    }));
  },
};

/** The S3 client stays outside of whoever loads it late. */
const lateStore: Plugin = {
  name: 'late-store',
  setup({ onResolve }) {
    onResolve({ filter: /[\\/]adapters[\\/]s3-store\.ts$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: `./${storeBundle}`, external: true } : undefined,
    );
  },
};

/** What koffi loads of itself; the rest of the package is its source. */
const koffiLoader = ['package.json', 'LICENSE.txt', 'index.cjs', 'src/koffi/index.cjs', 'src/koffi/src/static.cjs'];

/**
 * The native store addon looks for `prebuilds/` beside the code that loads it, which is the bundle. koffi is asked for as a package, because the
 * program does without where it is missing (node/media/udp-linux-calls.ts); npm installs its addon for one kind of machine only, and elsewhere the
 * bundle sends media packet by packet.
 */
function copyAddons(): void {
  const packages = join(rootPath, 'node_modules');
  cpSync(join(packages, 'classic-level', 'prebuilds'), join(distPath, 'prebuilds'), { recursive: true });
  const addon = join('@koromix', `koffi-${process.platform}-${process.arch}`);
  if (!existsSync(join(packages, addon))) return out('koffi has no addon here; the bundle will send and receive through node:dgram');
  for (const path of [...koffiLoader.map((file) => join('koffi', file)), addon])
    cpSync(join(packages, path), join(distPath, 'node_modules', path), { recursive: true });
}

/** The solver's WebAssembly, which its loader looks for beside itself. */
const copySolver = (): void => cpSync(join(rootPath, 'node_modules/highs/build/highs.wasm'), join(distPath, 'highs.wasm'));

rmSync(distPath, { recursive: true, force: true });
mkdirSync(distPath, { recursive: true });
copyAddons();
copySolver();
// Machines that boot run it before they have a Node; the seed looks for it beside its program (bootstrap/bundle-server.ts).
cpSync(join(rootPath, 'bootstrap', 'spread.py'), join(distPath, 'spread.py'));
for (const [source, bundle] of entries) {
  const outfile = join(distPath, bundle);
  if (!existsSync(join(rootPath, source))) {
    out(`${source} is not there; ${bundle} not built`);
    continue;
  }
  await build({
    absWorkingDir: rootPath,
    entryPoints: [source],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    banner: { js: banner },
    define: { __dirname: 'bundleDirname', __filename: 'bundleFilename' },
    plugins: [generatedRegistry, lateStore],
    // Names stay, so that a stack can be read; without comments and blanks a node holds 6 MB less. Node prints the whole
    // source line of an error that nobody caught, hence the limit.
    minifyWhitespace: true,
    minifySyntax: true,
    lineLimit: 160,
    legalComments: 'linked',
    logLevel: 'warning',
  });
  // As old as the oldest source can be that it holds: what is edited while it is built makes it stale (node/quilt-swarm.mjs).
  utimesSync(outfile, startedMs / 1000, startedMs / 1000);
  out(`${relative(process.cwd(), outfile)}  ${(statSync(outfile).size / 1e6).toFixed(1)} MB`);
}
if (!options['no-page']) {
  const { buildPage } = await import('./build-page.ts');
  await buildPage(join(distPath, 'console'));
}
out(`built in ${wallNowMs() - startedMs} ms`);
