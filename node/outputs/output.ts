// The contract of an output: a way for a run's figures to leave the swarm while it runs. Two kinds. A *node* output is on every node and sends what that node itself counted, so
// that nothing passes through one node; a *run* output is where the run folder is and writes what the coordinator merged. An output never holds up load: it returns at
// once, bounds what it keeps, says what went wrong by `note`, and never throws. A new output is one new file here and a row in commands/outputs.ts.

import type { Result } from '../core/errors.ts';
import type { MetricSnapshot, MetricSource } from '../core/metric-snapshot.ts';
import type { MetricDeclaration, Window } from '../core/stats-types.ts';

export interface OutputClock {
  readonly nowMs: () => number;
  readonly wallMs: () => number;
  readonly after: (ms: number, callback: () => void) => () => void;
}

export interface OutputComponents {
  readonly clock: OutputClock;
  /** For people, among the events of the run; few, and never a secret in it. */
  readonly note: (level: 'info' | 'warning', text: string) => void;
}

export interface NodeOutput {
  /** Every few seconds. Cumulative: one that is lost costs resolution only. */
  push(snapshot: MetricSnapshot): void;
  /** The last one; resolves when it is sent, or after `msMax`. */
  finish(snapshot: MetricSnapshot, msMax: number): Promise<void>;
}

/** One window of one node, as it was merged; each comes once. */
export interface MergedWindow {
  readonly source: MetricSource;
  readonly run: string;
  readonly window: Window;
  /** Wall clock at the window's start, ms. */
  readonly startWallMs: number;
  readonly declarations: ReadonlyMap<string, MetricDeclaration>;
}

export interface RunOutput {
  window(merged: MergedWindow): void;
  /** Everything is in its place when it returns. */
  finish(): void;
}

/** What a node is told to send; made when the node is, since only then is there somebody to tell. */
export type OpenNodeOutput = (components: OutputComponents) => NodeOutput;
export type OpenRunOutput = (components: OutputComponents) => RunOutput;

export interface OutputEnvironment {
  readonly environment: (name: string) => string | undefined;
  /** 0 up to 1, for waiting times. */
  readonly random: () => number;
}

/** `argument`: what stands behind the `=`. Problems are the user's to put right, and found before anything runs. */
export type OutputType =
  | { readonly scope: 'node'; readonly about: string; check(argument: string, around: OutputEnvironment): Result<OpenNodeOutput> }
  | { readonly scope: 'run'; readonly about: string; check(argument: string, around: OutputEnvironment): Result<OpenRunOutput> };
