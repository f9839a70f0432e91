// The program as a rented machine needs it, in one archive: the built node (dist/, with the console's page), the runtime that it runs on, and simulator builds that the operator
// names, each a folder or a git revision of one. Equal content gives equal bytes, whoever packs it: sorted, without times and owners, so that the hash
// says what runs and machines of a run can be told apart from strangers by it. `tar` and `git` of the system do what they do best. How the archive gets
// to a machine is bundle-server.ts or the artifact store, how it is checked and unpacked there is cloud-init.ts.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  cpSync,
  createWriteStream,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { childEnvironment } from '../node/adapters/environment.ts';
import { fail, ok, type Problem, type Result } from '../node/core/errors.ts';

/** A simulator build or data that scenarios use under `extras/NAME`. */
export interface BundleExtra {
  readonly name: string;
  readonly folder: string;
  /** Packs the folder's content at this git revision instead of as it lies there. */
  readonly revision: string | null;
}

export interface PackProgramInit {
  /** What `npm run build` wrote. */
  readonly distFolder: string;
  /** The runtime's executable, for machines of the same kind as this one. */
  readonly runtimePath: string;
  readonly extras: readonly BundleExtra[];
  readonly outPath: string;
}

export interface ProgramBundle {
  readonly path: string;
  /** Of the archive's bytes, hex. */
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** NAME=FOLDER or NAME=FOLDER#REVISION. Problem: QUILT_BUNDLE_EXTRA. */
export function parseExtra(text: string): Result<BundleExtra> {
  const [, name, folder, revision] = /^([a-z0-9][a-z0-9-]{0,39})=([^#]+?)(?:#([^#\s]+))?$/.exec(text) ?? [];
  if (name === undefined || folder === undefined || revision?.startsWith('-')) {
    const hint = 'NAME=FOLDER packs a folder as it is, NAME=FOLDER#REVISION what git has there at a revision';
    return fail({ code: 'QUILT_BUNDLE_EXTRA', message: `--with ${text} cannot be read`, hint });
  }
  return ok({ name, folder, revision: revision ?? null });
}

/** Problems: QUILT_BUNDLE_PART (something named is not there), QUILT_BUNDLE_TOOL (tar or git failed). */
export async function packProgram({ distFolder, runtimePath, extras, outPath }: PackProgramInit): Promise<Result<ProgramBundle>> {
  const missing = missingParts(distFolder, runtimePath, extras);
  if (missing.length > 0) return fail(...missing);
  const staging = mkdtempSync(join(tmpdir(), 'quilt-bundle-'));
  try {
    cpSync(distFolder, join(staging, 'dist'), { recursive: true });
    mkdirSync(join(staging, 'runtime'));
    linkOrCopy(runtimePath, join(staging, 'runtime', 'node'));
    for (const extra of extras) {
      const problem = await stageExtra(extra, join(staging, 'extras', extra.name));
      if (problem !== null) return fail(problem);
    }
    return await archive(staging, outPath);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

/** Puts each under its name into `folder`: links to folders as they lie, and what git has where a revision is named. */
export async function stageExtras(extras: readonly BundleExtra[], folder: string): Promise<readonly Problem[]> {
  const missing = missingExtras(extras);
  if (missing.length > 0) return missing;
  for (const extra of extras) {
    const to = join(folder, extra.name);
    const problem = extra.revision === null ? linkFolder(extra.folder, to) : await stageExtra(extra, to);
    if (problem !== null) return [problem];
  }
  return [];
}

function linkFolder(from: string, to: string): Problem | null {
  if (!statSync(from).isDirectory()) return noFolder(from);
  symlinkSync(resolve(from), to);
  return null;
}

const noFolder = (path: string): Problem => ({ code: 'QUILT_BUNDLE_PART', message: `${path} is no folder`, hint: 'put the file into one' });

function missingParts(distFolder: string, runtimePath: string, extras: readonly BundleExtra[]): Problem[] {
  const parts = [
    { path: join(distFolder, 'quilt-swarm.mjs'), hint: 'npm run build makes it' },
    { path: runtimePath, hint: 'name the Node executable that the machines shall use' },
  ];
  return [...parts.filter(({ path }) => !existsSync(path)).map(({ path, hint }) => absentPart(path, hint)), ...missingExtras(extras)];
}

const absentPart = (path: string, hint: string): Problem => ({ code: 'QUILT_BUNDLE_PART', message: `${path} is not there`, hint });

function missingExtras(extras: readonly BundleExtra[]): Problem[] {
  const twice = extras.filter(({ name }, index) => extras.findIndex((other) => other.name === name) !== index);
  return [
    ...extras.filter(({ folder }) => !existsSync(folder)).map(({ folder }) => absentPart(folder, 'correct the folder after --with NAME=')),
    ...twice.map(({ name }): Problem => ({ code: 'QUILT_BUNDLE_PART', message: `two extras are named ${name}`, hint: 'rename one' })),
  ];
}

/** The runtime is most of the archive's bytes: not copied where the file system allows. */
function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(resolve(from), to);
  } catch {
    // Another file system, or one without links.
    cpSync(from, to, { dereference: true });
  }
}

async function stageExtra({ folder, revision }: BundleExtra, to: string): Promise<Problem | null> {
  mkdirSync(to, { recursive: true });
  if (revision === null) {
    if (!statSync(folder).isDirectory()) return noFolder(folder);
    // The folder itself may be a link (stageExtras); links in it stay what they are.
    cpSync(realpathSync(folder), to, { recursive: true, verbatimSymlinks: true });
    return null;
  }
  const packing = tool('git', ['-C', folder, 'archive', '--format=tar', revision]);
  const unpacking = tool('tar', ['-xf', '-', '-C', to], packing.output);
  return (await packing.problem()) ?? (await unpacking.problem());
}

interface RunningTool {
  readonly output: Readable;
  /** Null when it ended well. Its standard error is the reason otherwise. */
  readonly problem: () => Promise<Problem | null>;
}

const REASON_LENGTH_MAX = 500;

function tool(name: string, args: readonly string[], input?: Readable): RunningTool {
  const child = spawn(name, args, { stdio: ['pipe', 'pipe', 'pipe'], env: childEnvironment({ LC_ALL: 'C' }) });
  let reason = '';
  child.stderr.on('data', (bytes: Buffer) => {
    reason = (reason + bytes.toString()).slice(0, REASON_LENGTH_MAX);
  });
  const ended = Promise.race([
    once(child, 'close').then(([code]) => (code === 0 ? null : reason.trim() || `exit ${code}`)),
    once(child, 'error').then(([error]) => (error as Error).message),
  ]);
  // A tool that ends early closes its input; its exit code says why.
  child.stdin.on('error', () => {});
  if (input === undefined) child.stdin.end();
  else input.pipe(child.stdin);
  return {
    output: child.stdout,
    async problem() {
      const why = await ended;
      return why === null ? null : { code: 'QUILT_BUNDLE_TOOL', message: `${name} ${args.join(' ')}: ${why}` };
    },
  };
}

const REPRODUCIBLE = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '--mode=u+rwX,go+rX,go-w', '--format=gnu'];

async function archive(staging: string, outPath: string): Promise<Result<ProgramBundle>> {
  mkdirSync(dirname(resolve(outPath)), { recursive: true });
  const part = `${outPath}.part`;
  const packing = tool('tar', [...REPRODUCIBLE, '-cf', '-', '-C', staging, '.']);
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const counted = new Transform({
    transform(bytes: Buffer, _encoding, done) {
      hash.update(bytes);
      sizeBytes += bytes.length;
      done(null, bytes);
    },
  });
  // Level 6 and no time in the header: the same bytes everywhere.
  await pipeline(packing.output, createGzip({ level: 6 }), counted, createWriteStream(part, { mode: 0o644 }));
  const problem = await packing.problem();
  if (problem !== null) {
    rmSync(part, { force: true });
    return fail(problem);
  }
  renameSync(part, outPath);
  return ok({ path: outPath, sha256: hash.digest('hex'), sizeBytes });
}

/** As machines ask for it. */
export const bundleName = ({ path, sha256 }: ProgramBundle): string => `${sha256}-${basename(path)}`;
