// The shape of every entry body and direct message of wire version 1 (node/core/messages.ts gives the types and meanings). Bounds here only keep
// memory and nonsense out; whether an entry makes sense in the log is the core's to judge.

import { EXIT } from '../core/errors.ts';
import {
  type Capabilities,
  type Claim,
  type DecisionRef,
  ENTRY_KINDS,
  type EndReason,
  type EntryBodies,
  type EntryKind,
  type Manifest,
  PHASES,
  type RosterMember,
  type SignedOrder,
} from '../core/messages.ts';
import type { ScaleOrder } from '../core/plan-types.ts';
import {
  bytesOf,
  dataOf,
  eitherOf,
  fields,
  flagShape,
  integerOf,
  listOf,
  nullOr,
  numberShape,
  oneOf,
  optional,
  recordOf,
  type Shape,
  textOf,
} from './shape-check.ts';

/** Counters that the core adds one to: half of the safe range, so that no peer can push one to where adding stops working. */
export const countShape = integerOf(0, 2 ** 52);
export const nodeShape = textOf(128);
/** Members of a roster, claims of a node, keys of a version vector; core BOUNDS.authorsMax nodes fit. */
const LIST_MAX = 100_000;

const nameShape = textOf(256);
const sentenceShape = textOf(4096);
export const decisionShape = fields<DecisionRef>({ author: nodeShape, seq: countShape });
const claimShape = fields<Claim>({ shard: countShape, epoch: countShape });
const claimsShape = listOf(claimShape, LIST_MAX);
const capabilitiesShape = fields<Capabilities>({
  types: listOf(nameShape, 256),
  cores: numberShape,
  memoryMb: numberShape,
  capacityMillicores: numberShape,
  labels: recordOf(nameShape, 64),
});

/** A record, so that a reason added to messages.ts does not compile until it stands here. */
const END_REASONS: Readonly<Record<EndReason, true>> = {
  completed: true,
  stopped: true,
  'aborted-by-threshold': true,
  'aborted-by-scenario': true,
  'node-lost': true,
  'coordinator-lost': true,
  'quorum-lost': true,
  'setup-failed': true,
  unplaceable: true,
  'capacity-never-reached': true,
  'wall-limit': true,
  'cost-limit': true,
  'contract-broken': true,
  'internal-fault': true,
};
const reasonShape = oneOf(...Object.keys(END_REASONS));

const manifestShape = fields<Manifest>({
  runId: nameShape,
  scenarioName: nameShape,
  bundleHash: nameShape,
  planHash: nameShape,
  targets: listOf(nameShape, 1024),
  onNodeLoss: eitherOf(fields({ kind: oneOf('reassign', 'fail') }), fields({ kind: oneOf('tolerate'), percent: numberShape })),
  onCoordinatorLoss: oneOf('terminate', 'reelect'),
  wallMsMax: numberShape,
  costUsdMax: optional(numberShape),
  setupMsMax: numberShape,
  submittedWallMs: numberShape,
});

/** The order itself must match the kind of entry that carries it. */
const signed = (order: Shape): Shape => fields<SignedOrder>({ order, signature: bytesOf(64, 64) });
const orders = {
  manifest: fields({ order: oneOf('manifest'), manifest: manifestShape }),
  stop: fields({ order: oneOf('stop'), runId: nameShape, mode: oneOf('drain', 'now'), reason: sentenceShape }),
  scale: fields({
    order: oneOf('scale'),
    runId: nameShape,
    scale: fields<ScaleOrder>({ group: nameShape, factor: numberShape, atMs: numberShape }),
  }),
  fault: fields({ order: oneOf('fault'), runId: nameShape, fault: dataOf(8) }),
};

export const orderShape: Shape = eitherOf(...Object.values(orders));

export const bodyShapes: { readonly [K in EntryKind]: Shape } = {
  hello: fields<EntryBodies['hello']>({
    incarnation: countShape,
    voter: flagShape,
    load: flagShape,
    capabilities: capabilitiesShape,
    addresses: listOf(textOf(512), 64),
    version: nameShape,
  }),
  vote: fields<EntryBodies['vote']>({ term: countShape, candidate: nodeShape }),
  lead: fields<EntryBodies['lead']>({ term: countShape, base: nullOr(decisionShape) }),
  roster: fields<EntryBodies['roster']>({
    term: countShape,
    previous: nullOr(decisionShape),
    manifest: nullOr(decisionShape),
    add: listOf(fields<RosterMember>({ node: nodeShape, voter: flagShape, load: flagShape, capabilities: capabilitiesShape }), LIST_MAX),
    movableFromMs: numberShape,
  }),
  down: fields<EntryBodies['down']>({ term: countShape, previous: nullOr(decisionShape), node: nodeShape, silentMs: numberShape }),
  manifest: signed(orders.manifest),
  stop: signed(orders.stop),
  scale: signed(orders.scale),
  fault: signed(orders.fault),
  claim: fields<EntryBodies['claim']>({ decision: decisionShape, claims: claimsShape }),
  release: fields<EntryBodies['release']>({ claims: claimsShape, reason: sentenceShape }),
  meeting: fields<EntryBodies['meeting']>({
    facts: listOf(fields({ meeting: countShape, values: recordOf(textOf(16 * 1024), 256) }), 10_000),
    torndown: listOf(countShape, LIST_MAX),
  }),
  ready: fields<EntryBodies['ready']>({
    decision: decisionShape,
    problem: nullOr(fields({ reason: reasonShape, message: sentenceShape })),
  }),
  done: fields<EntryBodies['done']>({ windowLast: countShape, teardownFailures: countShape }),
  phase: fields<EntryBodies['phase']>({
    term: countShape,
    previous: nullOr(decisionShape),
    phase: oneOf(...PHASES),
    atSwarmMs: numberShape,
    reason: nullOr(reasonShape),
    message: sentenceShape,
    exit: nullOr(oneOf(...Object.keys(EXIT))),
  }),
  bye: fields<EntryBodies['bye']>({ reason: sentenceShape }),
};

const kinds = new Set<unknown>(ENTRY_KINDS);
export const isEntryKind = (value: unknown): value is EntryKind => kinds.has(value);
