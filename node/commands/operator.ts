// The operator's part: keys and tickets, manifests, signed orders. Whoever holds the operator key of a swarm can start, stop and scale its run;
// the key stays in a file that only its owner can read and never travels. Orders go through any node: the log carries them.

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { encode } from '@ipld/dag-cbor';
import { encodeTicket, type Ticket } from '../../bootstrap/ticket.ts';
import { wallNowMs } from '../adapters/clock.ts';
import { type Identity, loadIdentity, makeIdentity, saveIdentity } from '../adapters/identity.ts';
import type { Result } from '../core/errors.ts';
import { targetsOf } from '../core/host-port.ts';
import type { Manifest, NodeLossPolicy, Order, SignedOrder } from '../core/messages.ts';
import type { Plan } from '../core/plan-types.ts';
import type { ValidScenario } from '../core/scenario-types.ts';
import { RUN_FILES } from '../runtime/run-folder.ts';
import { signOrder } from '../wire/order-codec.ts';

const SWARM_KEY_BYTES = 32;
const ID_BYTES = 6;

/** What makes a swarm, before any node of it runs. */
export interface SwarmSecrets {
  readonly swarmId: string;
  readonly swarmKey: Uint8Array;
  readonly operator: Identity;
}

export function makeSwarm(): SwarmSecrets {
  return {
    swarmId: `s${randomBytes(ID_BYTES).toString('hex')}`,
    swarmKey: new Uint8Array(randomBytes(SWARM_KEY_BYTES)),
    operator: makeIdentity(),
  };
}

export const saveOperatorKey = (folder: string, operator: Identity): Result<null> =>
  saveIdentity(join(folder, RUN_FILES.operatorKey), operator);
export const loadOperatorKey = (folder: string): Result<Identity> => loadIdentity(join(folder, RUN_FILES.operatorKey));

export interface TicketInit {
  readonly seeds: readonly string[];
  readonly expectNodes: number;
  readonly witnesses: number;
  readonly joinWithinMs: number;
  readonly validMs: number;
  readonly program: string;
}

export function makeTicket(swarm: SwarmSecrets, { validMs, ...rest }: TicketInit): Result<string> {
  const { swarmId, swarmKey, operator } = swarm;
  const expiresWallMs = wallNowMs() + validMs;
  const ticket: Ticket = { swarmId, swarmKey, operatorKey: operator.publicKey, ...rest, expiresWallMs };
  return encodeTicket(ticket, (bytes) => operator.sign(bytes));
}

export const makeRunId = (): string => `r${randomBytes(ID_BYTES).toString('hex')}`;

export interface ManifestInit {
  /** A launch has it before there is a manifest: its machines are marked with it. */
  readonly runId?: string;
  readonly scenario: ValidScenario;
  readonly plan: Plan;
  readonly bundleHash: string;
  readonly onNodeLoss: NodeLossPolicy;
  readonly onCoordinatorLoss: 'terminate' | 'reelect';
  readonly wallMsMax: number;
  readonly costUsdMax?: number | undefined;
}

export function makeManifest({ runId, scenario, plan, costUsdMax, ...rest }: ManifestInit): Manifest {
  const { bundleHash, onNodeLoss, onCoordinatorLoss, wallMsMax } = rest;
  return {
    ...(costUsdMax === undefined ? {} : { costUsdMax }),
    runId: runId ?? makeRunId(),
    scenarioName: scenario.name,
    bundleHash,
    planHash: plan.hash,
    targets: targetsOf(scenario),
    onNodeLoss,
    onCoordinatorLoss,
    wallMsMax,
    setupMsMax: scenario.setupMsMax,
    submittedWallMs: wallNowMs(),
  };
}

export const sign = (swarmId: string, operator: Identity, order: Order): SignedOrder =>
  signOrder(swarmId, order, (bytes) => operator.sign(bytes));

/** As control requests carry it. */
export const orderText = (order: SignedOrder): string => Buffer.from(encode(order)).toString('base64');
