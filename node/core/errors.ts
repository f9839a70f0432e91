// The vocabulary of failure: problems shown to a person, and the exit codes of DESIGN.md section 8.
// An expected error is a value with a stable code, a sentence and what to do next; configuration errors are collected into a
// list so that one look shows all of them. Programmer errors are assertions (assert.ts) and leave with exit code 1.

/** One thing wrong with the user's input or surroundings. `code` is stable and searchable; `hint` says what to do next. */
export interface Problem {
  readonly code: `QUILT_${string}`;
  readonly message: string;
  readonly hint?: string;
  /** File the problem is in, as the user named it. */
  readonly file?: string;
  /** 1-based line and column within `file`. */
  readonly line?: number;
  readonly column?: number;
  /** Dotted path of the offending key, e.g. `groups.viewers.load.shape[1].over`. */
  readonly key?: string;
}

export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problems: readonly Problem[] };

export const ok = <T>(value: T): Result<T> => ({ ok: true, value });
export const fail = (...problems: Problem[]): { ok: false; problems: readonly Problem[] } => ({ ok: false, problems });

/** Exit codes. Where k6 has a code for the same thing, the number is k6's. */
export const EXIT = {
  pass: 0,
  internalFault: 1,
  abortedBySwarm: 97,
  thresholdFailed: 99,
  setupFailed: 100,
  teardownFailed: 101,
  badConfiguration: 104,
  stoppedByOperator: 105,
  simulatorBrokeContract: 107,
  abortedByScenario: 108,
  quorumLost: 112,
  capacityNeverReached: 113,
  faultNotReverted: 114,
  budgetReached: 115,
  generatorOverloaded: 116,
} as const;

export type ExitName = keyof typeof EXIT;
export type ExitCode = (typeof EXIT)[ExitName];
