// The one place where the simulator touches the code under test: everything it calls or reads of the core, as a record, so that
// tests can put a wrapper in front of it and nothing else here depends on how the core keeps its state.

import { createNode, step } from '../../node/core/node.ts';
import { coordinatorOf, entrySetDigest, isActing, ownersOf, phaseOf, viewDigest } from '../../node/core/view.ts';

export type NodeState = ReturnType<typeof createNode>;

export const core = { createNode, step, coordinatorOf, isActing, phaseOf, ownersOf, viewDigest, entrySetDigest };
export type Core = typeof core;
