// A node's evidence on its way to the artifact store: the collector (artifacts/collector.ts) from when the run is known until the node leaves, and, where the report is
// written, the look into the store that tells what of all nodes' evidence is missing. The store is the only way between nodes here: who has finished stands in its list there,
// so nothing of a terabyte passes through the coordinator. Everything has an end: the operator's patience (`hurry`), or MS_MAX. What could not be sent stays in the folder.

import { isAbsolute, relative, sep } from 'node:path';
import { type Collector, startCollector } from '../artifacts/collector.ts';
import { artifactsSummary } from '../artifacts/manifest.ts';
import { finishedNodes, type ManifestOrder, surveyRun, writeManifest } from '../artifacts/manifest-writer.ts';
import { isEvidence } from '../artifacts/rotation.ts';
import { type ArtifactStore, isPassing, pause, type StoreProblem } from '../artifacts/store.ts';
import type { NodeId, WindowFrame } from '../core/messages.ts';
import type { ArtifactsSummary, Summary } from '../core/summary-types.ts';
import { formatBytes, formatCount } from '../core/units.ts';
import type { RuntimeClock, RuntimeLog } from './components.ts';
import type { EventNote } from './node-names.ts';
import { windowRecord } from './run-folder.ts';

/** What a run was told about its artifacts. */
export interface ArtifactsChoice {
  readonly store: ArtifactStore;
  /** A file that grows slowly is sent this often: at most so much of it dies with its node. */
  readonly everyMs: number;
  /** 0 up to 1. */
  readonly random: () => number;
}

/** What is wanted of a node (node-contract.ts). */
export interface NodeArtifactsInit {
  readonly artifacts?: ArtifactsChoice;
  readonly config: { readonly self: NodeId };
  readonly dataFolder: string;
  /** Of the report: below the data folder, or around it. */
  readonly runFolder: { readonly path: string };
  readonly clock: RuntimeClock;
  readonly log: RuntimeLog;
}
type Note = (level: EventNote['level'], text: string) => void;

export interface SurveyOrder {
  readonly summary: Summary;
  /** Whose connection is open: a node that finished nothing and is gone for a while will not finish any more. */
  readonly peers: () => readonly NodeId[];
  /** One node of a run writes the manifest; others only look. */
  readonly isAuthor: boolean;
}

export interface NodeArtifacts {
  /** Idempotent. */
  start(runId: string): void;
  /** This node's own window, also for the case that it dies before the coordinator has it. */
  window(frame: WindowFrame): void;
  /** Sends what is left. */
  finish(): Promise<void>;
  /** Waits for the others and says what is missing; null when no run ever began here. */
  survey(order: SurveyOrder): Promise<ArtifactsSummary | null>;
  /** The end shall come now: what is not sent within HURRY_MS stays. */
  hurry(): void;
  /** What an end that takes its time is waiting for, for people; null = nothing. */
  waitingFor(): string | null;
  /** How long `finish` and `survey` may take from now on, together. */
  msMax(): number;
}

/** After the end of the load, for what was not sent during it. A machine's kill timer leaves more than this (launch.ts). */
export const UPLOAD_MS_MAX = 5 * 60_000;
/** Asking a store about every file of 700 nodes. */
const SURVEY_MS_MAX = 60_000;
const HURRY_MS = 2_500;
/** For a store that refuses: no credentials, no such bucket. What only somebody can put right does not keep a paid machine. */
const REFUSED_MS_MAX = 15_000;
const LOOK_MS = 500;
const LOOK_MS_MAX = 5_000;
/** Longer than a mesh needs to connect again after a hiccup. */
const AWAY_MS = 10_000;
/** Records as in windows.bin (run-folder.ts). */
export const OWN_WINDOWS = 'own-windows.bin';

/** Null when the run has no store. */
export const createNodeArtifacts = (init: NodeArtifactsInit, note: Note): NodeArtifacts | null =>
  init.artifacts === undefined ? null : new Running(init, init.artifacts, note);

/** A class for its lifecycle: idle, collecting, finishing. */
class Running implements NodeArtifacts {
  readonly #init: NodeArtifactsInit;
  readonly #choice: ArtifactsChoice;
  readonly #note: Note;
  /** Ends everything; `#sending` only what this node itself has to send. */
  readonly #ending = new AbortController();
  readonly #sending = new AbortController();
  #runId: string | null = null;
  #collector: Promise<Collector | null> = Promise.resolve(null);
  #isHurried = false;
  #isFinishing = false;
  #waitingFor: () => string | null = () => null;
  /** The last problem that does not pass by itself, and how much was confirmed before it. */
  #refusal: { readonly confirmedFiles: number } | null = null;

  constructor(init: NodeArtifactsInit, choice: ArtifactsChoice, note: Note) {
    this.#init = init;
    this.#choice = choice;
    this.#note = note;
  }

