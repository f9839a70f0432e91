// What a finished run's folder says about who ran which shard when: claims from the log's entries, windows from windows.bin, shards from the plan.
// For scenarios with one group, so that an endpoint's slot tells its shard.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeId } from '../../../node/core/messages.ts';
import type { ShardId } from '../../../node/core/plan-types.ts';
import { decodeWindow } from '../../../node/core/window-codec.ts';
import { RUN_FILES, readWindows } from '../../../node/runtime/run-folder.ts';

export interface ClaimSpan {
  readonly claim: string;
  readonly node: NodeId;
  /** Swarm time: from the start of the first to the end of the last window that has load of this claim. */
  readonly fromMs: number;
  readonly toMs: number;
}

export interface RunEvidence {
  /** Who said that it owns the claim ('shard.epoch'). */
  readonly claimants: ReadonlyMap<string, NodeId>;
  readonly spans: readonly ClaimSpan[];
  /** Shard of an endpoint's slot. */
  readonly shardOf: (endpoint: number) => ShardId;
}

interface EntryLine {
  readonly kind: string;
  readonly author: NodeId;
  readonly body: { readonly claims: readonly { readonly shard: number; readonly epoch: number }[] };
}
interface PlanFile {
  readonly shards: readonly { readonly id: number; readonly stripe: number; readonly stripes: number }[];
}

function claimantsIn(folder: string): Map<string, NodeId> {
  const claimants = new Map<string, NodeId>();
  for (const line of readFileSync(join(folder, RUN_FILES.entries), 'utf8').trim().split('\n')) {
    const entry = JSON.parse(line) as EntryLine;
    if (entry.kind !== 'claim') continue;
    for (const { shard, epoch } of entry.body.claims) claimants.set(`${shard}.${epoch}`, entry.author);
  }
  return claimants;
}

function spansIn(folder: string): ClaimSpan[] {
  const spans = new Map<string, ClaimSpan>();
  for (const { node, frame } of readWindows(folder)) {
    const window = decodeWindow(frame.payload);
    if (!window.ok) throw new Error(`window ${frame.number} of ${node} cannot be read`);
    const { startMs, durationMs, load } = window.value;
    for (const { claims, active, started } of load) {
      if (active === 0 && started === 0) continue;
      for (const claim of claims) {
        const key = `${claim} ${node}`;
        const known = spans.get(key);
        const fromMs = Math.min(known?.fromMs ?? startMs, startMs);
        spans.set(key, { claim, node, fromMs, toMs: Math.max(known?.toMs ?? 0, startMs + durationMs) });
      }
    }
  }
  return [...spans.values()];
}

export function readEvidence(folder: string): RunEvidence {
  const { shards } = JSON.parse(readFileSync(join(folder, RUN_FILES.plan), 'utf8')) as PlanFile;
  const stripes = shards[0]?.stripes ?? 1;
  if (shards.some((shard) => shard.stripes !== stripes)) throw new Error('evidence is read of scenarios with one group only');
  const byStripe = new Map(shards.map(({ stripe, id }) => [stripe, id]));
  return {
    claimants: claimantsIn(folder),
    spans: spansIn(folder),
    shardOf: (endpoint) => byStripe.get(endpoint % stripes) ?? -1,
  };
}

/** Two claims of one shard, both with load in windows that overlap in swarm time; null when there are none. */
export function overlapOf(spans: readonly ClaimSpan[]): string | null {
  for (const one of spans) {
    for (const other of spans) {
      if (one === other || one.claim.split('.')[0] !== other.claim.split('.')[0]) continue;
      if (one.fromMs < other.toMs && other.fromMs < one.toMs) return `${one.claim} of ${one.node} and ${other.claim} of ${other.node}`;
    }
  }
  return null;
}
