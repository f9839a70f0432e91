// A node's figures on their way out while the run lasts: its own windows become cumulative families that are pushed every few seconds and can be scraped, and, where this node coordinates, what
// it merged goes to the outputs that write files. Nothing here waits for a receiver but the end, and that for OUTPUTS_MS_MAX. What an output is: outputs/output.ts.

import { BUILTIN_METRICS } from '../core/builtin-metrics.ts';
import type { NodeConfig } from '../core/config.ts';
import type { NodeId } from '../core/messages.ts';
import { absorbWindow, createFamilies, type Family } from '../core/metric-families.ts';
import type { MetricSnapshot, MetricSource } from '../core/metric-snapshot.ts';
import { addNumber, createNumberSet, type NumberSet } from '../core/number-set.ts';
import type { NodeState } from '../core/state.ts';
import type { MetricDeclaration, Window } from '../core/stats-types.ts';
import type { NodeOutput, OpenNodeOutput, OpenRunOutput, RunOutput } from '../outputs/output.ts';
import type { Scrape } from '../outputs/scrape.ts';
import type { RuntimeClock, RuntimeLog } from './components.ts';
import type { LoadedRun } from './load-run.ts';
import { type EventNote, nodeName } from './node-names.ts';
import type { StatusView } from './node-status.ts';
import { statusFamilies } from './status-families.ts';

/** What a node was told by flags. */
export interface OutputsChoice {
  readonly node: readonly OpenNodeOutput[];
  readonly run: readonly OpenRunOutput[];
  readonly scrape: Scrape | null;
}

export interface NodeOutputsInit {
  readonly outputs?: OutputsChoice | undefined;
  readonly clock: RuntimeClock;
  readonly config: NodeConfig;
  readonly log: RuntimeLog;
}

/** Of the running node. */
export interface NodeOutputsComponents {
  readonly state: NodeState;
  readonly run: () => LoadedRun | null;
  readonly status: () => StatusView;
  readonly note: (level: EventNote['level'], text: string) => void;
}

export interface NodeOutputs {
  /** The run is known. Idempotent. */
  begin(): void;
  /** One that this node closed. */
  own(window: Window): void;
  /** One that this node merged, as coordinator; the same may come again. */
  merged(node: NodeId, window: Window): void;
  finish(): Promise<void>;
}

/** Prometheus' own batch deadline. Bounds what a killed node takes with it. */
const PUSH_MS = 5_000;
/** How much longer a node stays for a receiver that does not answer: it is paid for meanwhile. */
export const OUTPUTS_MS_MAX = 4_000;

/** Null when nothing is to go out. */
export function createNodeOutputs(init: NodeOutputsInit, components: NodeOutputsComponents): NodeOutputs | null {
  const { outputs, clock, config, log } = init;
  if (outputs === undefined) return null;
  // Also into this node's log: only the notes of the node that writes the summary are in it.
  const note: NodeOutputsComponents['note'] = (level, text) => {
    log[level === 'info' ? 'info' : 'warn']({ part: 'outputs' }, text);
    components.note(level, text);
  };
  return new Running(outputs, clock, config, { ...components, note });
}

/** A class for its lifecycle: idle, pushing, finished. */
class Running implements NodeOutputs {
  readonly #clock: RuntimeClock;
  readonly #config: NodeConfig;
  readonly #components: NodeOutputsComponents;
  readonly #scrape: Scrape | null;
  readonly #node: readonly NodeOutput[];
  readonly #run: readonly RunOutput[];
  readonly #families = createFamilies({ declarations: () => this.#declared() });
  readonly #startWallMs: number;
  readonly #seen = new Map<NodeId, NumberSet>();
  #declarations: ReadonlyMap<string, MetricDeclaration> | null = null;
  /** Wall clock less swarm time, taken once: rows of a file keep their distances when a clock is set. */
  #wallLessSwarmMs: number | null = null;
  #isBegun = false;
  #isFinished = false;
  #cancelTimer: () => void = () => {};

