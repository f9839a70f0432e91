// The contract of a checker: hooks that the simulator calls as things happen, each of which may raise the alarm of its promise
// (DESIGN 4). Checkers judge by what they saw (the ghost record and true time), not by what a node believes of itself.

import type { Effects, NodeEvent, Start } from '../../../node/core/events.ts';
import type { Claim, NodeId } from '../../../node/core/messages.ts';
import type { SimNode } from '../world.ts';

export type PromiseName = 'P1' | 'P2' | 'P3' | 'P4' | 'P5' | 'P6' | 'P7';

/** A promise was broken. `crash`: the core threw, which breaks all of them. */
export class SimAlarm extends Error {
  override readonly name = 'SimAlarm';
  readonly promise: PromiseName;
  constructor(promise: PromiseName, message: string) {
    super(`${promise}: ${message}`);
    this.promise = promise;
  }
}

export function alarm(promise: PromiseName, message: string): never {
  throw new SimAlarm(promise, message);
}

export type JudgeStart = Extract<Start, { what: 'judge' }>;

export interface Checkers {
  /** Right after a step, before its effects are performed. */
  afterStep(node: SimNode, event: NodeEvent, effects: Effects): void;
  /** A node was created again from its disk. */
  restarted(node: SimNode): void;
  runBegins(node: SimNode, claim: Claim): void;
  runEnds(node: SimNode, claim: Claim, isFinished: boolean): void;
  /** `node` is about to tell `to` that it has stored its windows up to `upTo`. */
  acknowledges(node: SimNode, to: NodeId, upTo: number): void;
  judges(node: SimNode, judge: JudgeStart): void;
  /** Once a second of true time. */
  audit(): void;
  /** All nodes are gone. */
  atEnd(): void;
}
export type Checker = Partial<Checkers>;

/** One record that calls those that care, in the given order. */
export function combine(checkers: readonly Checker[]): Checkers {
  const having = <K extends keyof Checkers>(hook: K): Checkers[K][] =>
    checkers.flatMap((checker) => (checker[hook] === undefined ? [] : [checker[hook] as Checkers[K]]));
  const afterStep = having('afterStep');
  const restarted = having('restarted');
  const runBegins = having('runBegins');
  const runEnds = having('runEnds');
  const acknowledges = having('acknowledges');
  const judges = having('judges');
  const audit = having('audit');
  const atEnd = having('atEnd');
  return {
    afterStep: (node, event, effects) => {
      for (const hook of afterStep) hook(node, event, effects);
    },
    restarted: (node) => {
      for (const hook of restarted) hook(node);
    },
    runBegins: (node, claim) => {
      for (const hook of runBegins) hook(node, claim);
    },
    runEnds: (node, claim, isFinished) => {
      for (const hook of runEnds) hook(node, claim, isFinished);
    },
    acknowledges: (node, to, upTo) => {
      for (const hook of acknowledges) hook(node, to, upTo);
    },
    judges: (node, judge) => {
      for (const hook of judges) hook(node, judge);
    },
    audit: () => {
      for (const hook of audit) hook();
    },
    atEnd: () => {
      for (const hook of atEnd) hook();
    },
  };
}
