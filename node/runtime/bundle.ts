// The scenario bundle: everything a node needs to expand and run a scenario, in one content-addressed blob, so that `join` on another machine
// needs no files. Encoded as dag-cbor, whose canonical form makes equal bundles equal bytes; addressed by sha-256. Data and script files keep
// their paths relative to the scenario; a path that leaves its folder is refused, on packing as on unpacking, because a bundle comes from
// another machine.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, normalize, sep } from 'node:path';
import { decode, encode } from '@ipld/dag-cbor';
import { fail, ok, type Problem, type Result } from '../core/errors.ts';

export interface Bundle {
  readonly scenarioFile: string;
  readonly scenarioText: string;
  readonly variables: Readonly<Record<string, string>>;
  /** Tags of the run (--tag): whoever coordinates at the end writes them into the summary. */
  readonly tags: Readonly<Record<string, string>>;
  readonly files: readonly BundleFile[];
}
export interface BundleFile {
  /** Relative to the scenario's folder, forward slashes. */
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Whether the owner may execute it (scripts of exec endpoints). */
  readonly executable: boolean;
}

/** Every node holds and every joiner fetches this much; the mesh answers requests of at most 64 MiB. */
export const BUNDLE_BYTES_MAX = 48 * 1024 * 1024;
export const BUNDLE_FILES_MAX = 1_000;

export const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Normalised relative path with forward slashes, or undefined when it points outside. */
function insidePath(path: string): string | undefined {
  const normal = normalize(path).split(sep).join('/');
  if (normal === '' || normal === '.' || isAbsolute(normal) || normal === '..' || normal.startsWith('../')) return undefined;
  return normal;
}

/** What packBundle reads from disk. */
export interface PackInit {
  readonly scenarioPath: string;
  readonly scenarioText: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  /** The files that the scenario names, as it names them. */
  readonly paths: readonly string[];
  /** Names below `extras/` that come with the program. */
  readonly extras?: readonly string[];
}

export function packBundle({ scenarioPath, scenarioText, variables, tags, paths, extras = [] }: PackInit): Result<Bundle> {
  const folder = dirname(scenarioPath);
  const problems: Problem[] = [];
  const files = new Map<string, BundleFile>();
  let sizeBytes = Buffer.byteLength(scenarioText);
  for (const path of paths) {
    const inside = insidePath(path);
    if (inside === undefined) {
      const hint = 'Files travel to the other nodes with the scenario: put it beside the scenario file or in a folder below it.';
      problems.push({ code: 'QUILT_BUNDLE_OUTSIDE', message: `${path} is outside the scenario's folder`, hint, file: scenarioPath });
      continue;
    }
    if (extras.some((name) => inside.startsWith(`extras/${name}/`))) continue;
    try {
      const state = statSync(join(folder, inside));
      sizeBytes += state.size;
      if (sizeBytes > BUNDLE_BYTES_MAX || files.size >= BUNDLE_FILES_MAX) break;
      files.set(inside, {
        path: inside,
        bytes: new Uint8Array(readFileSync(join(folder, inside))),
        executable: (state.mode & 0o100) !== 0,
      });
    } catch (error) {
      problems.push({ code: 'QUILT_BUNDLE_FILE', message: `cannot read ${path}: ${(error as Error).message}`, file: scenarioPath });
    }
  }
  if (sizeBytes > BUNDLE_BYTES_MAX || files.size >= BUNDLE_FILES_MAX) {
    const message = `the scenario with its files is larger than ${BUNDLE_BYTES_MAX} bytes or ${BUNDLE_FILES_MAX} files`;
    problems.push({
      code: 'QUILT_BUNDLE_SIZE',
      message,
      hint: 'Every node fetches them: keep bulk data in the target.',
      file: scenarioPath,
    });
  }
  if (problems.length > 0) return fail(...problems);
  const sorted = [...files.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  return ok({ scenarioFile: basename(scenarioPath), scenarioText, variables, tags, files: sorted });
}

export const encodeBundle = (bundle: Bundle): Uint8Array => encode(bundle);

const isTexts = (value: unknown): value is Record<string, string> =>
  typeof value === 'object' && value !== null && Object.values(value).every((each) => typeof each === 'string');

/** The bundle in these bytes; their hash was checked before, so anything odd here was made by whoever signed the manifest. */
export function decodeBundle(bytes: Uint8Array): Result<Bundle> {
  const refused = (why: string) => fail({ code: 'QUILT_BUNDLE_BAD', message: `the scenario bundle is not usable: ${why}` });
  let value: Partial<Bundle>;
  try {
    value = decode(bytes) as Partial<Bundle>;
  } catch (error) {
    return refused((error as Error).message);
  }
  const { scenarioFile, scenarioText, variables, tags, files } = value ?? {};
  if (typeof scenarioFile !== 'string' || basename(scenarioFile) !== scenarioFile || insidePath(scenarioFile) === undefined) {
    return refused('its file name is no file name');
  }
  if (typeof scenarioText !== 'string' || !Array.isArray(files)) return refused('a part is missing');
  if (!isTexts(variables) || !isTexts(tags)) return refused('a variable or tag is not text');
  for (const file of files) {
    if (typeof file?.path !== 'string' || insidePath(file.path) !== file.path || !(file.bytes instanceof Uint8Array)) {
      return refused('a file in it has no proper path or content');
    }
  }
  return ok({ scenarioFile, scenarioText, variables, tags, files });
}

/** Writes the bundle's files below `parentFolder` and answers their folder. Done before or half done: both end in the same files. */
export function unpackBundle(bundle: Bundle, hash: string, parentFolder: string): string {
  const folder = join(parentFolder, hash.slice(0, 16));
  if (existsSync(folder)) return folder;
  const draft = `${folder}.${process.pid}.part`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { recursive: true, mode: 0o700 });
  writeFileSync(join(draft, bundle.scenarioFile), bundle.scenarioText);
  for (const file of bundle.files) {
    mkdirSync(dirname(join(draft, file.path)), { recursive: true });
    writeFileSync(join(draft, file.path), file.bytes, { mode: file.executable ? 0o700 : 0o600 });
  }
  renameSync(draft, folder);
  return folder;
}
