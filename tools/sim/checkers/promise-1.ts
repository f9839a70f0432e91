// P1, one coordinator: at most one node per term acts, no two act at the same true time, and nobody acts or decides without a
// majority that acknowledged it within the lease. The acknowledgements are counted here from beats and canvasses as they were
// sent and from pulses, ballots and votes as they arrived, all in true time; what the node computed is not asked.

import type { Effects, NodeEvent } from '../../../node/core/events.ts';
import type { NodeId } from '../../../node/core/messages.ts';
import { DRIFT_MAX } from '../clock.ts';
import { isUp, type SimNode, type World } from '../world.ts';
import { alarm, type Checker } from './checker.ts';

/** What one node did in its newest term. */
interface Term {
  term: number;
  /** True time at which the canvass for this term was first sent. */
  canvassMs: number;
  /** True time by beat number. */
  readonly beatMs: Map<number, number>;
  /** By node index: true time of the newest own message that this node is known to have heard. */
  readonly heardMs: Float64Array;
}

const DECISIONS: ReadonlySet<string> = new Set(['roster', 'down', 'phase']);

function newTerm(size: number, term: number): Term {
  return { term, canvassMs: Number.NEGATIVE_INFINITY, beatMs: new Map(), heardMs: new Float64Array(size).fill(Number.NEGATIVE_INFINITY) };
}

export function checkOneCoordinator(world: World): Checker {
  const { spec, agenda, nodes, core } = world;
  const needed = Math.floor((spec.expectNodes + spec.expectWitnesses) / 2) + 1;
  const leaseMs = spec.timing.leaseMs * (1 + 2 * DRIFT_MAX) + 5;
  const terms: Term[] = nodes.map(() => newTerm(nodes.length, 0));
  const isActingNow = new Uint8Array(nodes.length);
  const actorOfTerm = new Map<number, NodeId>();

  const termOf = (node: SimNode, term: number): Term => {
    const known = terms[node.index]!;
    if (known.term >= term) return known;
    const fresh = newTerm(nodes.length, term);
    terms[node.index] = fresh;
    return fresh;
  };
  const heard = (node: SimNode, by: NodeId, atMs: number | undefined): void => {
    const peer = world.nodeById.get(by);
    if (peer === undefined || atMs === undefined) return;
    const { heardMs } = terms[node.index]!;
    if (atMs > heardMs[peer.index]!) heardMs[peer.index] = atMs;
  };
  const sent = (node: SimNode, effects: Effects): void => {
    for (const gossip of effects.publish) {
      if (gossip.type === 'beat') termOf(node, gossip.term).beatMs.set(gossip.beat, agenda.nowMs);
      if (gossip.type === 'canvass' && !gossip.pre) canvassed(node, gossip.term);
    }
    for (const { message } of effects.send) if (message.type === 'canvass' && !message.pre) canvassed(node, message.term);
  };
  const canvassed = (node: SimNode, term: number): void => {
    const mine = termOf(node, term);
    if (mine.canvassMs === Number.NEGATIVE_INFINITY) mine.canvassMs = agenda.nowMs;
  };
  const acknowledged = (node: SimNode, event: NodeEvent, effects: Effects): void => {
    const mine = terms[node.index]!;
    if (event.type === 'message') {
      const { message, from } = event;
      if (message.type === 'pulse' && message.term === mine.term) heard(node, from, mine.beatMs.get(message.beat));
      if (message.type === 'ballot' && message.granted && !message.pre && message.term === mine.term) heard(node, from, mine.canvassMs);
    }
    for (const entry of effects.keep) {
      if (entry.kind === 'vote' && entry.body.candidate === node.id && entry.body.term === mine.term)
        heard(node, entry.author, mine.canvassMs);
    }
  };
  const majority = (node: SimNode): number => {
    const { heardMs } = terms[node.index]!;
    let count = 1;
    for (let index = 0; index < heardMs.length; index++) if (index !== node.index && agenda.nowMs - heardMs[index]! <= leaseMs) count += 1;
    return count;
  };
  const mustHaveMajority = (node: SimNode, doing: string): void => {
    const count = majority(node);
    if (count < needed) alarm('P1', `${node.id} ${doing} with ${count} of ${needed} acknowledgements within the lease`);
  };
  const beginsActing = (node: SimNode): void => {
    const claimed = core.coordinatorOf(node.state!);
    if (claimed === null || claimed.node !== node.id) alarm('P1', `${node.id} acts but names ${claimed?.node ?? 'nobody'} as coordinator`);
    const actor = actorOfTerm.get(claimed.term);
    if (actor !== undefined && actor !== node.id) alarm('P1', `${node.id} and ${actor} both act in term ${claimed.term}`);
    actorOfTerm.set(claimed.term, node.id);
    for (const other of nodes) {
      if (other === node || isActingNow[other.index] === 0 || !isUp(other) || other.state === null) continue;
      if (core.isActing(other.state, other.clock.offsetMs + agenda.nowMs * other.clock.rate))
        alarm('P1', `${node.id} and ${other.id} act at the same time`);
      isActingNow[other.index] = 0;
    }
  };
  return {
    afterStep(node, event, effects) {
      sent(node, effects);
      acknowledged(node, event, effects);
      const isActing = core.isActing(node.state!, event.nowMs);
      if (isActing) {
        mustHaveMajority(node, 'acts');
        node.ghost.contactMs = agenda.nowMs;
        node.ghost.grantBaseMs = agenda.nowMs;
        if (isActingNow[node.index] === 0) beginsActing(node);
      }
      isActingNow[node.index] = isActing ? 1 : 0;
      for (const entry of effects.persist) if (DECISIONS.has(entry.kind)) mustHaveMajority(node, `writes ${entry.kind}`);
    },
    restarted(node) {
      isActingNow[node.index] = 0;
      terms[node.index] = newTerm(nodes.length, 0);
    },
  };
}
