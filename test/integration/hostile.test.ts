// A run under attack (issue 2, "Bad input"): strangers at the TCP ports, an insider that holds the swarm key and says everything that protocol allows
// and forbids, rubbish at the control socket, orders of somebody else. What counts: the run delivers its plan and passes, every refusal is in
// `status`, and nobody is gone but the attackers.

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { encode } from '@ipld/dag-cbor';
import type { Connection } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { decodeTicket, type Ticket } from '../../bootstrap/ticket.ts';
import { wallNowMs } from '../../node/adapters/clock.ts';
import { makeIdentity } from '../../node/adapters/identity.ts';
import { createHost, type Host } from '../../node/adapters/mesh/host.ts';
import { DEFAULT_MESH_LIMITS } from '../../node/adapters/mesh/limits.ts';
import type { Entry, EntryBodies, EntryDraft, EntryKind, Message, Order } from '../../node/core/messages.ts';
import type { Summary } from '../../node/core/summary-types.ts';
import { socketPathOf } from '../../node/runtime/control.ts';
import type { StatusView } from '../../node/runtime/node-status.ts';
import { createEntryCodec } from '../../node/wire/entry-codec.ts';
import { createMessageCodec } from '../../node/wire/message-codec.ts';
import { signOrder } from '../../node/wire/order-codec.ts';
import { createSwarmKit, PATIENCE_MS, type SwarmKit, seedFolder } from '../support/swarm-kit.ts';
import { until } from '../support/until.ts';

const RUBBISH = randomBytes(10 * 1024 * 1024);
const SLOW_STRANGERS = 40;

let kit: SwarmKit;
const cleanups: (() => unknown)[] = [];
beforeAll(async () => {
  kit = await createSwarmKit();
}, PATIENCE_MS);
afterEach(async () => {
  await Promise.all(cleanups.splice(0).map((cleanup) => cleanup()));
});
afterAll(() => kit.close());

function talkTo(where: number | string, bytes: Uint8Array | string): Socket {
  const socket = typeof where === 'number' ? connect(where, '127.0.0.1') : connect(where);
  socket.on('error', () => {});
  socket.write(bytes);
  cleanups.push(() => socket.destroy());
  return socket;
}

async function insider({ swarmKey, swarmId }: Ticket, seed: Uint8Array, addresses: readonly string[]): Promise<Host> {
  const topics = ['entries', 'beats'].map((topic) => `quilt/1/${swarmId}/${topic}`);
  const init = { privateKey: seed, swarmKey, swarmId, listen: [], seeds: [], handlers: undefined as never };
  const host = await createHost(init, { ...DEFAULT_MESH_LIMITS, gossipBytesMax: 64 * 1024 * 1024 }, topics, {});
  await host.start();
  cleanups.push(() => host.stop());
  for (const address of addresses) await host.dial(multiaddr(address));
  const { gossip } = host.services;
  for (const topic of topics) gossip.subscribe(topic);
  await until('all nodes take its gossip', () => topics.every((topic) => gossip.getSubscribers(topic).length === addresses.length));
  return host;
}

/** Says the chunks on a stream of the protocol to everybody connected; being cut or held off meanwhile is expected. */
async function say(host: Host, protocol: string, chunks: readonly Uint8Array[]): Promise<void> {
  const sayTo = async (connection: Connection): Promise<void> => {
    const stream = await connection.newStream(protocol);
    for (const chunk of chunks) if (!stream.send(chunk)) await stream.onDrain({ signal: AbortSignal.timeout(1000) });
  };
  await Promise.allSettled(host.getConnections().map(sayTo));
}

const framed = (bytes: Uint8Array): Uint8Array => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.byteLength);
  return Buffer.concat([length, bytes]);
};

