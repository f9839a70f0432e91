// Opens the artifact store that an address names (artifacts/address.ts), and is the one place that knows which adapter serves which form; with the flags that name it,
// the same for every verb that runs nodes. The S3 client is read only when a bucket is named: it costs a tenth of a second and tens of megabytes, which most runs do not
// need. Whether the store works is asked by its `check`. Credentials never come by a flag: they are the environment's, or the machine's own role.

import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import { monotonicNowMs, wallNowMs } from '../adapters/clock.ts';
import { createDirStore } from '../adapters/dir-store.ts';
import { environmentVariable } from '../adapters/environment.ts';
import { parseStoreAddress } from '../artifacts/address.ts';
import { createPacer } from '../artifacts/pacer.ts';
import type { ArtifactClock, ArtifactStore } from '../artifacts/store.ts';
import { fail, ok, type Problem, type Result } from '../core/errors.ts';
import { makeFolder } from '../runtime/make-folder.ts';
import type { ArtifactsChoice } from '../runtime/node-artifacts.ts';
import { createRuntimeClock } from '../runtime/runtime-clock.ts';
import { durationArgument } from './node-options.ts';

/** What the flags give. All of it may be told to other machines: none is a secret. */
export interface ArtifactFlags {
  readonly artifacts?: string;
  readonly artifactsEvery: number;
  readonly artifactsEndpoint?: string;
  readonly artifactsRegion?: string;
}

const EVERY_MS_DEFAULT = 30_000;

/** A folder's path becomes absolute: other processes on this machine get it too. */
function addressArgument(text: string): string {
  const parsed = parseStoreAddress(text);
  if (!parsed.ok) throw new InvalidArgumentError(parsed.problems.map(({ message, hint }) => `${message}; ${hint}`).join(' '));
  return parsed.value.kind === 'dir' ? `dir:${resolve(parsed.value.path)}` : text;
}

function endpointArgument(text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) throw new InvalidArgumentError('an http(s) URL is expected.');
  if (url.username !== '' || url.password !== '')
    throw new InvalidArgumentError('credentials go into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.');
  return text;
}

export const artifactsOption = (): Option =>
  new Option(
    '--artifacts <address>',
    'every node uploads logs, windows, captures there as they are written: dir:PATH or s3://BUCKET/PREFIX',
  )
    .argParser(addressArgument)
    .env('QUILT_ARTIFACTS');

export const artifactOptions = (): readonly Option[] => [
  artifactsOption(),
  new Option('--artifacts-every <duration>', 'a file that grows slowly is sent this often; so much dies with its node')
    .argParser(durationArgument)
    .default(EVERY_MS_DEFAULT, '30s')
    .env('QUILT_ARTIFACTS_EVERY'),
  ...s3Options(),
];

/** Where Amazon's tools look as well. */
export const s3Options = (): readonly Option[] => [
  new Option('--artifacts-endpoint <url>', "of an S3 that is not Amazon's").argParser(endpointArgument).env('AWS_ENDPOINT_URL_S3'),
  new Option('--artifacts-region <region>', 'of the bucket').env('AWS_REGION'),
];

/** The same choice in words for another node's command line. */
export function artifactWords(flags: ArtifactFlags): string[] {
  const { artifacts, artifactsEvery, artifactsEndpoint: endpoint, artifactsRegion: region } = flags;
  if (artifacts === undefined) return [];
  const s3 = [
    ...(endpoint === undefined ? [] : ['--artifacts-endpoint', endpoint]),
    ...(region === undefined ? [] : ['--artifacts-region', region]),
  ];
  return ['--artifacts', artifacts, '--artifacts-every', `${artifactsEvery}ms`, ...(artifacts.startsWith('s3:') ? s3 : [])];
}

/** Made here and not by the store, which trusts Node's own way, that never returns below /proc. */
function folderProblem(path: string): Problem | null {
  try {
    makeFolder(path);
    return null;
  } catch (error) {
    const message = `the artifact store ${path} cannot be made: ${(error as Error).message}`;
    return { code: 'QUILT_STORE_DENIED', message, hint: 'let this user write there, or name another folder' };
  }
}

/** Undefined when none was named. Nothing is asked of the store yet. */
export async function openChosenStore(flags: ArtifactFlags): Promise<Result<ArtifactsChoice | undefined>> {
  const { artifacts: address, artifactsEvery, artifactsEndpoint, artifactsRegion } = flags;
  if (address === undefined) return ok(undefined);
  const told: Readonly<Record<string, string | undefined>> = { AWS_ENDPOINT_URL_S3: artifactsEndpoint, AWS_REGION: artifactsRegion };
  const environment = (name: string): string | undefined => told[name] ?? environmentVariable(name);
  const clock = createRuntimeClock(monotonicNowMs, wallNowMs);
  // Their rate is bounded where files are read for them (collector.ts).
  const opened = await openArtifactStore({ address, environment, clock, rateBps: null });
  if (!opened.ok) return opened;
  const random = (): number => randomBytes(4).readUInt32LE() / 2 ** 32;
  return ok({ store: opened.value, everyMs: artifactsEvery, random });
}

/** What is wrong with the store, by using it. */
export const storeProblems = async (choice: ArtifactsChoice | undefined): Promise<readonly Problem[]> =>
  choice === undefined ? [] : choice.store.check(new AbortController().signal);

/** For who starts a run: a store that does not work is a mistake to be told before anything starts. */
export async function openWorkingStore(flags: ArtifactFlags): Promise<Result<ArtifactsChoice | undefined>> {
  const opened = await openChosenStore(flags);
  if (!opened.ok) return opened;
  const problems = await storeProblems(opened.value);
  return problems.length > 0 ? fail(...problems) : opened;
}

export interface ArtifactStoreInit {
  /** `dir:PATH` or `s3://BUCKET/PREFIX`. */
  readonly address: string;
  readonly environment: (name: string) => string | undefined;
  readonly clock: ArtifactClock;
  /** Bits a second that all puts together may take; null = no bound. */
  readonly rateBps: number | null;
}

export async function openArtifactStore({ address, environment, clock, rateBps }: ArtifactStoreInit): Promise<Result<ArtifactStore>> {
  const parsed = parseStoreAddress(address);
  if (!parsed.ok) return parsed;
  const pacer = rateBps === null ? undefined : createPacer(clock, rateBps);
  if (parsed.value.kind === 'dir') {
    const path = resolve(parsed.value.path);
    const problem = folderProblem(path);
    return problem === null ? ok(createDirStore({ path, pacer })) : fail(problem);
  }
  const { bucket, prefix } = parsed.value;
  const { createS3Store } = await import('../adapters/s3-store.ts');
  return ok(createS3Store({ bucket, prefix, environment, pacer }));
}
