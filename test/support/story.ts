// A perfect little swarm for protocol stories: fixed delays, no faults but the ones a story asks for, one line of text for everything a person would tell.
// Faulty networks, drifting clocks and checkers are the simulator's (tools/sim); here the transcript itself is the expectation.

import { createHash } from 'node:crypto';
import { DEFAULT_TIMING, type NodeConfig } from '../../node/core/config.ts';
import type { Effects, NodeEvent, Start } from '../../node/core/events.ts';
import type { Entry, EntryDraft, Manifest, NodeId, SignedOrder } from '../../node/core/messages.ts';
import { createNode, step } from '../../node/core/node.ts';
import type { Plan, Shard } from '../../node/core/plan-types.ts';
import type { NodeState } from '../../node/core/state.ts';

type Local<E = NodeEvent> = E extends NodeEvent ? Omit<E, 'nowMs'> : never;

const DELAY_MS = { gossip: 5, direct: 2, worker: 50, stop: 100 } as const;

export function sealForTests(draft: EntryDraft): Entry {
  const hash = createHash('sha256').update(JSON.stringify(draft)).digest('hex');
  return { ...draft, hash, sig: new Uint8Array() } as Entry;
}

export function shardOf(id: number, over: Partial<Shard> = {}): Shard {
  const base = {
    type: 'http',
    groupIndex: 0,
    stripe: 0,
    stripes: 1,
    meetingFirst: 0,
    meetingCount: 0,
    count: 50,
    activeMax: 50,
    costMillicores: 20,
  };
  return { id, kind: 'endpoints', ...base, startMs: 0, stopMs: 20_000, needsMeetings: true, constraints: {}, ...over };
}

export function planOf(shards: readonly Shard[], durationMs = 20_000): Plan {
  const meetingCount = shards.reduce((sum, shard) => sum + shard.meetingCount, 0);
  const count = shards.reduce((sum, shard) => sum + shard.count, 0);
  return {
    hash: 'plan',
    shards,
    meetingCount,
    endpointCount: count,
    activeMax: count,
    durationMs,
    gracefulStopMs: 1000,
    restartRatePerS: 100,
  };
}

export const STORY_PLAN = planOf(
  Array.from({ length: 8 }, (_, id) => shardOf(id, id === 0 ? { kind: 'meetings', groupIndex: -1, meetingCount: 5, count: 5 } : {})),
);

export const manifestOf = (over: Partial<Manifest> = {}): Manifest => ({
  runId: 'run',
  scenarioName: 'story',
  bundleHash: 'bundle',
  planHash: 'plan',
  targets: ['127.0.0.1:1'],
  onNodeLoss: { kind: 'reassign' },
  onCoordinatorLoss: 'terminate',
  wallMsMax: 100_000,
  setupMsMax: 20_000,
  submittedWallMs: 0,
  ...over,
});

export const signedForTests = (order: SignedOrder['order']): SignedOrder => ({ order, signature: new Uint8Array([1]) });

export interface Story {
  readonly lines: string[];
  readonly nodes: Map<NodeId, NodeState>;
  readonly alive: Set<NodeId>;
  nowMs(): number;
  /** Runs the swarm until this time. */
  until(ms: number): void;
  give(node: NodeId, event: Local): void;
  kill(node: NodeId): void;
  join(node: NodeId): void;
  /** Messages between these two are lost from now on (both ways), or pass again. */
  cut(a: NodeId, b: NodeId, cut: boolean): void;
}

export function configOf(self: NodeId, loadNodes: number, over: Partial<NodeConfig> = {}): NodeConfig {
  const load = self !== 'seed';
  const capabilities = { types: ['http'], cores: 2, memoryMb: 1000, capacityMillicores: load ? 2000 : 0, labels: {} };
  const identity = {
    self,
    load,
    voter: true,
    electionRank: load ? 1 : 0,
    capabilities,
    addresses: [],
    version: '0',
    randomSeed: self.length * 31 + self.charCodeAt(1),
  };
  const swarm = { expectNodes: loadNodes, expectWitnesses: 1, timing: DEFAULT_TIMING, incarnation: 1 };
  return { ...identity, ...swarm, seal: sealForTests, verifyOrder: (order) => order.signature[0] === 1, ...over };
}

/** One word for a report's numbers that do not matter to a story. */
const tell = (value: unknown): string => JSON.stringify(value).replaceAll('"', '');

function describeStart(start: Start): string | null {
  if (start.what === 'grant') return null;
  const claim = 'claim' in start ? ` ${start.claim.shard}.${start.claim.epoch}` : '';
  const claims = start.what === 'prepare' ? ` ${start.claims.map((one) => `${one.shard}.${one.epoch}`).join(' ')}` : '';
  const judge = start.what === 'judge' ? ` ${start.reason} missing ${tell(start.missing)}` : '';
  const load = start.what === 'load' ? ` from ${Math.round(start.fromMs)}` : '';
  return `${start.what}${claim}${claims}${load}${judge}`;
}