/** Everything an insider may try to write into the log, sealed by its own key unless said otherwise. */
function hostileEntries({ swarmId }: Ticket, status: StatusView): { entries: Entry[]; foreign: Entry; forged: Entry } {
  const me = makeIdentity();
  const codec = createEntryCodec(swarmId);
  const other = makeIdentity();
  const runId = status.runId ?? '';
  const order = (what: Order) => signOrder(swarmId, what, (bytes) => other.sign(bytes));
  const entries: Entry[] = [];
  const write = <K extends EntryKind>(kind: K, body: EntryBodies[K], over: Partial<Entry> = {}): Entry => {
    const last = entries.at(-1);
    const header = { author: me.nodeId, seq: entries.length + 1, prev: last?.hash ?? '', lamport: entries.length + 1 };
    const entry = codec.seal({ ...header, ...over, kind, body } as unknown as EntryDraft, (hash) => me.sign(hash));
    return entry;
  };
  const add = <K extends EntryKind>(kind: K, body: EntryBodies[K]): void => void entries.push(write(kind, body));
  const decision = { author: status.coordinator ?? '', seq: 1 };
  const victim = status.nodes.find(({ load }) => load)?.node ?? '';
  const capabilities = { types: ['http'], cores: 64, memoryMb: 1, capacityMillicores: 64_000, labels: {} };
  add('hello', {
    incarnation: 1,
    voter: true,
    load: false,
    capabilities: { ...capabilities, types: [] },
    addresses: ['/junk'],
    version: '99',
  });
  add('vote', { term: 999_999, candidate: me.nodeId });
  add('lead', { term: 999_999, base: null });
  add('roster', { term: 999_999, previous: null, manifest: decision, add: [], movableFromMs: 0 });
  add('down', { term: 999_999, previous: decision, node: victim, silentMs: 0 });
  add('phase', { term: 999_999, previous: decision, phase: 'sealed', atSwarmMs: 0, reason: 'stopped', message: 'mine', exit: 'pass' });
  add('phase', { term: status.term, previous: decision, phase: 'draining', atSwarmMs: 0, reason: 'stopped', message: 'mine', exit: null });
  add('claim', { decision, claims: Array.from({ length: status.shards }, (_, shard) => ({ shard, epoch: 99 })) });
  add('stop', order({ order: 'stop', runId, mode: 'now', reason: 'mine' }));
  add('scale', order({ order: 'scale', runId, scale: { group: '*', factor: 0, atMs: 0 } }));
  add('done', { windowLast: 1, teardownFailures: 9 });
  // A gap in the chain, a wrong predecessor, another author's name, another swarm.
  entries.push(write('bye', { reason: 'x' }, { prev: '00'.repeat(32) }));
  entries.push(write('bye', { reason: 'x' }, { seq: 500, prev: '11'.repeat(32), lamport: 500 }));
  const forged = write('bye', { reason: 'x' }, { author: victim, seq: 1, prev: '' });
  const elsewhere = createEntryCodec('another-swarm');
  const draft = { author: me.nodeId, seq: 1, prev: '', lamport: 1, kind: 'bye', body: { reason: 'x' } } as unknown as EntryDraft;
  return { entries, forged, foreign: elsewhere.seal(draft, (hash) => me.sign(hash)) };
}

function hostileMessages(status: StatusView): Message[] {
  const term = 999_999;
  const windows = [{ number: 1, payload: RUBBISH.subarray(0, 1000) }];
  const ack = { beat: 9, pulseSentMs: 0, swarmMs: -1e15, windowsUpTo: 1e9, decision: null, granted: true, settled: true, custody: {} };
  return [
    { type: 'canvass', term, pre: false, chainTerm: term, chainLength: 1e9 },
    { type: 'ballot', term: status.term, pre: false, granted: true, termMax: term },
    { type: 'pulse', term: status.term, beat: 1e9, sentMs: 0, windows, custody: {} },
    { type: 'pulse-ack', term: status.term, ...ack },
    { type: 'pulse-ack', term, ...ack },
    { type: 'custody', node: status.nodes[1]?.node ?? '', windows },
    { type: 'have', have: Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`nobody-${index}`, 1e6])), digest: 1, full: true },
    { type: 'want', after: {}, full: true },
  ];
}

async function attackLog(host: Host, ticket: Ticket, status: StatusView): Promise<void> {
  const { swarmId } = ticket;
  const entryCodec = createEntryCodec(swarmId);
  const codec = createMessageCodec(entryCodec);
  const { entries, forged, foreign } = hostileEntries(ticket, status);
  const parcels = [
    ...codec.encodeEntries([...entries, forged], 1e6),
    encode({ v: 1, type: 'entries', entries: [createEntryCodec('another-swarm').encode(foreign)] }),
  ];
  const beat = encode({ v: 1, type: 'beat', term: 999_999, beat: 1e9, swarmMs: 0 });
  const rubbish = RUBBISH.subarray(0, 1000);
  await say(
    host,
    `/quilt/1/${swarmId}/direct`,
    [...parcels, ...hostileMessages(status).map((message) => codec.encodeMessage(message)), beat, rubbish].map(framed),
  );
  for (const bytes of [...parcels, rubbish]) await host.services.gossip.publish(`quilt/1/${swarmId}/entries`, bytes);
  for (const bytes of [beat, parcels[0] ?? rubbish, rubbish]) await host.services.gossip.publish(`quilt/1/${swarmId}/beats`, bytes);
}

