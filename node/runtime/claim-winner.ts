// Whose samples count for a claim (P3). Almost always a claim has one author, who had it by right. Where two nodes claimed the same shard and epoch
// - a deposed coordinator's decision that its successor never heard of - the effective chain of decisions says whose it was.

import type { NodeId } from '../core/messages.ts';
import type { NodeState } from '../core/state.ts';

export function isClaimWinner(state: NodeState, claimId: string, node: NodeId): boolean {
  const authors = state.facts.claims.get(claimId);
  // The samples may be here before the entry: whoever ran it must have claimed it, and is judged again when the run is.
  if (authors === undefined || authors.size === 0) return true;
  if (authors.size === 1) return authors.has(node);
  return state.fold?.holders.get(claimId) === node;
}