/** `unanswered`: what the workers of every node never answer. */
export function createStory(loadNodes: number, plan: Plan = STORY_PLAN, unanswered: readonly Start['what'][] = []): Story {
  const queue: { atMs: number; order: number; to: NodeId; event: Local }[] = [];
  const nodes = new Map<NodeId, NodeState>();
  const alive = new Set<NodeId>();
  const cuts = new Set<string>();
  const lines: string[] = [];
  const windows = new Map<NodeId, number>();
  let nowMs = 0;
  let order = 0;
  const post = (delayMs: number, to: NodeId, event: Local): void => {
    order += 1;
    queue.push({ atMs: nowMs + delayMs, order, to, event });
  };
  const wire = (delayMs: number, from: NodeId, to: NodeId, event: Local): void => {
    if (!cuts.has(`${from} ${to}`)) post(delayMs, to, structuredClone(event));
  };
  const answer = (id: NodeId, start: Start): void => {
    if (unanswered.includes(start.what)) return;
    if (start.what === 'load-plan') post(10, id, { type: 'plan-loaded', plan });
    if (start.what === 'prepare') post(DELAY_MS.worker, id, { type: 'prepared', claims: start.claims, problem: null });
    if (start.what === 'provision') {
      post(DELAY_MS.worker, id, {
        type: 'meetings-provisioned',
        claim: start.claim,
        facts: start.meetings.map((meeting) => ({ meeting, values: {} })),
      });
    }
    if (start.what === 'teardown')
      post(DELAY_MS.worker, id, { type: 'torn-down', claim: start.claim, meetings: start.meetings, failures: 0 });
    if (start.what === 'judge')
      post(10, id, { type: 'judged', exit: start.reason === 'completed' ? 'pass' : 'quorumLost', message: 'judged' });
  };
  const perform = (id: NodeId, effects: Effects): void => {
    const say = (text: string): void => void lines.push(`${String(nowMs).padStart(6)} ${id.padEnd(4)} ${text}`);
    for (const entry of effects.persist) say(`writes ${entry.kind}`);
    for (const gossip of effects.publish)
      for (const other of alive) if (other !== id) wire(DELAY_MS.gossip, id, other, { type: 'gossip', from: id, gossip });
    for (const { peer, connect } of effects.dial) {
      if (!connect) continue;
      post(1, peer, { type: 'peer-up', peer: id });
      post(1, id, { type: 'peer-up', peer });
    }
    for (const { to, message } of effects.send) wire(DELAY_MS.direct, id, to, { type: 'message', from: id, message });
    for (const { to, node, first, last, as } of effects.sendWindows) {
      const frames = Array.from({ length: last - first + 1 }, (_, index) => ({ number: first + index, payload: new Uint8Array() }));
      const message = as === 'custody' ? { type: 'custody' as const, node, windows: frames } : { ...as.pulse, windows: frames };
      wire(DELAY_MS.direct, id, to, { type: 'message', from: id, message });
    }
    for (const start of effects.start) {
      const text = describeStart(start);
      if (text !== null) say(`starts ${text}`);
      answer(id, start);
    }
    for (const stop of effects.stop) {
      say(`stops ${stop.claims.map((claim) => `${claim.shard}.${claim.epoch}`).join(' ')}: ${stop.reason}`);
      post(DELAY_MS.stop, id, { type: 'load-stopped', claims: stop.claims, finished: false });
    }
    for (const report of effects.report) say(tell(report));
    if (effects.exit === null) return;
    say(`exits ${effects.exit.exit}: ${effects.exit.message}`);
    alive.delete(id);
  };
  const give = (id: NodeId, event: Local): void => {
    const state = nodes.get(id);
    if (state !== undefined && alive.has(id)) perform(id, step(state, { ...event, nowMs } as NodeEvent));
  };
  const join = (id: NodeId): void => {
    nodes.set(id, createNode(configOf(id, loadNodes), nowMs));
    alive.add(id);
    if (id === 'seed') return;
    post(1, 'seed', { type: 'peer-up', peer: id });
    post(1, id, { type: 'peer-up', peer: 'seed' });
  };
  const tickAll = (): void => {
    for (const [id, state] of nodes) if (alive.has(id) && state.wakeAtMs <= nowMs) give(id, { type: 'tick' });
    if (nowMs % 1000 !== 500) return;
    for (const id of [...alive]) {
      if (id === 'seed') continue;
      const number = (windows.get(id) ?? 0) + 1;
      windows.set(id, number);
      give(id, { type: 'window-closed', window: { number, payload: new Uint8Array() } });
    }
  };
  const until = (ms: number): void => {
    while (nowMs < ms && alive.size > 0) {
      nowMs += 1;
      const due = queue.filter((one) => one.atMs <= nowMs).sort((a, b) => a.atMs - b.atMs || a.order - b.order);
      for (const one of due) queue.splice(queue.indexOf(one), 1);
      for (const one of due) give(one.to, one.event);
      tickAll();
    }
  };
  join('seed');
  for (let index = 0; index < loadNodes; index++) join(`n${index}`);
  const cut = (a: NodeId, b: NodeId, on: boolean): void => {
    for (const key of [`${a} ${b}`, `${b} ${a}`]) on ? cuts.add(key) : cuts.delete(key);
  };
  const kill = (id: NodeId): void => {
    alive.delete(id);
    lines.push(`${String(nowMs).padStart(6)} ${id.padEnd(4)} IS KILLED`);
  };
  return { lines, nodes, alive, nowMs: () => nowMs, until, give, kill, join, cut };
}
