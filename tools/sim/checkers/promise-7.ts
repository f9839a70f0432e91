// P7, only invited, as far as the core decides it: orders that the operator did not sign change nothing; every entry that counts was
// sealed by the author it names; and what an author outside the roster writes gives it no shard, no term and no say in the end.

import type { EndReason } from '../../../node/core/messages.ts';
import { verifyOrder } from '../authority.ts';
import type { World } from '../world.ts';
import { alarm, type Checker } from './checker.ts';

const ORDERS: ReadonlySet<string> = new Set(['manifest', 'stop', 'scale', 'fault']);
const AUDIT_EVERY_S = 5;

export function checkOnlyInvited(world: World): Checker {
  let audits = 0;
  let isSealedByMember = false;
  const checkReason = (reason: EndReason | null): void => {
    if (reason === 'stopped' && world.orders.stops === 0) alarm('P7', 'the run was stopped, but the operator never ordered it');
  };
  return {
    afterStep(node, _event, effects) {
      for (const entry of effects.persist) {
        if (entry.kind === 'phase') {
          checkReason(entry.body.reason);
          if (entry.body.phase === 'sealed') isSealedByMember = true;
        }
        if (ORDERS.has(entry.kind) && !verifyOrder(entry.body as Parameters<typeof verifyOrder>[0]))
          alarm('P7', `${node.id} took an order that the operator did not sign`);
      }
      for (const entry of effects.keep)
        if (!world.sealed.has(entry)) alarm('P7', `${node.id} keeps ${entry.author}#${entry.seq}, which its author never sealed`);
    },
    judges(_node, judge) {
      if (world.spec.isHarmless && judge.reason !== 'completed')
        alarm(
          'P7',
          `the run ended with ${judge.reason}, and all that happened was ${world.spec.faults.map((fault) => fault.kind).join(', ')}`,
        );
    },
    atEnd() {
      if (world.spec.isHarmless && world.counts.judged === 0)
        alarm('P7', `the run was never judged, and all that happened was ${world.spec.faults.map((fault) => fault.kind).join(', ')}`);
    },
    audit() {
      audits += 1;
      if (audits % AUDIT_EVERY_S !== 0) return;
      for (const node of world.nodes) {
        if (node.status !== 'live' || node.state === null) continue;
        const coordinator = world.core.coordinatorOf(node.state);
        if (coordinator !== null && !world.nodeById.has(coordinator.node))
          alarm('P7', `${node.id} follows the intruder ${coordinator.node}`);
        for (const { owner } of world.core.ownersOf(node.state).values())
          if (!world.nodeById.has(owner)) alarm('P7', `${node.id} sees a shard owned by the intruder ${owner}`);
        if (!isSealedByMember && world.core.phaseOf(node.state) === 'sealed')
          alarm('P7', `${node.id} takes the run for sealed, but no member sealed it`);
      }
    },
  };
}