  constructor(choice: OutputsChoice, clock: RuntimeClock, config: NodeConfig, components: NodeOutputsComponents) {
    this.#clock = clock;
    this.#config = config;
    this.#components = components;
    this.#startWallMs = clock.wallMs();
    this.#scrape = choice.scrape;
    this.#node = choice.node.map((open) => open({ clock, note: components.note }));
    this.#run = choice.run.map((open) => open({ clock, note: components.note }));
    this.#scrape?.serve(() => this.#snapshot());
  }

  begin(): void {
    if (this.#isBegun) return;
    this.#isBegun = true;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#node.length === 0) return;
    this.#cancelTimer = this.#clock.after(PUSH_MS, () => {
      this.#schedule();
      const snapshot = this.#snapshot();
      for (const output of this.#node) output.push(snapshot);
    });
  }

  #snapshot(): MetricSnapshot {
    const { self, version, capabilities } = this.#config;
    return {
      families: this.#allFamilies(),
      source: sourceOf(self, nodeName(this.#components.state, self), capabilities.labels),
      run: this.#components.run()?.manifest.runId ?? '',
      version,
      startWallMs: this.#startWallMs,
      wallMs: this.#clock.wallMs(),
    };
  }

  /** A metric of the run that is called like one of the status goes first: no name may come twice. */
  #allFamilies(): Family[] {
    const { families } = this.#families;
    return [...families.values(), ...statusFamilies(this.#components.status()).filter(({ name }) => !families.has(name))];
  }

  #declared(): ReadonlyMap<string, MetricDeclaration> {
    const run = this.#components.run();
    if (run === null) return new Map();
    this.#declarations ??= new Map([...run.types.flatMap(({ metrics }) => metrics), ...BUILTIN_METRICS].map((each) => [each.name, each]));
    return this.#declarations;
  }

  own(window: Window): void {
    if (!this.#isFinished) absorbWindow(this.#families, window);
  }

  merged(node: NodeId, window: Window): void {
    if (this.#run.length === 0 || this.#isFinished) return;
    const seen = this.#seen.get(node) ?? createNumberSet();
    this.#seen.set(node, seen);
    if (!addNumber(seen, window.number)) return;
    const { state, run } = this.#components;
    this.#wallLessSwarmMs ??= this.#clock.wallMs() - (this.#clock.nowMs() + state.clock.offsetMs);
    const labels = state.facts.hellos.get(node)?.body.capabilities.labels ?? {};
    const merged = {
      source: sourceOf(node, nodeName(state, node), labels),
      run: run()?.manifest.runId ?? '',
      window,
      startWallMs: window.startMs + this.#wallLessSwarmMs,
      declarations: this.#declared(),
    };
    for (const output of this.#run) output.window(merged);
  }

  async finish(): Promise<void> {
    if (this.#isFinished) return;
    this.#isFinished = true;
    this.#cancelTimer();
    this.#tellForeign();
    for (const output of this.#run) output.finish();
    const snapshot = this.#snapshot();
    // A node that never knew its run has nothing to say.
    const sending = this.#isBegun ? this.#node.map((output) => output.finish(snapshot, OUTPUTS_MS_MAX)) : [];
    await Promise.all([...sending, this.#scrape?.close()]);
  }

  /** Files hold what this node merged; when another one coordinated, the rest is in that one's windows. */
  #tellForeign(): void {
    const { state, note } = this.#components;
    const coordinator = state.coordinator?.node ?? this.#config.self;
    if (this.#run.length === 0 || !this.#isBegun || coordinator === this.#config.self) return;
    note('warning', `files of --out lack what ${nodeName(state, coordinator)} merged as coordinator: it is in windows.bin and the summary`);
  }
}

const sourceOf = (id: NodeId, name: string, { vendor = '', region = '' }: Readonly<Record<string, string>>): MetricSource => ({
  id,
  name,
  vendor,
  region,
});
