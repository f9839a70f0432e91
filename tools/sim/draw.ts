// From a seed to a SimSpec: cluster size, clocks, machines, network, manifest and misfortunes. Wide rather than realistic:
// two nodes as well as thirty, missing machines, uneven machines, tight deadlines, each in a small share of the seeds.

import { DEFAULT_TIMING } from '../../node/core/config.ts';
import type { Manifest, NodeLossPolicy } from '../../node/core/messages.ts';
import type { Plan } from '../../node/core/plan-types.ts';
import { type Chance, createChance, PURPOSE } from './chance.ts';
import { DRIFT_MAX } from './clock.ts';
import { ALL, drawFaults, HARMLESS } from './draw-faults.ts';
import { drawPlan } from './draw-plan.ts';
import type { NetworkSpec, NodeSpec, SimSpec } from './spec.ts';

interface Sizes {
  readonly loadNodes: number;
  readonly witnesses: number;
  readonly late: number;
  readonly hasAbsentee: boolean;
}

function drawSizes(chance: Chance, isFaultFree: boolean): Sizes {
  const loadNodes = chance.yes(0.12) ? chance.whole(2, 4) : Math.round(chance.mostlyLow(5, 30));
  const witnesses = chance.pick([0, 0, 1, 1, 1, 2]);
  const late = isFaultFree || chance.yes(0.5) ? 0 : chance.whole(1, 3);
  return { loadNodes, witnesses, late, hasAbsentee: !isFaultFree && chance.yes(0.03) };
}

function drawCapacity(chance: Chance, plan: Plan, loadNodes: number): number {
  let cost = 0;
  for (const shard of plan.shards) cost += shard.costMillicores;
  const fairShare = cost / loadNodes;
  return Math.ceil(fairShare * chance.between(2.2, 6) + 120);
}

type Role = 'load' | 'witness' | 'late';

function drawNode(chance: Chance, index: number, id: string, role: Role, bornMs: number, capacity: number): NodeSpec {
  const isWitness = role === 'witness';
  const types = index > 1 && chance.yes(0.2) ? ['http', 'websocket'] : ['http', 'websocket', 'exec'];
  const region = index < 2 || chance.yes(0.6) ? 'eu' : 'us';
  const cores = isWitness ? 1 : chance.whole(1, 16);
  return {
    index,
    id,
    load: !isWitness,
    // More voters than the ticket expects could form two majorities before a roster is sealed; so those who come on top do not vote.
    voter: role !== 'late',
    electionRank: isWitness ? 0 : 1,
    bornMs,
    clock: { offsetMs: Math.round(chance.between(0, 1e7)), rate: 1 + chance.between(-DRIFT_MAX, DRIFT_MAX) },
    capabilities: {
      types,
      cores,
      memoryMb: cores * 1024,
      capacityMillicores: isWitness ? 0 : Math.round(capacity * chance.between(0.8, 1.5)),
      labels: { region },
    },
  };
}

/** Witnesses come last by index, so that load nodes 0 and 1, which can run everything everywhere, always exist. */
function drawNodes(chance: Chance, plan: Plan, sizes: Sizes, isFaultFree: boolean): NodeSpec[] {
  const capacity = isFaultFree || !chance.yes(0.03) ? drawCapacity(chance, plan, sizes.loadNodes) * (sizes.loadNodes < 5 ? 3 : 1) : 10;
  const nodes: NodeSpec[] = [];
  const spreadMs = chance.mostlyLow(100, 4000);
  const bornMs = (): number => Math.round(chance.between(0, spreadMs));
  for (let index = 0; index < sizes.loadNodes; index++) {
    const isAbsent = sizes.hasAbsentee && index === sizes.loadNodes - 1;
    nodes.push(
      drawNode(chance, index, `n${String(index).padStart(2, '0')}`, 'load', isAbsent ? Number.POSITIVE_INFINITY : bornMs(), capacity),
    );
  }
  for (let index = 0; index < sizes.witnesses; index++) nodes.push(drawNode(chance, nodes.length, `w${index}`, 'witness', bornMs(), 0));
  for (let index = 0; index < sizes.late; index++) {
    const lateMs = Math.round(chance.yes(0.2) ? bornMs() : chance.between(5_000, 40_000));
    nodes.push(drawNode(chance, nodes.length, `x${index}`, 'late', lateMs, capacity));
  }
  return nodes;
}

function drawNetwork(chance: Chance, isFaultFree: boolean): NetworkSpec {
  const isClean = isFaultFree || chance.yes(0.3);
  return {
    loss: isClean ? 0 : chance.mostlyLow(0, 0.05),
    duplicates: isClean ? 0 : chance.mostlyLow(0, 0.03),
    overtaking: isClean ? 0 : chance.mostlyLow(0, 0.02),
    gossipLoss: isFaultFree ? 0.005 : chance.mostlyLow(0, 0.1),
    gossipLossJoining: isFaultFree ? 0.1 : chance.between(0, 0.6),
    delayMsMin: chance.mostlyLow(0.2, 40),
    delayMsMax: chance.mostlyLow(41, 150),
  };
}

function drawManifest(chance: Chance, seed: number, plan: Plan, isFaultFree: boolean): Manifest {
  const lossPolicy = chance.between(0, 1);
  const onNodeLoss: NodeLossPolicy =
    lossPolicy < 0.65 ? { kind: 'reassign' } : lossPolicy < 0.85 ? { kind: 'tolerate', percent: chance.whole(5, 60) } : { kind: 'fail' };
  const isTight = !isFaultFree && chance.yes(0.07);
  return {
    runId: `run-${seed}`,
    scenarioName: 'simulated',
    bundleHash: `bundle-${seed}`,
    planHash: plan.hash,
    targets: ['127.0.0.1:*'],
    onNodeLoss,
    onCoordinatorLoss: chance.yes(0.65) ? 'reelect' : 'terminate',
    wallMsMax: isTight ? chance.whole(15_000, 60_000) : 300_000,
    setupMsMax: isTight ? chance.whole(3_000, 15_000) : 60_000,
    submittedWallMs: 0,
  };
}

export function drawSpec(seed: number): SimSpec {
  const chance = createChance(seed, PURPOSE.draw);
  const isFaultFree = chance.yes(0.2);
  const isUnharmed = isFaultFree && chance.yes(0.4);
  const plan = drawPlan(seed);
  const sizes = drawSizes(chance, isFaultFree);
  const nodes = drawNodes(chance, plan, sizes, isFaultFree);
  const healMs = Math.round(chance.between(6_000, 25_000 + plan.durationMs));
  const mishap = (p: number): number => (!isFaultFree && chance.yes(0.08) ? p : 0);
  return {
    seed,
    nodes,
    expectNodes: sizes.loadNodes,
    expectWitnesses: sizes.witnesses,
    timing: DEFAULT_TIMING,
    plan,
    manifest: drawManifest(chance, seed, plan, isFaultFree),
    submitMs: Math.round(chance.between(100, 6_000)),
    submitTo: chance.whole(0, Math.min(sizes.loadNodes, 3) - 1),
    network: drawNetwork(chance, isFaultFree),
    misfortune: { provisionFails: mishap(0.3), prepareFails: mishap(0.05), loadPlanFails: mishap(0.05), teardownFails: mishap(0.3) },
    faults: isFaultFree && !isUnharmed ? [] : drawFaults(seed, nodes.length, healMs, isUnharmed ? HARMLESS : ALL),
    healMs,
    isFaultFree: isFaultFree && !isUnharmed,
    isHarmless: isFaultFree,
  };
}
