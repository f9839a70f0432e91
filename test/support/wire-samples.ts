// One example of every entry and message of the wire, with every field filled. The golden fixture and the fuzz tests start from them.

import { identityFromSeed } from '../../node/adapters/identity.ts';
import {
  type Capabilities,
  ENTRY_KINDS,
  type Entry,
  type EntryBodies,
  type EntryDraft,
  type EntryKind,
  type Gossip,
  type Message,
  type Order,
} from '../../node/core/messages.ts';
import { createEntryCodec } from '../../node/wire/entry-codec.ts';
import { signOrder } from '../../node/wire/order-codec.ts';

export const SWARM = 'golden-swarm';
export const author = identityFromSeed(new Uint8Array(32).fill(1));
export const operator = identityFromSeed(new Uint8Array(32).fill(2));
export const entryCodec = createEntryCodec(SWARM);

const capabilities: Capabilities = {
  types: ['http', 'websocket'],
  cores: 4,
  memoryMb: 7936,
  capacityMillicores: 3600,
  labels: { region: 'eu-1' },
};
const decision = { author: author.nodeId, seq: 7 };
const signed = (order: Order) => signOrder(SWARM, order, operator.sign);

export const sampleOrders: { readonly [K in Order['order']]: Extract<Order, { order: K }> } = {
  manifest: {
    order: 'manifest',
    manifest: {
      runId: 'run-1',
      scenarioName: 'demo',
      bundleHash: 'b'.repeat(64),
      planHash: 'c'.repeat(64),
      targets: ['127.0.0.1:8080'],
      onNodeLoss: { kind: 'tolerate', percent: 12.5 },
      onCoordinatorLoss: 'reelect',
      wallMsMax: 600_000,
      setupMsMax: 60_000,
      submittedWallMs: 1_800_000_000_000,
    },
  },
  stop: { order: 'stop', runId: 'run-1', mode: 'drain', reason: 'enough' },
  scale: { order: 'scale', runId: 'run-1', scale: { group: '*', factor: 1.5, atMs: 30_000 } },
  fault: { order: 'fault', runId: 'run-1', fault: { kind: 'kill', target: { role: 'coordinator' }, times: [1, 2.5, null, true] } },
};

export const sampleBodies: { readonly [K in EntryKind]: EntryBodies[K] } = {
  hello: {
    incarnation: 2,
    voter: true,
    load: true,
    capabilities,
    addresses: [`/ip4/127.0.0.1/tcp/4001/p2p/${author.nodeId}`],
    version: '0.1.0',
  },
  vote: { term: 3, candidate: author.nodeId },
  lead: { term: 3, base: decision },
  roster: {
    term: 3,
    previous: decision,
    manifest: decision,
    add: [{ node: author.nodeId, voter: true, load: true, capabilities }],
    movableFromMs: -1,
  },
  manifest: signed(sampleOrders.manifest),
  stop: signed(sampleOrders.stop),
  scale: signed(sampleOrders.scale),
  fault: signed(sampleOrders.fault),
  claim: {
    decision,
    claims: [
      { shard: 0, epoch: 1 },
      { shard: 41, epoch: 2 },
    ],
  },
  release: { claims: [{ shard: 41, epoch: 2 }], reason: 'leaving' },
  meeting: { facts: [{ meeting: 5, values: { id: 'm-5', pin: '0815' } }], torndown: [4] },
  ready: { decision, problem: { reason: 'setup-failed', message: 'no python3' } },
  done: { windowLast: 31, teardownFailures: 0 },
  down: { term: 3, previous: decision, node: author.nodeId, silentMs: 6812.25 },
  phase: {
    term: 3,
    previous: decision,
    phase: 'running',
    atSwarmMs: 1_800_000_000_123.5,
    reason: null,
    message: 'all ready',
    exit: 'pass',
  },
  bye: { reason: 'sealed' },
};

/** A chain of one entry per kind, in the order of ENTRY_KINDS. */
export function sampleEntries(): Entry[] {
  let prev = '';
  return ENTRY_KINDS.map((kind, index) => {
    const draft = { author: author.nodeId, seq: index + 1, prev, lamport: 10 * (index + 1), kind, body: sampleBodies[kind] } as EntryDraft;
    const entry = entryCodec.seal(draft, author.sign);
    prev = entry.hash;
    return entry;
  });
}

const windows = [{ number: 8, payload: new Uint8Array([1, 2, 3]) }];
const custody = { [author.nodeId]: 12 };
const canvass = { type: 'canvass', term: 4, pre: true, chainTerm: 3, chainLength: 9 } as const;

export function sampleGossip(): { readonly [T in Gossip['type']]: Extract<Gossip, { type: T }> } {
  return {
    entries: { type: 'entries', entries: sampleEntries().slice(0, 2) },
    beat: { type: 'beat', term: 3, beat: 77, swarmMs: 1000.25 },
    canvass,
  };
}

export function sampleMessages(): { readonly [T in Message['type']]: Extract<Message, { type: T }> } {
  return {
    have: { type: 'have', have: { [author.nodeId]: 16 }, digest: 123_456, full: true },
    want: { type: 'want', after: { [author.nodeId]: 3 }, full: false },
    entries: { type: 'entries', entries: sampleEntries().slice(1, 3) },
    canvass,
    ballot: { type: 'ballot', term: 4, pre: false, granted: true, termMax: 4 },
    pulse: { type: 'pulse', term: 3, beat: 77, sentMs: 5000.5, windows, custody },
    'pulse-ack': {
      type: 'pulse-ack',
      term: 3,
      beat: 78,
      pulseSentMs: 5000.5,
      swarmMs: 6000,
      windowsUpTo: 8,
      decision,
      granted: true,
      settled: false,
      custody,
    },
    custody: { type: 'custody', node: author.nodeId, windows },
  };
}