  start(runId: string): void {
    if (this.#runId !== null) return;
    this.#runId = runId;
    const { config, clock, log } = this.#init;
    const { store, random, everyMs } = this.#choice;
    this.#collector = startCollector({
      ...{ store, runId, node: config.self, clock, random, ...sourcesOf(this.#init) },
      limits: { ageMsMax: everyMs },
      onProblem: (problem) => this.#onProblem(problem),
      onNote: (text) => log.info({ part: 'artifacts' }, text),
    }).catch((error) => {
      log.error({ error: String(error) }, 'artifacts');
      this.#note('error', `artifacts are not collected: ${(error as Error).message}`);
      return null;
    });
  }

  #onProblem(problem: StoreProblem): void {
    this.#init.log.warn({ ...problem }, 'artifacts');
    this.#note('warning', `artifacts wait on this machine: ${sentence(problem)}`);
    void this.#collector.then((collector) => {
      if (collector === null || isPassing(problem)) return;
      this.#refusal = { confirmedFiles: collector.counters().confirmedFiles };
      if (this.#isFinishing) this.#giveUpIfRefused(collector);
    });
  }

  #giveUpIfRefused(collector: Collector): void {
    if (this.#refusal === null) return;
    this.#init.clock.after(REFUSED_MS_MAX, () => {
      if (collector.counters().confirmedFiles === this.#refusal?.confirmedFiles) this.#sending.abort();
    });
  }

  window(frame: WindowFrame): void {
    void this.#collector.then((collector) => collector?.sink(OWN_WINDOWS).write(windowRecord(this.#init.config.self, frame)));
  }

  async finish(): Promise<void> {
    const { clock, log } = this.#init;
    const collector = await this.#collector;
    if (collector === null) return;
    this.#isFinishing = true;
    clock.after(UPLOAD_MS_MAX, () => this.#ending.abort());
    this.#giveUpIfRefused(collector);
    this.#waitingFor = () => {
      const { waitingFiles, waitingBytes } = collector.counters();
      return `this node still sends ${formatCount(waitingFiles)} file(s), ${formatBytes(waitingBytes)}`;
    };
    const { isWhole, left, counters } = await collector.finish(AbortSignal.any([this.#ending.signal, this.#sending.signal]));
    this.#waitingFor = () => null;
    log.info({ ...counters }, 'artifacts');
    if (isWhole) return;
    this.#note('error', `artifacts: ${left.length} files (${counters.waitingBytes} bytes) could not be sent and are left in .artifacts`);
  }

  async survey({ summary, peers, isAuthor }: SurveyOrder): Promise<ArtifactsSummary | null> {
    const { store } = this.#choice;
    if (this.#runId === null) return null;
    const names = new Map(summary.nodes.map(({ node, name }) => [node, name]));
    const order = { store, runId: this.#runId, roster: [...names.keys()] };
    const lost = new Set(summary.nodes.filter(({ state }) => state === 'lost').map(({ node }) => node));
    await this.#othersDone({ ...order, roster: order.roster.filter((node) => !lost.has(node)), signal: this.#ending.signal }, peers);
    this.#waitingFor = () => null;
    const limit = new AbortController();
    const cancel = this.#init.clock.after(this.#isHurried ? HURRY_MS : SURVEY_MS_MAX, () => limit.abort());
    const surveyed = await (isAuthor ? writeManifest : surveyRun)({ ...order, signal: limit.signal });
    cancel();
    if (surveyed.ok) return artifactsSummary(store.address, surveyed.value, names);
    const problem = surveyed.problems.map(sentence).join('; ');
    return { store: store.address, files: 0, bytes: 0, gaps: [], gapsLeftOut: 0, problem };
  }

  /** Until everybody's final list is there, or whoever has none is gone. */
  async #othersDone(order: ManifestOrder, peers: () => readonly NodeId[]): Promise<void> {
    const { clock, config, log } = this.#init;
    const seenMs = new Map<NodeId, number>();
    let waiting = order.roster.filter((node) => node !== config.self);
    let lookMs = LOOK_MS;
    while (waiting.length > 0 && !order.signal.aborted) {
      // First who is there, then who has finished: who finishes in between and goes is found to have finished.
      const nowMs = clock.nowMs();
      const here = new Set(peers());
      for (const node of waiting) if (here.has(node) || !seenMs.has(node)) seenMs.set(node, nowMs);
      const finished = await finishedNodes({ ...order, roster: waiting });
      if (!finished.ok) return;
      const done = new Set(finished.value);
      waiting = waiting.filter((node) => !done.has(node) && nowMs - (seenMs.get(node) ?? nowMs) < AWAY_MS);
      if (waiting.length === 0) return;
      log.info({ waiting: waiting.length }, 'artifacts: others still upload');
      this.#waitingFor = () => `${waiting.length} other node${waiting.length === 1 ? ' still sends' : 's still send'} evidence`;
      await pause(clock, lookMs, order.signal);
      lookMs = Math.min(lookMs * 1.5, LOOK_MS_MAX);
    }
  }

  waitingFor(): string | null {
    return this.#waitingFor();
  }

  hurry(): void {
    if (this.#isHurried) return;
    this.#isHurried = true;
    this.#init.clock.after(HURRY_MS, () => this.#ending.abort());
  }

  msMax(): number {
    if (this.#runId === null) return 0;
    return this.#isHurried ? HURRY_MS * 2 : UPLOAD_MS_MAX + SURVEY_MS_MAX;
  }
}

const sentence = ({ message, hint }: StoreProblem): string => (hint === undefined ? message : `${message} (${hint})`);

/** Of a data folder: databases, the scenario's own files and those on their way to peers are no evidence, and may hold credentials. */
const OTHERS_BELOW_DATA = /^(store|blobs|bundles)\//;

/** The data folder with the report in it; or the run folder with, of all that is below it, only this node's own. */
function sourcesOf({ dataFolder, runFolder }: NodeArtifactsInit): { folder: string; isWanted: (path: string) => boolean } {
  const inside = relative(runFolder.path, dataFolder).split(sep).join('/');
  const isOfData = (path: string): boolean => !OTHERS_BELOW_DATA.test(path);
  if (inside === '' || inside.startsWith('..') || isAbsolute(inside)) {
    return { folder: dataFolder, isWanted: (path) => isEvidence(path) && isOfData(path) };
  }
  const own = `${inside}/`;
  const isOwn = (path: string): boolean => (path.startsWith(own) ? isOfData(path.slice(own.length)) : !path.includes('/'));
  return { folder: runFolder.path, isWanted: (path) => isEvidence(path) && isOwn(path) };
}