async function attackStreams(host: Host, { swarmId }: Ticket): Promise<void> {
  const stop = signOrder(swarmId, { order: 'stop', runId: 'x', mode: 'now', reason: 'x' }, (bytes) => makeIdentity().sign(bytes));
  const asks = [
    'null',
    '{}',
    '[1]',
    '{"ask":"dance"}',
    `{"ask":"order","order":"${Buffer.from(encode(stop)).toString('base64')}"}`,
    '{"ask":"order","order":"9g=="}',
  ];
  for (const ask of asks) await say(host, `/quilt/1/${swarmId}/control`, [framed(Buffer.from(ask))]);
  await say(host, `/quilt/1/${swarmId}/blob`, [framed(Buffer.from('../../operator.key'))]);
  const ours = ['direct', 'control', 'blob'].map((name) => `/quilt/1/${swarmId}/${name}`);
  const libraries = ['/meshsub/1.2.0', '/ipfs/id/1.0.0', '/libp2p/circuit/relay/0.2.0/hop'];
  await Promise.all([...ours, ...libraries].map((protocol) => say(host, protocol, [RUBBISH])));
}

function attackSockets(ports: readonly number[], controlPath: string): void {
  for (const port of ports) {
    talkTo(port, RUBBISH);
    talkTo(port, 'GET / HTTP/1.1\r\n\r\n');
    for (let index = 0; index < SLOW_STRANGERS; index++) talkTo(port, 'x');
  }
  for (const text of [RUBBISH, 'null\n', '{"ask":"dance"}\n', `{"ask":"order","order":"${'A'.repeat(3_000_000)}"}\n`, '{"ask":'])
    talkTo(controlPath, text);
}

it('passes under attack, and counts what it refused', { timeout: PATIENCE_MS * 2 }, async () => {
  const ran = kit.start('run', kit.scenario('attacked', { holdS: 20 }), '--nodes', '2', '--json');
  await until('there is a run folder', () => ran.err().includes('forming'), PATIENCE_MS);
  const folder = kit.runFolder();
  const seed = seedFolder(folder);
  const status = await kit.untilStatus(seed, 'the load is on', ({ board }) => board.endpointsActive === 12, true);
  const ticket = decodeTicket(readFileSync(join(folder, 'ticket'), 'utf8'), wallNowMs());
  if (!ticket.ok) throw new Error('no ticket');
  const entriesFile = readFileSync(join(folder, 'entries.jsonl'), 'utf8');
  const addresses = [
    ...new Set(
      [...ticket.value.seeds, ...entriesFile.matchAll(/"(\/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\/\w+)"/g)].map((found) =>
        typeof found === 'string' ? found : (found[1] ?? ''),
      ),
    ),
  ];
  const host = await insider(ticket.value, makeIdentity().seed, addresses);
  await attackLog(host, ticket.value, status);
  await attackStreams(host, ticket.value);
  attackSockets(
    addresses.map((address) => Number(address.split('/')[4])),
    socketPathOf(seed),
  );
  const after = await kit.untilStatus(seed, 'strangers are refused', ({ counters }) => (counters.refusedConnections ?? 0) > 0);
  const counted = Object.keys(after.counters)
    .filter((name) => (after.counters[name] ?? 0) > 0)
    .join('\n');
  for (const what of ['malformed-message', 'malformed-gossip', 'bad-signature', 'malformed\n', 'refusedRequests', 'log broken-chain'])
    expect(counted).toContain(what);

  expect(await ran.ended).toBe(0);
  const summary = JSON.parse(ran.out()) as Summary;
  expect(summary).toMatchObject({ verdict: { verdict: 'pass' }, run: { end: 'completed' } });
  expect(summary.load.total).toMatchObject({ livesDue: 12, started: 12, finished: 12 });
  expect(summary.nodes.map(({ state }) => state)).not.toContain('lost');
  expect(summary.integrity.gaps).toEqual([]);
  expect(kit.processes()).toEqual([]);
});
