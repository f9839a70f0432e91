// The contract of a cloud (DESIGN 7): what a vendor must be able to do so that a run can rent machines there and be sure that none stays behind. A vendor is
// one file or folder in bootstrap/clouds/ that exports `cloudType`; test/compliance runs the same suite over all of them. What an instance does after it
// booted is cloud-init.ts, how many of which kind is prices.ts and the launch command. Every expected failure is a Problem with what to do next; a
// vendor's refusal never throws. All calls may be repeated: the same order launches the same instances, and ending what has ended is no error.

import type { Problem, Result } from '../node/core/errors.ts';

/** Why a vendor did not give what was asked: decides whether another zone, type or market is tried (plan B), or the launch is rolled back. */
export type RefusalCause =
  | 'capacity'
  | 'quota'
  | 'throttled'
  | 'credentials'
  | 'permission'
  | 'not-found'
  | 'invalid'
  | 'unreachable'
  | 'vendor';
export interface Refusal extends Problem {
  readonly cause: RefusalCause;
}

export type Market = 'on-demand' | 'spot';

/** Part of a run's order: some machines of one type in one region. */
export interface LaunchOrder {
  /** Marks everything that is made for the run; `reap` finds it by this. */
  readonly runId: string;
  /** Distinguishes the orders of one run, and with `runId` makes the order idempotent: a to z, 0 to 9, '-', at most 20. */
  readonly orderId: string;
  /** Wall clock, ms since 1970: from then on the machines are fair game for `reap`. */
  readonly expiresWallMs: number;
  readonly region: string;
  /** In the order of preference; empty = the vendor chooses. */
  readonly zones: readonly string[];
  /** In the order of preference: when one has no capacity the next is tried. The first is the one that was asked for. */
  readonly machineTypes: readonly string[];
  readonly count: number;
  /** The vendor's name of an image; null = the vendor file's default (a current Debian or Ubuntu with cloud-init). */
  readonly image: string | null;
  /** Text of cloud-init user data, before any encoding. */
  readonly userData: string;
  /** In the order of preference. `['spot', 'on-demand']` = spot with fall-back. */
  readonly markets: readonly Market[];
  /** 'reserved': an address of its own for each machine (elastic, floating, static), given back at the end; for targets that whitelist. */
  readonly address: 'ephemeral' | 'reserved' | 'none';
  /** The only port that peers may reach from outside; TCP. */
  readonly meshPort: number;
  /** The vendor's own limit where there is one (max run duration): ends the machine without any help of ours. */
  readonly wallMsMax: number;
}

export type InstanceState = 'pending' | 'running' | 'stopping' | 'gone';

/** A machine as the vendor lists it. Only machines that carry our marks are ever listed or ended. */
export interface Instance {
  readonly id: string;
  readonly runId: string;
  readonly orderId: string;
  readonly expiresWallMs: number | null;
  readonly region: string;
  readonly zone: string | null;
  readonly machineType: string;
  readonly market: Market;
  readonly state: InstanceState;
  readonly publicAddress: string | null;
  readonly privateAddress: string | null;
}

/** What would be asked of the vendor, before anything is spent. */
export interface LaunchPlan {
  /** Sizes of the calls in their order; their sum is the order's count. */
  readonly batches: readonly number[];
  /** Sentences for the operator: what else is made (groups, addresses), what will be marked how. */
  readonly notes: readonly string[];
}

/** `instances` may be fewer than ordered; then `refusals` says why, and the caller decides to go on or to roll back. */
export interface LaunchOutcome {
  readonly instances: readonly Instance[];
  readonly refusals: readonly Refusal[];
}

export interface InstanceFilter {
  readonly region: string;
  /** Null = all runs of this program. */
  readonly runId: string | null;
}

/** What `terminate` could not end or give back. Empty = nothing of it is left, or it is on its way out. */
export interface TerminateOutcome {
  readonly ended: readonly string[];
  readonly refusals: readonly Refusal[];
}

/** One line of `doctor --cloud NAME`. */
export interface CloudFinding {
  readonly name: string;
  readonly isOk: boolean;
  readonly detail: string;
  /** What to do; absent when it is ok. */
  readonly remedy?: string;
}

export interface Cloud {
  /** Unknown region or type, user data over the limit, no credentials: everything that can be known before money is spent. */
  validate(order: LaunchOrder): Promise<readonly Refusal[]>;
  plan(order: LaunchOrder): LaunchPlan;
  /** Asks in batches, a bounded number at once. Aborting stops asking; what was made by then is in the outcome or found by `list`. */
  launch(order: LaunchOrder, signal: AbortSignal): Promise<LaunchOutcome>;
  list(filter: InstanceFilter): Promise<Result<readonly Instance[]>>;
  /** Ends these machines, and when none of the run is left in the region, gives back what was made around them (groups, addresses, keys). */
  terminate(filter: InstanceFilter & { readonly runId: string }, ids: readonly string[]): Promise<TerminateOutcome>;
  check(region: string): Promise<readonly CloudFinding[]>;
  /** Where the vendor's API tells: the highest spot price of the last day over the region's zones, US dollars an hour, by machine type. */
  readonly spotPrices?: (region: string, machineTypes: readonly string[]) => Promise<Result<ReadonlyMap<string, number>>>;
}

/** What a cloud gets from outside: no vendor file reads the environment, a clock or randomness by itself. */
export interface CloudComponents {
  readonly environment: (name: string) => string | undefined;
  readonly wallNowMs: () => number;
  /** Resolves after the time, or rejects with the signal's reason. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** 0 up to 1; for the jitter of retries. */
  readonly random: () => number;
}

export interface CloudType {
  /** As written in `--on NAME:REGION:TYPE=COUNT`. */
  readonly name: string;
  readonly summary: string;
  /** How a machine of this vendor ends for good without the controller: 'shutdown' = power off terminates; 'max-run-duration' = the vendor counts; 'credential' = it must ask, with a restricted credential; 'process' = it is one. */
  readonly selfEnd: 'shutdown' | 'max-run-duration' | 'credential' | 'process';
  /** Of the user data text, before encoding. */
  readonly userDataBytesMax: number;
  readonly markets: readonly Market[];
  /** What a machine runs at its start: cloud-init's user data, or the same steps as a shell script (cloud-init.ts). */
  readonly boot: 'cloud-init' | 'script';
  /** The least rights that a launch needs there, as the vendor takes them, from the table of what is called. Left out: there are none to give. */
  readonly leastRights?: () => string;
  /** Whether its spot machines are told before they are taken back, and `join --watch-notice NAME` hears it. */
  readonly hasNotice?: boolean;
  /** Words for `join` on a machine of this type; where machines are shared, how much of one is this node's. */
  joinFlags(machineType: string): readonly string[];
  /** A Problem when credentials or settings are missing: which, and where they are read from. */
  create(components: CloudComponents): Promise<Result<Cloud>>;
}

/** Marks on everything that is made at a vendor: tags on AWS, labels on GCE, metadata on OpenStack. */
export const MARKS = { run: 'quilt-run', order: 'quilt-order', expires: 'quilt-expires' } as const;
