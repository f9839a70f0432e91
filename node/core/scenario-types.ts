// A scenario after validation: every word resolved, every duration in milliseconds, every default filled in. parseScenario (scenarios/)
// makes it; plan.ts turns it into shards; workers take their groups' options from it. The same text, variables and files give the same
// value on every node. Strings that still hold ${meeting.x}, ${data.x}, ${endpoint.x} or ${group.name} are templates for substitute.ts.

import type { NodeLossPolicy } from './messages.ts';
import type { Threshold } from './threshold-syntax.ts';

/** Part of a piecewise linear curve over [fromMs, toMs). Segments of a curve follow one another without gaps; levels may jump between them. */
export interface Segment {
  readonly fromMs: number;
  readonly toMs: number;
  readonly fromLevel: number;
  readonly toLevel: number;
}

/** How long something lasts: the same every time, or drawn. Drawn values stay within [minMs, maxMs]. */
export type Spread =
  | { readonly distribution: 'fixed'; readonly ms: number }
  | { readonly distribution: 'uniform'; readonly minMs: number; readonly maxMs: number }
  | { readonly distribution: 'exponential'; readonly meanMs: number; readonly minMs: number; readonly maxMs: number }
  | { readonly distribution: 'normal'; readonly meanMs: number; readonly deviationMs: number; readonly maxMs: number }
  | {
      readonly distribution: 'lognormal';
      readonly medianMs: number;
      readonly sigma: number;
      readonly minMs: number;
      readonly maxMs: number;
    };

export interface ValidLoad {
  /** `endpoints`: the curve is the number of active endpoints. `rate`: it is arrivals per second, and each arrival lives for `stay`. */
  readonly unit: 'endpoints' | 'rate';
  readonly arrivals: 'even' | 'poisson';
  readonly segments: readonly Segment[];
}

export interface DataTable {
  readonly name: string;
  readonly file: string;
  readonly unique: boolean;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Of an endpoint type that does not say: a call with audio and video at 230 kbit/s (DESIGN 1). */
export const UPLINK_BPS_DEFAULT = 230_000;

export interface ValidGroup {
  readonly name: string;
  readonly index: number;
  readonly type: string;
  readonly description: string;
  /** The endpoint type's own options, as its schema returned them. */
  readonly behavior: unknown;
  /** Endpoints per meeting when the group is sized by meetings, else 0. */
  readonly perMeeting: number;
  /** How slots go to meetings; null = the group's endpoints belong to no meeting. */
  readonly meetings: 'round-robin' | 'fill' | null;
  readonly load: ValidLoad;
  /** Length of one session: null = as long as the curve wants the slot. */
  readonly stay: Spread | null;
  /** Between two sessions of one slot. */
  readonly pause: Spread | null;
  readonly constraints: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  readonly data: DataTable | null;
  /** First row of `data` that is this group's: groups that share unique data do not share rows. */
  readonly dataRowFirst: number;
  readonly gracefulStopMs: number;
  /** Declared cost of one active endpoint, thousandths of a core. */
  readonly costMillicores: number;
  /** Declared bits a second that one active endpoint sends. */
  readonly uplinkBps: number;
  /** URLs or host:port that the behaviour sends load to; may hold templates. */
  readonly targets: readonly string[];
}

/** Where a saved value is in a provisioning response. */
export type Saved = { readonly json: string } | { readonly header: string };

/** One call of the provisioning API. Strings are templates over meeting.index, vars, targets and (teardown) the saved meeting.x. */
export interface HttpCall {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** At most one of json (any JSON value, its strings are templates) and text is given. */
  readonly json: unknown;
  readonly text: string | undefined;
  /** Statuses that count as success, as inclusive ranges. */
  readonly expect: readonly (readonly [number, number])[];
  /** Name -> where in the response; the values become ${meeting.NAME}. */
  readonly save: Readonly<Record<string, Saved>>;
  readonly timeoutMs: number;
  /** Calls per second that one worker makes. */
  readonly ratePerS: number;
}

export interface ValidMeetings {
  readonly count: number;
  readonly provision: HttpCall | null;
  readonly teardown: HttpCall | null;
}

export interface ValidPolicies {
  readonly onNodeLoss: NodeLossPolicy;
  readonly onCoordinatorLoss: 'terminate' | 'reelect';
}

export interface ValidScenario {
  readonly name: string;
  readonly description: string;
  readonly seed: number;
  /** Every declared variable with its value as text. */
  readonly variables: Readonly<Record<string, string>>;
  readonly targets: Readonly<Record<string, string>>;
  readonly meetings: ValidMeetings | null;
  readonly groups: readonly ValidGroup[];
  readonly thresholds: readonly Threshold[];
  readonly policies: ValidPolicies;
  readonly deadlineMs: number;
  readonly setupMsMax: number;
  readonly gracefulStopMs: number;
  /** Endpoints and meetings per shard; null = plan.ts chooses. */
  readonly shardEndpoints: number | null;
  readonly shardMeetings: number | null;
  readonly tags: Readonly<Record<string, string>>;
  /** Files the scenario needs beside itself, relative to its folder: the bundle carries them. */
  readonly files: readonly string[];
}
